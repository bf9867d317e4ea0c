"""Sorting, the largest k, medians, different values and counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate.autograd import gradcheck, gradgradcheck

TYPES = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]


def values(shape: Any, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    """Few different values, so that there are ties."""
    x = np.random.default_rng(seed).integers(0, 2 if dtype == np.bool_ else 7, shape)
    return np.asarray(x, dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (1,), (7,), (200,), (4, 50), (3, 4, 5), (2, 0), (0, 3)])
def test_sort(shape: tuple[int, ...], dtype: Any) -> None:
    x = values(shape, dtype)
    t = gradgate.tensor(x)
    for dim in range(-len(shape), len(shape)):
        order = np.argsort(x, dim, kind="stable")
        up = t.sort(dim)
        assert np.array_equal(up.values.numpy(), np.sort(x, dim))
        assert np.array_equal(up.indices.numpy(), order)
        assert up.values.is_contiguous()
        # Descending and stable: ties keep their order, which sorting the negated values does.
        down = gradgate.sort(t, dim=dim, descending=True, stable=True)
        reverse = np.argsort(-x.astype(np.float64), dim, kind="stable")
        assert np.array_equal(down.indices.numpy(), reverse)
        assert np.array_equal(down.values.numpy(), np.take_along_axis(x, reverse, dim))
        assert np.array_equal(t.argsort(dim).numpy(), order)
        assert np.array_equal(gradgate.argsort(t, dim, True).numpy(), reverse)
    if not shape:
        assert t.sort(0).values.item() == x
        assert t.sort().indices.item() == 0


def test_nan_is_the_largest() -> None:
    x = np.array([2.0, np.nan, -np.inf, np.inf, np.nan, -0.0, 0.0])
    t = gradgate.tensor(x)
    assert t.argsort().tolist() == [2, 5, 6, 0, 3, 1, 4]
    assert t.argsort(descending=True).tolist() == [1, 4, 3, 0, 5, 6, 2]
    assert t.topk(3).indices.tolist() == [1, 4, 3]
    assert t.topk(2, largest=False).indices.tolist() == [2, 5]
    assert t.median(0).indices.item() == 1
    assert np.isnan(t.median().item())


@pytest.mark.parametrize("dtype", TYPES)
def test_topk(dtype: Any) -> None:
    x = values((3, 40, 5), dtype)
    t = gradgate.tensor(x)
    for dim in range(3):
        for k in (0, 1, 2, x.shape[dim]):
            for largest in (True, False):
                got = t.topk(k, dim, largest)
                full = t.sort(dim, largest)
                assert np.array_equal(got.values.numpy(), np.take(full.values.numpy(), range(k), dim))
                assert np.array_equal(got.indices.numpy(), np.take(full.indices.numpy(), range(k), dim))
    for k in (-1, 4):
        with pytest.raises(RuntimeError, match=rf"k = {k} of 3 elements along dim 0"):
            t.topk(k, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_median(dtype: Any) -> None:
    for n in (1, 2, 7, 50):
        x = values((n, 3), dtype)
        t = gradgate.tensor(x)
        expected = np.sort(x, 0)[(n - 1) // 2]
        got = t.median(0)
        assert np.array_equal(got.values.numpy(), expected)
        assert np.array_equal(np.take_along_axis(x, got.indices.numpy()[None], 0)[0], expected)
        assert t.median(0, keepdim=True).values.shape == (1, 3)
        assert t.median().item() == np.sort(x, None)[(x.size - 1) // 2]
    assert np.isnan(gradgate.zeros(0).median().item())
    with pytest.raises(IndexError, match=r"median.*\(0, 3\)"):
        gradgate.zeros(0, 3).median(0)


def test_gradients() -> None:
    x = np.random.default_rng(0).permutation(24).reshape(2, 3, 4) / 10
    t = gradgate.tensor(x, requires_grad=True)
    for dim in range(3):
        for f in (
            lambda v, d=dim: v.sort(d).values * v.sum(),
            lambda v, d=dim: v.topk(2, d).values * v.sum(),
            lambda v, d=dim: v.median(d).values * v.sum(),
        ):
            assert gradcheck(f, t)
            assert gradgradcheck(f, t)
    assert gradcheck(lambda v: v.median(), t)
    shared = gradgate.tensor([1.0, 2.0, 2.0, 5.0], requires_grad=True)
    shared.median().backward()
    assert shared.grad.tolist() == [0, 0.5, 0.5, 0]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (1,), (100,), (4, 25), (0,)])
def test_unique(shape: tuple[int, ...], dtype: Any) -> None:
    x = values(shape, dtype)
    t = gradgate.tensor(x)
    expected, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    assert np.array_equal(t.unique().numpy(), expected)
    got = gradgate.unique(t, return_inverse=True, return_counts=True)
    assert isinstance(got, tuple)
    assert np.array_equal(got[0].numpy(), expected)
    assert np.array_equal(got[1].numpy(), inverse.reshape(shape))
    assert np.array_equal(got[2].numpy(), counts)
    assert np.array_equal(t.unique(return_counts=True)[1].numpy(), counts)
    assert np.array_equal(t.unique(return_inverse=True)[1].numpy(), inverse.reshape(shape))


def test_every_nan_is_different() -> None:
    got = gradgate.tensor([np.nan, 1.0, np.nan]).unique(return_counts=True)
    assert np.array_equal(got[0].numpy(), [1, np.nan, np.nan], equal_nan=True)
    assert got[1].tolist() == [1, 1, 1]


def test_bincount() -> None:
    x = np.array([3, 0, 3, 1])
    weights = np.array([0.5, 1, 2, 4])
    for dtype in (np.int64, np.int32, np.uint8):
        t = gradgate.tensor(x.astype(dtype))
        assert t.bincount().tolist() == [1, 1, 0, 2]
        assert t.bincount().dtype == gradgate.int64
        assert t.bincount(minlength=6).tolist() == [1, 1, 0, 2, 0, 0]
        assert gradgate.bincount(t, gradgate.tensor(weights)).tolist() == [1, 4, 0, 2.5]
    assert t.bincount(gradgate.tensor(weights.astype(np.float32))).dtype == gradgate.float32
    assert t.bincount(gradgate.tensor([1, 1, 1, 1])).dtype == gradgate.float64
    assert gradgate.zeros(0, dtype=gradgate.int64).bincount(minlength=2).tolist() == [0, 0]
    for wrong, match in [
        (gradgate.tensor([-1]), "-1"),
        (gradgate.tensor([1.0]), "float32"),
        (gradgate.tensor([[1]]), r"\(1, 1\)"),
    ]:
        with pytest.raises(RuntimeError, match=match):
            wrong.bincount()
    with pytest.raises(RuntimeError, match="weights"):
        t.bincount(gradgate.ones(3))
    with pytest.raises(RuntimeError, match="minlength"):
        t.bincount(minlength=-1)
