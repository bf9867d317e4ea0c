"""What this build of Gradgate is, and what of it this machine uses."""

from __future__ import annotations

import platform
import sys
import warnings
from typing import Any, Literal, overload

import numpy as np

from gradgate import _core

__all__ = ["show_config"]


def _configuration() -> dict[str, dict[str, Any]]:
    return {
        "gradgate": {"version": _core.__version__, "compiler": _core._compiler()},
        "instruction sets": {
            "compiled": _core.compiled_isas(),
            "found": _core.available_isas(),
            "used": _core.active_isa(),
        },
        "threads": {"used": _core.get_num_threads()},
        "python": {"version": platform.python_version(), "numpy": np.__version__, "platform": sys.platform},
    }


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, dict[str, Any]]: ...


def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, dict[str, Any]] | None:
    """Show the version, the compiler, the threads and the instruction sets: compiled, found and used.

    With ``mode="stdout"`` it is printed, with ``"dicts"`` returned, as by ``numpy.show_config``. The environment
    variables ``GRADGATE_ISA`` and ``GRADGATE_NUM_THREADS`` choose the instruction set and the number of threads at
    import.

    Raises ValueError for another mode.

    >>> import gradgate
    >>> gradgate.show_config("dicts")["gradgate"]["version"] == gradgate.__version__
    True
    """
    configuration = _configuration()
    if mode == "dicts":
        return configuration
    if mode != "stdout":
        raise ValueError(f"show_config: mode must be 'stdout' or 'dicts', got {mode!r}")
    for section, entries in configuration.items():
        print(f"{section}:")
        for name, value in entries.items():
            print(f"  {name}: {', '.join(value) if isinstance(value, list) else value}")
    return None


def warn_of_environment() -> None:
    """Warn of environment variables whose values cannot be used; called once, at import."""
    for message in _core._environment_warnings():
        warnings.warn(message, RuntimeWarning, stacklevel=3)
