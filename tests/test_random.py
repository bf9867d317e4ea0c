"""The generator of random numbers: its streams, what takes how much of them, its seeds and states."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradgate as gg
from gradgate import _core
from random_reference import (
    COIN,
    EXPONENTIAL32,
    UNIFORM32,
    UNIFORM64,
    expected_normals32,
    expected_normals64,
    generator,
    long_words,
    words,
)


@pytest.fixture(autouse=True)
def _state_put_back() -> Iterator[None]:
    state = gg.get_rng_state()
    yield
    gg.set_rng_state(state)


# The published test vectors of Philox4x32-10 (Random123, kat_vectors): counter, key, result.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        0x299F31D0A4093822,
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.usefixtures("isa")
def test_known_answers() -> None:
    for counter, key, expected in KNOWN_ANSWERS:
        assert tuple(_core._philox(key, counter)) == expected


@pytest.mark.usefixtures("isa")
def test_streams_are_as_documented() -> None:
    for group in (0, 2**26, 2**40 + 3):
        w, long = words(UNIFORM32, group), long_words(UNIFORM64, group)
        x = gg.rand(64, generator=generator(position=64 * group)).numpy()
        np.testing.assert_array_equal(x, (w >> np.uint64(8)).astype(np.float32) * np.float32(2**-24))
        y = gg.rand(32, dtype=gg.float64, generator=generator(position=32 * group)).numpy()
        np.testing.assert_array_equal(y, (long >> np.uint64(11)).astype(np.float64) * 2.0**-53)
        coins = gg.zeros(64, dtype=gg.bool).bernoulli_(0.3, generator=generator(position=64 * group))
        np.testing.assert_array_equal(coins.numpy(), words(COIN, group) < round(0.3 * 2**32))


def test_normals_are_box_and_mullers() -> None:
    for group in (0, 5, 2**40 + 3):
        z, radius = expected_normals32(group)
        x = gg.randn(64, generator=generator(position=64 * group)).numpy()
        # A few ulps of the radius: the logarithm, the root (half of its error), the sine and their product round once or twice
        # each, and the angle's rounding to 2^-24 of a quarter turn moves the result by as much.
        assert (np.abs(x - z) <= radius * 2.0**-21).all()
        z, radius = expected_normals64(group)
        y = gg.randn(32, dtype=gg.float64, generator=generator(position=32 * group)).numpy()
        # The reference rounds 2 pi t to 2^-50 before it takes the sine.
        assert (np.abs(y - z) <= radius * 2.0**-48).all()


def test_exponential_is_a_logarithm() -> None:
    u = ((words(EXPONENTIAL32, 3).astype(np.float64) + 0.5) * 2.0**-32).astype(np.float32).astype(np.float64)
    x = gg.empty(64).exponential_(2.0, generator=generator(position=192)).numpy()
    np.testing.assert_allclose(x, -np.log(u) / 2, rtol=2**-22, atol=0)


DRAWS: dict[str, Callable[[int, gg.Generator], gg.Tensor]] = {
    "rand": lambda n, g: gg.rand(n, generator=g),
    "rand float64": lambda n, g: gg.rand(n, dtype=gg.float64, generator=g),
    "uniform_": lambda n, g: gg.empty(n).uniform_(-3, 5, generator=g),
    "randn": lambda n, g: gg.randn(n, generator=g),
    "randn float64": lambda n, g: gg.randn(n, dtype=gg.float64, generator=g),
    "normal_": lambda n, g: gg.empty(n).normal_(1, 0.1, generator=g),
    "exponential_": lambda n, g: gg.empty(n).exponential_(3, generator=g),
    "exponential_ float64": lambda n, g: gg.empty(n, dtype=gg.float64).exponential_(generator=g),
    "bernoulli_": lambda n, g: gg.empty(n).bernoulli_(0.25, generator=g),
    "bernoulli": lambda n, g: gg.bernoulli(gg.full((n,), 0.75), generator=g),
    "randint": lambda n, g: gg.randint(-5, 7, (n,), generator=g),
    "randint wide": lambda n, g: gg.randint(-(2**62), 2**62 + 12345, (n,), generator=g),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_same_bits_on_every_instruction_set_and_thread_count(draw: Callable[[int, gg.Generator], gg.Tensor]) -> None:
    gg.set_isa("baseline")
    gg.set_num_threads(1)
    expected = draw(100_003, generator(position=7)).numpy().tobytes()
    for isa in gg.available_isas():
        for threads in (1, 2, 3):
            gg.set_isa(isa)
            gg.set_num_threads(threads)
            assert draw(100_003, generator(position=7)).numpy().tobytes() == expected, (isa, threads)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@given(cuts=st.lists(st.integers(0, 150), max_size=6), position=st.integers(0, 2**63))
def test_cuts_do_not_matter(draw: Callable[[int, gg.Generator], gg.Tensor], cuts: list[int], position: int) -> None:
    whole = draw(sum(cuts), generator(position=position)).numpy()
    g = generator(position=position)
    parts = [draw(n, g).numpy() for n in cuts]
    np.testing.assert_array_equal(np.concatenate([*parts, whole[:0]]), whole)
    # Every element took one position.
    assert g.get_state().tolist() == generator(position=position + sum(cuts)).get_state().tolist()


def test_elements_are_drawn_in_row_major_order_whatever_the_strides() -> None:
    expected = gg.randn(6, 5, generator=generator())
    for x in (gg.empty(5, 6).T, gg.empty(6, 10).narrow(1, 3, 5), gg.empty(2, 6, 5).select(0, 1)):
        x.normal_(generator=generator())
        np.testing.assert_array_equal(x.numpy(), expected.numpy())


def test_makers() -> None:
    assert gg.rand(2, 3).shape == gg.rand((2, 3)).shape == gg.randn(size=(2, 3)).shape == (2, 3)
    x = gg.randn(2, dtype=gg.float64, requires_grad=True)
    assert x.requires_grad and x.dtype == gg.float64
    assert gg.rand_like(x).dtype == gg.float64 and gg.randn_like(x, dtype=gg.float32).shape == (2,)
    assert gg.randperm(3, dtype=gg.int32).dtype == gg.int32
    assert gg.rand(0).shape == (0,)


def test_in_place_bumps_the_version_and_respects_the_graph() -> None:
    x = gg.zeros(3)
    before = x._version
    assert x.normal_() is x and x._version == before + 1
    leaf = gg.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        leaf.uniform_()
    with gg.no_grad():
        leaf.uniform_()
    y = leaf * 2
    y[:1].uniform_()
    y.sum().backward()
    assert leaf.grad.tolist() == [0, 2, 2]


def test_seeding() -> None:
    gg.manual_seed(5)
    a = gg.rand(3).tolist()
    state = gg.get_rng_state()
    b = gg.rand(3).tolist()
    gg.set_rng_state(state)
    assert gg.rand(3).tolist() == b
    assert gg.manual_seed(5) is gg.default_generator and gg.rand(3).tolist() == a
    assert gg.initial_seed() == 5
    assert gg.seed() == gg.initial_seed() != 5
    g = gg.Generator()
    assert g.manual_seed(-1) is g and g.initial_seed() == 2**64 - 1
    assert g.seed() == g.initial_seed()
    assert gg.rand(3, generator=gg.Generator()).tolist() == gg.rand(3, generator=gg.Generator()).tolist()
    for seed in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="overflow"):
            g.manual_seed(seed)
    with pytest.raises(TypeError):
        g.manual_seed(1.5)


def test_generators_are_copied_and_pickled_with_their_state() -> None:
    g = gg.Generator().manual_seed(3)
    gg.rand(5, generator=g)
    others = [copy.deepcopy(g), pickle.loads(pickle.dumps(g))]
    expected = gg.rand(4, generator=g).tolist()
    for other in others:
        assert gg.rand(4, generator=other).tolist() == expected


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gg.rand(2, dtype=gg.int64), RuntimeError, "float32 or float64"),
        (lambda: gg.rand_like(gg.tensor([1])), RuntimeError, "float32 or float64"),
        (lambda: gg.zeros(2).uniform_(2, 1), RuntimeError, "from=2 and to=1"),
        (lambda: gg.zeros(2).uniform_(math.nan, 1), RuntimeError, "uniform_"),
        (lambda: gg.zeros(2).normal_(0, -1), RuntimeError, "std >= 0.0"),
        (lambda: gg.normal(0.0, -1.0, (2,)), RuntimeError, "std >= 0.0"),
        (lambda: gg.normal(gg.zeros(2), gg.tensor([1.0, -1.0])), RuntimeError, "std >= 0.0, but found -1"),
        (lambda: gg.normal(gg.zeros(2), gg.ones(3)), RuntimeError, "do not broadcast"),
        (lambda: gg.zeros(2).exponential_(0), RuntimeError, "lambda > 0"),
        (lambda: gg.randint(3, 3, (2,)), RuntimeError, "from=3 >= to=3"),
        (lambda: gg.randint(0, 300, (2,), dtype=gg.uint8), RuntimeError, "does not fit in uint8"),
        (lambda: gg.randperm(-1), RuntimeError, "negative size"),
        (lambda: gg.bernoulli(gg.tensor([2.0])), RuntimeError, r"\[0, 1\], but got 2"),
        (lambda: gg.bernoulli(gg.tensor([math.nan])), RuntimeError, r"\[0, 1\], but got"),
        (lambda: gg.bernoulli(gg.tensor([1])), RuntimeError, "floating-point, got int64"),
        (lambda: gg.zeros(2).bernoulli_(1.5), RuntimeError, "p=1.5"),
        (lambda: gg.multinomial(gg.tensor([0.0, 0.0]), 1), RuntimeError, "sum of the weights"),
        (lambda: gg.multinomial(gg.tensor([1.0, -1.0]), 1), RuntimeError, "element < 0: -1 at index 1"),
        (lambda: gg.multinomial(gg.tensor([1.0, math.inf]), 1), RuntimeError, "inf"),
        (lambda: gg.multinomial(gg.tensor([1.0, 0.0]), 2), RuntimeError, "1 categories of positive weight"),
        (lambda: gg.multinomial(gg.tensor([1.0, 0.0]), 3), RuntimeError, "without replacement"),
        (lambda: gg.multinomial(gg.tensor([1.0]), 0), RuntimeError, "num_samples <= 0"),
        (lambda: gg.multinomial(gg.tensor([1]), 1), RuntimeError, "floating-point"),
        (lambda: gg.multinomial(gg.ones(1, 1, 1), 1), RuntimeError, "1 or 2 dimensions"),
        (lambda: gg.set_rng_state(gg.zeros(16)), TypeError, "uint8 tensor of shape"),
        (lambda: gg.Generator(device="cuda"), RuntimeError, "no device 'cuda'"),
    ],
)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
