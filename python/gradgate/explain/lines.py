"""Source lines: where in the program a gate was made, kept as a number in its node."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import TypeVar

from gradgate import _core

T = TypeVar("T")

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

    @property
    def place(self) -> str:
        """The file's name and the line's number, `train.py:12`."""
        return f"{os.path.basename(self.file)}:{self.number}"

    def __str__(self) -> str:
        """The line as a traceback shows it, in one line: `train.py:12 in step: loss = f(x)`."""
        where = f"{self.place} in {self.function}"
        return f"{where}: {self.code}" if self.code else where


# Line k is number k + 1; 0 is unknown. A program has few lines, however many gates they make.
_lines: list[Line] = []
_numbers: dict[tuple[CodeType, int], int] = {}


def _frames(start: FrameType | None) -> Iterator[FrameType]:
    while start is not None:
        yield start
        start = start.f_back


def _is_users(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith(PACKAGE)


def user_frames(start: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of the program, innermost first, without those of this package."""
    return filter(_is_users, _frames(start))


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


def called_with_lines(function: Callable[[], T]) -> tuple[T, FrameType | None]:
    """Call a function whose gates remember their lines; return what it returns, and its frame, which keeps its variables.

    The frame is the outermost of the program within the call, None when no gate was made within.
    """
    outermost: FrameType | None = None

    def line() -> int:
        nonlocal outermost
        if outermost is None:
            within = itertools.takewhile(
                lambda f: f.f_code is not called_with_lines.__code__, _frames(sys._getframe(1))
            )
            outermost = next(iter([*filter(_is_users, within)][::-1]), None)
        return current_line()

    watcher = _core._watch_lines(line)
    try:
        result = function()
    finally:
        watcher.stop()
    return result, outermost
