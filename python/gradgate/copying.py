"""How tensors are copied by the copy module and travel between processes by pickle: class and attributes included."""

from __future__ import annotations

import copy
import math
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

    Tensors that share memory, and are copied in one call of deepcopy, have copies that share memory.

    Raises RuntimeError for the result of a recorded gate: its graph cannot be copied.
    """
    if id(tensor) in memo:
        known: Tensor = memo[id(tensor)]
        return known
    _require_leaf(tensor, "deep-copied")
    copied = _remade(type(tensor), tensor.detach().clone(), tensor.requires_grad, None)
    memo[id(tensor)] = copied
    if tensor.numel() > 0:
        if id(_CopiedMemory) not in memo:
            memo[id(_CopiedMemory)] = _CopiedMemory()
        memo[id(_CopiedMemory)].add(tensor, copied)
    if attributes := _attributes(tensor):
        vars(copied).update(copy.deepcopy(attributes, memo))
    if tensor.grad is not None:
        grad = tensor.grad if tensor.grad.is_leaf else tensor.grad.detach()
        copied.grad = copy.deepcopy(grad, memo)
    return copied


class _Span:
    """The part of a storage between the first and the last element of some tensors, and their copies."""

    def __init__(self, tensor: Tensor, copied: Tensor) -> None:
        self.begin = tensor.storage_offset()
        if tensor.is_contiguous():
            self.end = self.begin + tensor.numel()
        else:
            self.end = self.begin + 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
        self.pairs = [(tensor, copied)]

    def take(self, other: _Span) -> None:
        """Add the tensors of an overlapping span to this one."""
        self.begin, self.end = min(self.begin, other.begin), max(self.end, other.end)
        self.pairs += other.pairs


class _CopiedMemory:
    """The memory of the tensors that one call of deepcopy has copied."""

    def __init__(self) -> None:
        self._spans: dict[tuple[int, _core.dtype], list[_Span]] = {}  # by the address of the storage and the type

    def add(self, tensor: Tensor, copied: Tensor) -> None:
        """Note a copy, and give it memory in common with those of tensors that may share the original's."""
        span = _Span(tensor, copied)
        address = tensor.data_ptr() - span.begin * tensor.element_size()
        spans = self._spans.setdefault((address, tensor.dtype), [])
        overlapping = [known for known in spans if known.begin < span.end and span.begin < known.end]
        for known in overlapping:
            span.take(known)
            spans.remove(known)
        spans.append(span)
        if overlapping:
            _share(span)


def _share(span: _Span) -> None:
    """Move the copies of a span into one block of memory."""
    # A step behind the end of the longest lets every view be cut from whole steps.
    room = max((max(tensor.stride(), default=0) for tensor, _ in span.pairs), default=0)
    block = np.zeros(span.end - span.begin + room, span.pairs[0][0].detach().numpy().dtype)
    for tensor, _ in span.pairs:
        values = tensor.detach().numpy()
        within = tensor.storage_offset() - span.begin
        strides = [s * block.itemsize for s in tensor.stride()]
        np.lib.stride_tricks.as_strided(block[within:], values.shape, strides)[...] = values
    memory = _core.tensor(block)
    for tensor, copied in span.pairs:
        view = _cut(memory, tuple(tensor.shape), tensor.stride(), tensor.storage_offset() - span.begin)
        if view is not None:
            copied.data = view


def _cut(memory: Tensor, shape: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Tensor | None:
    """A view of memory, which has one dimension, with this shape and these strides; None if no views lead there."""
    dims = [d for d in range(len(shape)) if shape[d] > 1 and stride[d] > 0]
    dims.sort(key=lambda d: -stride[d])
    length = shape[dims[0]] * stride[dims[0]] if dims else 1
    view = memory[offset : offset + length]
    for i, d in enumerate(dims):
        inner = 1 + sum((shape[e] - 1) * stride[e] for e in dims[i + 1 :])
        part = math.gcd(length, stride[d]) if i + 1 < len(dims) else 1
        if inner > part:
            return None
        step = stride[d] // part
        view = view.unflatten(-1, (length // part, part)).narrow(-2, 0, (shape[d] - 1) * step + 1)
        view = view[..., ::step, :]
        length = part
    view = view.squeeze(-1) if dims else view[0]
    view = view.permute(sorted(range(len(dims)), key=lambda i: dims[i]))
    for d in range(len(shape)):
        if d not in dims:
            view = view.unsqueeze(d)
    return view.expand(shape)


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
