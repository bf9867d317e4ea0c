"""How tensors are printed: NumPy's layout, PyTorch's numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradgate import _core
from gradgate._core import Tensor

__all__ = ["set_printoptions"]


@dataclass(frozen=True)
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}

_options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; None leaves an option as it is.

    ``precision`` is the number of digits after the point, ``threshold`` the number of elements above which only ``edgeitems`` at
    each end of a dimension are shown, ``linewidth`` the characters of a line, ``sci_mode`` True or False to force scientific
    notation on or off. ``profile`` ("default", "short" or "full") sets all at once, before the others.

    Raises ValueError for a profile of another name.
    """
    global _options
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions: no profile {profile!r}; there are {', '.join(sorted(_PROFILES))}")
    chosen = _options if profile is None else _PROFILES[profile]
    given: dict[str, Any] = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
        "sci_mode": sci_mode,
    }
    _options = replace(chosen, **{name: value for name, value in given.items() if value is not None})


# PyTorch's limits for scientific notation: numbers this large, this small, or this far apart.
_LARGE, _SMALL, _SPREAD = 1e8, 1e-4, 1e3


class _FloatFormat:
    """One format for all numbers of a tensor, chosen from those that will be shown."""

    def __init__(self, shown: np.ndarray) -> None:
        finite = np.abs(shown[np.isfinite(shown) & (shown != 0)].astype(np.float64))
        whole = bool(np.all(finite == np.ceil(finite)))
        smallest, largest = (float(finite.min()), float(finite.max())) if finite.size else (1.0, 1.0)
        scientific = largest > _LARGE or largest / smallest > _SPREAD or (smallest < _SMALL and not whole)
        if _options.sci_mode is not None:
            scientific = _options.sci_mode
        self._style = f".{_options.precision}e" if scientific else "whole" if whole else f".{_options.precision}f"
        self._width = max((len(self._plain(float(v))) for v in shown.flat), default=0)

    def _plain(self, value: float) -> str:
        if not math.isfinite(value):
            return str(value)
        return f"{value:.0f}." if self._style == "whole" else f"{value:{self._style}}"

    def __call__(self, value: Any) -> str:
        return self._plain(float(value)).rjust(self._width)


def _shown(array: np.ndarray) -> np.ndarray:
    """The elements that a summary shows."""
    if array.size <= _options.threshold:
        return array
    for axis, size in enumerate(array.shape):
        if size > 2 * _options.edgeitems:
            array = np.take(array, [*range(_options.edgeitems), *range(size - _options.edgeitems, size)], axis)
    return array


def _elements(array: np.ndarray, prefix: str) -> str:
    width = max((len(str(v)) for v in _shown(array).flat), default=0)
    formatter: dict[str, Any] = {
        "float_kind": _FloatFormat(_shown(array)) if array.dtype.kind == "f" else str,
        "int": lambda v: str(v).rjust(width),
        "bool": lambda v: str(bool(v)).rjust(width),
    }
    if array.ndim == 0:
        return formatter["float_kind"](array[()]).strip() if array.dtype.kind == "f" else str(array[()])
    threshold = array.size if math.isinf(_options.threshold) else int(_options.threshold)
    text = np.array2string(
        array,
        max_line_width=_options.linewidth,
        separator=", ",
        prefix=prefix,
        formatter=formatter,  # type: ignore[arg-type]  # NumPy's stub wants a TypedDict
        threshold=threshold,
        edgeitems=_options.edgeitems,
    )
    return text.replace(", ...,", ",  ...,")


def _default_types() -> tuple[_core.dtype, ...]:
    return (_core.get_default_dtype(), _core.int64, _core.bool)


def _suffixes(tensor: Tensor) -> list[str]:
    notes = []
    if tensor.numel() == 0 and tensor.ndim != 1:
        notes.append(f"size={tuple(tensor.shape)}")
    if tensor.dtype not in _default_types() or (tensor.numel() == 0 and tensor.dtype != _core.get_default_dtype()):
        notes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return notes


def tensor_repr(tensor: Tensor) -> str:
    """Write a tensor as ``tensor([...], dtype=..., grad_fn=...)``, the parts that go without saying left out."""
    prefix = "tensor("
    body = "[]" if tensor.numel() == 0 else _elements(tensor.detach().numpy(), prefix)
    text = prefix + body
    for note in _suffixes(tensor):
        last_line = len(text) - text.rfind("\n") - 1
        fits = last_line + len(", ") + len(note) + 1 <= _options.linewidth
        text += f", {note}" if fits else ",\n" + " " * len(prefix) + note
    return text + ")"


def tensor_format(tensor: Tensor, specification: str) -> str:
    """Format a tensor of one element without dimensions as its number, so that ``f"{loss:.4f}"`` works.

    Raises TypeError for a specification on a tensor with dimensions.
    """
    if tensor.ndim == 0 and (specification or not tensor.requires_grad):
        return format(tensor.item(), specification)
    if specification:
        raise TypeError(
            f"unsupported format string {specification!r} for a tensor of shape {tuple(tensor.shape)}; use .item()"
        )
    return repr(tensor)


def install() -> None:
    """Make this the way that Tensor prints itself."""
    Tensor.__repr__ = tensor_repr  # type: ignore[method-assign, assignment]
    Tensor.__format__ = tensor_format  # type: ignore[method-assign, assignment]
