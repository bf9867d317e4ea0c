"""Nested objects as JSON that refers to its tensors by name."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy

from gradgate._core import Tensor

Array: TypeAlias = "numpy.ndarray[Any, Any]"

# Far more than a checkpoint needs, and few enough for the recursion of this module and of JSON's parser.
MAX_DEPTH = 100

# The types that are written as they are, but for subclasses and floats that are not finite.
_PLAIN = frozenset((type(None), bool, int, str, float))

# The floats that JSON cannot write, as repr() writes them.
_NOT_FINITE = ("inf", "-inf", "nan")


def to_json(obj: Any) -> str:
    """Compact JSON, the same text for the same object."""
    return json.dumps(obj, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Any:
    """The object that JSON describes. Raises ValueError for anything that two readers may read in two ways."""
    try:
        return json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"its JSON has the name {_shortened(name)} twice")
            seen.add(name)
    return result


def _refuse_constant(name: str) -> None:
    raise ValueError(f"its JSON holds {name}, which is no number of JSON")


class Encoder:
    """Turns an object into a structure for JSON, and collects the arrays of the tensors to which the structure refers."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}  # they keep their memory alive, so that no other tensor gets its address
        self._empty: list[Tensor] = []
        self._names: dict[tuple[Any, ...], str] = {}  # by the memory that a tensor shows

    def encode(self, obj: Any, where: tuple[Any, ...] = ()) -> Any:
        """The structure of the object at that place. Raises TypeError or ValueError for what has none."""
        if _is_plain(obj):
            return obj
        obj = _python_number(obj)
        if obj is None or isinstance(obj, (bool, int, str)):
            return obj
        if isinstance(obj, float):
            return obj if math.isfinite(obj) else {"float": repr(float(obj))}
        if isinstance(obj, Tensor):
            return {"tensor": self._name(obj, where)}
        if isinstance(obj, (Mapping, list, tuple)):
            return self._encode_entries(obj, where)
        if hasattr(obj, "state_dict"):
            raise TypeError(f"save: {described(where)} is a {type(obj).__name__}; save its state_dict()")
        raise TypeError(
            f"save: {described(where)} is a {type(obj).__name__}; tensors, numbers, strings, bools, None and dicts, "
            "lists and tuples of these can be saved"
        )

    def _encode_entries(self, obj: Mapping[Any, Any] | list[Any] | tuple[Any, ...], where: tuple[Any, ...]) -> Any:
        if len(where) >= MAX_DEPTH:
            raise ValueError(
                f"save: {described(where[:3])} holds itself, or entries more than {MAX_DEPTH} levels deep in the object"
            )
        if isinstance(obj, Mapping):
            return {
                "dict": [[_encode_key(key, where), self.encode(value, (*where, key))] for key, value in obj.items()]
            }
        kind = "tuple" if isinstance(obj, tuple) else "list"
        return {kind: [v if _is_plain(v) else self.encode(v, (*where, i)) for i, v in enumerate(obj)]}

    def _name(self, tensor: Tensor, where: tuple[Any, ...]) -> str:
        array = tensor.detach().numpy()
        memory: tuple[Any, ...]
        if array.size:
            memory = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype)
        else:  # it shows no memory, and its address may be that of any other
            memory = (id(tensor),)
            self._empty.append(tensor)
        if memory not in self._names:
            # The header is UTF-8, which has no form for one half of a surrogate pair.
            name = ".".join(str(key) for key in where).encode(errors="replace").decode() or "tensor"
            while name in self.arrays or name == "__metadata__":
                name += "_"
            self._names[memory] = name
            self.arrays[name] = array
        return self._names[memory]


def _is_plain(obj: Any) -> bool:
    """Whether JSON writes it so that it is read as the same object; quick, as there may be millions."""
    return type(obj) in _PLAIN and (type(obj) is not float or math.isfinite(obj))


def _python_number(obj: Any) -> Any:
    """A NumPy number as the number of Python that it is."""
    return obj.item() if isinstance(obj, (numpy.bool_, numpy.integer, numpy.floating)) else obj


def _encode_key(key: Any, where: tuple[Any, ...]) -> Any:
    key = _python_number(key)
    if _is_key(key):
        return key
    if isinstance(key, float):
        raise TypeError(f"save: {described(where)} has a key of type float that is {key}; numbers as keys are finite")
    raise TypeError(
        f"save: {described(where)} has a key of type {type(key).__name__}; keys are strings, numbers, bools or None"
    )


def _is_key(key: Any) -> bool:
    return key is None or isinstance(key, (bool, int, str)) or (isinstance(key, float) and math.isfinite(key))


def described(where: tuple[Any, ...]) -> str:
    """The place of an entry, as the subscripts that lead to it."""
    return "the object" + "".join(f"[{key!r}]" for key in where)


class Decoder:
    """Turns a structure and the tensors to which it refers into the object, and checks every part of it."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self._tensors = tensors
        self._used: set[str] = set()

    def decode(self, structure: Any) -> Any:
        """The object. Raises ValueError, naming the entry, for what Encoder does not write."""
        obj = self._decode(structure, ())
        unused = sorted(self._tensors.keys() - self._used)
        if unused:
            raise ValueError(f"no entry of its structure is the tensor {unused[0]!r}")
        return obj

    def _decode(self, node: Any, where: tuple[Any, ...]) -> Any:
        if _is_plain(node):
            return node
        if not isinstance(node, dict) or len(node) != 1:
            raise ValueError(f"{described(where)} is {_shortened(node)}, not a number, a string or one kind of entry")
        ((kind, value),) = node.items()
        if kind == "tensor":
            return self._tensor(value, where)
        if kind == "float":
            if value not in _NOT_FINITE:
                raise ValueError(f"{described(where)} is the float {_shortened(value)}, not one of {_NOT_FINITE}")
            return float(value)
        if kind not in ("dict", "list", "tuple"):
            raise ValueError(f"{described(where)} is of the unknown kind {_shortened(kind)}")
        if not isinstance(value, list):
            raise ValueError(f"{described(where)} is a {kind} of {_shortened(value)}, not of a list of entries")
        if len(where) >= MAX_DEPTH:
            raise ValueError(f"{described(where[:3])} holds entries more than {MAX_DEPTH} levels deep in the object")
        if kind == "dict":
            return self._dict(value, where)
        entries = [v if _is_plain(v) else self._decode(v, (*where, i)) for i, v in enumerate(value)]
        return tuple(entries) if kind == "tuple" else entries

    def _tensor(self, name: Any, where: tuple[Any, ...]) -> Tensor:
        if not isinstance(name, str) or name not in self._tensors:
            raise ValueError(f"{described(where)} is the tensor {_shortened(name)}, which is not in the file")
        self._used.add(name)
        return self._tensors[name]

    def _dict(self, entries: list[Any], where: tuple[Any, ...]) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for entry in entries:
            if not isinstance(entry, list) or len(entry) != 2 or not _is_key(entry[0]):
                raise ValueError(f"{described(where)} has the entry {_shortened(entry)}, not a key with its value")
            key, value = entry
            if key in result:
                raise ValueError(f"{described(where)} has the key {_shortened(key)} twice")
            result[key] = self._decode(value, (*where, key))
        return result


def _shortened(obj: Any) -> str:
    """As repr(), but short for an object of any size and depth."""
    return reprlib.repr(obj)
