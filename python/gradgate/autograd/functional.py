"""Derivatives of functions: Jacobians, Hessians and their products with vectors.

Each function takes ``strict``: then outputs (or gradients) that do not depend on an input raise RuntimeError; else their
derivatives are zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradgate import _core
from gradgate._core import Tensor
from gradgate.autograd.grad_mode import enable_grad
from gradgate.autograd.gradients import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vjp"]

Tensors = Tensor | Sequence[Tensor]


def _tuple(tensors: Any, name: str) -> tuple[Tensor, ...]:
    result = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    for t in result:
        if not isinstance(t, Tensor):
            raise TypeError(f"{name} must be a Tensor or a sequence of them, got {type(t).__name__}")
    return result


def _fresh(inputs: Tensors, create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs that require a gradient: the given ones' values, still on the given ones' graph when a graph is wanted."""
    given = _tuple(inputs, "inputs")
    if create_graph:
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in given)
    return tuple(x.detach().requires_grad_() for x in given)


def _vectors(v: Any, like: tuple[Tensor, ...], name: str) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) == 1 and like[0].numel() == 1:
            return (_core.ones_like(like[0]),)
        raise RuntimeError(f"{name}: the vector v can only be None for a single tensor of one element")
    vectors = _tuple(v, "v")
    if len(vectors) != len(like) or any(a.shape != b.shape for a, b in zip(vectors, like, strict=False)):
        raise RuntimeError(f"{name}: v has shapes {[t.shape for t in vectors]}; they must be {[t.shape for t in like]}")
    return vectors


def _like(result: tuple[Any, ...], model: Any) -> Any:
    return result[0] if isinstance(model, Tensor) else result


def _detached(tensors: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    return tensors if create_graph else tuple(t.detach() for t in tensors)


def vjp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return func's outputs and the product of v, of the outputs' shapes, with the Jacobian: what backward computes."""
    with enable_grad():
        xs = _fresh(inputs, create_graph)
        outputs = func(*xs)
        ys = _tuple(outputs, "outputs")
        vectors = _vectors(v, ys, "vjp")
        dxs = _products(ys, xs, vectors, create_graph, strict)
    return _like(_detached(ys, create_graph), outputs), _like(dxs, inputs)


def _products(
    ys: tuple[Tensor, ...],
    xs: tuple[Tensor, ...],
    vectors: tuple[Tensor, ...],
    create_graph: bool,
    strict: bool = False,
) -> tuple[Tensor, ...]:
    """The products of the vectors with the derivatives of ys by xs; one that is zero for want of a path is refused if strict."""
    on_graph = [(y, v) for y, v in zip(ys, vectors, strict=True) if y.requires_grad]
    products: tuple[Tensor | None, ...] = (None,) * len(xs)
    if on_graph:
        roots, upstream = zip(*on_graph, strict=True)
        products = grad(roots, xs, upstream, create_graph=create_graph, retain_graph=True, allow_unused=True)
    for i, product in enumerate(products):
        if strict and product is None:
            raise RuntimeError(f"the function does not depend on input {i}, which strict=True does not allow")
    return tuple(_core.zeros_like(x) if p is None else p for p, x in zip(products, xs, strict=True))


def jvp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return func's outputs and the product of the Jacobian with v, of the inputs' shapes.

    Computed as the derivative of vjp by its vector (the vjp is linear in it), so func must be twice differentiable in the
    library's sense.
    """
    with enable_grad():
        xs = _fresh(inputs, create_graph)
        vectors = _vectors(v, xs, "jvp")
        outputs = func(*xs)
        ys = _tuple(outputs, "outputs")
        probes = tuple(_core.zeros_like(y).requires_grad_() for y in ys)
        dxs = _products(ys, xs, probes, create_graph=True, strict=strict)
        results = _products(dxs, probes, vectors, create_graph)
    return _like(_detached(ys, create_graph), outputs), _like(results, outputs)


def jacobian(func: Callable[..., Any], inputs: Tensors, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the Jacobian of func's outputs by its inputs.

    For one output of shape S and one input of shape R it is a tensor of shape S + R; for several it is a tuple over outputs of
    tuples over inputs of these, each level there only when func returns, or ``inputs`` is, a sequence.

    >>> import gradgate
    >>> gradgate.autograd.functional.jacobian(lambda x: x * x, gradgate.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    with enable_grad():
        xs = _fresh(inputs, create_graph)
        outputs = func(*xs)
        rows = tuple(_like(_jacobian_of(y, xs, create_graph, strict), inputs) for y in _tuple(outputs, "outputs"))
    return _like(rows, outputs)


def _jacobian_of(y: Tensor, xs: tuple[Tensor, ...], create_graph: bool, strict: bool) -> tuple[Tensor, ...]:
    rows = []
    for i in range(y.numel()):
        unit = _core.zeros_like(y).reshape(-1)
        unit[i] = 1
        rows.append(_products((y,), xs, (unit.reshape(y.shape),), create_graph, strict))
    if not rows:
        return tuple(_core.zeros((*y.shape, *x.shape), dtype=x.dtype) for x in xs)
    columns = zip(*rows, strict=True)
    return tuple(_core.stack(column).reshape((*y.shape, *x.shape)) for column, x in zip(columns, xs, strict=True))


def _scalar(func: Callable[..., Any], name: str) -> Callable[..., Tensor]:
    def checked(*xs: Tensor) -> Tensor:
        y = func(*xs)
        if not isinstance(y, Tensor) or y.numel() != 1:
            raise RuntimeError(
                f"{name}: func must return a single tensor of one element, got {getattr(y, 'shape', type(y).__name__)}"
            )
        return y

    return checked


def hessian(func: Callable[..., Any], inputs: Tensors, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the Hessian of a func with one scalar output: the Jacobian of its gradient.

    For one input of shape R it is a tensor of shape R + R; for several a tuple of tuples of these. Raises RuntimeError when func
    returns more than one element.
    """
    scalar = _scalar(func, "hessian")

    def gradient(*xs: Tensor) -> Any:
        y = scalar(*xs)
        return _like(_products((y,), xs, (_core.ones_like(y),), create_graph=True, strict=strict), inputs)

    return jacobian(gradient, inputs, create_graph, strict)


def hvp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return func's scalar output and the product of its Hessian with v, of the inputs' shapes, without forming the Hessian."""
    scalar = _scalar(func, "hvp")
    with enable_grad():
        xs = _fresh(inputs, create_graph)
        vectors = _vectors(v, xs, "hvp")
        y = scalar(*xs)
        gradients = _products((y,), xs, (_core.ones_like(y),), create_graph=True, strict=strict)
        products = _products(gradients, xs, vectors, create_graph, strict)
    return _detached((y,), create_graph)[0], _like(products, inputs)
