"""How tensors are printed: PyTorch's form, laid out by NumPy."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gradgate import _core
from gradgate._core import Tensor

__all__ = ["get_printoptions", "set_printoptions"]


@dataclass
class _PrintOptions:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _PrintOptions(),
    "short": _PrintOptions(precision=2, edgeitems=2),
    "full": _PrintOptions(threshold=math.inf),
}
_options = _PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are printed; an argument that is None keeps its setting, but for `sci_mode`.

    `precision`: digits after the point (4). `threshold`: elements above which a tensor is summarised (1000), and
    `edgeitems`: how many are then shown at each end of a dimension (3). `linewidth`: characters a line (80).
    `sci_mode`: scientific notation always (True), never (False) or where the values are wide (None). `profile` first
    sets all of them: "default", "short" or "full". Raises ValueError for another profile.

    >>> import gradgate
    >>> gradgate.set_printoptions(precision=2)
    >>> gradgate.tensor([1 / 3])
    tensor([0.33])
    >>> gradgate.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
        for name, value in asdict(_PROFILES[profile]).items():
            setattr(_options, name, value)
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in given.items():
        if value is not None:
            setattr(_options, name, value)
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The settings of `set_printoptions`, by name."""
    return asdict(_options)


def _shown(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The elements that a summary shows, without the middle of each long dimension."""
    edge = _options.edgeitems
    for axis, size in enumerate(array.shape):
        if size > 2 * edge:
            array = np.take(array, [*range(edge), *range(size - edge, size)], axis=axis)
    return array


def _float_text(shown: np.ndarray[Any, Any]) -> tuple[Callable[[float], str], np.ndarray[Any, Any]]:
    """How floats are written among the values shown, and those of the values that decide the width."""
    deciding = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
    scientific, whole = False, True
    if deciding.size:
        low, high = np.abs(deciding).min(), np.abs(deciding).max()
        wide = high > 1000.0 * low or high > 1.0e8 or low < 1.0e-4
        scientific = wide if _options.sci_mode is None else _options.sci_mode
        whole = bool((deciding == np.ceil(deciding)).all())
    precision = _options.precision
    if scientific:
        return (lambda value: f"{value:.{precision}e}"), deciding
    if whole:
        return (lambda value: f"{value:.0f}" + ("." if math.isfinite(value) else "")), deciding
    return (lambda value: f"{value:.{precision}f}"), deciding


def _layout(array: np.ndarray[Any, Any], prefix: str) -> str:
    """The elements in brackets, aligned in columns, with lines after the first indented by the prefix's length."""
    summarised = array.size > _options.threshold
    shown = (_shown(array) if summarised else array).ravel()
    text: Callable[[Any], str] = str
    deciding = shown
    if array.dtype.kind == "f":
        text, deciding = _float_text(shown)
    width = max((len(text(value)) for value in deciding.tolist()), default=1)
    laid_out = np.array2string(
        array,
        # NumPy keeps room for the closing brackets of all dimensions in every line.
        max_line_width=_options.linewidth + max(array.ndim - 1, 0),
        separator=", ",
        prefix=prefix,
        formatter={"all": lambda value: text(value).rjust(width)},
        threshold=_options.threshold if math.isfinite(_options.threshold) else sys.maxsize,  # type: ignore[arg-type, unused-ignore]
        edgeitems=_options.edgeitems,
    )
    return laid_out.replace(", ...,", ",  ...,") if summarised else laid_out


def _notes(tensor: Tensor) -> list[str]:
    """What is said of a tensor behind its elements: the unusual of its shape, type and place in the graph."""
    notes = []
    default = _core.get_default_dtype()
    inferred: tuple[_core.dtype, ...] = (default, _core.int64, _core.bool)
    if tensor.numel() == 0:
        inferred = (default,)
        if tensor.ndim != 1:
            notes.append(f"size={tuple(tensor.shape)}")
    if tensor.dtype not in inferred:
        notes.append(f"dtype={tensor.dtype!r}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return notes


def tensor_repr(tensor: Tensor) -> str:
    """The tensor as text, `tensor([1.0000, 2.5000], grad_fn=<MulBackward>)`, a user's subclass under its name."""
    own = type(tensor).__module__.partition(".")[0] == "gradgate"
    prefix = "tensor(" if own else f"{type(tensor).__name__}("
    text = prefix + (_layout(tensor.detach().numpy(), prefix) if tensor.numel() else "[]")
    last_line = len(text) - text.rfind("\n") + 1
    for note in _notes(tensor):
        if last_line + len(note) + 2 > _options.linewidth:
            text += ",\n" + " " * len(prefix) + note
            last_line = len(prefix) + len(note)
        else:
            text += ", " + note
            last_line += len(note) + 2
    return text + ")"


def _tensor_format(tensor: Tensor, format_spec: str) -> str:
    """A 0-d tensor formatted as its number, others as their text."""
    if tensor.ndim == 0:
        return format(tensor.item(), format_spec)
    return object.__format__(tensor, format_spec)


def install() -> None:
    """Make this the way that Tensor prints itself."""
    Tensor.__repr__ = tensor_repr  # type: ignore[method-assign, assignment]
    Tensor.__format__ = _tensor_format  # type: ignore[method-assign, assignment]
