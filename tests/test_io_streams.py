"""File objects: whatever has write() for save and read() for load."""

from __future__ import annotations

import gzip
import io as streams
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradgate import arange, io, tensor
from test_io import checkpoint, same


class Pieces:
    """Takes what it is given a part at a time, and keeps it."""

    def __init__(self) -> None:
        self.parts: list[Any] = []

    def write(self, data: Any) -> int:
        self.parts.append(data[: max(1, len(data) // 2)])
        return len(self.parts[-1])


class Silent(Pieces):
    """Takes all and says nothing."""

    def write(self, data: Any) -> None:  # type: ignore[override]  # as some wrappers do
        self.parts.append(data)


@pytest.mark.parametrize("kind", [Pieces, Silent])
def test_objects_with_write_alone(kind: type[Any]) -> None:
    file = kind()
    big = {**checkpoint(), "big": arange(200_000.0), "turned": arange(300_000.0).reshape(500, 600).T}
    io.save(big, file)
    assert same(io.load(streams.BytesIO(b"".join(file.parts))), big)


class Reads:
    """Gives a few bytes at a time, and cannot tell how many there are."""

    def __init__(self, data: bytes) -> None:
        self._file = streams.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, 1000))


def test_objects_with_read_alone() -> None:
    memory = streams.BytesIO()
    io.save(checkpoint(), memory)
    assert same(io.load(Reads(memory.getvalue())), checkpoint())
    for length in range(0, len(memory.getvalue()), 7):
        with pytest.raises(ValueError, match="load: the Reads is not a complete"):
            io.load(Reads(memory.getvalue()[:length]))


def test_a_stream_that_lies_takes_no_memory() -> None:
    header = b'{"x":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}}'
    for file in (Reads, streams.BytesIO):
        with pytest.raises(ValueError, match="not a complete"):
            io.load(file(len(header).to_bytes(8, "little") + header + bytes(100)))


def opened_raw(path: Path, mode: str) -> Any:
    return open(path, mode, buffering=0)


@pytest.mark.parametrize("opener", [open, opened_raw, gzip.open])
def test_files_that_are_open(opener: Callable[[Path, str], Any], tmp_path: Path) -> None:
    with opener(tmp_path / "file", "wb") as file:
        file.write(b"before")
        io.save(checkpoint(), f=file)
        io.save([2], file)
        assert not file.closed
    with opener(tmp_path / "file", "rb") as file:
        assert file.read(6) == b"before"
        assert same(io.load(f=file), checkpoint()) and io.load(file) == [2]
        with pytest.raises(ValueError, match="ends after 0 of the 8 bytes of its length"):
            io.load(file)


def test_a_member_of_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive, archive.open("member", "w") as file:
        io.save(checkpoint(), file)
    with zipfile.ZipFile(tmp_path / "archive") as archive, archive.open("member") as file:
        assert same(io.load(file), checkpoint())


def test_checkpoints_follow_one_another_through_a_pipe() -> None:
    reader, writer = os.pipe()
    with open(reader, "rb") as source, open(writer, "wb") as target:
        for i in range(3):  # the pipe stays open in between
            io.save({"i": tensor(i)}, target)
            target.flush()
            assert io.load(source)["i"].item() == i


def test_what_is_no_binary_file(tmp_path: Path) -> None:
    with open(tmp_path / "text", "w+") as file:
        for call in (lambda: io.save([1], file), lambda: io.load(file)):
            with pytest.raises(TypeError, match="text is open for text; open it in a binary mode"):
                call()
    with pytest.raises(AttributeError, match=r"save: f is a int.*'write'"):
        io.save([1], 3)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match=r"load: f is a NoneType.*'read'"):
        io.load(None)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="read"), open(tmp_path / "text", "wb") as file:
        io.load(file)
