"""What the losses share: the reduction, and checks of shapes and class indices."""

from __future__ import annotations

from gradgate import _core
from gradgate._core import Tensor

REDUCTIONS = ("none", "mean", "sum")


def reduce(loss: Tensor, reduction: str) -> Tensor:
    """Return the losses of the elements (*), or their mean or sum (). Raises ValueError for another reduction."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    check_reduction(reduction)
    return loss


def check_reduction(reduction: str) -> None:
    """Raise ValueError unless `reduction` is "none", "mean" or "sum"."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction: use 'none', 'mean' or 'sum'")


def require_same_shape(operation: str, input: Tensor, target: Tensor) -> None:
    """Raise ValueError, with the mend, if the shapes differ: broadcasting (N,) with (N, 1) would give (N, N)."""
    if input.shape != target.shape:
        raise ValueError(
            f"{operation}: input {tuple(input.shape)} and target {tuple(target.shape)} must have the same shape; "
            + _mend(tuple(input.shape), tuple(target.shape))
        )


def _mend(shape: tuple[int, ...], target: tuple[int, ...]) -> str:
    if shape == (*target, 1):
        return f"use target.unsqueeze({len(target)})"
    if target == (*shape, 1):
        return f"use target.squeeze({len(shape)})"
    if len(target) <= len(shape) and all(t in (1, s) for s, t in zip(reversed(shape), reversed(target), strict=False)):
        return "use target.expand_as(input) if each target stands for several elements"
    return "reshape one of them"


def class_dim(operation: str, input: Tensor, target: Tensor) -> int:
    """Return the dimension of the classes of `input`: 1 of (N, C, *), 0 of (C,).

    Raises ValueError if the shape of `target` is not the input's without that dimension, and RuntimeError if the
    target does not hold integers.
    """
    if input.ndim == 0:
        raise ValueError(f"{operation}: expected an input (C,) or (N, C, *), got a tensor without dimensions")
    dim = 1 if input.ndim > 1 else 0
    shape = tuple(input.shape)
    expected = shape[:dim] + shape[dim + 1 :]
    if tuple(target.shape) != expected:
        squeezed = tuple(target.shape) == (*shape[:dim], 1, *shape[dim + 1 :])
        raise ValueError(
            f"{operation}: an input {shape} with {shape[dim]} classes needs a target {expected} of class indices, "
            f"got {tuple(target.shape)}; " + (f"use target.squeeze({dim})" if squeezed else "one class per item")
        )
    if target.is_floating_point() or target.dtype == _core.bool:
        raise RuntimeError(f"{operation}: class indices must be integers, got {target.dtype}; use target.long()")
    return dim


def check_class_range(operation: str, target: Tensor, classes: int) -> None:
    """Raise IndexError, naming the value, unless all of `target` lies in 0 .. classes - 1."""
    if target.numel() == 0:
        return
    lowest, highest = int(target.min()), int(target.max())
    if lowest < 0 or highest >= classes:
        raise IndexError(
            f"{operation}: target {lowest if lowest < 0 else highest} is out of bounds for {classes} classes "
            f"(0 to {classes - 1})"
        )


def class_weights(
    operation: str, weight: Tensor | None, classes: int, dtype: _core.dtype | None = None
) -> Tensor | None:
    """`weight` itself. Raises RuntimeError unless it is None or has one element per class, of `dtype` if that is given."""
    if weight is None:
        return None
    if tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"{operation}: weight must have one element for each of {classes} classes, got {tuple(weight.shape)}"
        )
    if dtype is not None and weight.dtype != dtype:
        raise RuntimeError(f"{operation}: expected a weight of the input's type {dtype}, got {weight.dtype}; use .to()")
    return weight
