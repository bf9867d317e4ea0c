"""Binary file objects: writes that are complete, and reads that never wait for more than there is."""

from __future__ import annotations

import errno
import io
import os
import stat
import time
from typing import Any, TypeAlias

# Whatever has read() or write(); IO[bytes] asks for far more than that.
BinaryFile: TypeAlias = Any

_PIECE = 1 << 20
_SECONDS_FOR_READER = 5.0


def write_all(file: BinaryFile, data: bytes | memoryview) -> None:
    """Writes all of data, also to a raw file that takes a part at a time."""
    # Other objects may keep what they are given, whose memory is used again.
    rest = memoryview(data if isinstance(file, io.IOBase) else bytes(data))
    while rest:
        written = file.write(rest)
        if written is None and isinstance(file, io.RawIOBase):
            raise BlockingIOError("save: the file takes no bytes now, since it does not block")
        rest = rest[written:] if isinstance(written, int) else rest[:0]


def open_special(path: str, flags: int) -> int:
    """An opener for what exists and is no regular file: makes no file, and does not wait forever for a pipe's reader."""
    deadline = time.monotonic() + _SECONDS_FOR_READER
    while True:
        try:
            descriptor = os.open(path, flags & ~os.O_CREAT | getattr(os, "O_NONBLOCK", 0))
            break
        except OSError as error:
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(os.stat(path).st_mode):
                raise
            if time.monotonic() > deadline:
                raise OSError(errno.ENXIO, "save: no process reads the pipe", path) from None
            time.sleep(0.01)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    return descriptor


def remaining(file: BinaryFile) -> int | None:
    """The bytes from the position to the end; None for what cannot tell, such as a pipe."""
    try:
        here = file.tell()
        file.seek(0, os.SEEK_END)
        end = file.tell()
        file.seek(here)
    except (AttributeError, OSError):
        return None
    return int(end - here)


def fill(file: BinaryFile, memory: memoryview, what: str) -> None:
    """Reads as many bytes as the memory has. Raises ValueError, naming what is read, if there are fewer."""
    size = len(memory)
    done = 0
    while done < size:
        count = _read_into(file, memory[done:])
        if not count:
            raise ValueError(f"it ends after {done} of the {size} bytes of {what}")
        done += count


def _read_into(file: BinaryFile, memory: memoryview) -> int | None:
    if hasattr(file, "readinto"):
        count: int | None = file.readinto(memory)
        return count
    piece = file.read(min(len(memory), _PIECE))
    memory[: len(piece)] = piece
    return len(piece)


def spooled(file: BinaryFile, size: int) -> BinaryFile:
    """The next bytes of a file that cannot tell how many it has, so that no memory is taken for what never comes."""
    held = io.BytesIO()
    while held.tell() < size:
        piece = file.read(min(size - held.tell(), _PIECE))
        if not piece:
            raise ValueError(f"it ends after {held.tell()} of the {size} bytes of its tensors")
        held.write(piece)
    held.seek(0)
    return held
