"""Gradgate: neural networks on a CPU, trained and looked at.

Tensors, gates and gradients are made by the compiled core, whose public names are all here. The layers, optimizers and
data loaders are in `gradgate.nn`, `gradgate.optim` and `gradgate.utils.data`. Names and arguments are PyTorch's.
"""

from gradgate import _core, autograd, config, copying, cuda, nn, optim, printing, utils
from gradgate._core import *
from gradgate._core import __version__
from gradgate._core import float32 as float  # PyTorch's other names of the types
from gradgate._core import float64 as double
from gradgate._core import int32 as int
from gradgate._core import int64 as long
from gradgate.autograd import enable_grad, no_grad, set_grad_enabled
from gradgate.config import show_config
from gradgate.devices import device
from gradgate.einsum import einsum
from gradgate.io import load, save
from gradgate.printing import get_printoptions, set_printoptions

__all__ = [
    "__version__",
    "autograd",
    "cuda",
    "device",
    "double",
    "einsum",
    "enable_grad",
    "float",
    "get_printoptions",
    "int",
    "load",
    "long",
    "nn",
    "no_grad",
    "optim",
    "save",
    "set_grad_enabled",
    "set_printoptions",
    "show_config",
    "utils",
]
__all__ += _core.__all__

config.warn_of_environment()
copying.install()
printing.install()
