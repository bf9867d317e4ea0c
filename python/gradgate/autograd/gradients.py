"""Gradients of given tensors by given tensors."""

from __future__ import annotations

from collections.abc import Sequence

from gradgate import _core
from gradgate._core import Tensor

__all__ = ["backward", "grad"]

Tensors = Tensor | Sequence[Tensor]
OptionalTensors = Tensor | Sequence[Tensor | None] | None


def _as_list(tensors: OptionalTensors) -> list[Tensor | None]:
    if tensors is None:
        return []
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _check_count(gradients: list[Tensor | None], outputs: list[Tensor | None], name: str) -> None:
    if gradients and len(gradients) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(gradients)} gradients; {name} needs one for each")


def backward(
    tensors: Tensors,
    grad_tensors: OptionalTensors = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of the sum of tensors to the ``.grad`` of their leaves (or of ``inputs`` alone).

    ``grad_tensors`` are the upstream gradients, each of its tensor's shape, None for 1 at a tensor of one element.
    ``retain_graph`` defaults to ``create_graph``. Raises RuntimeError off the graph or for gradients of other shapes.
    """
    roots, gradients = _as_list(tensors), _as_list(grad_tensors)
    _check_count(gradients, roots, "grad_tensors")
    retain = create_graph if retain_graph is None else retain_graph
    _core._backward(roots, gradients, retain, create_graph, None if inputs is None else _as_list(inputs))


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: OptionalTensors = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """Return the gradients of the sum of outputs by each of inputs; no ``.grad`` changes.

    Inputs may be leaves or results. An input that the outputs do not depend on raises RuntimeError, or gives None with
    ``allow_unused`` and zeros with ``materialize_grads``. With ``create_graph`` the gradients can be differentiated again,
    and such zeros, too: they require gradients.

    >>> import gradgate
    >>> x = gradgate.tensor(3.0, requires_grad=True)
    >>> (dx,) = gradgate.autograd.grad(x * x, x, create_graph=True)
    >>> gradgate.autograd.grad(dx, x)[0].item()
    2.0
    """
    roots, leaves, gradients = _as_list(outputs), _as_list(inputs), _as_list(grad_outputs)
    _check_count(gradients, roots, "grad_outputs")
    if not leaves:
        raise RuntimeError("grad: inputs cannot be empty")
    if materialize_grads and allow_unused is False:
        raise ValueError("materialize_grads=True needs allow_unused to be True or not given")
    retain = create_graph if retain_graph is None else retain_graph
    unused = materialize_grads if allow_unused is None else allow_unused
    results = _core._gradients(roots, leaves, gradients, retain, create_graph, unused)
    if materialize_grads:
        return tuple(
            _core.zeros_like(x).requires_grad_(create_graph) if g is None else g
            for g, x in zip(results, leaves, strict=True)
        )
    return tuple(results)
