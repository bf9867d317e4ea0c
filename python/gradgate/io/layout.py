"""The layout of a safetensors file: the length of its header, the header in JSON, the bytes of its tensors.

The layout is written and read here piece by piece, since the safetensors package holds whole copies of the tensors
while it does so, and ends or stops the process when there is no memory for them.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy

from gradgate import _core
from gradgate._core import Tensor
from gradgate.io.streams import BinaryFile, fill, remaining, spooled, write_all
from gradgate.io.structure import Array, from_json

# What readers of the format accept.
MAX_HEADER = 100_000_000
_METADATA = "__metadata__"

# The types that have a counterpart here, with the widest first: so every tensor is aligned in the file.
_DTYPES = {
    "I64": _core.int64,
    "F64": _core.float64,
    "F32": _core.float32,
    "I32": _core.int32,
    "U8": _core.uint8,
    "BOOL": _core.bool,
}
_ARRAY_DTYPES: dict[str, numpy.dtype[Any]] = {
    "I64": numpy.dtype(numpy.int64),
    "F64": numpy.dtype(numpy.float64),
    "F32": numpy.dtype(numpy.float32),
    "I32": numpy.dtype(numpy.int32),
    "U8": numpy.dtype(numpy.uint8),
    "BOOL": numpy.dtype(numpy.bool_),
}
_CODES = {dtype: code for code, dtype in _ARRAY_DTYPES.items()}
_NAMES_IN_FILE = {dtype: dtype.newbyteorder("<").str for dtype in _CODES}

# What the core can hold.
_MAX_DIMENSIONS = 8
_MAX_SIZE = 2**63 - 1

# Elements that are handled at once: few enough to stay in the second-level cache between a copy and its use.
_PIECE = 1 << 16


class UnknownTypeError(ValueError):
    """A tensor of a type that has no counterpart here, in a file that may be whole."""


class _Entry(NamedTuple):
    """What the header says of a tensor."""

    name: str
    code: str
    shape: tuple[int, ...]
    begin: int
    end: int


def described(array: Array) -> str:
    """The type of an array's elements in the file, which is little-endian, and its shape."""
    return f"{_NAMES_IN_FILE[array.dtype]}|{array.shape}"


def pieces(array: Array) -> Iterator[memoryview]:
    """The bytes of an array as the file holds them, in logical order, without a copy of the whole array."""
    if array.size <= _PIECE:
        if array.size:
            yield _bytes_of(array)
    elif array.flags.c_contiguous:
        flat = array.reshape(-1)
        for i in range(0, flat.size, _PIECE):
            yield _bytes_of(flat[i : i + _PIECE])
    elif rows := _PIECE // (array.size // len(array)):
        for i in range(0, len(array), rows):
            yield _bytes_of(array[i : i + rows])
    else:
        for part in array:
            yield from pieces(part)


def _bytes_of(array: Array) -> memoryview:
    flat: Any = array.reshape(-1)
    if sys.byteorder == "big":
        flat = flat.byteswap()
    contiguous: Any = numpy.ascontiguousarray(flat)
    return memoryview(contiguous).cast("B")


def ordered(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays in the order of the file, by type and then by name, with no bool that is neither 0 nor 1."""
    codes = list(_DTYPES)
    items = sorted(arrays.items(), key=lambda item: (codes.index(_CODES[item[1].dtype]), item[0]))
    return {name: _with_plain_bools(array) for name, array in items}


def _with_plain_bools(array: Array) -> Array:
    if array.dtype != bool or not array.size:
        return array
    raw: Array = array.view(numpy.uint8)
    return raw != 0 if raw.max() > 1 else array  # memory that was never written may hold any byte


def encode_header(arrays: dict[str, Array], metadata: dict[str, str]) -> bytes:
    """The header of a file that holds these arrays in their order, with its length in front."""
    header: dict[str, Any] = {_METADATA: metadata}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": _CODES[array.dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise ValueError(
            f"save: names, numbers and strings take {len(text)} bytes, but the header of a safetensors file holds "
            f"{MAX_HEADER}: save long lists of numbers as tensors"
        )
    return struct.pack("<Q", len(text)) + text


def write(file: BinaryFile, header: bytes, arrays: dict[str, Array]) -> None:
    """Writes the header that `encode_header` made of the arrays, and the arrays."""
    write_all(file, header)
    for array in arrays.values():
        for piece in pieces(array):
            write_all(file, piece)


def read(file: BinaryFile, to_the_end: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and the tensors of a file, whose BOOL tensors may still hold bytes other than 0 and 1.

    Raises ValueError, with the reason alone, for a file that is not whole, or that goes on if it is read to the end.
    """
    length = remaining(file)
    entries, metadata, used = _read_header(file, length)
    total = used + (entries[-1].end if entries else 0)
    if length is None:
        stream, file = file, spooled(file, total - used)
        if to_the_end and stream.read(1):
            raise ValueError(f"its header describes a file of {total} bytes, but it has more")
    elif length < total or (to_the_end and length > total):
        raise ValueError(f"its header describes a file of {total} bytes, but it has {length}")
    tensors = {}
    for entry in entries:
        tensor = _empty(entry)
        array = tensor.numpy()
        if array.size:
            fill(file, array.reshape(-1).data.cast("B"), entry.name)
        if sys.byteorder == "big":
            array.byteswap(inplace=True)
        tensors[entry.name] = tensor
    return metadata, tensors


def _empty(entry: _Entry) -> Tensor:
    try:
        return _core.empty(entry.shape, dtype=_DTYPES[entry.code])
    except RuntimeError as error:  # extents beside one of 0 may be of any size
        raise ValueError(f"its tensor {entry.name!r} cannot be made: {error}") from error


def _read_header(file: BinaryFile, length: int | None) -> tuple[list[_Entry], dict[str, str], int]:
    """The entries of the header by their offsets, the metadata, and the bytes that were read."""
    prefix = bytearray(8)
    fill(file, memoryview(prefix), "its length")
    (size,) = struct.unpack("<Q", prefix)
    if size > MAX_HEADER:
        raise ValueError(f"its header would be {size} bytes long; {MAX_HEADER} is the most")
    if length is not None and size > length - len(prefix):
        raise ValueError(f"its header would be {size} bytes long, but {length - len(prefix)} bytes follow")
    text = bytearray(size)
    fill(file, memoryview(text), "its header")
    if text[:1] != b"{":
        raise ValueError("its header does not begin with '{'")
    header = from_json(text.decode())
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError(f"its {_METADATA} is no object of strings")
    entries = [_entry(name, value) for name, value in header.items()]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    end = 0
    for entry in entries:
        if entry.begin != end:
            raise ValueError(
                f"its tensor {entry.name!r} begins at byte {entry.begin}, but the one before ends at {end}"
            )
        end = entry.end
    return entries, metadata, len(prefix) + size


def _entry(name: str, value: Any) -> _Entry:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"its tensor {name!r} has a name that is no Unicode text") from error
    if not isinstance(value, dict) or not {"dtype", "shape", "data_offsets"} <= value.keys():
        raise ValueError(f"its tensor {name!r} is not described by dtype, shape and data_offsets")
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(code, str) or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"its tensor {name!r} has a dtype, shape or data_offsets of another form")
    if code not in _DTYPES:
        raise UnknownTypeError(f"the tensor {name!r} of type {code}, which has no counterpart here")
    begin, end = offsets
    if len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"its tensor {name!r} has {len(shape)} dimensions; {_MAX_DIMENSIONS} are the most")
    size = math.prod(shape) * _ARRAY_DTYPES[code].itemsize
    if end - begin != size:
        raise ValueError(f"its tensor {name!r} takes {size} bytes, but its offsets are {begin} and {end}")
    return _Entry(name, code, tuple(shape), begin, end)


def _are_sizes(values: Any) -> bool:
    if not isinstance(values, list):
        return False
    for value in values:  # noqa: SIM110  # half the time of all(), for each of thousands of tensors
        if type(value) is not int or not 0 <= value <= _MAX_SIZE:
            return False
    return True
