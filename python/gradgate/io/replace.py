"""Replaces a file by one that is complete and on the disk, or leaves it as it was."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

Write = Callable[[BinaryIO], None]

# Characters of the target's name in a temporary one: 4 bytes each at most, of the 255 that a name may have.
_NAME = 48


def replace_file(target: Path, write: Write) -> None:
    """Lets `write` write a file beside the target, and moves it there. The mode of the old file is kept.

    Where the system has files without a name (Linux), the file gets one when it is complete, so that a process that
    is killed leaves nothing. Elsewhere such a process leaves a file that is removed here the next time.
    """
    previous = _previous(target)
    _remove_abandoned(target)
    # The name of the target may be as long as the file system allows.
    temporary = target.with_name(f".{target.name[:_NAME]}.{secrets.token_hex(8)}.tmp")
    try:
        if not _replace_by_unnamed(target, temporary, write, previous):
            _replace_by_named(target, temporary, write, previous)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        _flush_directory(target.parent)


def _previous(target: Path) -> os.stat_result | None:
    """The status of the file to be replaced, if there is one. Raises PermissionError if it is not to be written."""
    try:
        descriptor = os.open(target, os.O_WRONLY)
    except FileNotFoundError:
        return None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _replace_by_unnamed(target: Path, temporary: Path, write: Write, previous: os.stat_result | None) -> bool:
    """Whether the system and the file system have files without a name, by one of which the target is replaced."""
    if sys.platform != "linux":
        return False
    try:
        descriptor = os.open(target.parent, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:
        return False
    with open(descriptor, "wb") as file:
        _complete(file, write, previous)
        _lock(file)
        try:
            # Only with a directory's descriptor does os.link follow this link to the file itself.
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.link(f"/proc/self/fd/{descriptor}", temporary.name, dst_dir_fd=folder)
            finally:
                os.close(folder)
        except OSError:
            return False
        os.replace(temporary, target)
    return True


def _replace_by_named(target: Path, temporary: Path, write: Write, previous: os.stat_result | None) -> None:
    with _open_locked(temporary) as file:
        _complete(file, write, previous)
        if os.name == "posix":
            os.replace(temporary, target)
    if os.name != "posix":
        os.replace(temporary, target)  # there an open file cannot be moved


def _complete(file: BinaryIO, write: Write, previous: os.stat_result | None) -> None:
    """Returns when the file has its contents and its mode, and is on the disk."""
    if sys.platform != "win32" and previous is not None:
        status = os.fstat(file.fileno())
        for user, group in ((-1, previous.st_gid), (previous.st_uid, -1)):
            if user not in (-1, status.st_uid) or group not in (-1, status.st_gid):
                with contextlib.suppress(OSError):  # only the superuser may give a file away
                    os.fchown(file.fileno(), user, group)
        os.fchmod(file.fileno(), stat.S_IMODE(previous.st_mode))
    write(file)
    file.flush()
    os.fsync(file.fileno())


def _open_locked(temporary: Path) -> BinaryIO:
    """A new file that `_remove_abandoned` leaves alone as long as it is open."""
    while True:
        file = open(temporary, "xb")  # noqa: SIM115  # the caller closes it
        _lock(file)
        if sys.platform == "win32" or os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # it was removed in the moment before it was locked


def _lock(file: BinaryIO) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # there are file systems without locks
            fcntl.flock(file, fcntl.LOCK_EX)


def _remove_abandoned(target: Path) -> None:
    """Removes the temporary files of processes that were killed on the way to this target."""
    pattern = re.compile(re.escape(f".{target.name[:_NAME]}.") + r"[0-9a-f]{16}\.tmp")
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_unlocked(entry.path)


def _remove_unlocked(path: str) -> None:
    if sys.platform == "win32":
        os.unlink(path)  # fails if a process has it open
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    finally:
        os.close(descriptor)


def _flush_directory(path: Path) -> None:
    """Returns when the directory's new entry is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
