"""What a tensor without a name is called: a constant by what the gate that uses it takes it for, where that is sure."""

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


def role_of(kind: str, position: int, constant: Tensor) -> str:
    """The word for a constant that a gate of this kind takes at this position: "mask", "positions", else "constant"."""
    if (kind, position) in _BY_PLACE:
        return _BY_PLACE[kind, position]
    if constant.ndim == 0:
        return "constant"
    if not constant.dtype.is_floating_point:
        # Gates compute with floating-point numbers, so that they take whole ones for places.
        return "mask" if constant.dtype == bool_type else "positions"
    return "mask" if kind == "mul" and _keeps_or_drops(constant) else "constant"


def _keeps_or_drops(constant: Tensor) -> bool:
    """Whether the elements are 0 and one other number."""
    array = array_of(constant)
    kept = array[array != 0]
    return 0 < kept.size < array.size and bool(np.all(kept == kept[0]))
