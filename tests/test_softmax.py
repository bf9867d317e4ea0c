"""Softmax, log-softmax, logsumexp, the fused cross-entropy and the running sums and products."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import _core
from gradgate.autograd import gradcheck, gradgradcheck
from reduction_reference import additions, centred_difference, wide

LENGTHS = [1, 2, 10, 15, 16, 17, 63, 64, 65, 4095, 4096, 4097, 10_000]
TYPES = [np.float32, np.float64]


def values(shape: Any, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    return np.asarray(2 * np.random.default_rng(seed).standard_normal(shape), dtype)


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return x - logsumexp(x, axis, keepdims=True)


def logsumexp(x: np.ndarray, axis: Any, keepdims: bool = False) -> np.ndarray:
    m = x.max(axis, keepdims=True)
    y = np.log(np.exp(x - m).sum(axis, keepdims=True)) + m
    return y if keepdims else y.squeeze(axis)


def bound(x: np.ndarray, n: int) -> float:
    """How many ulps a softmax may be off, relative to its value.

    Half the difference to the maximum for the rounding of that difference, 1.5 for exp, a half for each addition (all
    terms are positive) and for the division, and as much again for what the sum's terms are off.
    """
    spread = float(np.ptp(x))
    return spread + 2 * 1.5 + additions((n,), (0,)) / 2 + 2


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_values(n: int, dtype: Any) -> None:
    x = values((3, n), dtype)
    w, eps = wide(x), np.finfo(dtype).eps
    ulps = bound(w, n)
    for t, dim in (
        (gradgate.tensor(x), 1),
        (gradgate.tensor(x), -1),
        (gradgate.tensor(x.T.copy()), 0),
        (gradgate.tensor(x.T.copy()).T, 1),
    ):
        got = t.softmax(dim)
        assert got.is_contiguous()
        got = got.numpy() if dim else got.numpy().T
        np.testing.assert_allclose(got, softmax(w, 1), rtol=ulps * eps)
        # The logarithm turns the relative error into an absolute one.
        log = t.log_softmax(dim).numpy() if dim else t.log_softmax(dim).numpy().T
        np.testing.assert_allclose(log, log_softmax(w, 1), atol=(ulps + 2) * eps, rtol=2 * eps)
        np.testing.assert_allclose(t.logsumexp(dim).numpy(), logsumexp(w, 1), atol=(ulps + 2) * eps, rtol=2 * eps)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_backward_kernels(n: int, dtype: Any) -> None:
    x, dy = values((3, n), dtype), values((3, n), dtype, 1)
    w, dw, eps = wide(x), wide(dy), np.finfo(dtype).eps
    p = softmax(w, 1)
    terms = p * np.abs(dw)
    # Two and a half roundings more than the forward pass for each term, whose sizes add up to at most those of `terms`.
    slack = (bound(w, n) + additions((n,), (0,)) + 5) * eps
    t = gradgate.tensor(x, requires_grad=True)
    t.softmax(1).backward(gradgate.tensor(dy))
    expected = p * (dw - np.sum(p * dw, 1, keepdims=True))
    np.testing.assert_array_less(
        np.abs(t.grad.numpy() - expected), slack * (terms + p * terms.sum(1, keepdims=True)) + 1e-300
    )
    t = gradgate.tensor(x, requires_grad=True)
    t.log_softmax(1).backward(gradgate.tensor(dy))
    expected = dw - p * np.sum(dw, 1, keepdims=True)
    np.testing.assert_array_less(
        np.abs(t.grad.numpy() - expected), slack * (np.abs(dw) + p * np.abs(dw).sum(1, keepdims=True)) + 1e-300
    )


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(20_000, 10), (37, 5000), (5000, 17), (2, 300_000)])
def test_any_number_of_threads_and_any_isa_give_the_same_bits(shape: tuple[int, int], dtype: Any) -> None:
    x, dy = gradgate.tensor(values(shape, dtype)), gradgate.tensor(values(shape, dtype, 1))
    targets = gradgate.tensor(np.random.default_rng(0).integers(0, shape[1], shape[0]))
    results = set()
    for isa, threads in itertools.product(_core.available_isas(), (1, 2, 3)):
        _core.set_isa(isa)
        gradgate.set_num_threads(threads)
        t = x.clone().requires_grad_()
        p, log_p, loss = t.softmax(1), t.log_softmax(1), _core._cross_entropy(t, targets)
        gradients = [gradgate.autograd.grad(y, t, u)[0] for y, u in ((p, dy), (log_p, dy), (loss, None))]
        results.add(b"".join(v.detach().numpy().tobytes() for v in (p, log_p, t.logsumexp(1), loss, *gradients)))
    assert len(results) == 1


@pytest.mark.usefixtures("isa")
def test_nothing_overflows() -> None:
    # The lecture's example.
    assert gradgate.tensor([123.0, 456.0, 789.0]).softmax(0).tolist() == [0, 0, 1]
    assert gradgate.tensor([123.0, 456.0, 789.0]).log_softmax(0).tolist() == [-666, -333, 0]
    assert gradgate.tensor([1000.0, 1000.0]).logsumexp(0).item() == np.float32(1000 + np.log(2))
    assert gradgate.tensor([-1e30, -1e30]).softmax(0).tolist() == [0.5, 0.5]


@pytest.mark.usefixtures("isa")
def test_infinities_and_nan() -> None:
    inf, nan = np.inf, np.nan
    x = np.array([[-inf, 0.0, 0.0], [-inf, -inf, -inf], [inf, 0.0, 0.0], [nan, 0.0, 0.0]])
    got = gradgate.tensor(x).softmax(1).numpy()
    assert np.array_equal(got[0], [0, 0.5, 0.5])
    assert np.isnan(got[1:, 0]).all()
    assert np.array_equal(gradgate.tensor(x[:1]).log_softmax(1).numpy()[0], [-inf, -np.log(2), -np.log(2)])
    assert np.array_equal(gradgate.tensor(x).logsumexp(1).numpy(), [np.log(2), -inf, inf, nan], equal_nan=True)


def test_other_dimensions_and_types() -> None:
    x = values((3, 4, 5))
    t = gradgate.tensor(x)
    for dim in (-3, 0, 1, 2):
        np.testing.assert_allclose(t.softmax(dim).numpy(), softmax(x, dim), rtol=1e-14)
        np.testing.assert_allclose(t.log_softmax(dim).numpy(), log_softmax(x, dim), rtol=1e-13)
    np.testing.assert_allclose(t.logsumexp((0, 2)).numpy(), logsumexp(x, (0, 2)), rtol=1e-14)
    np.testing.assert_allclose(t.logsumexp((1, 2), keepdim=True).numpy(), logsumexp(x, (1, 2), True), rtol=1e-14)
    assert gradgate.tensor(2.0).softmax(0).item() == 1
    assert gradgate.zeros(2, 0).softmax(1).shape == (2, 0)
    assert gradgate.zeros(2, 0).logsumexp(1).tolist() == [-np.inf, -np.inf]
    with pytest.raises(RuntimeError, match="float"):
        gradgate.tensor([1, 2]).softmax(0)
    assert gradgate.tensor([0, 0]).softmax(0, dtype=gradgate.float64).tolist() == [0.5, 0.5]
    assert gradgate.tensor([0, 0]).logsumexp(0).dtype == gradgate.float32


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_gradients(name: str, dim: int) -> None:
    x = values((2, 3, 4))
    t = gradgate.tensor(x, requires_grad=True)
    y = getattr(t, name)(dim)
    dy = values(y.shape, seed=1)
    y.backward(gradgate.tensor(dy))
    expected = centred_difference(lambda v: globals()[name](v, dim), x, dy)
    np.testing.assert_allclose(t.grad.numpy(), expected, rtol=1e-7, atol=1e-9)
    assert gradgradcheck(lambda v: getattr(v, name)(dim), t.detach().requires_grad_())


# --- running sums ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (1,), (65,), (3, 4, 5), (2, 0), (4097,)])
def test_running_sums_and_products(shape: tuple[int, ...], dtype: Any, name: str) -> None:
    x = 1 + values(shape, dtype) / 50
    for dim in range(-len(shape), len(shape)):
        got = getattr(gradgate.tensor(x), name)(dim).numpy()
        assert got.dtype == dtype
        # One rounding of at most half an ulp for each element before.
        np.testing.assert_allclose(got, getattr(np, name)(wide(x), dim), rtol=max(x.size, 1) * np.finfo(dtype).eps)
    if not shape:
        assert getattr(gradgate.tensor(x), name)(0).item() == x
    integers = gradgate.tensor(np.array([[1, 2], [3, 4]], np.int32))
    assert getattr(integers, name)(0).dtype == gradgate.int64
    assert np.array_equal(getattr(integers, name)(1).numpy(), getattr(np, name)(integers.numpy(), 1))
    assert getattr(integers, name)(0, dtype=gradgate.float32).dtype == gradgate.float32


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_gradients_of_running_sums(name: str) -> None:
    x = values((3, 5))
    x[1, 2] = x[2, 0] = x[2, 3] = 0  # where nothing may be divided
    t = gradgate.tensor(x, requires_grad=True)
    for dim in (0, 1):
        assert gradcheck(lambda v, d=dim: getattr(v, name)(d), t)
        assert gradgradcheck(lambda v, d=dim: getattr(v, name)(d), t)
