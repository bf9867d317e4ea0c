"""Maxima and minima, their positions, and where their gradients go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate.autograd import gradgradcheck
from reduction_reference import centred_difference

LENGTHS = [1, 10, 15, 16, 17, 63, 64, 65, 4095, 4096, 4097, 10_000]
TYPES = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_]


def values(shape: Any, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    x = 50 + 20 * np.random.default_rng(seed).standard_normal(shape)
    return np.asarray(x > 50 if dtype == np.bool_ else x, dtype)


def position(x: np.ndarray, name: str, axis: int | None) -> np.ndarray:
    """NumPy's argmax and argmin: the first at a tie, and NaN before all."""
    return np.asarray(getattr(np, f"arg{name}")(x, axis))


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_extremes_of_rows_and_columns(n: int, dtype: Any, name: str) -> None:
    x = values((3, n), dtype)
    for array, dim in ((x, 1), (x, 0), (x.T.copy(), 0), (x.T, 0)):
        t = gradgate.from_numpy(array)
        both = getattr(t, name)(dim)
        assert np.array_equal(both.values.numpy(), getattr(np, name)(array, dim))
        assert np.array_equal(both.indices.numpy(), position(array, name, dim))
        assert both.values.dtype == t.dtype
        assert both.indices.dtype == gradgate.int64
        assert np.array_equal(getattr(t, f"a{name}")(dim).numpy(), getattr(np, name)(array, dim))
    t = gradgate.tensor(x)
    assert getattr(t, name)().item() == getattr(np, name)(x)
    if dtype == np.bool_:
        with pytest.raises(RuntimeError, match="bool"):
            getattr(t, f"arg{name}")()
    else:
        assert getattr(t, f"arg{name}")().item() == position(x, name, None)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_wins_and_infinities_count(name: str, dtype: Any) -> None:
    for n in (2, 17, 64, 4100):
        for at in {0, 1, n // 2, n - 1}:
            x = values((4, n), dtype)
            x[0, at] = np.nan
            x[1, at:] = np.nan
            x[2, at] = np.inf
            x[3, at] = -np.inf
            for t, dim in ((gradgate.tensor(x), 1), (gradgate.tensor(x.T.copy()), 0)):
                got, indices = getattr(t, name)(dim)
                assert np.array_equal(got.numpy(), getattr(np, name)(x, 1), equal_nan=True)
                assert np.array_equal(indices.numpy(), position(x, name, 1))
                assert np.array_equal(getattr(t, f"a{name}")(dim).numpy(), getattr(np, name)(x, 1), equal_nan=True)


def test_results_have_names_and_keep_dimensions() -> None:
    x = values((3, 4, 5))
    t = gradgate.tensor(x)
    result = gradgate.max(t, 1, keepdim=True)
    assert isinstance(result, tuple)
    assert type(result).__name__ == "max"
    assert result.values.shape == result.indices.shape == (3, 1, 5)
    got, indices = gradgate.min(t, dim=-1)
    assert np.array_equal(got.numpy(), x.min(-1))
    assert np.array_equal(indices.numpy(), x.argmin(-1))
    assert t.amax((0, 2)).shape == (4,)
    assert np.array_equal(t.amax((0, 2)).numpy(), x.max((0, 2)))
    assert t.amin((0, 2), keepdim=True).shape == (1, 4, 1)
    assert t.argmax(1, keepdim=True).shape == (3, 1, 5)
    assert t.argmax(keepdim=True).shape == (1, 1, 1)
    scalar = gradgate.tensor(2.0)
    assert scalar.max(0).values.item() == 2
    assert scalar.max(-1).indices.item() == 0
    assert scalar.argmin().item() == 0


def test_the_binary_form() -> None:
    a, b = gradgate.tensor([1.0, 5.0, float("nan")]), gradgate.tensor([[3.0], [4.0]])
    assert np.array_equal(gradgate.max(a, b).numpy(), np.maximum(a.numpy(), b.numpy()), equal_nan=True)
    assert np.array_equal(a.min(b).numpy(), np.minimum(a.numpy(), b.numpy()), equal_nan=True)
    # An integer tensor is another operand, an int is a dimension.
    assert gradgate.max(gradgate.tensor([1, 5]), gradgate.tensor(3)).tolist() == [3, 5]
    assert gradgate.max(gradgate.tensor([1, 5]), 0).indices.item() == 1


def test_nothing_has_no_extreme() -> None:
    empty = gradgate.zeros(2, 0)
    for name in ("max", "min", "amax", "amin"):
        with pytest.raises(RuntimeError, match=rf"{name}\(\).*\(2, 0\)"):
            getattr(empty, name)()
        with pytest.raises(IndexError, match=rf"{name}\(\).*dim 1.*\(2, 0\)"):
            getattr(empty, name)(1)
    for name in ("argmax", "argmin"):
        for arguments in ((), (1,)):
            with pytest.raises(IndexError, match=name):
                getattr(empty, name)(*arguments)
    assert empty.max(0).values.shape == (0,)
    assert empty.amax(0).shape == (0,)


@pytest.mark.parametrize("shape", [(6,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("name", ["max", "min"])
def test_gradients(name: str, shape: tuple[int, ...]) -> None:
    x = values(shape)
    for dim in range(len(shape)):
        for keepdim in (False, True):
            t = gradgate.tensor(x, requires_grad=True)
            got = getattr(t, name)(dim, keepdim).values
            dy = values(got.shape, seed=1)
            got.backward(gradgate.tensor(dy))
            expected = centred_difference(lambda v, d=dim, k=keepdim: getattr(np, name)(v, d, keepdims=k), x, dy)
            # Linear: only rounding, 1e-16 * 100 * 100 / 1e-5, is left.
            np.testing.assert_allclose(t.grad.numpy(), expected, atol=1e-6)
        assert gradgradcheck(lambda v, d=dim: getattr(v, name)(d).values * v.sum(), t.detach().requires_grad_())
    assert gradgradcheck(lambda v: getattr(v, f"a{name}")() * v.sum(), t.detach().requires_grad_())


def test_ties() -> None:
    x = [[4.0, 4.0, 1.0, 4.0], [2.0, 3.0, 3.0, 0.0]]
    shared = gradgate.tensor(x, requires_grad=True)
    shared.amax(1).sum().backward()
    np.testing.assert_allclose(shared.grad.numpy(), [[1 / 3, 1 / 3, 0, 1 / 3], [0, 0.5, 0.5, 0]], rtol=1e-7)
    routed = gradgate.tensor(x, requires_grad=True)
    both = routed.max(1)
    both.values.sum().backward()
    assert both.indices.tolist() == [0, 1]
    assert routed.grad.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    whole = gradgate.tensor(x, requires_grad=True)
    whole.max().backward()
    np.testing.assert_allclose(whole.grad.numpy(), [[1 / 3, 1 / 3, 0, 1 / 3], [0, 0, 0, 0]], rtol=1e-7)
    nan = gradgate.tensor([1.0, float("nan"), float("nan")], requires_grad=True)
    nan.max().backward()
    assert nan.grad.tolist() == [0, 0.5, 0.5]
    # Zeros of both signs are equal.
    zeros = gradgate.tensor([0.0, -0.0], requires_grad=True)
    zeros.amin().backward()
    assert zeros.grad.tolist() == [0.5, 0.5]
