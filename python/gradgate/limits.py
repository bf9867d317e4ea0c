"""The limits of the element types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradgate import _core

__all__ = ["finfo", "iinfo"]


@dataclass(frozen=True, init=False)
class finfo:
    """The limits of a floating-point type, of the default one without an argument.

    Raises TypeError for another type.

    >>> import gradgate
    >>> gradgate.finfo(gradgate.float64).eps
    2.220446049250313e-16
    """

    bits: int
    eps: float
    max: float
    min: float
    tiny: float
    smallest_normal: float
    resolution: float
    dtype: str

    def __init__(self, dtype: _core.dtype | None = None) -> None:
        dtype = dtype or _core.get_default_dtype()
        if not dtype.is_floating_point:
            raise TypeError(f"finfo: expected a floating-point type, got {dtype!r}; use iinfo()")
        limits = np.finfo(_name(dtype))
        for name in ("eps", "max", "min", "tiny", "smallest_normal", "resolution"):
            object.__setattr__(self, name, float(getattr(limits, name)))
        object.__setattr__(self, "bits", limits.bits)
        object.__setattr__(self, "dtype", _name(dtype))


@dataclass(frozen=True, init=False)
class iinfo:
    """The limits of an integer type.

    Raises TypeError for another type.

    >>> import gradgate
    >>> gradgate.iinfo(gradgate.uint8).max
    255
    """

    bits: int
    max: int
    min: int
    dtype: str

    def __init__(self, dtype: _core.dtype) -> None:
        if dtype.is_floating_point or dtype is _core.bool:
            raise TypeError(f"iinfo: expected an integer type, got {dtype!r}; use finfo() for floats")
        limits = np.iinfo(_name(dtype))
        for name in ("bits", "max", "min"):
            object.__setattr__(self, name, int(getattr(limits, name)))
        object.__setattr__(self, "dtype", _name(dtype))


def _name(dtype: _core.dtype) -> str:
    return repr(dtype).removeprefix("gradgate.")
