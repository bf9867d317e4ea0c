"""Sums, means, products, variances, norms and truth values over dimensions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import _core
from gradgate.autograd import gradcheck, gradgradcheck
from reduction_reference import additions, centred_difference, column_rule, row_rule, wide

LENGTHS = [1, 10, 15, 16, 17, 63, 64, 65, 4095, 4096, 4097, 10_000]
TYPES = [np.float32, np.float64]


def values(shape: Any, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


# --- the order of the sums -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", [*LENGTHS, 300_000])
def test_rows_are_summed_by_the_rule_of_the_rows(n: int, dtype: Any) -> None:
    x = values((2, n), dtype)
    expected = np.array([row_rule(row, np.add, -0.0) for row in x])
    assert np.array_equal(gradgate.tensor(x).sum(1).numpy(), expected)
    assert gradgate.tensor(x[0]).sum().item() == expected[0]


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("rows", "columns"), [(1, 3), (10, 1025), (255, 7), (256, 64), (257, 65), (1000, 17), (70_000, 3)]
)
def test_columns_are_summed_by_the_rule_of_the_columns(rows: int, columns: int, dtype: Any) -> None:
    x = values((rows, columns), dtype)
    assert np.array_equal(gradgate.tensor(x).sum(0).numpy(), column_rule(x, np.add, -0.0))


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", TYPES)
def test_products_and_norms_follow_the_same_rules(dtype: Any) -> None:
    x = 1 + values((2, 5000), dtype) / 100
    rows = np.array([row_rule(row, np.multiply, 1) for row in x])
    assert np.array_equal(gradgate.tensor(x).prod(1).numpy(), rows)
    assert np.array_equal(gradgate.tensor(x.T.copy()).prod(0).numpy(), column_rule(x.T, np.multiply, 1))
    squares = np.array([row_rule(row * row, np.add, -0.0) for row in x])
    assert np.array_equal(gradgate.tensor(x).norm(dim=1).numpy(), np.sqrt(squares))
    assert np.array_equal(
        gradgate.tensor(-x).norm(p=1, dim=1).numpy(), np.array([row_rule(row, np.add, -0.0) for row in x])
    )


@pytest.mark.usefixtures("isa")
def test_the_order_does_not_depend_on_memory() -> None:
    x = values((70, 90), np.float32)
    expected = gradgate.tensor(x).sum(0).numpy()
    transposed = gradgate.tensor(np.ascontiguousarray(x.T)).T
    strided = gradgate.tensor(np.repeat(x, 2, 1))[:, ::2]
    for t in (transposed, strided):
        assert not t.is_contiguous()
        assert np.array_equal(t.sum(0).numpy(), expected)
        assert t.sum().item() == gradgate.tensor(x).sum().item()


@pytest.mark.parametrize("shape", [(1_000_003,), (700, 600), (200_000, 5), (3, 500, 400)])
@pytest.mark.parametrize("name", ["sum", "prod", "var", "std", "norm", "amax", "logsumexp"])
def test_any_number_of_threads_and_any_isa_give_the_same_bits(shape: tuple[int, ...], name: str) -> None:
    x = gradgate.tensor(values(shape, np.float32))
    for dim in range(len(shape)):
        results = set()
        for isa, count in itertools.product(_core.available_isas(), (1, 2, 3)):
            _core.set_isa(isa)
            gradgate.set_num_threads(count)
            results.add(getattr(gradgate, name)(x, dim=dim).numpy().tobytes())
        assert len(results) == 1


# --- values ----------------------------------------------------------------------------------------------------------

SHAPES_AND_DIMS = [
    ((7,), (0,)),
    ((), ()),
    ((3, 4, 5), (0,)),
    ((3, 4, 5), (1,)),
    ((3, 4, 5), (2,)),
    ((3, 4, 5), (0, 2)),
    ((3, 4, 5), (0, 1)),
    ((3, 4, 5), (1, 2)),
    ((3, 4, 5), (0, 1, 2)),
    ((2, 1, 300, 2), (2, 3)),
    ((5, 1), (1,)),
]


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize(("shape", "dims"), SHAPES_AND_DIMS)
def test_values_over_dims(shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool, dtype: Any) -> None:
    x = values(shape, dtype)
    t, w, eps = gradgate.tensor(x), wide(x), np.finfo(dtype).eps
    steps = additions(shape, dims or ())
    negative = tuple(d - len(shape) for d in dims)
    named = {"axis": dims, "keepdims": keepdim}
    # Each addition rounds by half an ulp of a partial sum, which the sum of the magnitudes bounds.
    bound = steps * eps / 2 * np.sum(np.abs(w), **named)
    mean = np.mean(w, **named)
    for d in (dims, negative):
        np.testing.assert_array_less(np.abs(t.sum(d, keepdim).numpy() - np.sum(w, **named)), bound + 1e-300)
        got = t.mean(d, keepdim).numpy()
        assert got.dtype == dtype
        count = max(x.size // max(mean.size, 1), 1)
        np.testing.assert_array_less(np.abs(got - mean), bound / count + eps * np.abs(mean) + 1e-300)
        # A product of k factors rounds k - 1 times; these are near 1, so that it stays in the type's range.
        near_one = (1 + x / 20).astype(dtype)
        got = gradgate.tensor(near_one).prod(d, keepdim).numpy()
        np.testing.assert_allclose(got, np.prod(wide(near_one), **named), rtol=count * eps)
        np.testing.assert_allclose(
            t.norm(dim=d, keepdim=keepdim).numpy(), np.sqrt(np.sum(w * w, **named)), rtol=(steps + 4) * eps
        )
        # The terms are positive, so that the relative error is a rounding per addition, and a few for each term.
        if count > 1:
            np.testing.assert_allclose(
                t.var(d, keepdim=keepdim).numpy(), np.var(w, ddof=1, **named), rtol=(steps + 20) * eps
            )
            np.testing.assert_allclose(
                t.std(d, correction=0, keepdim=keepdim).numpy(), np.std(w, **named), rtol=(steps + 20) * eps
            )


def test_signatures_of_var_and_std() -> None:
    x = values((4, 6))
    t = gradgate.tensor(x)
    for name in ("var", "std"):
        f, reference = getattr(t, name), getattr(np, name)
        for got, expected in [
            (f(), reference(x, ddof=1)),
            (f(False), reference(x)),
            (f(unbiased=True), reference(x, ddof=1)),
            (f(1, False), reference(x, 1)),
            (f(1, True, True), reference(x, 1, ddof=1, keepdims=True)),
            (f(dim=(0, 1), correction=2.5), reference(x, ddof=2.5)),
            (f(0, keepdim=True), reference(x, 0, ddof=1, keepdims=True)),
        ]:
            np.testing.assert_allclose(got.numpy(), expected, rtol=1e-14)
        spread, mean = getattr(gradgate, f"{name}_mean")(t, 1)
        np.testing.assert_allclose(spread.numpy(), reference(x, 1, ddof=1), rtol=1e-14)
        np.testing.assert_allclose(mean.numpy(), x.mean(1), rtol=1e-14)
        # No degrees of freedom are left: 0 / 0.
        assert np.isnan(getattr(t[:1], name)(0).numpy()).all()


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, np.inf, -np.inf, "fro"])
def test_norms(p: Any) -> None:
    x = values((5, 7))
    x[2, 3] = 0
    order = 2 if p == "fro" else p
    got = gradgate.tensor(x).norm(p, dim=1).numpy()
    # Fewer than thirty roundings, each of at most one ulp.
    np.testing.assert_allclose(got, [np.linalg.norm(row, order) for row in x], rtol=30 * np.finfo(np.float64).eps)
    np.testing.assert_allclose(gradgate.tensor(x).norm(p).item(), np.linalg.norm(x.reshape(-1), order), rtol=1e-14)


def test_integers_and_bools() -> None:
    x = np.array([[3, -2, 7], [0, 5, 1]])
    for dtype in (np.int64, np.int32, np.uint8, np.bool_):
        t, a = gradgate.tensor(x.astype(dtype)), x.astype(dtype).astype(np.int64)
        for name in ("sum", "prod"):
            for dim in (0, 1, (0, 1)):
                got = getattr(t, name)(dim) if name == "sum" or dim != (0, 1) else t.prod()
                assert got.dtype == gradgate.int64
                assert np.array_equal(got.numpy(), getattr(np, name)(a, dim))
        with pytest.raises(RuntimeError, match=r"mean.*float"):
            t.mean()
        with pytest.raises(RuntimeError, match="floating"):
            t.std()
        with pytest.raises(RuntimeError, match="floating"):
            t.norm()
        assert t.mean(dtype=gradgate.float64).item() == a.mean()
        assert t.sum(dtype=gradgate.float32).dtype == gradgate.float32
    assert gradgate.tensor([2**31 - 1, 1]).sum(dtype=gradgate.int32).item() == -(2**31)
    big = gradgate.tensor(np.array([2**63 - 1, 1]))
    assert big.sum().item() == -(2**63)


def test_nothing() -> None:
    empty = gradgate.zeros(2, 0)
    assert empty.sum().item() == 0
    assert np.array_equal(empty.sum(1).numpy(), [0, 0])
    assert np.array_equal(empty.prod(1).numpy(), [1, 1])
    assert empty.sum(0).shape == (0,)
    assert np.isnan(empty.mean().item())
    assert np.isnan(empty.var(1).numpy()).all()
    assert empty.norm().item() == 0
    assert not empty.any().item()
    assert np.array_equal(empty.all(1).numpy(), [True, True])
    assert gradgate.zeros(0, 3, dtype=gradgate.int64).sum(0).tolist() == [0, 0, 0]


@pytest.mark.usefixtures("isa")
def test_nan_and_infinities_pass_through() -> None:
    for n, at in [(17, 16), (70, 3), (4100, 4099)]:
        x = np.ones((n, 3))
        x[at, 1] = np.nan
        x[at, 2] = np.inf
        for t in (gradgate.tensor(x).sum(0), gradgate.tensor(x.T.copy()).sum(1), gradgate.tensor(x).prod(0)):
            assert np.isnan(t.numpy()[1])
            assert t.numpy()[2] == np.inf
        assert np.isnan(gradgate.tensor(x).var(0).numpy()[1:]).all()


def test_truth_values() -> None:
    x = np.array([[0.0, np.nan, -0.0], [0.0, 0.0, 0.0], [1.0, -2.0, np.inf]])
    t = gradgate.tensor(x)
    for dim in (None, 0, 1, (0, 1)):
        assert np.array_equal(t.any(dim).numpy(), x.any(dim))
        assert np.array_equal(t.all(dim).numpy(), x.all(dim))
        assert np.array_equal(t.count_nonzero(dim).numpy(), np.count_nonzero(x, dim))
    assert t.any().dtype == gradgate.bool
    assert gradgate.tensor(np.uint8([2])).all().dtype == gradgate.uint8
    assert t.any(1, keepdim=True).shape == (3, 1)


def test_errors_name_what_is_wrong() -> None:
    t = gradgate.zeros(2, 3)
    with pytest.raises(IndexError, match=r"\[-2, 1\], but got 2"):
        t.sum(2)
    with pytest.raises(RuntimeError, match="multiple times"):
        t.mean((0, -2))
    with pytest.raises(ValueError, match="nuc"):
        t.norm("nuc")


# --- gradients -------------------------------------------------------------------------------------------------------

REFERENCES = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "var": lambda x, axis: np.var(x, axis, ddof=1),
    "std": lambda x, axis: np.std(x, axis, ddof=1),
    "norm": lambda x, axis: np.sqrt(np.sum(x * x, axis)),
}


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize(("shape", "dims"), list(SHAPES_AND_DIMS[2:9]))
def test_gradients(name: str, shape: tuple[int, ...], dims: tuple[int, ...]) -> None:
    x = values(shape)
    t = gradgate.tensor(x, requires_grad=True)
    y = getattr(t, name)(dim=dims)
    dy = values(y.shape, seed=1)
    y.backward(gradgate.tensor(dy))
    expected = centred_difference(lambda v: REFERENCES[name](v, axis=dims), x, dy)
    # The difference's own error: 1e-10 times a third derivative of up to about a hundred.
    np.testing.assert_allclose(t.grad.numpy(), expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "norm"])
def test_second_derivatives(name: str) -> None:
    x = gradgate.tensor(values((3, 4)), requires_grad=True)
    for dim in (0, 1, (0, 1)):
        assert gradcheck(lambda t, dim=dim: getattr(t, name)(dim=dim), x)
        assert gradgradcheck(lambda t, dim=dim: getattr(t, name)(dim=dim), x)


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 3, np.inf])
def test_gradients_of_norms(p: float) -> None:
    x = values((4, 5))
    t = gradgate.tensor(x, requires_grad=True)
    dy = values(4, seed=1)
    t.norm(p, dim=1).backward(gradgate.tensor(dy))
    expected = centred_difference(lambda v: np.linalg.norm(v, p, axis=1), x, dy)
    np.testing.assert_allclose(t.grad.numpy(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3])
def test_the_gradient_of_a_norm_at_zero_is_zero(p: float) -> None:
    t = gradgate.zeros(3, requires_grad=True)
    t.norm(p).backward()
    assert t.grad.tolist() == [0, 0, 0]


def test_the_gradient_of_std_without_spread_is_zero() -> None:
    t = gradgate.ones(4, requires_grad=True)
    t.std().backward()
    assert t.grad.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("row", [[2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
def test_products_have_gradients_of_every_order_at_zeros(row: list[float]) -> None:
    a, b, c = row
    x = gradgate.tensor([row, row], dtype=gradgate.float64, requires_grad=True)
    (dx,) = gradgate.autograd.grad(x.prod(1).sum(), x, create_graph=True)
    assert dx.tolist() == [[b * c, a * c, a * b]] * 2
    (ddx,) = gradgate.autograd.grad(dx.sum(), x, create_graph=True)
    assert ddx.tolist() == [[b + c, a + c, a + b]] * 2
    (third,) = gradgate.autograd.grad(ddx.sum(), x)
    assert third.tolist() == [[2.0, 2.0, 2.0]] * 2
    y = gradgate.tensor([row, row], dtype=gradgate.float64, requires_grad=True)
    y.prod().backward()
    rest = [p * q for p, q in zip([b * c, a * c, a * b], [a * b * c] * 3, strict=True)]
    assert y.grad.tolist() == [rest] * 2
