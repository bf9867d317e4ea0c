"""Pieces of text with the room they take, by which they are kept apart."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

# The advance of monospaced fonts is 0.60 em (0.602 for DejaVu and Menlo); the rest is a margin for fonts that replace them.
ADVANCE = 0.62
LINE = 1.25


def width_of(string: str, size: float) -> float:
    """The room that a line of text takes; wide East Asian characters take two places."""
    return ADVANCE * size * sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in string)


def shortened(string: str, places: int) -> str:
    """The text, cut with an ellipsis after a number of places."""
    return string if len(string) <= places else string[: places - 1] + "…"


@dataclass
class Text:
    """A line of text, centred on a point. `role` is what it tells (value, gradient, local, name, ...) and its class in CSS."""

    x: float
    y: float
    string: str
    role: str
    size: float = 12.0

    @property
    def width(self) -> float:
        """How wide it is."""
        return width_of(self.string, self.size)

    @property
    def height(self) -> float:
        """How tall the line is."""
        return LINE * self.size

    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return (
            self.x - self.width / 2,
            self.y - self.height / 2,
            self.x + self.width / 2,
            self.y + self.height / 2,
        )


def stacked(x: float, top: float, lines: list[str], role: str, size: float) -> list[Text]:
    """Lines one below the other, centred on x, the first with its upper border at `top`."""
    return [Text(x, top + (k + 0.5) * LINE * size, line, role, size) for k, line in enumerate(lines)]


def widest(lines: list[str], size: float) -> float:
    """The room that lines one below the other take in width."""
    return max((width_of(line, size) for line in lines), default=0.0)
