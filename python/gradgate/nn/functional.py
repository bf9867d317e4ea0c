"""`gradgate.functional` under PyTorch's name."""

from gradgate.functional import *  # noqa: F403  (every public name, as listed there)
from gradgate.functional import __all__ as __all__
