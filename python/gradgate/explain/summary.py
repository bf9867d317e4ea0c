"""Formats tensors for pictures and tables: a few digits, small arrays in full, large ones by their range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradgate._core import Tensor

Array = np.ndarray[Any, Any]

# Arrays of up to this many elements are shown in full; eight make two rows of four, a label about as tall as a gate.
SMALL = 8
PER_LINE = MOST_ROWS = 4
BINS = 16


def number(value: float, digits: int = 3) -> str:
    """A number with a few significant digits, `0.197`, `1.23e5`; whole numbers below 100,000 in full, without a point."""
    value = float(value)
    size = abs(value)
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and size < 1e5:
        return str(int(value))
    if 1e-4 <= size < 1e5:
        places = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{value:.{places}f}"
        return text.rstrip("0").rstrip(".") if places else text
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(exponent)}"


def shape_text(tensor: Tensor) -> str:
    """The shape as `(2, 3)`."""
    return f"({', '.join(map(str, tensor.shape))}{',' if tensor.ndim == 1 else ''})"


def array_of(tensor: Tensor) -> Array:
    """A tensor's elements as a NumPy array; the tensor may be on a graph."""
    return np.asarray(tensor.detach().numpy())


def is_small(tensor: Tensor) -> bool:
    """True if a tensor is small enough to show all its numbers."""
    return 0 < tensor.numel() <= SMALL and tensor.ndim <= 2 and (tensor.ndim < 2 or tensor.shape[0] <= MOST_ROWS)


def element(value: Any, digits: int = 3) -> str:
    """One element of an array of any dtype."""
    return str(bool(value)) if isinstance(value, (bool, np.bool_)) else number(value, digits)


def small_lines(tensor: Tensor, digits: int = 3) -> list[str]:
    """The numbers of a small tensor in aligned columns: a line for each row of a matrix, and at most four numbers on a line."""
    array = array_of(tensor)
    if array.ndim == 0:
        return [element(array.item(), digits)]
    rows = [[element(v, digits) for v in row] for row in array.reshape(-1, array.shape[-1]).tolist()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[v.rjust(w) for v, w in zip(row, widths, strict=True)] for row in rows]
    return [line for row in padded for line in _bracketed(row)]


def _bracketed(row: list[str]) -> list[str]:
    parts = [", ".join(row[k : k + PER_LINE]) for k in range(0, len(row), PER_LINE)]
    return [("[" if k == 0 else " ") + part + ("]" if k == len(parts) - 1 else ",") for k, part in enumerate(parts)]


@dataclass(frozen=True)
class Summary:
    """Range, mean and histogram of an array's finite elements, and the number of elements that are not finite."""

    low: float
    high: float
    mean: float
    histogram: tuple[int, ...]
    strange: int  # NaNs and infinities

    @classmethod
    def of(cls, tensor: Tensor) -> Summary | None:
        """The summary of a tensor, None if it has no finite element."""
        values = array_of(tensor).astype(np.float64).ravel()
        finite = values[np.isfinite(values)]
        if not finite.size:
            return None
        low, high = float(np.min(finite)), float(np.max(finite))
        # numpy.histogram raises for ranges that are too narrow for its bins or that overflow, so elements are assigned to bins here.
        place = (finite / 2 - low / 2) / (high / 2 - low / 2) if high > low else np.full(finite.shape, 0.5)
        counts = np.bincount(np.minimum((place * BINS).astype(int), BINS - 1), minlength=BINS)
        return cls(low, high, float(finite.mean()), tuple(counts.tolist()), values.size - finite.size)

    def range_text(self, digits: int = 3) -> str:
        """The range as `-1.2 … 3.4`."""
        return f"{number(self.low, digits)} … {number(self.high, digits)}"


def lines(tensor: Tensor) -> list[str]:
    """A tensor in a line or two: its numbers if it is small, else its range, and how many elements are not finite."""
    if is_small(tensor):
        return small_lines(tensor)
    summary = Summary.of(tensor)
    if summary is None:
        return ["empty" if not tensor.numel() else f"{tensor.numel():,} × NaN or inf"]
    if summary.strange:
        return [summary.range_text(), f"{summary.strange:,} × NaN or inf"]
    return [summary.range_text()]


def sentence(tensor: Tensor, limit: int = 64) -> str:
    """All numbers of a tensor of at most `limit` elements, else its shape, range and mean."""
    if tensor.numel() == 1:
        return number(array_of(tensor).item(), 6) if tensor.dtype.is_floating_point else str(array_of(tensor).item())
    if 0 < tensor.numel() <= limit:
        text = np.array2string(
            array_of(tensor), separator=", ", max_line_width=88, formatter={"all": lambda v: element(v, 6)}
        )
        return str(text)
    summary = Summary.of(tensor)
    if summary is None:
        return f"{shape_text(tensor)} without a finite number"
    return f"{shape_text(tensor)}, {summary.range_text(6)}, mean {number(summary.mean, 6)}"
