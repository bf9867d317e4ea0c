"""Names unnamed constants by the gate that uses them: a mask, positions, a target."""

from __future__ import annotations

import numpy as np

from gradgate._core import Tensor
from gradgate._core import bool as bool_type
from gradgate.explain.summary import array_of

# By the gate's kind and the number of the input.
_BY_PLACE = {
    ("cross_entropy", 1): "target",
    ("cross_entropy", 2): "class_weight",
    ("fill", 1): "values",
    ("index_fill", 1): "values",
    ("copy_slices", 1): "values",
}


def use_of(kind: str, position: int, constant: Tensor) -> str:
    """A word for what a gate of this kind does with a constant at this position: "mask", "positions" ...; else "constant"."""
    if (kind, position) in _BY_PLACE:
        return _BY_PLACE[kind, position]
    if constant.ndim == 0:
        return "constant"
    if not constant.dtype.is_floating_point:
        # Gates compute with floating-point numbers, so an array of integers must be one of positions.
        return "mask" if constant.dtype == bool_type else "positions"
    return "mask" if kind == "mul" and _has_two_values(constant) else "constant"


def _has_two_values(constant: Tensor) -> bool:
    """True if some elements are 0 and all others are one number, as in a dropout mask."""
    array = array_of(constant)
    kept = array[array != 0]
    return 0 < kept.size < array.size and bool(np.all(kept == kept[0]))
