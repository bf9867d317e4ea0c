"""Positions of samples: whole numbers, and never a mask of them."""

from __future__ import annotations

import operator
from typing import Any, NoReturn

import numpy

from gradgate import _core
from gradgate._core import Tensor

_BOOLS = (bool, numpy.bool_)
_ONLY_INT = {int}


def _refuse(source: str) -> NoReturn:
    raise TypeError(
        f"{source}: indices are the positions of samples, but a bool was given; turn a mask into positions, by "
        "mask.nonzero().flatten() for a tensor or numpy.flatnonzero(mask)"
    )


def _is_bool(index: Any) -> bool:
    return isinstance(index, _BOOLS) or (isinstance(index, Tensor) and index.dtype == _core.bool)


def sample_key(index: Any, source: str) -> Any:
    """What names a sample to its data set: whole numbers of any type as int, and other keys as they are.

    Raises TypeError for a bool.
    """
    if _is_bool(index):
        _refuse(source)
    try:
        return operator.index(index)
    except TypeError:
        return index


def sample_keys(indices: Any, source: str) -> list[Any]:
    """The keys of a batch of samples, as `sample_key` has them."""
    if isinstance(indices, Tensor):
        refuse_mask(indices, source)
        return indices.tolist()  # type: ignore[no-any-return]
    keys = list(indices)
    return keys if _ONLY_INT.issuperset(map(type, keys)) else [sample_key(index, source) for index in keys]


def refuse_mask(indices: Any, source: str) -> None:
    """Raises TypeError if the indices are bools, by the type of a tensor or the first of other indices."""
    if isinstance(indices, Tensor):
        is_mask = indices.dtype == _core.bool
    else:
        is_mask = len(indices) > 0 and _is_bool(next(iter(indices)))
    if is_mask:
        _refuse(source)


def position_tensor(indices: Any, size: int, source: str) -> Tensor:
    """The indices as an int64 tensor; those that are no tensor are counted from the end of `size` samples if negative.

    Raises TypeError for indices that are no whole numbers.
    """
    if isinstance(indices, Tensor):
        refuse_mask(indices, source)
        return indices
    positions = indices.tolist() if isinstance(indices, numpy.ndarray) else list(indices)
    if not _ONLY_INT.issuperset(map(type, positions)):
        positions = [_position(index, source) for index in positions]
    return _core.tensor([index + size if index < 0 else index for index in positions], dtype=_core.int64)


def _position(index: Any, source: str) -> int:
    if _is_bool(index):
        _refuse(source)
    return operator.index(index)
