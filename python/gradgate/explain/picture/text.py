"""Pieces of text and the space that they take up."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

# A character of a monospaced font is 0.60 em wide (0.602 for DejaVu and Menlo); the rest is a margin for other fonts.
ADVANCE = 0.62
LINE = 1.25


def width_of(string: str, size: float) -> float:
    """The width of a line of text; wide East Asian characters count twice."""
    return ADVANCE * size * sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in string)


def shortened(string: str, places: int) -> str:
    """The text, cut to a number of characters and ended by an ellipsis if it is longer."""
    return string if len(string) <= places else string[: places - 1] + "…"


@dataclass
class Text:
    """A line of text centred on a point. `role` is its meaning (value, gradient, local, name ...) and its class in CSS."""

    x: float
    y: float
    string: str
    role: str
    size: float = 12.0

    @property
    def width(self) -> float:
        """The width of the line."""
        return width_of(self.string, self.size)

    @property
    def height(self) -> float:
        """The height of the line."""
        return LINE * self.size

    def box(self) -> tuple[float, float, float, float]:
        """The left, top, right and bottom border of the line."""
        return (
            self.x - self.width / 2,
            self.y - self.height / 2,
            self.x + self.width / 2,
            self.y + self.height / 2,
        )


def stacked(x: float, top: float, lines: list[str], role: str, size: float) -> list[Text]:
    """Lines stacked below each other, centred on x; the first begins at `top`."""
    return [Text(x, top + (k + 0.5) * LINE * size, line, role, size) for k, line in enumerate(lines)]


def widest(lines: list[str], size: float) -> float:
    """The width of the widest line."""
    return max((width_of(line, size) for line in lines), default=0.0)
