"""How tensors are copied by the copy module and travel between processes by pickle."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradgate import _core
from gradgate._core import Tensor

__all__: list[str] = []


def _deepcopy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """Copy a leaf with memory, flags and gradient of its own.

    Raises RuntimeError for the result of a recorded gate: its graph cannot be copied.
    """
    if id(tensor) in memo:
        copied: Tensor = memo[id(tensor)]
        return copied
    if not tensor.is_leaf:
        raise RuntimeError(
            f"only leaves can be deep-copied, and this tensor of shape {tuple(tensor.shape)} was made by "
            f"{tensor.grad_fn!r}; use detach() or clone()"
        )
    copied = tensor.detach().clone().requires_grad_(tensor.requires_grad)
    if tensor.grad is not None:
        copied.grad = _deepcopy(tensor.grad, memo)
    memo[id(tensor)] = copied
    return copied


def _rebuild(array: np.ndarray[Any, Any], requires_grad: bool) -> Tensor:
    return _core.tensor(array).requires_grad_(requires_grad)


def _reduce(tensor: Tensor, protocol: int) -> tuple[Any, ...]:
    if not tensor.is_leaf:
        raise RuntimeError(f"only leaves can be pickled, and this tensor was made by {tensor.grad_fn!r}; use detach()")
    return _rebuild, (tensor.detach().numpy().copy(), tensor.requires_grad)


def install() -> None:
    """Make this the way that Tensor is copied and pickled."""
    Tensor.__deepcopy__ = _deepcopy  # type: ignore[attr-defined]
    Tensor.__reduce_ex__ = _reduce  # type: ignore[method-assign, assignment]
