"""Random numbers are distributed as they say: moments, goodness of fit, and the methods by which they are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradgate as gg
from random_reference import INTEGER, Array, generator, long_words


def kolmogorov_smirnov(samples: Array, cdf: Callable[[Array], Array]) -> float:
    """sqrt(n) times the largest distance between the empirical and the expected distribution function."""
    n = samples.size
    expected = cdf(np.sort(samples.astype(np.float64).ravel()))
    steps = np.arange(n + 1) / n
    return float(math.sqrt(n) * max(np.abs(expected - steps[1:]).max(), np.abs(expected - steps[:-1]).max()))


# P(sqrt(n) D > x) <= 2 exp(-2 x^2) (Massart 1990): 1e-6 at this x.
KS_LIMIT = math.sqrt(math.log(2e6) / 2)


def normal_cdf(x: Array) -> Array:
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


@pytest.mark.parametrize("dtype", [gg.float32, gg.float64])
def test_distributions(dtype: gg.dtype) -> None:
    g = gg.Generator().manual_seed(1)
    n = 100_000
    assert kolmogorov_smirnov(gg.rand(n, dtype=dtype, generator=g).numpy(), lambda x: x) < KS_LIMIT
    assert kolmogorov_smirnov(gg.randn(n, dtype=dtype, generator=g).numpy(), normal_cdf) < KS_LIMIT
    x = gg.empty(n, dtype=dtype).uniform_(-2, 6, generator=g).numpy()
    assert kolmogorov_smirnov(x, lambda v: (v + 2) / 8) < KS_LIMIT
    x = gg.empty(n, dtype=dtype).exponential_(0.5, generator=g).numpy()
    assert kolmogorov_smirnov(x, lambda v: 1 - np.exp(-0.5 * v)) < KS_LIMIT
    x = gg.normal(3.0, 2.0, (n,), dtype=dtype, generator=g).numpy()
    assert kolmogorov_smirnov((x - 3) / 2, normal_cdf) < KS_LIMIT


def test_moments_and_independence_of_normals() -> None:
    x = gg.randn(1_000_000, generator=gg.Generator().manual_seed(2)).numpy().astype(np.float64)
    n = x.size
    # Six standard errors: the moments' variances are 1, 2, 15 and 96 over n, a product's of neighbours 1 / n.
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((x**power).mean() - moment) < 6 * math.sqrt(variance / n)
    for lag in (1, 2, 16, 32, 64):
        assert abs((x[lag:] * x[:-lag]).mean()) < 6 / math.sqrt(n - lag)
    assert np.abs(x).max() < 6.8


def test_kinds_of_one_position_are_independent() -> None:
    n = 100_000
    u, z = gg.rand(n, generator=generator()).numpy(), gg.randn(n, generator=generator()).numpy()
    v = gg.rand(n, dtype=gg.float64, generator=generator()).numpy()
    for a, b in ((u, z), (u, v), (v, z)):
        assert abs(np.corrcoef(a, b)[0, 1]) < 6 / math.sqrt(n)


def chi_square_limit(freedom: int) -> float:
    """Laurent and Massart (2000): exceeded with probability below 1e-6."""
    x = math.log(1e6)
    return freedom + 2 * math.sqrt(freedom * x) + 2 * x


def chi_square(counts: Array, probabilities: Array) -> float:
    expected = counts.sum() * probabilities
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize(("low", "high"), [(0, 2), (-3, 4), (0, 1000), (0, 2**33 + 7)])
def test_integers_are_uniform(low: int, high: int) -> None:
    n = 200_000
    x = gg.randint(low, high, (n,), generator=gg.Generator().manual_seed(3)).numpy()
    assert x.min() >= low and x.max() < high
    cells = min(high - low, 1000)
    counts = np.bincount((x - low) % cells, minlength=cells)
    assert chi_square(counts, np.full(cells, 1 / cells)) < chi_square_limit(cells - 1)


def test_integers_are_lemires() -> None:
    # A range for which a quarter of the elements is rejected.
    high = 3 * 2**61
    attempts = [long_words(INTEGER, 0, attempt).tolist() for attempt in range(10)]
    accepted = [[x for x in column if x * high % 2**64 >= 2**64 % high] for column in zip(*attempts, strict=True)]
    assert any(column[0] != attempts[0][i] for i, column in enumerate(accepted))
    expected = [column[0] * high >> 64 for column in accepted]
    assert gg.randint(high, (32,), generator=generator()).tolist() == expected


def test_integer_types_and_random_() -> None:
    g = generator()
    assert gg.randint(3, (2,)).dtype == gg.int64 and gg.randint(0, 3, (2,), dtype=gg.float32).dtype == gg.float32
    assert gg.randint(256, (1000,), dtype=gg.uint8, generator=g).numpy().max() > 250
    assert gg.randint_like(gg.zeros(2, 3), 5).shape == (2, 3)
    assert gg.randint_like(gg.zeros(4, dtype=gg.int32), 5, 6).tolist() == [5] * 4
    x = gg.zeros(1000, dtype=gg.int64)
    assert set(x.random_(3, generator=g).tolist()) == {0, 1, 2}
    assert set(x.random_(-1, 1, generator=g).tolist()) == {-1, 0}
    assert x.random_(generator=g).numpy().max() > 2**62
    assert 400 < gg.ones(1000, dtype=gg.bool).random_(generator=g).sum().item() < 600
    assert set(gg.zeros(10_000, dtype=gg.uint8).random_(generator=g).tolist()) == set(range(256))
    floats = gg.zeros(1000).random_(generator=g).numpy()
    assert 2**23 < floats.max() <= 2**24 and (floats == np.floor(floats)).all()


@given(st.integers(0, 50), st.integers(0, 2**32))
def test_randperm_is_a_permutation(n: int, seed: int) -> None:
    assert sorted(gg.randperm(n, generator=gg.Generator().manual_seed(seed)).tolist()) == list(range(n))


def test_randperm_is_fisher_and_yates() -> None:
    n = 40
    order = list(range(n))
    elements = long_words(INTEGER, 0).tolist() + long_words(INTEGER, 1).tolist()
    for i in range(n - 1):
        j = i + (elements[i] * (n - i) >> 64)
        order[i], order[j] = order[j], order[i]
    g = generator()
    assert gg.randperm(n, generator=g).tolist() == order
    assert g.get_state().tolist() == generator(position=n).get_state().tolist()


def test_permutations_are_equally_likely() -> None:
    g = gg.Generator().manual_seed(4)
    counts = np.zeros(24)
    for _ in range(12_000):
        a, b, c, _ = gg.randperm(4, generator=g).tolist()
        counts[6 * a + 2 * (b - (b > a)) + (c > min({0, 1, 2, 3} - {a, b}))] += 1
    assert chi_square(counts, np.full(24, 1 / 24)) < chi_square_limit(23)


@pytest.mark.parametrize("p", [0.0, 1e-3, 0.5, 0.9, 1.0])
def test_bernoulli(p: float) -> None:
    n = 100_000
    for x in (
        gg.empty(n).bernoulli_(p, generator=generator()),
        gg.bernoulli(gg.full((n,), p, dtype=gg.float64), generator=generator()),
        gg.zeros(n).bernoulli(p, generator=generator()),
        gg.zeros(n, dtype=gg.int64).bernoulli_(gg.tensor(p), generator=generator()),
    ):
        values = x.numpy()
        assert set(np.unique(values)) <= {0, 1}
        # Six standard deviations of the mean of n coins.
        assert abs(values.mean() - p) <= 6 * math.sqrt(p * (1 - p) / n)


def test_multinomial_with_replacement() -> None:
    weights = gg.tensor([[0.0, 1.0, 3.0, 0.0, 4.0], [2.0, 0.0, 0.0, 0.0, 0.0]])
    x = gg.multinomial(weights, 50_000, replacement=True, generator=generator())
    assert x.shape == (2, 50_000) and x.dtype == gg.int64
    counts = np.bincount(x[0].numpy(), minlength=5)
    assert counts[0] == counts[3] == 0 and (x[1].numpy() == 0).all()
    assert chi_square(counts[[1, 2, 4]], np.array([1, 3, 4]) / 8) < chi_square_limit(2)
    uniform = gg.rand(50_000, dtype=gg.float64, generator=generator()).numpy()
    np.testing.assert_array_equal(x[0].numpy(), np.searchsorted([0, 1, 4, 4, 8], uniform * 8, side="right"))


def test_multinomial_without_replacement() -> None:
    g = gg.Generator().manual_seed(5)
    weights = gg.tensor([1.0, 0.0, 2.0, 5.0]).expand(20_000, 4)
    x = gg.multinomial(weights, 3, generator=g).numpy()
    assert (np.sort(x, axis=1) == [0, 2, 3]).all()
    # The first is drawn by weight, the second by weight among the rest.
    weight = {0: 1, 2: 2, 3: 5}
    orders = {(a, b): weight[a] / 8 * weight[b] / (8 - weight[a]) for a in weight for b in weight if a != b}
    counts = np.array([((x[:, 0] == a) & (x[:, 1] == b)).sum() for a, b in orders])
    assert chi_square(counts, np.array(list(orders.values()))) < chi_square_limit(5)


def test_normal_of_tensors() -> None:
    g = gg.Generator().manual_seed(6)
    x = gg.normal(gg.tensor([[-100.0], [100.0]]), gg.tensor([0.0, 1.0, 2.0]), generator=g)
    assert x.shape == (2, 3) and x[:, 0].tolist() == [-100, 100] and (x[1] > 80).tolist() == [True] * 3
    assert gg.normal(gg.zeros(3, dtype=gg.float64)).dtype == gg.float64
    assert gg.normal(0.0, gg.ones(3)).shape == (3,)
    assert not gg.normal(gg.zeros(2, requires_grad=True)).requires_grad
    assert gg.normal(mean=1.0, std=0.0, size=(2,)).tolist() == [1, 1]


def test_bounds_are_kept() -> None:
    for low, high in ((0.0, 1.0), (1.0, 1.0 + 2**-22), (-1e30, 1e30), (-0.5, 0.5), (1000.0, 1000.1), (3.0, 3.0)):
        x = gg.empty(20_000).uniform_(low, high, generator=generator()).numpy()
        assert (x >= np.float32(low)).all() and ((x < np.float32(high)).all() or low == high)
