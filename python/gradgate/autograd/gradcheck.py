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

# Kinks are looked for on points this many to a step. Where the curvature is even, 2 of 15 parts of the change of slope lie at
# two neighbours among them; where it is |x|^1.5, a third; at a kink all of it.
_POINTS = 8
_AT_ONE_PLACE = 1 / 2

_Rows = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


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
    """The outputs with one element of an input moved: of the input itself, which the function may have captured, too."""
    x = inputs[index].detach()
    if _overlaps(x):
        moved = x.clone()
        moved[np.unravel_index(element, x.shape)] += step
        return _values(func, [*inputs[:index], moved.requires_grad_(), *inputs[index + 1 :]])
    where = tuple(int(i) for i in np.unravel_index(element, x.shape))
    before = x[where].item()
    try:
        x[where] = before + step
        return _values(func, inputs)
    finally:
        x[where] = before


def _overlaps(x: Tensor) -> bool:
    """Whether elements of x share memory, so that none can be moved alone."""
    if x.is_contiguous():
        return False
    offsets = sum(
        np.arange(n).reshape([-1] + [1] * (x.ndim - d - 1)) * s
        for d, (n, s) in enumerate(zip(x.shape, x.stride(), strict=True))
    )
    return np.unique(offsets).size < x.numel()


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
    atol + rtol * |numerical|. The error names the input, the output and the element, and says so when the slope changes at one
    place within eps: then there is a kink (as relu's at 0), where neither value is wrong. Where the gradient passes at a kink (as
    that of abs at 0, which is the mean of both sides), a UserWarning says the same.

    The inputs are moved where they lie, and put back, so that func may also use them as captured variables; an input whose
    elements share memory (an expanded one) is copied instead.

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
    arguments = _apart(arguments)
    try:
        for i in checked:
            _check_input(func, arguments, i, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _apart(arguments: list[Any]) -> list[Any]:
    """The arguments, with copies of the leaves that share memory with another one and would move when that is moved."""
    tensors = [x for x in arguments if isinstance(x, Tensor)]
    kept: list[Tensor] = [x for x in tensors if not x.is_leaf]
    copies: dict[int, Tensor] = {}
    for x in sorted((x for x in tensors if x.is_leaf), key=lambda x: not x.requires_grad):
        others = [other.detach().numpy() for other in kept if other is not x]
        if any(np.may_share_memory(x.detach().numpy(), other) for other in others):
            copies.setdefault(id(x), x.detach().clone().requires_grad_(x.requires_grad))
        kept.append(x)
    return [copies.get(id(x), x) for x in arguments]


def _check_input(
    func: Callable[..., Any], arguments: list[Any], index: int, eps: float, atol: float, rtol: float
) -> None:
    x = arguments[index]
    outputs = _outputs(func(*arguments))
    shapes = [tuple(y.shape) for y in outputs]
    analytic = _analytic(outputs, x, shapes)
    centre = _values(func, arguments)
    for element in range(x.numel()):
        high, low = (_perturbed(func, arguments, index, element, step) for step in (eps, -eps))
        kinks: list[_Rows] = []
        for o, middle in enumerate(centre):
            with np.errstate(all="ignore"):  # what is not finite does not pass
                above, below = ((high[o] - middle) / eps).reshape(-1), ((middle - low[o]) / eps).reshape(-1)
                numerical = (above + below) / 2
                wrong = ~(np.abs(analytic[o][:, element] - numerical) <= atol + rtol * np.abs(numerical))
                apart = np.abs(above - below) > atol + rtol * np.abs(numerical)
            if not (wrong.any() or apart.any()):
                continue
            if not kinks:
                kinks = _kinks(func, arguments, index, element, eps, centre)
            at_one_place, distance = kinks[o]
            kink = apart & at_one_place
            if not (wrong.any() or kink.any()):
                continue
            row = int(np.argmax(wrong if wrong.any() else kink))
            kind = _at_kink(distance[row], below[row], above[row]) if kink[row] else "not a kink"
            message = _message(kind, index, o, (row, element), x, shapes[o], analytic[o][row, element], numerical[row])
            if wrong.any():
                raise GradcheckError(message)
            warnings.warn("gradcheck: " + message, stacklevel=3)


def _at_kink(distance: float, below: float, above: float) -> str:
    place = "a kink"
    if distance != 0.0:
        place += f" about {abs(distance):.2g} {'above' if distance > 0 else 'below'} the input"
    return f"the one-sided differences {below:.6g} and {above:.6g} disagree: {place}"


def _kinks(
    func: Callable[..., Any],
    arguments: list[Any],
    index: int,
    element: int,
    eps: float,
    centre: list[np.ndarray[Any, Any]],
) -> list[_Rows]:
    """For each output, by row: whether its slope changes at one place within eps of the element, and how far off that is."""
    step = eps / _POINTS
    points = range(-_POINTS, _POINTS + 1)
    values = [_perturbed(func, arguments, index, element, i * step) if i else centre for i in points]
    found = []
    for o in range(len(centre)):
        line = np.stack([value[o].reshape(-1) for value in values])
        with np.errstate(all="ignore"):
            changes = np.abs(np.diff(line, 2, axis=0))
            # A kink between two points changes the slope at both.
            pairs = changes[:-1] + changes[1:]
        first, rows = np.argmax(pairs, axis=0), np.arange(line.shape[1])
        nearest = np.where(changes[first, rows] >= changes[first + 1, rows], first, first + 1) + 1 - _POINTS
        found.append((pairs[first, rows] > _AT_ONE_PLACE * changes.sum(axis=0), nearest * step))
    return found


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
