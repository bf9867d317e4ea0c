"""save and load: tensors, state dicts and nested checkpoints in safetensors files."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import zlib
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy

from gradgate.io import layout
from gradgate.io.replace import replace_file
from gradgate.io.streams import open_special
from gradgate.io.structure import Array, Decoder, Encoder, from_json, to_json

FileLike: TypeAlias = "str | os.PathLike[str] | IO[bytes]"

# The one entry of metadata in a file that save() wrote (the order of several would not be the same in every file). Its
# text says again, in several places, what it is, so that damage does not make the file pass for another's.
_KEY = "gradgate"
_MARKS = re.compile(r'"gradgate":|"crc32":\d+,"structure":|"structure":\{"(?:dict|list|tuple|tensor)":')
_FORMAT = 1


def save(obj: Any, f: FileLike) -> None:
    """Writes `obj` to a safetensors file: a path, or a file object that is open for writing bytes.

    `obj` is a tensor, or nested dicts, lists and tuples of tensors, numbers, strings, bools and None, such
    as the state dict of a module or an optimizer, or a checkpoint made of several. The keys of dicts are
    strings, finite numbers, bools or None. The tensors are those of the file, under names like `model.0.weight`
    that other readers of safetensors see; the rest is in its metadata as JSON. A tensor that appears more
    than once (tied weights) is stored once, and loaded as one tensor; other views of its memory are stored on
    their own. Tensors are stored in their logical order, without gradients. Numbers of NumPy are loaded as
    Python's, named tuples as tuples, and every mapping as a dict.

    A file is replaced only when the new one is complete and on the disk, and keeps its mode; after an error, or
    when the process is killed, it still holds what it held. A path that is no regular file (a pipe, a device) is
    written through; a pipe without a reader is an error after five seconds. A file object is written from where it
    stands, and is not closed.

    Raises TypeError, naming the entry, for anything else (say, a module: save its `state_dict()`), ValueError for
    an object that holds itself or is nested more than 100 levels deep, and OSError if the file cannot be written.

    >>> import os, tempfile
    >>> from gradgate import tensor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "checkpoint.safetensors")
    ...     save({"model": {"weight": tensor([1.0, 2.0])}, "epoch": 3}, path)
    ...     load(path)
    {'model': {'weight': tensor([1., 2.])}, 'epoch': 3}
    """
    path = _path(f, "save", "write")
    encoder = Encoder()
    structure = to_json(encoder.encode(obj))
    arrays = layout.ordered(encoder.arrays)
    checkpoint = f'{{"gradgate":{_FORMAT},"crc32":{_checksum(structure, arrays)},"structure":{structure}}}'
    header = layout.encode_header(arrays, {_KEY: checkpoint})

    def write(file: Any) -> None:
        layout.write(file, header, arrays)

    if path is None:
        write(f)
        return
    target = _regular_target(path)
    if target is None:
        with open(path, "wb", opener=open_special) as file:
            write(file)
    else:
        replace_file(target, write)


def load(f: FileLike, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Reads what `save` wrote: the same structure, with new tensors that need no gradient.

    `f` is a path, or a file object that is open for reading bytes; the latter is read from where it stands to the end
    of the checkpoint, so that several may follow one another. Any other safetensors file gives a dict of its tensors by
    name. Nothing in a file is ever executed. `map_location` ("cpu" is the one device) and `weights_only` (files hold
    nothing else) are accepted for the sake of existing scripts.

    Raises FileNotFoundError if there is no such file, RuntimeError for another device, and ValueError, naming the
    file and what is wrong, if it is damaged, truncated or of another kind.
    """
    if isinstance(map_location, str) and map_location not in ("cpu", "cpu:0"):
        raise RuntimeError(f"load: there is no device {map_location!r}; use map_location='cpu'")
    path = _path(f, "load", "read")
    name = path if path is not None else _name_of(f)
    try:
        if path is None:
            metadata, tensors = layout.read(f, to_the_end=False)
        else:
            with open(path, "rb") as file:
                metadata, tensors = layout.read(file, to_the_end=True)
    except OSError:
        raise  # such as that of a file that is open for writing alone, which is a ValueError, too
    except layout.UnknownTypeError as error:
        raise ValueError(f"load: {name} has {error}") from error
    except ValueError as error:
        raise ValueError(f"load: {name} is not a complete safetensors file: {error}") from error
    arrays = {key: tensor.numpy() for key, tensor in tensors.items()}
    if not _is_checkpoint(metadata):
        _make_bools(arrays)
        return tensors
    structure = _checked_structure(name, metadata, arrays)
    _make_bools(arrays)
    try:
        return Decoder(tensors).decode(structure)
    except ValueError as error:
        raise ValueError(f"load: {name} is damaged: {error}") from error


def _path(f: FileLike, operation: str, method: str) -> str | None:
    """The path that f is; None for a file object."""
    if isinstance(f, (str, os.PathLike)):
        return os.fsdecode(f)
    if isinstance(f, io.TextIOBase):
        raise TypeError(f"{operation}: {_name_of(f)} is open for text; open it in a binary mode")
    if not hasattr(f, method):
        raise AttributeError(
            f"{operation}: f is a {type(f).__name__}, not a path or a binary file object, which has a '{method}' attribute"
        )
    return None


def _name_of(file: Any) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and name else f"the {type(file).__name__}"


def _regular_target(path: str) -> Path | None:
    """The regular file that the path leads to or will be; None for what exists and is no such file."""
    target = Path(os.path.realpath(path))
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "save: there is no such directory", str(target.parent)) from None
        return target
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "save: the path is a directory", path)
    # An open file that was removed is reached through /dev/fd alone, and has no path that could be replaced.
    removed = status.st_nlink == 0 and not target.exists()
    return target if stat.S_ISREG(status.st_mode) and not removed else None


def _is_checkpoint(metadata: dict[str, str]) -> bool:
    """Whether save wrote the file that has this metadata."""
    return _KEY in metadata or any(_MARKS.search(text) for entry in metadata.items() for text in entry)


def _checked_structure(name: str, metadata: dict[str, str], arrays: dict[str, Array]) -> Any:
    """The structure in the metadata, of a format that is known and with the right checksum."""
    try:
        checkpoint = from_json(metadata[_KEY])
        form, crc, structure = (checkpoint[key] for key in ("gradgate", "crc32", "structure"))
        whole = type(crc) is int and crc == _checksum(to_json(structure), arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"load: {name} is damaged: its metadata cannot be read: {error!r}") from error
    if not whole:
        raise ValueError(f"load: {name} is damaged: its checksum does not match its contents")
    if type(form) is not int or form != _FORMAT:
        raise ValueError(f"load: {name} is of format {form!r}, but this version reads format {_FORMAT}")
    return structure


def _checksum(structure: str, arrays: dict[str, Array]) -> int:
    """The CRC-32 of the structure in JSON and of every array's name, dtype, shape and bytes."""
    crc = zlib.crc32(structure.encode())
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(f"{name}|{layout.described(array)}".encode(), crc)
        for piece in layout.pieces(array):
            crc = zlib.crc32(piece, crc)
    return crc


def _make_bools(arrays: dict[str, Array]) -> None:
    """Makes every byte of a bool 0 or 1, as the core takes them to be; another writer may have used others."""
    for array in arrays.values():
        if array.dtype == bool:
            numpy.not_equal(array.view(numpy.uint8), 0, out=array)
