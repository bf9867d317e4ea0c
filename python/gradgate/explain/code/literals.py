"""Writes arrays as NumPy expressions that give back every bit of their numbers."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from gradgate._core import Tensor
from gradgate._core import bool as bool_type
from gradgate.explain.circuit import Variable
from gradgate.explain.summary import array_of

Array = np.ndarray[Any, Any]
WIDTH = 80


def _number(value: Any) -> str:
    """The shortest digits that read back as the same number."""
    if value.dtype.kind != "f":
        return str(value)
    if np.isnan(value):
        return "np.nan"
    if np.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    # Python reads the digits as a float64, which is then rounded to float32: this double rounding sometimes needs all the digits.
    text = str(value)
    return text if value.dtype.type(float(text)) == value else repr(float(value))


def _nested(values: Array, indent: str = "") -> str:
    """Nested brackets, on one line if they fit."""
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
    """A NumPy expression for the tensor, with the same type, shape and bits."""
    values = array_of(tensor)
    name = "np.bool_" if values.dtype.kind == "b" else f"np.{values.dtype.name}"
    if values.ndim == 0:
        return f"{name}({_number(values[()])})"
    if values.size == 0:
        return f"np.zeros({values.shape}, {name})"
    # NumPy gives lists of such numbers these types by itself.
    argument = "" if name in ("np.float64", "np.bool_") else f", dtype={name}"
    return f"np.array({_nested(values)}{argument})"


def _could_decide(other: Tensor, value: Tensor) -> bool:
    """True if the result's type could change when the second tensor is replaced by a Python number."""
    if other.dtype == bool_type:
        return False
    return value.dtype.is_floating_point or not other.dtype.is_floating_point


def number_in_place(variable: Variable) -> str | None:
    """An unnamed constant as a number in the code, None if the code needs an array.

    A Python number takes the type of the array that it is combined with, so that must be the constant's own type in every use.
    """
    value = variable.value
    if variable.named or variable.kind != "constant" or value.ndim > 0:
        return None
    for edge in variable.outputs:
        gate = edge.target
        others = [other.value for other in gate.inputs] + [v for v in gate.values if v is not None]
        if any(other.dtype != value.dtype and _could_decide(other, value) for other in others):
            return None
        formulas = "\n".join(
            line for text in (gate.text, *(other.template for other in gate.inputs)) for line in text or ()
        )
        if (
            f"{{{edge.position}}}." in formulas or f"{{{edge.position}}}[" in formulas
        ):  # methods and indices need an array
            return None
    text = _number(array_of(value)[()])
    if value.dtype.is_floating_point and text != "-0.0":  # Python's integers have no negative zero
        text = text.removesuffix(".0")
    return f"({text})" if text.startswith("-") else text
