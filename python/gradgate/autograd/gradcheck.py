"""Gradients compared with centred differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradgate import _core
from gradgate._core import Tensor
from gradgate.autograd.grad_mode import enable_grad, no_grad
from gradgate.autograd.gradients import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

# The one-sided differences of a smooth function differ by step * f'', so that a smaller step brings them together by the same
# factor; at a kink they stay apart.
_SMALLER_STEP = 1 / 8
_STAY_APART = 1 / 2


class GradcheckError(RuntimeError):
    """A gradient that differs from its numerical value; the message says which input and element."""


def _outputs(result: Any) -> list[Tensor]:
    outputs = [result] if isinstance(result, Tensor) else list(result)
    return [y for y in outputs if isinstance(y, Tensor) and y.dtype.is_floating_point]


def _values(func: Callable[..., Any], inputs: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    with no_grad():
        return [y.detach().numpy().astype(np.float64) for y in _outputs(func(*inputs))]


def _perturbed(
    func: Callable[..., Any], inputs: Sequence[Any], index: int, element: int, step: float
) -> list[np.ndarray[Any, Any]]:
    moved = inputs[index].detach().clone()
    moved.numpy().flat[element] += (
        step  # the clone keeps the input's memory order, of which reshape(-1) could be a copy
    )
    moved.requires_grad_(inputs[index].requires_grad)
    return _values(func, [*inputs[:index], moved, *inputs[index + 1 :]])


def _analytic(outputs: list[Tensor], x: Tensor, shapes: list[tuple[int, ...]]) -> list[np.ndarray[Any, Any]]:
    """The Jacobian of every output by x, one row an output element."""
    rows = []
    for output, shape in zip(outputs, shapes, strict=True):
        size = int(np.prod(shape, dtype=np.int64))
        jacobian = np.zeros((size, x.numel()))
        for i in range(size if output.requires_grad else 0):
            upstream = np.zeros(shape)
            upstream.reshape(-1)[i] = 1.0
            (dx,) = grad(
                output,
                x,
                _core.tensor(upstream, dtype=output.dtype),
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
            jacobian[i] = dx.detach().numpy().reshape(-1)
        rows.append(jacobian)
    return rows


def _message(
    kind: str, index: int, output: int, where: tuple[int, int], x: Tensor, shape: tuple[int, ...], a: float, n: float
) -> str:
    of = tuple(int(i) for i in np.unravel_index(where[0], shape)) if shape else ()
    by = tuple(int(i) for i in np.unravel_index(where[1], x.shape)) if x.shape else ()
    return (
        f"gradient of output {output} at {of} by input {index} at {by} is {a:.10g}, but the centred difference is {n:.10g}; {kind} "
        f"(relative error {abs(a - n) / max(1e-8, abs(a) + abs(n)):.3g}, the input there is {float(x.detach().numpy()[by]):.10g})"
    )


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the gradients of func's outputs by its inputs with centred differences (f(x + eps) - f(x - eps)) / (2 eps).

    ``inputs`` is a tensor or a sequence; those that require a gradient are checked and must be float64, where the rounding error
    of the difference is about 1e-16 / eps = 1e-10 of the function's value. An element fails when |analytic - numerical| >
    atol + rtol * |numerical|. The error names the input, the output and the element, and says so when the one-sided differences
    disagree, whatever the step: then the point is at a kink (as relu's at 0) and neither value is wrong. Where the gradient passes
    at a kink (as that of abs at 0, which is the mean of both sides), a UserWarning says the same.

    Returns True, or raises GradcheckError (returns False with ``raise_exception=False``). Raises ValueError when no input
    requires a gradient and TypeError for one that is not float64.

    >>> import gradgate
    >>> x = gradgate.tensor([0.5, 1.5], dtype=gradgate.float64, requires_grad=True)
    >>> gradgate.autograd.gradcheck(gradgate.sin, (x,))
    True
    """
    arguments = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, x in enumerate(arguments) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them does")
    for i in checked:
        if arguments[i].dtype != _core.float64:
            raise TypeError(
                f"gradcheck: input {i} is {arguments[i].dtype}; differences need float64, convert it with .double()"
            )
    try:
        for i in checked:
            _check_input(func, arguments, i, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_input(
    func: Callable[..., Any], arguments: list[Any], index: int, eps: float, atol: float, rtol: float
) -> None:
    x = arguments[index]
    outputs = _outputs(func(*arguments))
    shapes = [tuple(y.shape) for y in outputs]
    analytic = _analytic(outputs, x, shapes)
    centre = _values(func, arguments)
    for element in range(x.numel()):
        right, left = _one_sided(func, arguments, index, element, eps, centre)
        for o, (above, below) in enumerate(zip(right, left, strict=True)):
            numerical = (above + below) / 2
            wrong = ~(np.abs(analytic[o][:, element] - numerical) <= atol + rtol * np.abs(numerical))
            apart = np.abs(above - below) > atol + rtol * np.abs(numerical)
            if not (wrong.any() or apart.any()):
                continue
            smaller = _one_sided(func, arguments, index, element, eps * _SMALLER_STEP, centre)
            kink = apart & (np.abs(smaller[0][o] - smaller[1][o]) > _STAY_APART * np.abs(above - below))
            if not (wrong.any() or kink.any()):
                continue
            row = int(np.argmax(wrong if wrong.any() else kink))
            sides = f"the one-sided differences {below[row]:.6g} and {above[row]:.6g} disagree: a kink"
            kind = sides if kink[row] else "not a kink"
            message = _message(kind, index, o, (row, element), x, shapes[o], analytic[o][row, element], numerical[row])
            if wrong.any():
                raise GradcheckError(message)
            warnings.warn("gradcheck: " + message, stacklevel=3)


def _one_sided(
    func: Callable[..., Any],
    arguments: list[Any],
    index: int,
    element: int,
    step: float,
    centre: list[np.ndarray[Any, Any]],
) -> tuple[list[np.ndarray[Any, Any]], list[np.ndarray[Any, Any]]]:
    """The differences of every output above and below an element of an input, divided by the step."""
    above = _perturbed(func, arguments, index, element, step)
    below = _perturbed(func, arguments, index, element, -step)
    return (
        [((high - middle) / step).reshape(-1) for high, middle in zip(above, centre, strict=True)],
        [((middle - low) / step).reshape(-1) for low, middle in zip(below, centre, strict=True)],
    )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Check the second derivatives: gradcheck of the function that maps inputs and upstream gradients to gradients.

    ``grad_outputs`` defaults to fixed random values. Returns and raises as gradcheck.
    """
    arguments = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    outputs = [y for y in _outputs(func(*arguments)) if y.requires_grad]
    if grad_outputs is None:
        random = np.random.default_rng(0)
        upstream = [
            _core.tensor(random.standard_normal(tuple(y.shape)), dtype=y.dtype, requires_grad=True) for y in outputs
        ]
    else:
        given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
        upstream = [g.detach().clone().requires_grad_() for g in given]
    count = len(arguments)

    def gradients(*both: Any) -> tuple[Tensor, ...]:
        first, second = list(both[:count]), both[count:]
        with enable_grad():
            leaves = [x for x in first if isinstance(x, Tensor) and x.requires_grad]
            results = [y for y in _outputs(func(*first)) if y.requires_grad]
            return grad(results, leaves, list(second), create_graph=True, allow_unused=True, materialize_grads=True)

    return gradcheck(gradients, [*arguments, *upstream], eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)
