"""The layout of a safetensors file: the length of its header, the header in JSON, the bytes of its tensors.

The layout is written and read here piece by piece, since the safetensors package holds whole copies of the tensors
while it does so, and ends or stops the process when there is no memory for them.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy

from gradgate import _core
from gradgate._core import Tensor
from gradgate.io.streams import BinaryFile, fill, remaining, spooled, write_all
from gradgate.io.structure import from_json

Array = numpy.ndarray[Any, Any]

# What readers of the format accept.
MAX_HEADER = 100_000_000
_METADATA = "__metadata__"

# The types that have a counterpart here, with the widest first: so every tensor is aligned in the file.
_DTYPES: dict[str, tuple[_core.dtype, numpy.dtype[Any]]] = {
    "I64": (_core.int64, numpy.dtype("<i8")),
    "F64": (_core.float64, numpy.dtype("<f8")),
    "F32": (_core.float32, numpy.dtype("<f4")),
    "I32": (_core.int32, numpy.dtype("<i4")),
    "U8": (_core.uint8, numpy.dtype("u1")),
    "BOOL": (_core.bool, numpy.dtype("?")),
}
_CODES = {dtype: code for code, (_, dtype) in _DTYPES.items()}

# The tensors' dimensions and sizes that the core can hold.
_MAX_DIMENSIONS = 8
_MAX_SIZE = 2**63 - 1

# Elements that are handled at once: few enough to stay in the second-level cache between a copy and its use.
_PIECE = 1 << 16


class UnknownTypeError(ValueError):
    """A tensor of a type that has no counterpart here, in a file that may be whole."""


@dataclass(frozen=True)
class _Entry:
    """What the header says of a tensor."""

    name: str
    code: str
    shape: tuple[int, ...]
    begin: int
    end: int


def file_dtype(array: Array) -> numpy.dtype[Any]:
    """The type of an array's elements in the file, which is little-endian."""
    dtype: numpy.dtype[Any] = array.dtype.newbyteorder("<")
    return dtype


def pieces(array: Array) -> Iterator[memoryview]:
    """The bytes of an array as the file holds them, in logical order, without a copy of the whole array."""
    if array.size <= _PIECE or array.flags.c_contiguous:
        flat = array.reshape(-1)
        for i in range(0, flat.size, _PIECE):
            yield _bytes_of(numpy.ascontiguousarray(flat[i : i + _PIECE], dtype=file_dtype(array)))
        return
    rows = _PIECE // (array.size // len(array))
    if rows == 0:
        for part in array:
            yield from pieces(part)
    else:
        for i in range(0, len(array), rows):
            yield from pieces(array[i : i + rows])


def _bytes_of(flat: Array) -> memoryview:
    raw: Array = flat.view(numpy.uint8)
    # Memory that was never written may hold bytes other than 0 and 1 for a bool.
    return (raw != 0).view(numpy.uint8).data if flat.dtype == bool else raw.data


def write(file: BinaryFile, header: bytes, arrays: dict[str, Array]) -> None:
    """Writes the header that `encode_header` made of the arrays, and the arrays."""
    write_all(file, header)
    for name in _order(arrays):
        for piece in pieces(arrays[name]):
            write_all(file, piece)


def encode_header(arrays: dict[str, Array], metadata: dict[str, str]) -> bytes:
    """The header of a file that holds these arrays, with its length in front."""
    header: dict[str, Any] = {_METADATA: metadata}
    end = 0
    for name in _order(arrays):
        array = arrays[name]
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": _code(array), "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise ValueError(
            f"save: names, numbers and strings take {len(text)} bytes, but the header of a safetensors file holds "
            f"{MAX_HEADER}: save long lists of numbers as tensors"
        )
    return struct.pack("<Q", len(text)) + text


def _order(arrays: dict[str, Array]) -> list[str]:
    codes = list(_DTYPES)
    return sorted(arrays, key=lambda name: (codes.index(_code(arrays[name])), name))


def _code(array: Array) -> str:
    return _CODES[file_dtype(array)]


def read(file: BinaryFile, to_the_end: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and the tensors of a file, whose BOOL tensors may still hold bytes other than 0 and 1.

    Raises ValueError, with the reason alone, for a file that is not whole, or that goes on if it is read to the end.
    """
    length = remaining(file)
    entries, metadata, used = _read_header(file, length)
    total = used + (entries[-1].end if entries else 0)
    if length is None:
        file = spooled(file, total - used)
    elif length < total or (to_the_end and length > total):
        raise ValueError(f"its header describes a file of {total} bytes, but it has {length}")
    tensors = {}
    for entry in entries:
        tensor = _core.empty(entry.shape, dtype=_DTYPES[entry.code][0])
        array = tensor.numpy()
        raw: Array = array.reshape(-1).view(numpy.uint8)
        fill(file, raw.data, f"the tensor {entry.name!r}")
        if array.dtype != file_dtype(array):
            array.byteswap(inplace=True)
        tensors[entry.name] = tensor
    return metadata, tensors


def _read_header(file: BinaryFile, length: int | None) -> tuple[list[_Entry], dict[str, str], int]:
    """The entries of the header by their offsets, the metadata, and the bytes that were read."""
    prefix = bytearray(8)
    fill(file, memoryview(prefix), "the length of the header")
    (size,) = struct.unpack("<Q", prefix)
    if size > MAX_HEADER:
        raise ValueError(f"its header would be {size} bytes long; {MAX_HEADER} is the most")
    if length is not None and size > length - len(prefix):
        raise ValueError(f"its header would be {size} bytes long, but {length - len(prefix)} bytes follow")
    text = bytearray(size)
    fill(file, memoryview(text), "the header")
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
    size = _size_of(shape, _DTYPES[code][1].itemsize)
    if size is None:
        raise ValueError(
            f"its tensor {name!r} has {len(shape)} dimensions of {math.prod(shape[:_MAX_DIMENSIONS]):.3g} elements; "
            f"{_MAX_DIMENSIONS} dimensions and {_MAX_SIZE} bytes are the most"
        )
    if end - begin != size:
        raise ValueError(f"its tensor {name!r} takes {size} bytes, but its offsets are {begin} and {end}")
    return _Entry(name, code, tuple(shape), begin, end)


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value <= _MAX_SIZE for value in values)


def _size_of(shape: list[int], item: int) -> int | None:
    """The bytes of a tensor; None if the core cannot hold its shape, which counts dimensions of 0 as 1."""
    if len(shape) > _MAX_DIMENSIONS or math.prod(size or 1 for size in shape) * item > _MAX_SIZE:
        return None
    return math.prod(shape) * item
