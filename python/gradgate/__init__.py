"""Gradgate: neural networks trained on a CPU.

Tensors, gates and gradients are made by the compiled core, whose public names are all here. The layers, optimizers and
data loaders are in `gradgate.nn`, `gradgate.optim` and `gradgate.utils.data`. Names and arguments are PyTorch's.
"""

import importlib
from math import e, inf, nan, pi
from typing import TYPE_CHECKING

from gradgate import _core, autograd, config, copying, cuda, nn, optim, printing, utils
from gradgate._core import *
from gradgate._core import __version__
from gradgate.autograd import enable_grad, no_grad, set_grad_enabled
from gradgate.config import show_config
from gradgate.devices import device
from gradgate.einsum import einsum
from gradgate.explain import explain
from gradgate.io import load, save
from gradgate.limits import finfo, iinfo
from gradgate.printing import get_printoptions, set_printoptions

if TYPE_CHECKING:
    from gradgate import health
    from gradgate.health import detect_anomaly, precision_audit, watch

__all__ = [
    "__version__",
    "autograd",
    "cuda",
    "detect_anomaly",
    "device",
    "e",
    "einsum",
    "enable_grad",
    "explain",
    "finfo",
    "get_printoptions",
    "health",
    "iinfo",
    "inf",
    "load",
    "nan",
    "newaxis",
    "nn",
    "no_grad",
    "optim",
    "pi",
    "precision_audit",
    "save",
    "set_grad_enabled",
    "set_printoptions",
    "show_config",
    "utils",
    "watch",
]
__all__ += _core.__all__

# PyTorch's other names of the types; not in __all__, lest `import *` hide Python's own.
float, double, int, long = _core.float32, _core.float64, _core.int32, _core.int64
newaxis = None

config.warn_of_environment()
copying.install()
_core._set_device_name(device("cpu"))
printing.install()

if not TYPE_CHECKING:  # a checker would take every name for one of these

    def __getattr__(name: str) -> object:
        """The module `health` and its functions, imported at their first use so that a program that only trains starts sooner."""
        if name not in ("detect_anomaly", "health", "precision_audit", "watch"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        health = importlib.import_module("gradgate.health")
        return health if name == "health" else getattr(health, name)

    def _in_autograd(name: str) -> object:
        """The names of `health` that PyTorch has in `autograd`."""
        if name not in ("detect_anomaly", "set_detect_anomaly"):
            raise AttributeError(f"module {autograd.__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module("gradgate.health"), name)

    autograd.__getattr__ = _in_autograd
