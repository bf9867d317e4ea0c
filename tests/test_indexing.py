"""Index expressions, read and assigned, against NumPy; their gradients; their errors."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradgate
from gradgate import Tensor

Array = np.ndarray[Any, Any]

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
EXAMPLES = settings(max_examples=300, deadline=None)


def numbered(shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


def with_ellipsis(index: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same index, of which NumPy gives an array even when it names a single element."""
    return index if any(term is Ellipsis for term in index) else (*index, Ellipsis)


def has_negative_step(index: tuple[Any, ...]) -> bool:
    return any(isinstance(term, slice) and term.step is not None and term.step < 0 for term in index)


@st.composite
def basic_cases(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    shape = draw(SHAPES)
    index = draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True, max_dims=6))
    return shape, index if isinstance(index, tuple) else (index,)


@st.composite
def mixed_cases(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """A shape and an index that has integers, slices, None, index arrays that broadcast, or one mask."""
    shape = draw(SHAPES)
    common = draw(hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=3))
    terms: list[Any] = []
    dim = 0
    while dim < len(shape):
        size = shape[dim]
        kind = draw(st.sampled_from(["integer", "slice", "None", "array", "mask", "end"]))
        if kind == "integer" and size:
            terms.append(draw(st.integers(-size, size - 1)))
        elif kind == "array" and size:
            part = draw(st.sampled_from([common, (1,), common[-1:]]))
            terms.append(draw(hnp.arrays(np.int64, part, elements=st.integers(-size, size - 1))))
        elif kind == "mask" and not any(isinstance(term, np.ndarray) for term in terms):
            dims = draw(st.integers(1, len(shape) - dim))
            terms.append(draw(hnp.arrays(np.bool_, shape[dim : dim + dims])))
            return shape, tuple(terms)
        elif kind == "None" and sum(term is None for term in terms) < 2:
            terms.append(None)
            continue
        elif kind == "end":
            break
        else:
            start, stop = draw(st.tuples(*[st.none() | st.integers(-size - 1, size + 1)] * 2))
            terms.append(slice(start, stop, draw(st.none() | st.integers(1, 3))))
        dim += 1
    return shape, tuple(terms)


def reference(x: Array, index: tuple[Any, ...]) -> Array:
    """x[index] where integers are taken before the arrays are applied, as PyTorch does, so that they do not move their dimensions."""
    basic = tuple(
        term if not isinstance(term, np.ndarray) else slice(None)
        for term in index
        for _ in range(term.ndim if isinstance(term, np.ndarray) and term.dtype == bool else 1)
    )
    arrays = tuple(term if isinstance(term, np.ndarray) else slice(None) for term in index if not isinstance(term, int))
    return np.asarray(x[basic][arrays])


def as_tensors(index: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(gradgate.tensor(term) if isinstance(term, np.ndarray) else term for term in index)


@EXAMPLES
@given(basic_cases())
def test_basic_reads_are_numpys_views(case: tuple[tuple[int, ...], tuple[Any, ...]]) -> None:
    shape, index = case
    x = numbered(shape)
    t = gradgate.from_numpy(x)
    if has_negative_step(index):
        with pytest.raises(ValueError, match=r"slice step must be greater than zero.*flip"):
            t[index]
        return
    want = x[with_ellipsis(index)]
    got = t[index].numpy()
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)
    assert np.shares_memory(got, x) == np.shares_memory(want, x)


@EXAMPLES
@given(basic_cases(), st.booleans())
def test_basic_assignment(case: tuple[tuple[int, ...], tuple[Any, ...]], scalar: bool) -> None:
    shape, index = case
    if has_negative_step(index):
        return
    want = numbered(shape)
    t = gradgate.tensor(want)
    value = -1.5 if scalar else -1 - numbered(want[with_ellipsis(index)].shape)
    want[index] = value
    t[index] = value if scalar else gradgate.tensor(value)
    np.testing.assert_array_equal(t.numpy(), want)


@EXAMPLES
@given(mixed_cases())
def test_mixed_reads(case: tuple[tuple[int, ...], tuple[Any, ...]]) -> None:
    shape, index = case
    x = numbered(shape)
    want = reference(x, index)
    for got in (gradgate.tensor(x)[as_tensors(index)], gradgate.tensor(x)[index]):
        assert got.shape == want.shape
        np.testing.assert_array_equal(got.numpy(), want)


@EXAMPLES
@given(mixed_cases(), st.data())
def test_mixed_assignment(case: tuple[tuple[int, ...], tuple[Any, ...]], data: st.DataObject) -> None:
    shape, index = case
    places = reference(numbered(shape, np.int64), index)
    want = numbered(shape)
    t = gradgate.tensor(want)
    value_shape = data.draw(st.sampled_from([places.shape, places.shape[1:], (1,) * places.ndim, ()]))
    value = -1 - numbered(value_shape)
    want.ravel()[places.ravel()] = np.broadcast_to(
        value, places.shape
    ).ravel()  # of repeated places the last value stays
    t[as_tensors(index)] = gradgate.tensor(value)
    np.testing.assert_array_equal(t.numpy(), want)


@EXAMPLES
@given(mixed_cases())
def test_gradient_of_reads_adds_up(case: tuple[tuple[int, ...], tuple[Any, ...]]) -> None:
    shape, index = case
    places = reference(numbered(shape, np.int64), index)
    x = gradgate.tensor(numbered(shape), requires_grad=True)
    upstream = 1 + numbered(places.shape)
    x[as_tensors(index)].backward(gradgate.tensor(upstream))
    want = np.zeros(shape)
    np.add.at(want.ravel(), places.ravel(), upstream.ravel())
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), want)  # small integers: exact


@EXAMPLES
@given(mixed_cases(), st.data())
def test_gradient_of_assignment(case: tuple[tuple[int, ...], tuple[Any, ...]], data: st.DataObject) -> None:
    shape, index = case
    places = reference(numbered(shape, np.int64), index)
    value_shape = data.draw(st.sampled_from([places.shape, places.shape[1:], (1,) * places.ndim, ()]))
    x = gradgate.tensor(numbered(shape), requires_grad=True)
    value = gradgate.tensor(numbered(value_shape), requires_grad=True)
    y = x * 1
    y[as_tensors(index)] = value
    upstream = 1 + numbered(shape)
    y.backward(gradgate.tensor(upstream))
    dx = upstream.copy()
    dx.ravel()[places.ravel()] = 0
    lasts = np.full(int(np.prod(shape)), -1)
    lasts[places.ravel()] = np.arange(places.size)
    kept = lasts[places.ravel()] == np.arange(places.size)
    dvalue = np.where(kept, upstream.ravel()[places.ravel()], 0).reshape(places.shape)
    for axis in range(places.ndim):
        if axis < places.ndim - len(value_shape) or value_shape[axis - places.ndim + len(value_shape)] == 1:
            dvalue = dvalue.sum(axis=axis, keepdims=True)
    assert x.grad is not None
    assert value.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), dx)
    np.testing.assert_array_equal(value.grad.numpy(), dvalue.reshape(value_shape))


INDICES: list[Any] = [
    1,
    (slice(None), -1),
    (slice(1, None), None, slice(None, None, 2)),
    (..., 2),
    [2, 0, 2],
    (slice(None), [3, 3, 1]),
    ([0, 1, 0], [3, 2, 3]),
    np.arange(12).reshape(3, 4) % 3 == 1,
    (slice(1, 3), [0, 0, 3]),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_derivatives_of_reads_and_assignments(index: Any) -> None:
    """First and second derivatives against centred differences in float64."""
    rng = np.random.default_rng(0)
    x = gradgate.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    value = gradgate.tensor(rng.standard_normal(np.zeros((3, 4))[index].shape), requires_grad=True)

    def read(x: Tensor) -> Tensor:
        return x[index] ** 2 * x[index]

    def assign(x: Tensor, value: Tensor) -> Tensor:
        y = x**2
        y[index] = value**2 * 3
        return y**2

    for f, inputs in ((read, (x,)), (assign, (x, value))):
        assert gradgate.autograd.gradcheck(f, inputs)
        assert gradgate.autograd.gradgradcheck(f, inputs)


def test_terms_of_every_kind() -> None:
    x = numbered((4, 3))
    t = gradgate.from_numpy(x)
    same: list[tuple[Any, Any]] = [
        (np.int64(2), 2),
        (gradgate.tensor(2), 2),
        (gradgate.tensor([2, 1], dtype=gradgate.int32), [2, 1]),
        (np.array([2, 1], dtype=np.int8), [2, 1]),
        (range(1, 3), [1, 2]),
        (((2, 0),), [2, 0]),
        ([], np.zeros(0, dtype=np.int64)),
        ([True, False, True, True], np.array([True, False, True, True])),
        (gradgate.tensor(x) > 4, x > 4),
        (slice(gradgate.tensor(1), np.int64(3)), slice(1, 3)),
        (True, True),
        (np.False_, False),
        (gradgate.tensor(True), True),
        ((), ()),
    ]
    for index, numpys in same:
        np.testing.assert_array_equal(t[index].numpy(), x[numpys], err_msg=str(index))


def test_integers_beside_arrays_do_not_move_dimensions() -> None:
    """As in PyTorch; NumPy counts the integer among the arrays and gives (2, 3)."""
    assert gradgate.zeros(2, 3, 4)[0, :, [0, 1]].shape == (3, 2)


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (3, IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
        (-4, IndexError, "index -4 is out of bounds for dimension 0 with size 3"),
        ((0, 5), IndexError, "index 5 is out of bounds for dimension 1 with size 4"),
        ((0, 0, 0), IndexError, r"too many indices for tensor of dimension 2 \(shape \(3, 4\)\): got 3"),
        ((..., 0, ...), IndexError, "single ellipsis"),
        ([0, 3], IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
        ((1, [0, -5]), IndexError, "index -5 is out of bounds for dimension 1 with size 4"),
        (([0, 1], [0, 1, 2]), IndexError, r"could not be broadcast together with shapes \(2,\), \(3,\)"),
        ([True, False], IndexError, r"shape of the mask \(2,\) at dimension 0 does not match .* \(3, 4\)"),
        ((0, np.ones((3, 4), dtype=bool)), IndexError, "too many indices"),
        (1.0, IndexError, "valid indices .got float"),
        ("a", IndexError, "valid indices .got str"),
        ([0.5], IndexError, "float64"),
        (np.array([0.0]), IndexError, "float64"),
        (2**70, IndexError, "index-sized integer"),
        (slice(None, None, -1), ValueError, "flip"),
        (slice(None, None, 0), ValueError, "zero"),
    ],
    ids=str,
)
def test_errors(index: Any, error: type[Exception], message: str) -> None:
    x = numbered((3, 4))
    t = gradgate.tensor(x)
    with pytest.raises(error, match=message):
        t[index]
    with pytest.raises(error, match=message):
        t[index] = 1
    np.testing.assert_array_equal(t.numpy(), x)


def test_integer_tensors_and_0d_tensors_as_targets() -> None:
    with pytest.raises(IndexError, match="0"):
        gradgate.tensor(1.0)[0]
    t = gradgate.tensor([1, 2, 3])
    t[0] = 7.9  # converted to the tensor's type, as in PyTorch and NumPy
    assert t.tolist() == [7, 2, 3]
    s = gradgate.tensor(1.0)
    s[()] = 2
    s[...] = s + 1
    assert s.item() == 3


@pytest.mark.parametrize("index", [(slice(None, 2),), [0, 1]], ids=str)
def test_values_that_do_not_fit(index: Any) -> None:
    t = gradgate.zeros(3, 4)
    with pytest.raises(
        RuntimeError, match=r"value of shape \(3,\) cannot be broadcast to indexing result of shape \(2, 4\)"
    ):
        t[index] = gradgate.ones(3)
    t[index] = gradgate.ones(1, 1, 2, 4)  # leading ones may be too many
    assert t.sum().item() == 8


def test_overlapping_assignment() -> None:
    for shift in (slice(1, None), slice(None, -1)):
        want = numbered((50, 40))
        other = slice(None, -1) if shift.start else slice(1, None)
        t = gradgate.tensor(want)
        want[shift] = want[other].copy()
        t[shift] = t[other]
        np.testing.assert_array_equal(t.numpy(), want)
    square = numbered((20, 20))
    t = gradgate.tensor(square)
    t[...] = t.T
    np.testing.assert_array_equal(t.numpy(), square.T)
    t = gradgate.tensor(square)
    t[gradgate.tensor(range(20))] = t.T
    np.testing.assert_array_equal(t.numpy(), square.T)
    mask = gradgate.tensor([True, False, True])
    mask[mask] = False
    assert mask.tolist() == [False, False, False]
    order = gradgate.tensor([2, 0, 1])
    order[order] = gradgate.tensor([5, 6, 7])
    assert order.tolist() == [6, 7, 5]


def test_saved_value_overwritten_by_assignment_is_noticed() -> None:
    x = gradgate.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    z = y * y
    y[0] = 5.0
    with pytest.raises(RuntimeError, match=r"MulBackward: .*shape \(2, 2\), is at version 1; expected version 0"):
        z.sum().backward()


def test_index_tensor_changed_before_backward_is_noticed() -> None:
    x = gradgate.tensor([1.0, 2.0, 3.0], requires_grad=True)
    index = gradgate.tensor([0, 1])
    y = x[index]
    index[0] = 2
    with pytest.raises(RuntimeError, match=r"IndexBackward: .*modified by an inplace operation.*int64"):
        y.sum().backward()


def test_arrays_given_as_indices_are_copied() -> None:
    x = gradgate.tensor([1.0, 2.0, 3.0], requires_grad=True)
    index = np.array([0, 1])
    y = x[index]
    index[:] = 2
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 0]


def test_leaf_that_requires_grad_is_not_assigned_while_recording() -> None:
    x = gradgate.tensor([1.0, 2.0], requires_grad=True)
    for index in (0, [0], gradgate.tensor([True, False])):
        with pytest.raises(RuntimeError, match=r"setitem: .*leaf Variable that requires grad.*no_grad"):
            x[index] = 3.0
    with gradgate.no_grad():
        x[0] = 3.0
        x[[1]] = 4.0
    assert x.tolist() == [3, 4]
