"""Neural networks on a CPU, trained and looked at."""

from gradgate._core import *  # noqa: F403
