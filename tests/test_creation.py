"""Tensors made from data, from a size, and as sequences."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradgate as gg


@pytest.fixture
def float64_default() -> Iterator[None]:
    gg.set_default_dtype(gg.float64)
    yield
    gg.set_default_dtype(gg.float32)


@pytest.mark.parametrize(
    ("data", "dtype", "values"),
    [
        (1, gg.int64, 1),
        (2.5, gg.float32, 2.5),
        (True, gg.bool, True),
        ([1, 2.5], gg.float32, [1.0, 2.5]),
        ([True, 2], gg.int64, [1, 2]),
        ([], gg.float32, []),
        ([[], []], gg.float32, [[], []]),
        (((1, 2), [3, 4]), gg.int64, [[1, 2], [3, 4]]),
        (range(3), gg.int64, [0, 1, 2]),
        (deque([1.0, 2.0]), gg.float32, [1.0, 2.0]),
        ([2**62 + 1], gg.int64, [2**62 + 1]),
        (np.float64(1.5), gg.float64, 1.5),
        ([np.float64(1.5)], gg.float64, [1.5]),
        ([np.float32(1.5), 2.5], gg.float32, [1.5, 2.5]),
        ([np.int32(1)], gg.int32, [1]),
        ([gg.tensor(1.5), gg.tensor(2)], gg.float32, [1.5, 2.0]),
        ([gg.tensor(1.5, dtype=gg.float64)], gg.float64, [1.5]),
        ([gg.tensor(1.5, requires_grad=True), 2], gg.float32, [1.5, 2.0]),
        ([gg.tensor([1, 2]), gg.tensor([3, 4])], gg.int64, [[1, 2], [3, 4]]),
        ([np.array([1.0, 2.0]), np.array([3.0, 4.0])], gg.float64, [[1.0, 2.0], [3.0, 4.0]]),
        (np.array([[1, 2]], dtype=np.uint8), gg.uint8, [[1, 2]]),
        (np.arange(4.0)[::-1], gg.float64, [3.0, 2.0, 1.0, 0.0]),
        (np.arange(3, dtype=">f4"), gg.float32, [0.0, 1.0, 2.0]),
        (np.frombuffer(b"\0" + np.arange(2.0).tobytes(), dtype=np.uint8)[1:].view(np.float64), gg.float64, [0.0, 1.0]),
        (gg.tensor([1, 2]), gg.int64, [1, 2]),
    ],
)
def test_tensor(data: object, dtype: gg.dtype, values: object) -> None:
    x = gg.tensor(data)
    assert x.dtype == dtype and x.tolist() == values and x.is_leaf and not x.requires_grad


@pytest.mark.parametrize("dtype", [gg.bool, gg.uint8, gg.int32, gg.int64, gg.float32, gg.float64])
def test_tensor_with_a_type(dtype: gg.dtype) -> None:
    for data in ([0, 1, 3], [0.0, 1.0, 3.0], np.array([0, 1, 3], dtype=np.int16), gg.tensor([0.0, 1.0, 3.0]), range(4)):
        x = gg.tensor(data, dtype=dtype)
        assert x.dtype == dtype
        assert x.tolist()[:2] == [0, 1]
    assert gg.tensor([1.9, -1.9], dtype=gg.int64).tolist() == [1, -1]
    # A Python float goes to float64 without a detour through float32.
    assert gg.tensor(0.1, dtype=gg.float64).item() == 0.1
    assert gg.tensor([1, 0.1], dtype=float).tolist() == [1.0, 0.1]


def test_tensor_copies() -> None:
    array = np.zeros(2)
    x, y = gg.tensor(array), gg.tensor([1.0, 2.0])
    array[0] = 1
    assert x.tolist() == [0, 0]
    copy = gg.tensor(y)
    copy.fill_(3)
    assert y.tolist() == [1, 2]
    source = gg.tensor([1.0], requires_grad=True)
    assert gg.tensor(source * 2).is_leaf


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([[1, 2], [3]], ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
        ([1, [2]], ValueError, "ragged"),
        ([[1], 2], ValueError, "ragged"),
        ([[[1]], [2]], ValueError, "ragged"),
        ([[], [1]], ValueError, r"length 0 at dim 1 \(got 1\)"),
        ("a", TypeError, "got str"),
        (["a"], TypeError, "got str"),
        (b"a", TypeError, "got bytes"),
        (None, RuntimeError, "could not infer dtype of NoneType"),
        ([{}], RuntimeError, "could not infer dtype of dict"),
        ([Fraction(1, 2)], RuntimeError, "could not infer dtype of Fraction"),
        (2**63, ValueError, "does not fit in 64 bits"),
        ([1j], RuntimeError, "could not infer dtype of complex"),
        (np.array(["a"]), TypeError, "can't convert a NumPy array of type <U1"),
        (np.zeros(2, dtype=np.complex64), TypeError, r"complex64.*use \.astype\(\)"),
        ([[[[[[[[[1]]]]]]]]], RuntimeError, "at most 8 dimensions"),
    ],
)
def test_tensor_errors(data: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gg.tensor(data)


def test_a_list_that_holds_itself() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(RuntimeError, match="at most 8 dimensions"):
        gg.tensor(loop)


def test_requires_grad() -> None:
    x = gg.tensor([1.0], requires_grad=True)
    assert x.requires_grad and x.is_leaf
    for make in (gg.zeros, gg.ones, gg.empty):
        assert make(2, requires_grad=True).requires_grad
    for call in (lambda: gg.tensor(1, requires_grad=True), lambda: gg.zeros(2, dtype=gg.int64, requires_grad=True)):
        with pytest.raises(RuntimeError, match="floating point dtype can require gradients"):
            call()


def test_default_dtype(float64_default: None) -> None:
    assert gg.tensor(1.0).dtype == gg.tensor([]).dtype == gg.zeros(1).dtype == gg.full((1,), 1.0).dtype == gg.float64
    assert gg.arange(1.0).dtype == gg.linspace(0, 1, 2).dtype == gg.eye(1).dtype == gg.float64
    assert gg.tensor([0.1]).item() == 0.1


def test_default_dtype_holds_in_every_thread(float64_default: None) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: gg.zeros(1).dtype).result() == gg.float64


def test_as_tensor() -> None:
    array = np.arange(3.0)
    x = gg.as_tensor(array)
    x.fill_(7)
    assert array.tolist() == [7, 7, 7]
    assert gg.as_tensor(x) is x
    assert gg.as_tensor(array, gg.float32).dtype == gg.float32
    y = gg.tensor([1.0], requires_grad=True) * 2
    assert gg.as_tensor(y, dtype=gg.float64).requires_grad
    guarded = np.broadcast_to(np.ones(1), 3)
    z = gg.as_tensor(guarded)
    z.fill_(2)
    assert guarded.tolist() == [1, 1, 1]
    assert gg.as_tensor([1, 2]).tolist() == [1, 2]
    assert gg.as_tensor(np.arange(3)[::-1]).tolist() == [2, 1, 0]


def test_asarray() -> None:
    array = np.arange(3.0)
    x = gg.asarray(array, requires_grad=True)
    assert x.requires_grad and np.shares_memory(x.detach().numpy(), array)
    assert not np.shares_memory(gg.asarray(array, copy=True).numpy(), array)
    assert np.shares_memory(gg.asarray(array, copy=False).numpy(), array)
    y = gg.tensor([1.0, 2.0])
    assert np.shares_memory(gg.asarray(y).numpy(), y.numpy()) and not y.requires_grad
    leaf = gg.ones(2, requires_grad=True)
    assert gg.asarray(leaf) is leaf and not gg.asarray(leaf, requires_grad=False).requires_grad
    (gg.asarray(leaf * 2, copy=True) + gg.asarray(leaf, dtype=gg.float64)).sum().backward()
    assert leaf.grad is not None and leaf.grad.tolist() == [3, 3]
    with pytest.raises(ValueError, match="without a copy"):
        gg.asarray(leaf, dtype=gg.float64, copy=False)
    for data, dtype in (([1, 2], None), (array, gg.float32), (np.broadcast_to(np.ones(1), 3), None)):
        with pytest.raises(ValueError, match="without a copy"):
            gg.asarray(data, dtype=dtype, copy=False)


def test_filling() -> None:
    assert gg.zeros(2, 3).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert gg.ones((2,)).tolist() == gg.ones([2]).tolist() == gg.ones(size=(2,)).tolist() == [1, 1]
    assert gg.empty(2, 0, 3).shape == (2, 0, 3)
    assert gg.zeros(()).shape == () and gg.zeros(gg.tensor(2)).shape == (2,)
    assert gg.ones(2, dtype=gg.bool).tolist() == [True, True]
    assert gg.zeros(1, device="cpu").dtype == gg.float32


def test_full_takes_the_type_of_the_value() -> None:
    assert gg.full((2,), True).dtype == gg.bool
    assert gg.full((2,), 2).dtype == gg.int64 and gg.full((), 2**62 + 1).item() == 2**62 + 1
    assert gg.full((2,), 2.5).dtype == gg.float32
    assert gg.full((2,), gg.tensor(2.5, dtype=gg.float64)).dtype == gg.float32
    assert gg.full(3, 2, dtype=gg.float32).tolist() == [2, 2, 2]
    assert gg.full_like(gg.zeros(2, dtype=gg.int32), 3).dtype == gg.int32


def test_like_keeps_shape_type_and_order() -> None:
    x = gg.zeros(2, 3, dtype=gg.float64).T
    for y in (gg.zeros_like(x), gg.ones_like(x), gg.empty_like(x), gg.full_like(x, 4)):
        assert y.shape == (3, 2) and y.dtype == gg.float64 and y.stride() == (1, 3)
    assert gg.ones_like(x).tolist() == [[1, 1]] * 3
    assert gg.ones_like(x.expand(2, 3, 2)).stride() == (6, 2, 1)
    assert gg.zeros_like(x, dtype=gg.int64).dtype == gg.int64
    assert gg.ones_like(x, requires_grad=True).requires_grad


def test_new() -> None:
    x = gg.tensor([1])
    assert x.new_zeros(2, 2).dtype == x.new_ones((2,)).dtype == x.new_full((2,), 3.7).dtype == gg.int64
    assert x.new_full((2,), 3).tolist() == [3, 3]
    assert x.new_empty(3).shape == (3,)
    assert x.new_tensor([1.5]).tolist() == [1]
    assert x.new_ones(2, dtype=gg.float32, requires_grad=True).requires_grad


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-5, 5))
def test_arange_of_ints(start: int, end: int, step: int) -> None:
    if step == 0 or (end != start and (end > start) != (step > 0)):
        with pytest.raises(RuntimeError, match="step"):
            gg.arange(start, end, step)
        return
    x = gg.arange(start, end, step)
    assert x.dtype == gg.int64 and x.tolist() == list(range(start, end, step))
    assert gg.arange(start, end, step, dtype=gg.float32).tolist() == [float(i) for i in range(start, end, step)]


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(0.125, 3))
def test_arange_of_floats(start: float, length: float, step: float) -> None:
    x = gg.arange(start, start + length, step, dtype=gg.float64)
    assert x.numel() == math.ceil((start + length - start) / step)
    assert x.tolist() == [start + i * step for i in range(x.numel())]


def test_arange_edges() -> None:
    assert gg.arange(3).tolist() == gg.arange(end=3).tolist() == gg.arange(0, 3).tolist() == [0, 1, 2]
    assert gg.arange(2.5, dtype=gg.int64).tolist() == [0, 1]
    assert gg.arange(1, 2, 0.3).dtype == gg.float32 and gg.arange(1, 2, 0.3).numel() == 4
    assert gg.arange(0).shape == (0,)
    high = 2**63 - 1
    assert gg.arange(high - 3, high, 2).tolist() == [high - 3, high - 1]
    assert gg.arange(-high, high, high).tolist() == [-high, 0]
    for call in (lambda: gg.arange(0, math.inf), lambda: gg.arange(0.0, 1.0, 1e-300), lambda: gg.arange(math.nan)):
        with pytest.raises(RuntimeError, match="arange"):
            call()
    with pytest.raises(TypeError):
        gg.arange()


@given(st.floats(-100, 100), st.floats(-100, 100), st.integers(0, 40))
def test_linspace(start: float, end: float, steps: int) -> None:
    x = gg.linspace(start, end, steps, dtype=gg.float64)
    assert x.shape == (steps,)
    if steps:
        assert x[0].item() == start and (steps == 1 or x[-1].item() == end)
    # Both compute (end - start) i / (steps - 1) with a handful of roundings of values below 200: 4 of 2^-53 each.
    np.testing.assert_allclose(x.numpy(), np.linspace(start, end, steps), rtol=0, atol=200 * 4 * 2.0**-53)


def test_linspace_of_ints_logspace_eye() -> None:
    assert gg.linspace(0, 10, 4, dtype=gg.int64).tolist() == [0, 3, 6, 10]
    np.testing.assert_allclose(gg.logspace(0, 3, 4).numpy(), [1, 10, 100, 1000], rtol=2**-23)
    assert gg.logspace(0, 2, 3, base=2).tolist() == [1, 2, 4]
    for n, m in ((3, 3), (2, 4), (4, 2), (0, 2), (3, 0)):
        np.testing.assert_array_equal(gg.eye(n, m).numpy(), np.eye(n, m))
    assert gg.eye(2).tolist() == [[1, 0], [0, 1]] and gg.eye(2, dtype=gg.bool).tolist() == [
        [True, False],
        [False, True],
    ]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gg.zeros(), TypeError, "expected a size"),
        (lambda: gg.zeros(2, size=(2,)), TypeError, "expected a size"),
        (lambda: gg.zeros(-1), RuntimeError, "negative size -1"),
        (lambda: gg.zeros(2.0), TypeError, "expected ints"),
        (lambda: gg.zeros(2**40, 2**40), RuntimeError, "too large"),
        (lambda: gg.zeros(2**40, 2**40, 0), RuntimeError, "too large"),
        (lambda: gg.zeros(1, device="cuda"), RuntimeError, "no device 'cuda'"),
        (lambda: gg.full((2,), gg.tensor([1, 2])), RuntimeError, "0-d tensor"),
        (lambda: gg.linspace(0, 1, -1), RuntimeError, "non-negative"),
        (lambda: gg.eye(-1), RuntimeError, "greater or equal to 0"),
    ],
)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.measures
def test_too_little_memory_names_the_tensor() -> None:
    with pytest.raises(
        MemoryError, match=r"no memory for a tensor of shape \(35184372088832,\).* 140737488355328 bytes"
    ):
        gg.empty(2**45)
    with pytest.raises(MemoryError, match="no memory"):
        gg.empty(2**59, dtype=gg.uint8)


def test_tensors_of_one_element_in_sequences_are_numbers() -> None:
    t = gg.ones(1, dtype=gg.float64)
    assert gg.tensor([t, t]).shape == (2,) and gg.tensor([t, t]).dtype == gg.float64
    assert gg.tensor([t, 2.0, gg.ones(1, 1)]).tolist() == [1, 2, 1] and gg.tensor([[t], [t]]).shape == (2, 1)
    assert gg.tensor([gg.ones(2), gg.zeros(2)]).tolist() == [[1, 1], [0, 0]]
    with pytest.raises(ValueError, match="inhomogeneous"):
        gg.tensor([t, gg.ones(2)])


def test_elements_of_arange_are_rounded_once() -> None:
    expected = (-3 + np.arange(61) * 0.1).astype(np.float32)
    np.testing.assert_array_equal(gg.arange(-3, 3.05, 0.1).numpy(), expected)
    assert gg.arange(-3, 3.1, 0.1)[30].item() == np.float32(-3 + 30 * 0.1)
