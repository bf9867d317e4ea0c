"""save and load: tensors, state dicts and nested checkpoints in safetensors files."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy
import safetensors
import safetensors.numpy

from gradgate import _core
from gradgate._core import Tensor

StrPath: TypeAlias = "str | os.PathLike[str]"

# The one entry of metadata in a file that save() wrote (the order of several would not be the same in every file). Its
# text says again what it is, so that a damaged name does not make the file pass for another's.
_KEY = "gradgate"
_MARK = '{"gradgate":'
_FORMAT = 1

# The types of safetensors that have a counterpart here.
_DTYPES = frozenset(("F32", "F64", "I64", "I32", "U8", "BOOL"))


def save(obj: Any, path: StrPath) -> None:
    """Writes `obj` to a safetensors file, which replaces `path` only when it is complete and on the disk.

    `obj` is a tensor, or nested dicts, lists and tuples of tensors, numbers, strings, bools and None, such
    as the state dict of a module or an optimizer, or a checkpoint made of several. The keys of dicts are
    strings, numbers, bools or None. The tensors are those of the file, under names like `model.0.weight`
    that other readers of safetensors see; the rest is in its metadata as JSON. A tensor that appears more
    than once (tied weights) is stored once, and loaded as one tensor. Tensors are stored in their logical
    order, without gradients.

    Raises TypeError, naming the entry, for anything else (say, a module: save its `state_dict()`), and
    OSError if the file cannot be written; `path` then keeps what it held.

    >>> import os, tempfile
    >>> from gradgate import tensor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "checkpoint.safetensors")
    ...     save({"model": {"weight": tensor([1.0, 2.0])}, "epoch": 3}, path)
    ...     load(path)
    {'model': {'weight': tensor([1., 2.])}, 'epoch': 3}
    """
    writer = _Writer()
    structure = writer.encode(obj, ())
    checkpoint = _json({"gradgate": _FORMAT, "crc32": _checksum(structure, writer.arrays), "structure": structure})
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "save: there is no such directory", str(target.parent))
    data = safetensors.numpy.save(writer.arrays, {_KEY: checkpoint})
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        _flush_directory(target.parent)


def load(path: StrPath, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Reads what `save` wrote: the same structure, with new tensors that need no gradient.

    Any other safetensors file gives a dict of its tensors by name. Nothing in a file is ever executed. `map_location`
    ("cpu" is the one device) and `weights_only` (files hold nothing else) are accepted for the sake of existing
    scripts.

    Raises FileNotFoundError if there is no such file, RuntimeError for another device, and ValueError, naming the
    file and what is wrong, if it is damaged, truncated or of another kind.
    """
    if isinstance(map_location, str) and map_location not in ("cpu", "cpu:0"):
        raise RuntimeError(f"load: there is no device {map_location!r}; use map_location='cpu'")
    with open(path, "rb"):
        pass  # raises the system's own error when there is nothing to read
    name = os.fspath(path)
    try:
        metadata, arrays = _read(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(f"load: {name} is not a complete safetensors file: {error}") from error
    tensors = {key: _core.tensor(array) for key, array in arrays.items()}
    if _KEY not in metadata and not any(text.startswith(_MARK) for text in metadata.values()):
        return tensors
    try:
        checkpoint = json.loads(metadata[_KEY])
        form, structure = checkpoint["gradgate"], checkpoint["structure"]
        whole = checkpoint["crc32"] == _checksum(structure, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"load: {name} is damaged: its metadata cannot be read: {error!r}") from error
    if not whole:
        raise ValueError(f"load: {name} is damaged: its checksum does not match its contents")
    if form != _FORMAT:
        raise ValueError(f"load: {name} is of format {form}, but this version reads format {_FORMAT}")
    return _decode(structure, tensors)


def _read(path: StrPath) -> tuple[dict[str, str], dict[str, numpy.ndarray[Any, Any]]]:
    """The metadata and the tensors of a safetensors file."""
    arrays = {}
    with safetensors.safe_open(path, framework="np") as file:
        for name in file.keys():  # noqa: SIM118  # the file is no mapping
            dtype = file.get_slice(name).get_dtype()
            if dtype not in _DTYPES:
                raise ValueError(
                    f"load: {os.fspath(path)} has the tensor {name!r} of type {dtype}, which has no counterpart here"
                )
            arrays[name] = file.get_tensor(name)
        return file.metadata() or {}, arrays


class _Writer:
    """Turns an object into JSON and the named arrays to which it refers."""

    def __init__(self) -> None:
        self.arrays: dict[str, numpy.ndarray[Any, Any]] = {}
        self._names: dict[tuple[Any, ...], str] = {}  # by the memory that a tensor shows

    def encode(self, obj: Any, where: tuple[Any, ...]) -> Any:
        if isinstance(obj, numpy.generic):
            obj = obj.item()
        if obj is None or isinstance(obj, (bool, int, str)):
            return obj
        if isinstance(obj, float):
            return obj if math.isfinite(obj) else {"float": repr(float(obj))}
        if isinstance(obj, Tensor):
            return {"tensor": self._name(obj, where)}
        if isinstance(obj, Mapping):
            return {
                "dict": [[_encode_key(key, where), self.encode(value, (*where, key))] for key, value in obj.items()]
            }
        if isinstance(obj, (list, tuple)):
            kind = "tuple" if isinstance(obj, tuple) else "list"
            return {kind: [self.encode(value, (*where, i)) for i, value in enumerate(obj)]}
        if hasattr(obj, "state_dict"):
            raise TypeError(f"save: {_described(where)} is a {type(obj).__name__}; save its state_dict()")
        raise TypeError(
            f"save: {_described(where)} is a {type(obj).__name__}; tensors, numbers, strings, bools, None and dicts, "
            "lists and tuples of these can be saved"
        )

    def _name(self, tensor: Tensor, where: tuple[Any, ...]) -> str:
        array = tensor.detach().numpy()
        # An empty tensor shows no memory, and its address may be that of any other.
        memory = (
            (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype)
            if array.size
            else (id(tensor),)
        )
        if memory not in self._names:
            name = ".".join(str(key) for key in where) or "tensor"
            while name in self.arrays or name == "__metadata__":
                name += "_"
            self._names[memory] = name
            self.arrays[name] = numpy.ascontiguousarray(array).reshape(array.shape)
        return self._names[memory]


def _encode_key(key: Any, where: tuple[Any, ...]) -> Any:
    if key is None or isinstance(key, (bool, int, str)) or (isinstance(key, float) and math.isfinite(key)):
        return key
    raise TypeError(
        f"save: {_described(where)} has a key of type {type(key).__name__}; keys are strings, numbers, bools or None"
    )


def _described(where: tuple[Any, ...]) -> str:
    return "the object" + "".join(f"[{key!r}]" for key in where)


def _decode(node: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(node, dict):
        return node
    ((kind, value),) = node.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "float":
        return float(value)
    if kind == "dict":
        return {key: _decode(entry, tensors) for key, entry in value}
    entries = [_decode(entry, tensors) for entry in value]
    return tuple(entries) if kind == "tuple" else entries


def _json(obj: Any) -> str:
    return json.dumps(obj, separators=(",", ":"), allow_nan=False)


def _checksum(structure: Any, arrays: dict[str, numpy.ndarray[Any, Any]]) -> int:
    """The CRC-32 of the structure and of every array's name, dtype, shape and bytes."""
    crc = zlib.crc32(_json(structure).encode())
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(f"{name}|{array.dtype.str}|{array.shape}".encode(), crc)
        crc = zlib.crc32(array.reshape(-1).view(numpy.uint8).data, crc)
    return crc


def _flush_directory(path: Path) -> None:
    """Returns when the directory's new entry is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
