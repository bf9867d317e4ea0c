"""Memory from outside and memory lent out: read-only arrays, bools of any byte, DLPack producers that lie, arrays that outlive."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradgate as gg


def test_an_array_keeps_the_memory_it_shows() -> None:
    x = gg.arange(1000).float()
    array, capsule = x.numpy(), x.__dlpack__()
    x.data = gg.zeros(2)
    del x
    gc.collect()
    others = [gg.zeros(1000) for _ in range(8)]
    assert array.sum() == 499500 and len(others) == 8
    assert gg.from_dlpack(capsule).sum().item() == 499500


def read_only(values: Any) -> Any:
    array = np.array(values)
    array.flags.writeable = False
    return array


def test_views_of_read_only_arrays_are_of_a_copy(tmp_path: Path) -> None:
    array = read_only([[1.0, 2.0], [3.0, 4.0]])
    for view in (
        gg.reshape(array, (4,)),
        gg.flatten(array),
        gg.transpose(array, 0, 1),
        gg.select(array, 0, 0),
        gg.broadcast_tensors(array)[0],
        gg.meshgrid(array[0])[0],
        gg.split(array, 1)[0],
    ):
        view.add_(5)
    assert array.tolist() == [[1, 2], [3, 4]]
    path = tmp_path / "memory"
    np.arange(8, dtype=np.float32).tofile(path)
    mapped = np.memmap(path, dtype=np.float32, mode="r")
    assert gg.reshape(mapped, (2, 4)).fill_(1).sum().item() == 8
    assert mapped.sum() == 28


def test_operators_do_not_write_to_read_only_arrays() -> None:
    array = read_only([1.0, 2.0])
    for x in (array + gg.zeros(2), gg.zeros(2) + array, gg.ones(2).double() ** array, array @ gg.eye(2).double()):
        x.fill_(9)
    assert array.tolist() == [1, 2]


OTHER_BYTES = np.array([0, 255, 2, 1], np.uint8)


def test_bools_of_other_bytes() -> None:
    odd = OTHER_BYTES.view(np.bool_)
    for lender in (lambda: gg.from_numpy(odd), lambda: gg.from_dlpack(odd), lambda: gg.from_numpy(odd[::2])):
        with pytest.raises(ValueError, match="bytes are neither 0 nor 1"):
            lender()
    for mask in (gg.tensor(odd), gg.as_tensor(odd), gg.tensor([odd])[0], gg.logical_not(gg.logical_not(odd))):
        assert mask.dtype == gg.bool and mask.tolist() == [False, True, True, True]
        assert mask.sum().item() == 3 and mask.nonzero().tolist() == [[1], [2], [3]]
    assert gg.arange(4)[odd].tolist() == [1, 2, 3]
    assert gg.zeros(4).masked_fill(odd, 1).tolist() == [0, 1, 1, 1]
    assert gg.tensor(odd, dtype=gg.float32).tolist() == [0, 1, 1, 1]
    assert OTHER_BYTES.tolist() == [0, 255, 2, 1]
    ones = np.ones((2, 3), np.bool_)
    assert gg.from_numpy(ones.T).numpy().base is not None and np.shares_memory(gg.from_numpy(ones.T).numpy(), ones)
    assert gg.from_numpy(np.zeros((0, 3), np.bool_)).shape == (0, 3)


def test_new_bools_are_bools() -> None:
    # Memory that was other bytes before is what new tensors are made of.
    for _ in range(3):
        full = [gg.full((4096,), 255, dtype=gg.uint8) for _ in range(4)]
        del full
        x = gg.ones(1)
        for made in (
            gg.empty(4096, dtype=gg.bool),
            gg.empty_like(gg.zeros(4096), dtype=gg.bool),
            x.new_empty(4096, dtype=gg.bool),
        ):
            assert set(np.unique(made.numpy().view(np.uint8)).tolist()) <= {0, 1}


class Device(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int32), ("index", ctypes.c_int32))


class Element(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class Managed(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", Device),
        ("ndim", ctypes.c_int32),
        ("dtype", Element),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    )


MEMORY = np.arange(16, dtype=np.float32)


# What was lent stays until its last borrower has let go, as the protocol asks of a producer.
LENT: list[Producer] = []


class Producer:
    """Lends MEMORY by DLPack, with what the arguments say of it."""

    def __init__(self, shape: tuple[int, ...] = (2, 3), **claims: Any) -> None:
        strides = claims.pop("strides", None)
        self.sizes = (ctypes.c_int64 * len(shape))(*shape)
        self.steps = (ctypes.c_int64 * len(strides))(*strides) if strides else None
        pointer = ctypes.POINTER(ctypes.c_int64)
        self.managed = Managed(
            data=MEMORY.ctypes.data,
            device=Device(1, 0),
            ndim=len(shape),
            dtype=Element(*claims.pop("dtype", (2, 32, 1))),
            shape=ctypes.cast(self.sizes, pointer),
            strides=ctypes.cast(self.steps, pointer) if self.steps else None,
        )
        for name, value in claims.items():
            setattr(self.managed, name, value)
        self.device: Any = (1, 0)
        LENT.append(self)

    def __dlpack_device__(self) -> Any:
        return self.device

    def __dlpack__(self, **_: Any) -> Any:
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.managed), b"dltensor", None)


def test_an_honest_producer() -> None:
    producer = Producer()
    assert gg.from_dlpack(producer).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert gg.from_dlpack(Producer(strides=(1, 2))).tolist() == [[0, 2, 4], [1, 3, 5]]
    assert gg.from_dlpack(Producer(shape=(2,), byte_offset=8)).tolist() == [2, 3]
    assert gg.from_dlpack(Producer(shape=())).item() == 0
    assert gg.from_dlpack(Producer(shape=(0, 3), data=None)).shape == (0, 3)
    assert gg.from_dlpack(Producer(shape=(0, 3), strides=(2**62, 2**62))).sum().item() == 0


@pytest.mark.parametrize(
    ("claims", "error", "message"),
    [
        ({"shape": (-1, 3)}, ValueError, "size -1 at dimension 0"),
        ({"shape": (2**40, 2**40)}, ValueError, "too large"),
        ({"shape": (0, 2**62, 2**62)}, ValueError, "too large"),
        ({"ndim": -1}, ValueError, "-1 dimensions"),
        ({"ndim": 9}, ValueError, "9 dimensions; a tensor has 0 to 8"),
        ({"shape": (2,), "strides": (-1,)}, ValueError, "negative stride"),
        ({"shape": (3,), "strides": (2**62,)}, ValueError, "stride 4611686018427387904 at dimension 0"),
        ({"shape": (2, 2), "strides": (2**62, 2**62)}, ValueError, "too large"),
        ({"data": None}, ValueError, "no memory"),
        ({"byte_offset": 2}, ValueError, "not aligned"),
        ({"dtype": (2, 32, 4)}, TypeError, "4 lanes"),
        ({"dtype": (2, 16, 1)}, TypeError, "16 bits"),
        ({"dtype": (5, 64, 1)}, TypeError, "type code 5"),
        ({"shape": (4,), "dtype": (6, 8, 1), "data": OTHER_BYTES.ctypes.data}, ValueError, "neither 0 nor 1"),
        ({"device": Device(2, 0)}, RuntimeError, "device type 2"),
    ],
)
def test_producers_that_lie(claims: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gg.from_dlpack(Producer(**claims))


def test_producers_without_a_shape_or_a_device() -> None:
    producer = Producer()
    producer.managed.shape = None
    with pytest.raises(ValueError, match="no shape"):
        gg.from_dlpack(producer)
    for device in (None, 1, (1,), ("a", "b"), (2**40, 0)):
        producer = Producer()
        producer.device = device
        with pytest.raises(TypeError, match="two ints"):
            gg.from_dlpack(producer)
    for source in (3, np.float32, object()):
        with pytest.raises(TypeError):
            gg.from_dlpack(source)


def test_values_that_do_not_broadcast() -> None:
    with pytest.raises(RuntimeError, match=r"full_like: .*shape \(3,\) for an input of shape \(20,\)"):
        gg.full_like(gg.zeros(20), gg.ones(3))
    assert gg.full_like(gg.zeros(2), gg.tensor(3)).tolist() == [3, 3]
    with pytest.raises(RuntimeError, match=r"bernoulli_: .*shape \(4,\).*shape \(100,\)"):
        gg.zeros(100).bernoulli_(gg.full((4,), 0.5))
    assert gg.zeros(2, 3).bernoulli_(gg.tensor([0.0, 1.0, 0.0])).tolist() == [[0, 1, 0]] * 2


def test_in_place_operators_of_arrays() -> None:
    total = np.zeros(3, np.float32)
    same = total
    total += gg.ones(3)
    assert same is total and same.tolist() == [1, 1, 1]
    total *= gg.tensor([1.0, 2.0, 3.0])
    assert same.tolist() == [1, 2, 3]
    with pytest.raises(RuntimeError, match=r"use tensor\.detach|Use tensor\.detach"):
        total += gg.ones(3, requires_grad=True)
    with pytest.raises(TypeError, match=r"out must be a NumPy array"):
        np.add(total, total, out=gg.zeros(3))  # type: ignore[call-overload]


def test_operators_of_arrays_stay_on_the_graph() -> None:
    x = gg.ones(3, requires_grad=True)
    array = np.array([1.0, 2.0, 3.0], np.float32)
    (array * x + array - x / array).sum().backward()
    np.testing.assert_allclose(x.grad, array - 1 / array, rtol=1e-6)
    for result in (
        array - x,
        array / x,
        array**x,
        array // x,
        array % x,
        array == x,
        array < x,
        np.float32(2) * x,
        np.multiply(array, x),
    ):
        assert isinstance(result, gg.Tensor)
    assert (array < x.detach() * 2).tolist() == [True, False, False]


def test_functions_of_numpy() -> None:
    x = gg.tensor([1.25, -2.5])
    fraction, whole = np.modf(x)
    assert isinstance(fraction, gg.Tensor) and whole.tolist() == [1, -2]
    assert np.add.reduce(x).item() == -1.25 and np.maximum.accumulate(x).tolist() == [1.25, 1.25]
    assert np.isnan(x).dtype == gg.bool and np.hypot(x, 1).dtype == gg.float32
    assert isinstance(np.spacing(np.float16(1)), np.float16)
    out = np.zeros(2, np.float32)
    assert np.exp(x, out=out) is out and out[0] == np.exp(np.float32(1.25))
    with pytest.raises(RuntimeError, match="requires grad"):
        np.exp(gg.ones(1, requires_grad=True))
