"""Source lines: each gate's node keeps the number of the line that made it."""

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
    """A line of the program, and the function it is in."""

    file: str
    number: int
    function: str

    @property
    def code(self) -> str:
        """The text of the line; "" if the source cannot be read."""
        import linecache  # imported here because it takes a fifth of the time to import this package

        return linecache.getline(self.file, self.number).strip()

    @property
    def place(self) -> str:
        """The file's name and the line's number, `train.py:12`."""
        return f"{os.path.basename(self.file)}:{self.number}"

    def __str__(self) -> str:
        """Place, function and text in one line: `train.py:12 in step: loss = f(x)`."""
        where = f"{self.place} in {self.function}"
        return f"{where}: {self.code}" if self.code else where


# The number of _lines[k] is k + 1, and 0 means unknown. Lines are never removed: a program has few, however many gates they make.
_lines: list[Line] = []
_numbers: dict[tuple[CodeType, int], int] = {}


def _frames(start: FrameType | None) -> Iterator[FrameType]:
    while start is not None:
        yield start
        start = start.f_back


def _is_users(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith(PACKAGE)


def user_frames(start: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames that belong to the program and not to this package, innermost first."""
    return filter(_is_users, _frames(start))


def current_line() -> int:
    """The number of the program's line that is running: the innermost one outside of this package."""
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
    """The line with this number, None for 0."""
    return _lines[number - 1] if number else None


def called_with_lines(function: Callable[[], T]) -> tuple[T, FrameType | None]:
    """Call a function so that its gates record their lines. Return its result, and its frame, which gives its variables.

    The frame is the outermost one of the program inside the call, None if the call made no gate.
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
