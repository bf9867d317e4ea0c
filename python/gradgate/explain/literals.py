"""Arrays as Python text that gives back every bit of their numbers."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from gradgate._core import Tensor
from gradgate.explain.summary import array_of

Array = np.ndarray[Any, Any]
WIDTH = 80


def _number(value: Any) -> str:
    """The shortest digits that give the number back."""
    if value.dtype.kind != "f":
        return str(value)
    if np.isnan(value):
        return "np.nan"
    if np.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    # The digits of float32 are read as a float64 first, which rounds twice: now and then the wide ones are needed.
    text = str(value)
    return text if value.dtype.type(float(text)) == value else repr(float(value))


def _nested(values: Array, indent: str = "") -> str:
    """Brackets in brackets, on one line where they fit."""
    inside = indent + "    "
    parts = [_number(v) if values.ndim == 1 else _nested(v, inside) for v in values]
    if len(indent) + sum(map(len, parts)) + 2 * len(parts) <= WIDTH and not any("\n" in part for part in parts):
        return f"[{', '.join(parts)}]"
    if values.ndim == 1:
        lines = textwrap.fill(", ".join(parts), WIDTH, initial_indent=inside, subsequent_indent=inside)
    else:
        lines = ",\n".join(inside + part for part in parts)
    return f"[\n{lines},\n{indent}]"


def literal(tensor: Tensor) -> str:
    """An expression of NumPy for the tensor, of the same type, shape and bits."""
    values = array_of(tensor)
    name = "np.bool_" if values.dtype.kind == "b" else f"np.{values.dtype.name}"
    if values.ndim == 0:
        return f"{name}({_number(values[()])})"
    if values.size == 0:
        return f"np.zeros({values.shape}, {name})"
    # The types that NumPy gives to lists of such numbers by itself.
    argument = "" if name in ("np.float64", "np.bool_") else f", dtype={name}"
    return f"np.array({_nested(values)}{argument})"
