"""How tensors are copied by the copy module and travel between processes by pickle: class and attributes included."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from gradgate import _core
from gradgate._core import Tensor

__all__: list[str] = []


def _require_leaf(tensor: Tensor, done: str) -> None:
    if not tensor.is_leaf:
        raise RuntimeError(
            f"only leaves can be {done}, and this tensor of shape {tuple(tensor.shape)} was made by "
            f"{tensor.grad_fn!r}; use detach() or clone()"
        )


def _remade(cls: type[Tensor], data: Tensor, requires_grad: bool, attributes: dict[str, Any] | None) -> Tensor:
    """A leaf of the class over data's memory. The class's constructor is not called, since its arguments are unknown."""
    tensor: Tensor = _core._make_subclass(cls, data, requires_grad)
    if attributes:
        vars(tensor).update(attributes)
    return tensor


def _attributes(tensor: Tensor) -> dict[str, Any] | None:
    return getattr(tensor, "__dict__", None)


def _copy(tensor: Tensor) -> Tensor:
    """A leaf over the same memory.

    Raises RuntimeError for the result of a recorded gate.
    """
    _require_leaf(tensor, "copied")
    return _remade(type(tensor), tensor.detach(), tensor.requires_grad, _attributes(tensor))


def _deepcopy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """A leaf with memory, attributes and gradient of its own.

    Raises RuntimeError for the result of a recorded gate: its graph cannot be copied.
    """
    if id(tensor) in memo:
        known: Tensor = memo[id(tensor)]
        return known
    _require_leaf(tensor, "deep-copied")
    copied = _remade(type(tensor), tensor.detach().clone(), tensor.requires_grad, None)
    memo[id(tensor)] = copied
    if attributes := _attributes(tensor):
        vars(copied).update(copy.deepcopy(attributes, memo))
    if tensor.grad is not None:
        copied.grad = tensor.grad.detach().clone()
    return copied


def _rebuild(
    cls: type[Tensor], array: np.ndarray[Any, Any], requires_grad: bool, attributes: dict[str, Any] | None
) -> Tensor:
    return _remade(cls, _core.as_tensor(array), requires_grad, attributes)


def _reduce(tensor: Tensor, protocol: int) -> tuple[Any, ...]:
    """The values go as a NumPy array, which protocol 5 can hand over without a copy.

    Raises RuntimeError for the result of a recorded gate.
    """
    _require_leaf(tensor, "pickled")
    values = tensor.detach().numpy()
    return _rebuild, (type(tensor), values, tensor.requires_grad, _attributes(tensor))


def install() -> None:
    """Make this the way that Tensor is copied and pickled."""
    Tensor.__copy__ = _copy  # type: ignore[attr-defined]
    Tensor.__deepcopy__ = _deepcopy  # type: ignore[attr-defined]
    Tensor.__reduce_ex__ = _reduce  # type: ignore[method-assign, assignment]
