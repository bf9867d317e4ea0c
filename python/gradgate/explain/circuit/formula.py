"""Fills in the placeholders of the formulas that the core writes."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def filled(template: str, names: Mapping[str, str]) -> str:
    """The formula with names for its placeholders `{0}`, `{y}`, `{dy}`, `{c0}`, `{t0}`; one without a name shows its key."""
    return _PLACEHOLDER.sub(lambda found: names.get(found[1], found[1]), template)
