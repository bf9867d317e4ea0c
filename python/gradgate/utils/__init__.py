"""Tools around training: see `gradgate.utils.data`."""

from gradgate.utils import data

__all__ = ["data"]
