"""save and load: round trips, atomic replacement, and damage of every kind."""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.numpy

from gradgate import from_numpy, full, io, tensor
from gradgate.optim import SGD, Adam
from gradgate.optim.lr_scheduler import MultiStepLR
from test_optim import FULL_CASES, bits, case_name, parameters, train, values


def same(a: Any, b: Any) -> bool:
    """Equal values of equal types, tensors bit for bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "numpy"):
        x, y = a.detach().numpy(), b.detach().numpy()
        return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    return bool(a == b) or (a != a and b != b)


def checkpoint() -> dict[Any, Any]:
    return {
        "model": {"0.weight": tensor(np.arange(6.0).reshape(2, 3)), "0.bias": tensor(np.float32([1.5, -0.0]))},
        "epoch": 3,
        "loss": 0.1,
        "best": float("inf"),
        "none": None,
        "done": False,
        "name": "Grüße",
        "history": [1, 2.5, (True, [])],
        4: {},
    }


def test_round_trip_of_a_nested_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    io.save(checkpoint(), path)
    assert same(io.load(path), checkpoint())
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (5,), (2, 3)])
def test_round_trip_of_every_dtype_and_shape(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2, dtype=dtype)
    io.save(tensor(array), tmp_path / "t")
    assert same(io.load(tmp_path / "t"), tensor(array))


def test_special_numbers_keep_their_bits(tmp_path: Path) -> None:
    array = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308])
    numbers = [float(x) for x in array]
    io.save([tensor(array), numbers, 2**80, np.float64(0.5), np.int32(7)], tmp_path / "t")
    loaded = io.load(tmp_path / "t")
    assert same(loaded, [tensor(array), numbers, 2**80, 0.5, 7])
    assert np.signbit(loaded[1][3])


def test_views_are_stored_in_logical_order(tmp_path: Path) -> None:
    base = tensor(np.arange(12.0).reshape(3, 4))
    views = {"turned": base.T, "spread": base[::2, 1:], "wide": base[0].expand(2, 4)}
    io.save(views, tmp_path / "t")
    loaded = io.load(tmp_path / "t")
    assert same(loaded, views)
    np.testing.assert_array_equal(safetensors.numpy.load_file(tmp_path / "t")["turned"], base.numpy().T)


def test_views_that_are_larger_than_a_piece(tmp_path: Path) -> None:
    base = tensor(np.arange(600_000, dtype=np.float32).reshape(2, 300, 1000))
    views = {
        "straight": base,
        "turned": base.permute(2, 1, 0),
        "halves": base[:, :, ::2],
        "narrow": base.reshape(-1, 2)[:, 0],
        "wide": base[0, 0].expand(500, 1000),
        "long rows": base.reshape(2, -1)[:, 1:],
        "deep": base[:, 1:].expand(3, 2, 299, 1000),
    }
    io.save(views, tmp_path / "t")
    assert same(io.load(tmp_path / "t"), views)
    others = safetensors.numpy.load_file(tmp_path / "t")
    for name, view in views.items():
        np.testing.assert_array_equal(others[name], view.numpy())


def test_memory_shared_with_numpy(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(2, 3)
    shared = from_numpy(array)
    io.save({"a": shared, "b": from_numpy(array)}, tmp_path / "t")
    array[:] = 0
    loaded = io.load(tmp_path / "t")
    assert loaded["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and loaded["a"] is loaded["b"]
    loaded["a"].add_(1.0)  # its memory is its own
    assert array.sum() == 0 and io.load(tmp_path / "t")["a"][0, 1].item() == 1.0


class Lazy(Mapping[int, Any]):
    """Makes its tensors when they are asked for, and keeps none."""

    def __init__(self, make: Callable[[int], Any]) -> None:
        self._make = make

    def __getitem__(self, i: int) -> Any:
        return self._make(i)

    def __iter__(self) -> Iterator[int]:
        return iter(range(60))

    def __len__(self) -> int:
        return 60


@pytest.mark.parametrize(
    "make", [lambda i: full((4,), float(i)), lambda i: full((5, 3), float(i)).T, lambda i: full((0, i), 0.0)]
)
def test_tensors_that_are_made_on_the_way(make: Callable[[int], Any], tmp_path: Path) -> None:
    """The memory and the identity of one that is gone may be the next one's."""
    io.save(Lazy(make), tmp_path / "t")
    assert same(io.load(tmp_path / "t"), dict(Lazy(make)))


class Pair(NamedTuple):
    a: Any
    b: Any


def test_kinds_of_numbers_keys_and_containers(tmp_path: Path) -> None:
    scalars = [np.float32(0.1), np.float16("inf"), np.int64(-3), np.uint8(200), np.bool_(True), np.str_("s")]
    obj = OrderedDict(
        numbers=scalars,
        pair=Pair(1, (2,)),
        keys={np.int64(3): "a", np.bool_(True): "b", 0.5: "c", np.float32(0.25): "d", None: "e", "3": "f"},
        shape=tensor(np.zeros((2, 3))).shape,
        halves="\ud800",
    )
    io.save(obj, tmp_path / "t")
    numbers = [float(np.float32(0.1)), float("inf"), -3, 200, True, "s"]
    keys = {3: "a", True: "b", 0.5: "c", 0.25: "d", None: "e", "3": "f"}
    expected = {"numbers": numbers, "pair": (1, (2,)), "keys": keys, "shape": (2, 3), "halves": "\ud800"}
    loaded = io.load(tmp_path / "t")
    assert same(loaded, expected)
    assert [type(key) for key in loaded["keys"]] == [int, bool, float, float, type(None), str]


def test_names_of_any_text_are_read_by_others(tmp_path: Path) -> None:
    obj = {'ß\n\x00"': tensor(1.0), "\ud800": tensor(2.0), 3: {None: tensor(3.0)}}
    io.save(obj, tmp_path / "t")
    assert same(io.load(tmp_path / "t"), obj)
    others = safetensors.numpy.load_file(tmp_path / "t")
    assert {name: float(array) for name, array in others.items()} == {'ß\n\x00"': 1.0, "?": 2.0, "3.None": 3.0}


def test_shared_tensors_are_stored_once_and_loaded_as_one(tmp_path: Path) -> None:
    weight = tensor(np.ones((2, 3)), requires_grad=True)
    io.save(
        {"a": weight, "b": weight.detach(), "row": weight[0].detach(), "none": [tensor([]), tensor([])]}, tmp_path / "t"
    )
    assert set(safetensors.numpy.load_file(tmp_path / "t")) == {"a", "row", "none.0", "none.1"}
    loaded = io.load(tmp_path / "t")
    assert loaded["a"] is loaded["b"] and not loaded["a"].requires_grad
    assert loaded["row"].tolist() == [1.0, 1.0, 1.0] and loaded["none"][0] is not loaded["none"][1]


def test_names_that_meet_are_kept_apart(tmp_path: Path) -> None:
    obj = {
        "a.b": tensor(1.0),
        "a": {"b": tensor(2.0), "b_": tensor(3.0)},
        "a.b_": tensor(4.0),
        "__metadata__": tensor(5.0),
        "": tensor(6.0),
    }
    io.save(obj, tmp_path / "t")
    assert same(io.load(tmp_path / "t"), obj)


def test_file_is_the_same_every_time(tmp_path: Path) -> None:
    io.save(checkpoint(), tmp_path / "a")
    io.save(checkpoint(), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_other_safetensors_files_give_their_tensors(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"x": np.arange(3.0), "y": np.array(True)}, tmp_path / "t", {"format": "np"})
    assert same(io.load(tmp_path / "t"), {"x": tensor(np.arange(3.0)), "y": tensor(np.array(True))})


def test_other_types_of_numbers_are_named(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"x": np.zeros(3, np.float16)}, tmp_path / "half")
    with pytest.raises(ValueError, match=r"half.*'x' of type F16"):
        io.load(tmp_path / "half")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x80\x04\x95.", b"PK\x03\x04" + bytes(100), bytes(1000), b"\xff" * 64, b'{"a": 1}']
)
def test_foreign_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign is not a complete safetensors file"):
        io.load(path)


def test_newer_format_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io, "_FORMAT", 2)
    io.save([1], tmp_path / "new")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="new is of format 2, but this version reads format 1"):
        io.load(tmp_path / "new")


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        io.load(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="no such directory"):
        io.save([1], tmp_path / "none" / "file")
    with pytest.raises(OSError, match="directory"):
        io.load(tmp_path)
    with pytest.raises(OSError, match="directory"):
        io.save([1], tmp_path)
    assert os.listdir(tmp_path) == []


class WithState:
    def state_dict(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"a": [1, WithState()]}, r"\['a'\]\[1\] is a WithState; save its state_dict\(\)"),
        (object(), "the object is a object"),
        ({"a": {1, 2}}, r"\['a'\] is a set"),
        ({"a": np.zeros(2)}, r"\['a'\] is a ndarray"),
        ({(1, 2): 3}, "key of type tuple"),
        ({float("nan"): 3}, "key of type float"),
        (lambda: 1, "function"),
        ([1j], r"the object\[0\] is a complex"),
        (np.zeros(1, "i4,i4")[0], "the object is a void"),
        ({frozenset((1,)): 3}, "key of type frozenset"),
        ({b"a": 3}, "key of type bytes"),
        ({"a": b"bytes"}, r"\['a'\] is a bytes"),
    ],
)
def test_what_cannot_be_saved_is_named_and_leaves_the_file(obj: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    io.save([1], path)
    with pytest.raises(TypeError, match=message):
        io.save(obj, path)
    assert io.load(path) == [1] and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_failure_on_the_way_leaves_the_file(stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    io.save([1], path)

    def fail(*arguments: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, stage, fail)
    with pytest.raises(OSError, match="disk full"):
        io.save([2], path)
    monkeypatch.undo()
    assert io.load(path) == [1] and os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_are_the_umasks_and_links_are_followed(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        io.save([1], tmp_path / "file")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    (tmp_path / "link").symlink_to("file")
    io.save([2], str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink() and io.load(tmp_path / "file") == [2]


@pytest.mark.parametrize("case", FULL_CASES, ids=case_name)
def test_training_resumes_bit_for_bit_from_a_file(case: Any, tmp_path: Path) -> None:
    kind, _, options = case
    shapes = [(3, 4), (5,)]
    straight = parameters(values(0, shapes))
    train(kind(straight, **options), straight, 10)

    first = parameters(values(0, shapes))
    optimizer = kind(first, **options)
    train(optimizer, first, 4)
    io.save({"model": dict(enumerate(first)), "optimizer": optimizer.state_dict(), "epoch": 4}, tmp_path / "c")

    loaded = io.load(tmp_path / "c")
    assert loaded["epoch"] == 4 and same(loaded["optimizer"], optimizer.state_dict())
    second = [tensor(t.numpy(), requires_grad=True) for t in loaded["model"].values()]
    resumed = kind(second)
    resumed.load_state_dict(loaded["optimizer"])
    train(resumed, second, 6, first=loaded["epoch"])
    assert bits(second) == bits(straight)


def test_state_of_a_schedule(tmp_path: Path) -> None:
    optimizer = SGD(parameters(values(0, [(2,)])), lr=1.0)
    schedule = MultiStepLR(optimizer, [2, 2, 5])
    for _ in range(3):
        optimizer.step()
        schedule.step()
    io.save(schedule.state_dict(), tmp_path / "s")
    other = MultiStepLR(Adam(parameters(values(0, [(2,)]))), [1])
    other.load_state_dict(io.load(tmp_path / "s"))
    assert other.state_dict() == schedule.state_dict()


def test_where_and_what_to_load_change_nothing(tmp_path: Path) -> None:
    io.save(checkpoint(), tmp_path / "t")
    for options in ({"map_location": "cpu"}, {"weights_only": False}, {"map_location": {"cuda:0": "cpu"}}):
        assert same(io.load(tmp_path / "t", **options), checkpoint())
    with pytest.raises(RuntimeError, match="no device 'cuda'"):
        io.load(tmp_path / "t", map_location="cuda")
