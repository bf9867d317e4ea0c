"""Exchange with NumPy: shared memory, its protocols, its functions and operators."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import gradgate as gg

Array = np.ndarray[Any, Any]
TYPES = [
    (np.float32, gg.float32),
    (np.float64, gg.float64),
    (np.int64, gg.int64),
    (np.int32, gg.int32),
    (np.uint8, gg.uint8),
    (np.bool_, gg.bool),
]


def address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


@pytest.mark.parametrize(("numpy_type", "dtype"), TYPES)
def test_numpy_shares_memory_both_ways(numpy_type: type, dtype: gg.dtype) -> None:
    array = np.array([[0, 1, 1], [1, 0, 1]], dtype=numpy_type)
    for view in (array, array.T, array[:, ::2], array[1:]):
        x = gg.from_numpy(view)
        assert x.dtype == dtype and x.shape == view.shape and x.data_ptr() == address(view)
        back = x.numpy()
        assert back.dtype == numpy_type and back.strides == view.strides and address(back) == address(view)
        np.testing.assert_array_equal(back, view)
    gg.from_numpy(array).fill_(1)
    assert array.all()
    x = gg.ones(2, dtype=dtype)
    x.numpy()[0] = 0
    assert x.tolist() == [0, 1]


def test_memory_lives_as_long_as_either_side() -> None:
    array = np.arange(1000.0)
    x = gg.from_numpy(array[10:])
    reference = weakref.ref(array)
    del array
    gc.collect()
    assert reference() is not None and x[0].item() == 10
    del x
    gc.collect()
    assert reference() is None
    view = gg.arange(1000.0).numpy()[5:]
    gc.collect()
    other = gg.zeros(1000)
    assert view[0] == 5 and other[0].item() == 0


def test_read_only_arrays_are_copied_with_a_warning() -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable"):
        x = gg.from_numpy(array)
    x.fill_(1)
    assert array.tolist() == [0, 1, 2]
    # As an operand it is only read, without a copy or a warning.
    assert (gg.ones(3) + array).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.zeros(2, dtype=np.float16), TypeError, r"float16.*use \.astype\(\)"),
        (np.zeros(2, dtype=">f8"), TypeError, r">f8.*use \.astype\(\)"),
        (np.zeros(2, dtype=object), TypeError, "object"),
        (np.arange(3)[::-1], ValueError, "negative strides; use array.copy"),
        (np.zeros(9, dtype=np.uint8)[1:].view(np.float64), ValueError, "not aligned"),
        (np.zeros(2, dtype=[("a", "f4"), ("b", "i1")])["a"], ValueError, "multiples of its element size"),
    ],
)
def test_arrays_that_cannot_be_shared(array: Array, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gg.from_numpy(array)


def test_numpy_needs_no_gradient_unless_forced() -> None:
    x = gg.ones(2, requires_grad=True)
    for call in (x.numpy, lambda: np.asarray(x)):
        with pytest.raises(RuntimeError, match=r"Use tensor\.detach\(\)\.numpy\(\) instead"):
            call()
    assert address(x.numpy(force=True)) == x.data_ptr()


def test_array_protocol() -> None:
    x = gg.arange(3.0)
    assert address(np.asarray(x)) == x.data_ptr()
    assert address(np.array(x)) != x.data_ptr()
    assert np.asarray(x, dtype=np.int64).tolist() == [0, 1, 2]
    assert x.__array__().dtype == np.float32 and address(x.__array__(copy=True)) != x.data_ptr()
    with pytest.raises(ValueError, match="without a copy"):
        x.__array__(dtype=np.float64, copy=False)
    assert np.asarray([gg.tensor(1.0), gg.tensor(2.0)]).tolist() == [1, 2]


def test_numpy_functions_return_tensors() -> None:
    x, array = gg.arange(3.0), np.ones(3)
    for result in (np.exp(x), np.add(x, array), np.add(array, x), np.maximum(x, 1)):
        assert isinstance(result, gg.Tensor)
    assert np.add(x, array).dtype == gg.float64 and np.exp(x).dtype == gg.float32
    assert np.add(x, array).tolist() == [1, 2, 3]
    assert isinstance(np.sqrt(gg.tensor(4.0)), gg.Tensor)


def test_arrays_and_scalars_as_operands() -> None:
    x, array = gg.arange(3.0), np.ones(3)
    for result in (array + x, x + array, array * x, array - x, array / (x + 1), array @ x.double()):
        assert isinstance(result, gg.Tensor)
    assert (array + x).dtype == gg.float64 and (array - x).tolist() == [1, 0, -1]
    assert (np.float64(2) * x).dtype == (x * np.float64(2)).dtype == gg.float32
    assert (np.float32(2) * x).tolist() == [0, 2, 4]
    assert (array == x).tolist() == [False, True, False]
