"""What scripts ask about graphics processors before they choose a device: there are none."""

from __future__ import annotations


def is_available() -> bool:
    """Return False: tensors live on the CPU."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0
