"""Shape gates against NumPy: values, shared memory, gradients, errors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradgate as gg
from gradgate import autograd

shapes = st.lists(st.integers(0, 4), min_size=0, max_size=5).map(tuple)
full_shapes = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


def numbered(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(math.prod(shape), dtype=np.float64).reshape(shape)


def factorings(n: int) -> list[tuple[int, ...]]:
    """Shapes of up to three dimensions with n elements."""
    return [
        (a, b, n // (a * b)) for a in range(1, n + 1) if n % a == 0 for b in range(1, n // a + 1) if (n // a) % b == 0
    ]


@st.composite
def strided_arrays(draw: st.DrawFn) -> np.ndarray:
    """A view of a row-major array: permuted, sliced with steps, with broadcast dimensions."""
    array = numbered(draw(full_shapes))
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    steps = tuple(slice(draw(st.integers(0, 1)), None, draw(st.integers(1, 2))) for _ in range(array.ndim))
    array = array[steps]
    if draw(st.booleans()):
        array = (
            np.broadcast_to(array, (draw(st.integers(1, 3)), *array.shape)).copy()
            if array.ndim == 5
            else np.array(array)[None]
        )
    return array


def same(tensor: gg.Tensor, array: np.ndarray) -> None:
    assert tensor.shape == array.shape
    np.testing.assert_array_equal(tensor.detach().numpy(), array)


def shares(tensor: gg.Tensor, other: gg.Tensor) -> bool:
    return bool(np.shares_memory(tensor.detach().numpy(), other.detach().numpy()))


# The gradients of maps that only move elements: the gradient of sum(w * f(x)) is exactly linear in x, so that a centred
# difference with a power-of-two step and small integers has no rounding at all.
def check_gradient(f: Callable[[gg.Tensor], gg.Tensor], shape: tuple[int, ...]) -> None:
    x = gg.tensor(numbered(shape) % 7, requires_grad=True)
    y = f(x)
    weights = gg.tensor(numbered(y.shape) % 5 + 1)
    (y * weights).sum().backward()
    assert x.grad is not None and x.grad.shape == x.shape
    numeric = np.zeros(shape)
    values = x.detach().numpy().copy()
    for index in np.ndindex(*shape):
        moved = values.copy()
        moved[index] += 0.5
        above = (f(gg.tensor(moved)) * weights).sum().item()
        moved[index] -= 1.0
        numeric[index] = above - (f(gg.tensor(moved)) * weights).sum().item()
    np.testing.assert_array_equal(x.grad.numpy(), numeric)


@given(strided_arrays(), st.data())
def test_reshape(array: np.ndarray, data: st.DataObject) -> None:
    x = gg.from_numpy(array)
    shape = data.draw(st.sampled_from(factorings(array.size) or [(0,)]))
    same(x.reshape(shape), array.reshape(shape))
    same(gg.reshape(x, shape), array.reshape(shape))
    if array.size:
        same(x.reshape(*shape[:2], -1), array.reshape(shape))
    # A view exists exactly when NumPy reshapes without a copy.
    viewed = array.reshape(shape)
    if array.size and not np.shares_memory(viewed, array):
        with pytest.raises(RuntimeError, match="view: size"):
            x.view(shape)
    else:
        if array.size:
            assert shares(x.view(shape), x)
        same(x.view(*shape), viewed)


@given(shapes, st.data())
def test_permute_transpose_and_movedim(shape: tuple[int, ...], data: st.DataObject) -> None:
    array = numbered(shape)
    x = gg.from_numpy(array)
    order = data.draw(st.permutations(range(len(shape))))
    same(x.permute(*order), array.transpose(order))
    same(gg.permute(x, tuple(order)), array.transpose(order))
    same(x.T, array.T)
    if not shape:
        return
    a, b = data.draw(st.integers(-len(shape), len(shape) - 1)), data.draw(st.integers(-len(shape), len(shape) - 1))
    same(x.transpose(a, b), array.swapaxes(a, b))
    same(x.swapaxes(a, b), array.swapaxes(a, b))
    same(x.movedim(a, b), np.moveaxis(array, a, b))
    source = data.draw(st.permutations(range(len(shape))))[:2]
    target = data.draw(st.permutations(range(len(shape))))[: len(source)]
    same(gg.movedim(x, tuple(source), tuple(target)), np.moveaxis(array, source, target))
    if len(shape) >= 2:
        same(x.mT, array.swapaxes(-1, -2))


@given(shapes, st.data())
def test_squeeze_unsqueeze_flatten(shape: tuple[int, ...], data: st.DataObject) -> None:
    array = numbered(shape)
    x = gg.from_numpy(array)
    same(x.squeeze(), array.squeeze())
    dim = data.draw(st.integers(-len(shape) - 1, len(shape)))
    same(x.unsqueeze(dim), np.expand_dims(array, dim))
    same(x.unsqueeze(dim).squeeze(dim), array)
    if shape:
        ones = tuple(i for i in range(len(shape)) if shape[i] == 1)
        same(x.squeeze(tuple(range(len(shape)))), array.squeeze(ones))
        start = data.draw(st.integers(0, len(shape) - 1))
        end = data.draw(st.integers(start, len(shape) - 1))
        flat = array.reshape(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
        same(x.flatten(start, end), flat)
        same(x.flatten(start, end).unflatten(start, shape[start : end + 1]), array)
    else:
        same(x.flatten(), array.reshape(1))


@given(full_shapes, st.data())
def test_expand_repeat_tile(shape: tuple[int, ...], data: st.DataObject) -> None:
    kept = tuple(data.draw(st.sampled_from([1, n])) for n in shape)
    array = numbered(kept)
    x = gg.from_numpy(array)
    larger = (2, *shape)
    same(x.expand(larger), np.broadcast_to(array, larger))
    same(gg.broadcast_to(x, larger), np.broadcast_to(array, larger))
    assert shares(x.expand(larger), x)
    counts = tuple(data.draw(st.lists(st.integers(0, 3), min_size=len(shape), max_size=len(shape) + 1)))
    same(x.repeat(*counts), np.tile(array, counts))
    assert not shares(x.repeat((1,) * len(shape)), x)
    fewer = counts[:1]
    same(x.tile(fewer), np.tile(array, fewer))


@given(full_shapes, st.data())
def test_cat_stack_split(shape: tuple[int, ...], data: st.DataObject) -> None:
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    at = dim % len(shape)
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    arrays = [numbered((*shape[:at], n, *shape[at + 1 :])) + i for i, n in enumerate(sizes)]
    joined = np.concatenate(arrays, axis=dim)
    x = gg.cat([gg.from_numpy(a) for a in arrays], dim)
    same(x, joined)
    for part, array in zip(x.split(sizes, dim), arrays, strict=True):
        same(part, array)
        assert not array.size or shares(part, x)
    same(
        gg.stack([gg.from_numpy(numbered(shape)), gg.from_numpy(numbered(shape) + 1)], dim),
        np.stack([numbered(shape), numbered(shape) + 1], dim),
    )
    if joined.shape[at]:
        same(gg.cat(x.split(2, dim), dim), joined)
    sections = data.draw(st.integers(1, 5))
    for part, array in zip(x.tensor_split(sections, dim), np.array_split(joined, sections, dim), strict=True):
        same(part, array)
    bounds = sorted(data.draw(st.lists(st.integers(0, 6), max_size=3)))
    for part, array in zip(x.tensor_split(bounds, dim), np.split(joined, bounds, dim), strict=True):
        same(part, array)
    for i, part in enumerate(x.unbind(dim)):
        same(part, joined.take(i, axis=dim))


@given(full_shapes, st.data())
def test_pad(shape: tuple[int, ...], data: st.DataObject) -> None:
    pairs = [(data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in shape]
    array = numbered(shape)
    reversed_pairs = [n for pair in reversed(pairs) for n in pair]
    x = gg.from_numpy(array)
    padded = gg.pad(x, reversed_pairs, value=-1.5)
    same(padded, np.pad(array, pairs, constant_values=-1.5))
    same(gg.pad(padded, [-n for n in reversed_pairs]), array)


@pytest.mark.parametrize(("mode", "numpy_mode"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
def test_pad_with_own_elements(mode: str, numpy_mode: str) -> None:
    array = numbered((2, 3, 4))
    x = gg.tensor(array)
    for (a, b), (c, d) in (((1, 2), (0, 1)), ((3, 0), (2, 2)), ((0, 0), (1, 0))):
        same(gg.pad(x, (a, b, c, d), mode=mode), np.pad(array, ((0, 0), (c, d), (a, b)), mode=numpy_mode))
    # Negative counts crop.
    same(gg.pad(x, (-1, 2), mode="replicate"), np.pad(array, ((0, 0), (0, 0), (0, 2)), mode="edge")[..., 1:])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.reshape(6, 4),
        lambda x: x.transpose(0, 2).reshape(-1),
        lambda x: x.permute(2, 0, 1),
        lambda x: x.mT,
        lambda x: x.unsqueeze(1).expand(2, 3, 3, 4),
        lambda x: x.narrow(0, 0, 1).expand(5, 3, 4),
        lambda x: x.repeat(2, 1, 3),
        lambda x: x.repeat(2, 2, 1, 1),
        lambda x: x.repeat(1, 0, 1),
        lambda x: gg.cat([x, x * 2, x.narrow(1, 0, 2)], 1),
        lambda x: gg.stack([x, x], -1),
        lambda x: gg.cat(x.split([1, 3], -1)[::-1], -1),
        lambda x: x.split(2, 2)[1],
        lambda x: x.unbind(1)[2] * 3,
        lambda x: gg.stack(x.unbind(0)[::-1]),
        lambda x: gg.pad(x, (1, -1, 0, 2), value=3.0),
        lambda x: gg.pad(x, (2, 1), mode="reflect"),
        lambda x: gg.pad(x, (1, -1, 0, 3), mode="replicate"),
        lambda x: gg.pad(x, (0, 2, 1, 1), mode="circular"),
        lambda x: x.narrow(1, 1, 2).select(2, -1),
        lambda x: x.flatten(0, 1).unflatten(0, (3, 2)),
        lambda x: x.movedim(0, -1),
        lambda x: gg.broadcast_tensors(x, gg.tensor(np.ones((2, 2, 1, 1))))[0],
        lambda x: x.contiguous().T.contiguous(),
        lambda x: x.double().to(gg.float64, copy=True),
        lambda x: gg.meshgrid(x.flatten().narrow(0, 0, 3), x.flatten().narrow(0, 3, 2), indexing="xy")[0],
        lambda x: gg.tensor(np.ones((2, 2, 3, 4))).copy_(x),
        lambda x: gg.hstack([x, x]),
        lambda x: gg.vstack([x[0][0], x[0][1]]),
    ],
)
def test_gradient(f: Callable[[gg.Tensor], gg.Tensor]) -> None:
    check_gradient(f, (2, 3, 4))


def test_gradient_of_gradient_flows_through_views() -> None:
    x = gg.tensor(numbered((2, 3)) + 1, requires_grad=True)
    y = gg.pad(gg.cat([x.T, x.T * 2], 1).repeat(1, 2), (1, 0)).flatten()
    (dx,) = autograd.grad((y * y * y).sum(), x, create_graph=True)
    (ddx,) = autograd.grad(dx.sum(), x)
    # y holds x twice and 2 x twice: sum y^3 = 18 x^3, whose second derivative is 108 x.
    np.testing.assert_array_equal(ddx.numpy(), 108 * (numbered((2, 3)) + 1))


def test_split_uses_one_gate_and_fills_missing_gradients() -> None:
    x = gg.tensor(numbered((4, 2)), requires_grad=True)
    parts = x.split(1)
    assert parts[0].grad_fn == parts[3].grad_fn
    (parts[1] * 3).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0, 0], [3, 3], [0, 0], [0, 0]])


def test_mixed_types_in_cat_get_their_own_gradients() -> None:
    a, b = gg.tensor([1.0, 2.0], requires_grad=True), gg.tensor([3.0], dtype=gg.float64, requires_grad=True)
    joined = gg.cat([a, b, gg.tensor([4])])
    assert joined.dtype == gg.float64
    (joined * joined).sum().backward()
    assert a.grad.dtype == gg.float32 and b.grad.dtype == gg.float64
    assert a.grad.tolist() == [2, 4] and b.grad.tolist() == [6]


def test_cat_skips_empty_vectors() -> None:
    empty = gg.tensor(np.zeros(0), requires_grad=True)
    x = gg.tensor(numbered((2, 3)), requires_grad=True)
    joined = gg.cat([empty, x, x], 1)
    assert joined.shape == (2, 6)
    joined.sum().backward()
    assert empty.grad.shape == (0,) and x.grad.tolist() == [[2, 2, 2], [2, 2, 2]]


def test_in_place_change_of_a_view_reaches_the_base_and_its_gradient() -> None:
    x = gg.tensor(numbered((2, 3)), requires_grad=True)
    y = x * 2
    y.T.select(0, 1).copy_(gg.tensor([5.0, 7.0], dtype=gg.float64))
    assert y.tolist() == [[0, 5, 4], [6, 7, 10]]
    y.sum().backward()
    assert x.grad.tolist() == [[2, 0, 2], [2, 0, 2]]


def test_copy_passes_the_gradient_to_a_leaf_source() -> None:
    source = gg.tensor([1.0, 2.0], requires_grad=True)
    target = gg.tensor([0.0, 0.0])
    assert target.copy_(source) is target
    assert not target.is_leaf and target.grad_fn.name() == "CopyBackward"
    (target * gg.tensor([3.0, 4.0])).sum().backward()
    assert source.grad.tolist() == [3, 4]


def test_copy_between_overlapping_views() -> None:
    x = gg.tensor(numbered((3, 3)))
    x.copy_(x.T)
    assert x.tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    y = gg.tensor(np.arange(6.0))
    y.narrow(0, 1, 5).copy_(y.narrow(0, 0, 5))
    assert y.tolist() == [0, 0, 1, 2, 3, 4]


def test_copy_converts_and_broadcasts() -> None:
    x = gg.tensor([[1, 2], [3, 4]])
    x.copy_(gg.tensor([7.9, -7.9]))
    assert x.tolist() == [[7, -7], [7, -7]] and x.dtype == gg.int64
    x.fill_(5)
    assert x.tolist() == [[5, 5], [5, 5]]
    assert x.zero_().tolist() == [[0, 0], [0, 0]]


def test_writing_is_refused() -> None:
    leaf = gg.tensor([1.0, 2.0], requires_grad=True)
    for write in (leaf.zero_, leaf.view(2, 1).zero_, lambda: leaf.fill_(1), lambda: leaf.copy_(leaf * 2)):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            write()
    with pytest.raises(RuntimeError, match="single memory location"):
        gg.tensor([1.0]).expand(3).zero_()
    with pytest.raises(RuntimeError, match="expand"):
        gg.tensor([1.0, 2.0]).copy_(gg.tensor([1.0, 2.0, 3.0]))


def test_data_shares_memory_off_the_graph() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    x.data.fill_(3)
    assert x.tolist() == [3, 3] and not x.data.requires_grad
    (x * x).sum().backward()
    gradient = x.grad
    other = gg.tensor([[1.0, 2.0, 3.0]])
    x.data = other
    assert x.requires_grad and x.shape == (1, 3) and shares(x, other) and x.grad is gradient
    with pytest.raises(RuntimeError, match="requires a gradient"):
        x.data = gg.tensor([1])


def test_new_data_does_not_pass_for_a_saved_value() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    x.data = gg.tensor([5.0, 6.0])
    y.backward()
    assert x.grad is not None and x.grad.tolist() == [2.0, 4.0]
