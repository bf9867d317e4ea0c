"""Files that lie, and checkpoints of an odd structure with a right checksum: load says what is wrong with each."""

from __future__ import annotations

import io as streams
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from gradgate import io, nn, tensor
from gradgate.io.structure import MAX_DEPTH
from test_io import same
from test_io_fuzz import checkpoint_file, file_of


def entry(code: str = "F32", shape: Any = (1,), offsets: Any = (0, 4), **more: Any) -> dict[str, Any]:
    return {"dtype": code, "shape": shape, "data_offsets": offsets, **more}


def nested(kind: str, depth: int) -> str:
    return f'{{"{kind}":[' * depth + "]}" * depth


LYING = {
    "the second begins inside the first": ({"a": entry(), "b": entry(offsets=(2, 6))}, 6, "'b' begins at byte 2"),
    "both are at one place": ({"a": entry(), "b": entry()}, 4, "begins at byte 0, but the one before ends at 4"),
    "a hole in front": ({"a": entry(offsets=(4, 8))}, 8, "'a' begins at byte 4"),
    "a hole between": ({"a": entry(), "b": entry(offsets=(8, 12))}, 12, "'b' begins at byte 8"),
    "an empty tensor inside another": ({"a": entry(), "b": entry(shape=(0,), offsets=(2, 2))}, 4, "begins at byte 2"),
    "bytes that no tensor has": ({"a": entry()}, 5, "describes a file of"),
    "a tensor beyond the end": ({"a": entry(shape=(2,), offsets=(0, 8))}, 4, "describes a file of"),
    "far beyond the end": ({"a": entry("U8", (2**62,), (0, 2**62))}, 4, "describes a file of"),
    "offsets the wrong way round": ({"a": entry(offsets=(4, 0))}, 4, "takes 4 bytes, but its offsets are 4 and 0"),
    "a size that overflows 64 bits": ({"a": entry(shape=(2**32, 2**32), offsets=(0, 0))}, 0, "takes 7"),
    "empty and too large": ({"a": entry(shape=(0, 2**62, 2**62), offsets=(0, 0))}, 0, "cannot be made: .*too large"),
    "many dimensions": ({"a": entry(shape=[1] * 9)}, 4, "9 dimensions"),
    "very many dimensions": ({"a": entry(shape=[3] * 100_000)}, 4, "100000 dimensions"),
    "a negative dimension": ({"a": entry(shape=(-1,))}, 4, "of another form"),
    "a dimension beyond 64 bits": ({"a": entry(shape=(0, 2**64), offsets=(0, 0))}, 0, "of another form"),
    "a dimension that is a float": ({"a": entry(shape=(1.0,))}, 4, "of another form"),
    "a dimension that is a bool": ({"a": entry(shape=(True,))}, 4, "of another form"),
    "a shape that is a number": ({"a": entry(shape=1)}, 4, "of another form"),
    "three offsets": ({"a": entry(offsets=(0, 4, 4))}, 4, "of another form"),
    "a type that is a list": ({"a": entry(["F32"])}, 4, "of another form"),  # type: ignore[arg-type]
    "no type": ({"a": {"shape": [1], "data_offsets": [0, 4]}}, 4, "not described by dtype"),
    "no offsets": ({"a": {"dtype": "F32", "shape": [1]}}, 4, "not described by"),
    "an entry that is a list": ({"a": [1]}, 0, "not described by"),
    "metadata of numbers": ({"__metadata__": {"x": 1}}, 0, "no object of strings"),
    "metadata that is a list": ({"__metadata__": []}, 0, "no object of strings"),
    "half of a surrogate pair": ({"\ud800": entry()}, 4, "no Unicode text"),
}


@pytest.mark.parametrize("what", LYING)
def test_headers_that_lie(what: str, tmp_path: Path) -> None:
    header, size, message = LYING[what]
    path = tmp_path / "lies"
    path.write_bytes(file_of(json.dumps(header).encode(), bytes(size)))
    with pytest.raises(ValueError, match=f"load: .*lies is not a complete safetensors file: .*{message}"):
        io.load(path)


FOUR = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (f'{{"a":{FOUR},"a":{FOUR}}}', "the name 'a' twice"),
        (f'{{"__metadata__":{{"x":"1","x":"2"}},"a":{FOUR}}}', "the name 'x' twice"),
        ('{"a":NaN}', "holds NaN"),
        ('{"a":-Infinity}', "holds -Infinity"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"a":' + nested("b", 50_000) + "}", "nested too deeply"),
        (f'{{"a":{FOUR}', "delimiter"),
        (f'{{"a":{FOUR}}}\0', "Extra data"),
        (f' {{"a":{FOUR}}}', "does not begin with"),
        ("[]", "does not begin with"),
        ("", "does not begin with"),
        (b'{"\xff":1}', "utf-8"),
    ],
    ids=range(12),
)
def test_headers_that_are_no_json(header: str | bytes, message: str) -> None:
    text = header if isinstance(header, bytes) else header.encode()
    with pytest.raises(ValueError, match=f"load: the BytesIO is not a complete safetensors file: .*{message}"):
        io.load(streams.BytesIO(file_of(text, bytes(4))))


@pytest.mark.parametrize("length", [3, 100_000_000, 100_000_001, 2**63, 2**64 - 1])
def test_lengths_of_the_header_that_lie(length: int) -> None:
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        io.load(streams.BytesIO(length.to_bytes(8, "little") + b"{}"))


DEEP = [{"list": []}]
for _ in range(MAX_DEPTH):
    DEEP.append({"list": [DEEP[-1]]})

ODD: dict[str, tuple[Any, str]] = {
    "an unknown kind": ({"set": []}, r"the object is of the unknown kind 'set'"),
    "an unknown kind inside": (
        {"dict": [["a", {"tuple": [0, {"set": []}]}]]},
        r"the object\['a'\]\[1\] is of the unknown",
    ),
    "a bare list": ([1, 2], r"is \[1, 2\], not a number"),
    "no kind": ({}, "is {}, not a number"),
    "two kinds": ({"list": [], "tuple": []}, "not a number, a string or one kind"),
    "a list of a number": ({"list": 3}, "is a list of 3"),
    "a tuple of a string": ({"tuple": "ab"}, "is a tuple of 'ab'"),
    "a dict of a dict": ({"dict": {"a": 1}}, "is a dict of {'a': 1}"),
    "an entry without a value": ({"dict": [["a"]]}, r"has the entry \['a'\]"),
    "an entry that is a string": ({"dict": ["ab"]}, "has the entry 'ab'"),
    "a key that is a list": ({"dict": [[[1], 2]]}, "has the entry"),
    "a key that is no number": ({"dict": [[{"float": "nan"}, 2]]}, "has the entry"),
    "a key twice": ({"dict": [["a", 1], ["a", 2]]}, "has the key 'a' twice"),
    "equal keys of two types": ({"dict": [[1, 1], [True, 2]]}, "has the key True twice"),
    "a tensor that is missing": ({"list": [{"tensor": "y"}]}, r"the object\[0\] is the tensor 'y', which is not in"),
    "a tensor by a number": ({"tensor": 3}, "is the tensor 3"),
    "a tensor by a list": ({"tensor": ["x"]}, r"is the tensor \['x'\]"),
    "a tensor that nobody wants": (3, "no entry of its structure is the tensor 'x'"),
    "a float in words": ({"float": "one"}, "is the float 'one'"),
    "a float by a list": ({"float": []}, "is the float"),
    "a finite float in words": ({"float": "1.0"}, "is the float '1.0'"),
    "too deep": (DEEP[-1], f"more than {MAX_DEPTH} levels deep"),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_structures_with_a_right_checksum(what: str, tmp_path: Path) -> None:
    structure, message = ODD[what]
    path = tmp_path / "odd"
    arrays = {"x": np.float32([1.0])} if "'x'" in message or "tensor by" in what else {}
    path.write_bytes(checkpoint_file(structure, arrays))
    with pytest.raises(ValueError, match=f"load: .*odd is damaged: .*{message}"):
        io.load(path)


@pytest.mark.parametrize(
    "metadata",
    [
        "[]",
        "3",
        "null",
        '"gradgate"',
        "{}",
        '{"gradgate":1}',
        '{"gradgate":1,"crc32":0}',
        '{"gradgate":1,"crc32":null,"structure":3}',
        '{"gradgate":1,"crc32":true,"structure":3}',
        '{"gradgate":1,"crc32":0,"crc32":1,"structure":3}',
        '{"gradgate":1,"crc32":0,"structure":NaN}',
        '{"gradgate":1,"crc32":0,"structure":1e999}',
        '{"gradgate":1,"crc32":0,"structure":' + nested("list", 5000) + "}",
        '{"gradgate":1,"crc32":0,"structure":' + nested("list", 300) + "}",
        '{"gradgate":1,"crc32":0,"structure":' + "1" * 10_000 + "}",
    ],
)
def test_metadata_that_is_no_checkpoint(metadata: str) -> None:
    header = json.dumps({"__metadata__": {"gradgate": metadata}}).encode()
    with pytest.raises(ValueError, match=r"load: the BytesIO is damaged: its (metadata cannot be read|checksum)"):
        io.load(streams.BytesIO(file_of(header)))


@pytest.mark.parametrize("form", [0, 2, 1.0, True, None, "1", [1]])
def test_formats_that_are_not_known(form: Any) -> None:
    with pytest.raises(ValueError, match=r"is of format .* but this version reads format 1"):
        io.load(streams.BytesIO(checkpoint_file(3, {}, gradgate=form)))


def test_a_right_checkpoint_of_the_same_program_loads() -> None:
    """What the files above are like but for their fault."""
    structure = {
        "dict": [["a", {"tuple": [{"tensor": "x"}, {"float": "-inf"}, {"list": []}]}], [None, {"tensor": "x"}]]
    }
    loaded = io.load(streams.BytesIO(checkpoint_file(structure, {"x": np.float32([1.0, 2.0])})))
    assert same(loaded, {"a": (tensor(np.float32([1.0, 2.0])), -np.inf, []), None: tensor(np.float32([1.0, 2.0]))})
    assert loaded["a"][0] is loaded[None]
    assert io.load(streams.BytesIO(checkpoint_file(DEEP[-2], {}))) is not None


def test_deep_objects_and_those_that_hold_themselves() -> None:
    deep: Any = tensor(1.0)
    for i in range(MAX_DEPTH):
        deep = [deep] if i % 2 else {"a": deep}
    file = streams.BytesIO()
    io.save(deep, file)
    file.seek(0)
    assert same(io.load(file), deep)
    cyclic: dict[str, Any] = {}
    cyclic["a"] = [cyclic]
    for obj in ([deep], cyclic):
        file = streams.BytesIO()
        with pytest.raises(ValueError, match=rf"save: the object.* more than {MAX_DEPTH} levels deep"):
            io.save(obj, file)
        assert file.getvalue() == b""


def test_what_no_header_holds_is_not_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io.layout, "MAX_HEADER", 1000)
    file = streams.BytesIO()
    with pytest.raises(ValueError, match="the header of a safetensors file holds 1000: save long lists"):
        io.save([0.5] * 1000, file)
    assert file.getvalue() == b""


def test_bools_of_other_bytes_are_true(tmp_path: Path) -> None:
    raw = np.array([0, 1, 2, 255, 128, 0], np.uint8)
    header = json.dumps({"mask": entry("BOOL", raw.shape, (0, 6))}).encode()
    (tmp_path / "mask").write_bytes(file_of(header, raw.tobytes()))
    mask = io.load(tmp_path / "mask")["mask"]
    assert mask.numpy().view(np.uint8).tolist() == [0, 1, 1, 1, 1, 0] and mask.sum().item() == 4
    structure = {"tensor": "mask"}
    whole = streams.BytesIO(checkpoint_file(structure, {"mask": raw.view(bool)}))
    assert io.load(whole).numpy().view(np.uint8).tolist() == [0, 1, 1, 1, 1, 0]


def test_bools_of_other_bytes_are_saved_as_true(tmp_path: Path) -> None:
    mask = tensor(np.zeros((2, 3), bool))
    mask.numpy().view(np.uint8)[:] = [[0, 1, 2], [255, 0, 7]]
    io.save({"mask": mask, "turned": mask.T}, tmp_path / "file")
    loaded = safetensors.numpy.load_file(tmp_path / "file")
    assert loaded["mask"].view(np.uint8).tolist() == [[0, 1, 1], [1, 0, 1]]
    assert loaded["turned"].view(np.uint8).tolist() == [[0, 1], [1, 0], [1, 1]]


def test_other_files_with_metadata_are_not_taken_for_checkpoints(tmp_path: Path) -> None:
    config = json.dumps({"structure": {"layers": 3}, "name": "gradgate", "crc32": "none"}, separators=(",", ":"))
    safetensors.numpy.save_file({"x": np.arange(3)}, tmp_path / "other", {"config": config})
    assert same(io.load(tmp_path / "other"), {"x": tensor(np.arange(3))})


def test_a_module_is_not_saved_by_accident() -> None:
    with pytest.raises(TypeError, match=r"the object\['m'\] is a Linear; save its state_dict\(\)"):
        io.save({"m": nn.Linear(2, 3)}, streams.BytesIO())
