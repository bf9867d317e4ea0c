"""Source lines: where in the program a gate was made, kept as a number in its node."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType

PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep


@dataclass(frozen=True)
class Line:
    """A line of the program, in the function that it belongs to."""

    file: str
    number: int
    function: str

    @property
    def code(self) -> str:
        """The line itself; "" where the source cannot be read."""
        import linecache  # a fifth of the time that this package takes to import

        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        """The line as a traceback shows it, in one line: `train.py:12 in step: loss = f(x)`."""
        where = f"{os.path.basename(self.file)}:{self.number} in {self.function}"
        return f"{where}: {self.code}" if self.code else where


# Line k is number k + 1; 0 is unknown. A program has few lines, however many gates they make.
_lines: list[Line] = []
_numbers: dict[tuple[CodeType, int], int] = {}


def user_frames(start: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of the program, innermost first, without those of this package."""
    while start is not None:
        if not start.f_code.co_filename.startswith(PACKAGE):
            yield start
        start = start.f_back


def current_line() -> int:
    """The number of the line of the program that runs now, the innermost outside of the package."""
    frame = next(user_frames(sys._getframe(1)), None)
    if frame is None:
        return 0
    key = (frame.f_code, frame.f_lineno)
    number = _numbers.get(key)
    if number is None:
        _lines.append(Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        number = _numbers[key] = len(_lines)
    return number


def line_of(number: int) -> Line | None:
    """The line of this number, None for 0."""
    return _lines[number - 1] if number else None
