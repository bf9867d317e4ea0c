"""Hostile files: a seeded program that damages and invents safetensors files, and holds load to its promise.

In the tests it runs briefly. To run it long: python tests/test_io_fuzz.py --seconds 3600 --seed 1
"""

from __future__ import annotations

import argparse
import faulthandler
import io as streams
import json
import random
import struct
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pytest
import safetensors.numpy

from gradgate import io, tensor
from gradgate.io.structure import Encoder
from test_io import same

# A load of these small files takes far less than a millisecond; the bound is for what grows with a lying number.
SECONDS = 5.0
# The types of arrays that load takes, and one that it does not.
ITEM_SIZES = {"F32": 4, "F64": 8, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1, "F16": 2}
ARRAY_TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}


def checkpoint() -> dict[Any, Any]:
    return {
        "model": {"w": tensor(np.arange(6.0).reshape(2, 3)), "b": tensor(np.float32([1.5, -0.0]))},
        "mask": tensor(np.array([True, False])),
        "steps": (tensor(3), tensor(np.uint8([])), [1, -2.5, float("nan"), None, True, "ß"]),
        7: {},
    }


def saved(obj: Any) -> bytes:
    file = streams.BytesIO()
    io.save(obj, file)
    return file.getvalue()


def file_of(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


class Outcome(NamedTuple):
    """What load makes of a file: an object and the bytes that it read, or a message."""

    loaded: bool
    result: Any
    read: bytes


def outcome(data: bytes, path: Path | None = None) -> Outcome:
    """Loads a file from memory, or by its path. Fails for all that load must not do."""
    memory = streams.BytesIO(data)
    if path is not None:
        path.unlink(missing_ok=True)  # or the system would flush the old one's end first
        path.write_bytes(data)
    start = time.perf_counter()
    try:
        result = Outcome(True, io.load(memory if path is None else path), data)
    except ValueError as error:
        result = Outcome(False, str(error), data)
    assert time.perf_counter() - start < SECONDS, "load takes far too long"
    named = "BytesIO" if path is None else str(path)
    assert result.loaded or named in result.result, f"the message does not name the file: {result.result}"
    return result._replace(read=data[: memory.tell()]) if path is None else result


# Damage to a whole file.


def flipped(rng: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def spliced(rng: random.Random, data: bytes) -> bytes:
    """Some bytes removed, doubled or exchanged."""
    a, b, c = sorted(rng.randrange(len(data) + 1) for _ in range(3))
    return rng.choice((data[:a] + data[b:], data[:b] + data[a:], data[:a] + data[b:c] + data[a:b] + data[c:]))


def edited(rng: random.Random, data: bytes) -> bytes:
    """The header with a number or a sign of JSON in another's place, and the length that belongs to it."""
    size = struct.unpack("<Q", data[:8])[0]
    header = bytearray(data[8 : 8 + size])
    i = rng.randrange(len(header))
    header[i : i + rng.choice((0, 1, 2))] = rng.choice(
        [
            b"0",
            b"9" * 30,
            b"-",
            b"1e999",
            b"NaN",
            b"null",
            b"[",
            b"]",
            b"{",
            b"}",
            b'"',
            b",",
            b":",
            b"\\u0000",
            b"\xff",
        ]
    )
    return file_of(bytes(header), data[8 + size :])


DAMAGE: list[Callable[[random.Random, bytes], bytes]] = [flipped, cut, spliced, edited]


def check_damage(rng: random.Random, path: Path | None) -> None:
    """A file of save's that is damaged is refused, or loads as what was saved: the damage made no difference."""
    whole = saved(checkpoint())
    damaged = rng.choice(DAMAGE)(rng, whole)
    loaded, result, _ = outcome(damaged, path)
    assert not loaded or same(result, checkpoint()), repr(damaged)


# Headers that lie.


def odd_size(rng: random.Random) -> Any:
    return rng.choice(
        (0, 0, 1, 1, 2, 3, 4, 8, -1, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64, 10**40, 1.0, True, "1")
    )


def odd_entry(rng: random.Random, begin: int) -> tuple[Any, int]:
    """An entry of a header that follows the one that ends at `begin`, more often right than not, and its end."""
    code = rng.choice(list(ITEM_SIZES))
    shape: Any = [rng.choice((0, 1, 1, 2, 3)) for _ in range(rng.randrange(4))]
    end = begin + int(np.prod(shape, dtype=int)) * ITEM_SIZES[code]
    entry: dict[str, Any] = {"dtype": code, "shape": shape, "data_offsets": [begin, end]}
    if rng.random() < 0.3:
        part = rng.choice(("dtype", "shape", "data_offsets"))
        values: dict[str, list[Any]] = {
            "dtype": [None, "f32", "BF16", 3, ["F32"]],
            "shape": [None, 2, [odd_size(rng) for _ in range(rng.randrange(10))], [0, 2**63 - 1], [1] * 70, {}, "12"],
            "data_offsets": [None, [begin], [end, begin], [odd_size(rng), odd_size(rng)], [begin, end, end], {}],
        }
        entry[part] = rng.choice(values[part])
    if rng.random() < 0.05:
        del entry[rng.choice(list(entry))]
    return rng.choice((entry,) * 20 + (None, [], 3, [[[entry]]])), end


def lying_file(rng: random.Random) -> bytes:
    parts, end = [], 0
    for _ in range(rng.randrange(5)):
        entry, end = odd_entry(rng, end)
        name = rng.choice(("a", "b", "c", "d", "e", "f", "ß", "\ud800", "", "__metadata__"))
        parts.append(f"{json.dumps(name)}:{json.dumps(entry)}")
    if rng.random() < 0.2:
        metadata = rng.choice(('{"x":"y"}', '{"x":1}', '{"x":"1","x":"2"}', "null", "[]", "0", '{"gradgate":"{}"}'))
        parts.insert(0, f'"__metadata__":{metadata}')
    if rng.random() < 0.05:
        parts.append('"deep":' + "[" * rng.choice((50, 5000)) + "]" * rng.choice((50, 5000)))
    header = ("{" + ",".join(parts) + "}").encode() + b" " * rng.randrange(9)
    data = bytes(rng.choice((0, 1, 1, 2, 63, 255)) for _ in range(end + rng.choice((0,) * 9 + (-1, 1, 100))))
    whole = file_of(header, data)
    if rng.random() < 0.1:
        whole = struct.pack("<Q", rng.choice((0, 1, len(header) + 1, 10**8, 10**8 + 1, 2**40, 2**64 - 1))) + whole[8:]
    return whole


def check_lies(rng: random.Random, path: Path | None) -> None:
    """What loads is what the safetensors package reads from the same file."""
    data = lying_file(rng)
    loaded, result, read = outcome(data, path)
    if loaded:
        expected = safetensors.numpy.load(read)
        assert result.keys() == expected.keys(), repr(data)
        for name, array in expected.items():
            values = array.view(np.uint8) != 0 if array.dtype == bool else array
            assert same(result[name], tensor(values)), repr(data)


# Checkpoints with a right checksum.


def checkpoint_file(structure: Any, arrays: dict[str, np.ndarray], **members: Any) -> bytes:
    """A file as save writes it, of any structure."""
    text = json.dumps(structure, separators=(",", ":"))
    crc = zlib.crc32(text.encode())
    header: dict[str, Any] = {}
    data = b""
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(f"{name}|{array.dtype.str}|{array.shape}".encode(), crc)
        crc = zlib.crc32(array.tobytes(), crc)
        code = next(code for code, kind in ARRAY_TYPES.items() if kind == array.dtype.str)
        header[name] = {"dtype": code, "shape": array.shape, "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    about = json.dumps({"gradgate": 1, "crc32": crc, "structure": "?", **members}, separators=(",", ":"))
    metadata = {"gradgate": about.replace('"?"', text)}
    return file_of(json.dumps({"__metadata__": metadata, **header}).encode(), data)


def odd_structure(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.choice(
        ("list", "tuple", "dict", "tensor", "plain", "plain", "float", "odd" if rng.random() < 0.3 else "list")
    )
    if kind == "plain" or depth > 3:
        return rng.choice((None, True, 0, 10**30, 1.5, "text", ""))
    if kind == "tensor":
        return {"tensor": rng.choice(("x", "y", "y", "x", "z" if rng.random() < 0.2 else "x"))}
    if kind == "float":
        return {"float": rng.choice(("inf", "-inf", "nan", "nan", "1.0" if rng.random() < 0.2 else "inf"))}
    inner = [odd_structure(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == "odd":
        odd = [[], {}, inner, {"list": 3}, {"set": inner}, {"dict": inner}, {"tensor": inner}, {"float": inner}]
        return rng.choice([*odd, {"list": inner, "tuple": inner}, {"dict": [[inner, 1]]}, {"tuple": None}])
    if kind == "dict":
        keys = rng.sample((None, True, 0, 1, 2, 1.5, "a", "b", "1"), len(inner))
        return {"dict": [[key, value] for key, value in zip(keys, inner, strict=True)]}
    return {kind: inner}


def without_names(structure: Any) -> Any:
    """The structure with the same name for every tensor, which has another after it is saved again."""
    if isinstance(structure, dict):
        return {key: "" if key == "tensor" else without_names(value) for key, value in structure.items()}
    return [without_names(value) for value in structure] if isinstance(structure, list) else structure


def check_structures(rng: random.Random, path: Path | None) -> None:
    """What loads is what the structure says: saved again it gives the same structure."""
    arrays = {"x": np.float32([1, 2]), "y": np.array(7)}
    structure = odd_structure(rng)
    members = rng.choice(({},) * 9 + ({"gradgate": 2}, {"gradgate": None}, {"crc32": "x"}, {"crc32": True}))
    data = checkpoint_file(structure, arrays if rng.random() < 0.5 else {}, **members)
    loaded, result, _ = outcome(data, path)
    if loaded:
        assert not members, repr(data)
        assert without_names(Encoder().encode(result)) == without_names(structure), repr(data)


Check: TypeAlias = Callable[[random.Random, "Path | None"], None]
CHECKS: list[Check] = [check_damage, check_lies, check_structures]


def run(check: Check, seed: int, path: Path) -> None:
    """One case, from memory, and every eighth from a file, which takes longer."""
    try:
        check(random.Random(seed), None if seed % 8 else path)
    except BaseException as error:
        error.args = (f"{check.__name__} with the seed {seed}: {type(error).__name__}: {error}", *error.args[1:])
        raise


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_hostile_files(check: Check, tmp_path: Path) -> None:
    for seed in range(1500):
        run(check, seed, tmp_path / "file")


def test_what_is_right_is_not_refused(tmp_path: Path) -> None:
    """The programs above make files of both kinds, or they would show little."""
    for check in (check_lies, check_structures):
        loaded = 0
        for seed in range(300):
            path = tmp_path / f"{check.__name__}{seed}"
            check(random.Random(seed), path)
            loaded += outcome(path.read_bytes()).loaded
        assert 30 < loaded < 270, check.__name__


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole = saved(checkpoint())
    for length in range(len(whole)):
        assert not outcome(whole[:length], tmp_path / "file" if length % 8 == 0 else None).loaded, length
    assert not outcome(whole + b"\0", tmp_path / "file").loaded
    assert same(outcome(whole, tmp_path / "file").result, checkpoint())


def test_every_flipped_bit_is_refused_or_without_effect() -> None:
    whole = saved(checkpoint())
    for position in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            loaded, result, _ = outcome(bytes(damaged))
            assert not loaded or same(result, checkpoint()), (position, bit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--seed", type=int, default=10_000, help="the first of the seeds that are tried one after another"
    )
    options = parser.parse_args()
    end, seed = time.monotonic() + options.seconds, options.seed
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            faulthandler.dump_traceback_later(60, exit=True)  # a load that does not end is a fault, too
            for check in CHECKS:
                run(check, seed, Path(folder, "file"))
            seed += 1
    faulthandler.cancel_dump_traceback_later()
    print(f"seeds {options.seed} to {seed - 1}: only ValueError, and nothing loaded wrongly")


if __name__ == "__main__":
    main()
