"""Rounded quotients and remainders, as functions and operators, against NumPy's and Python's."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import autograd

INF, NAN = np.inf, np.nan


def pairs(dtype: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Numerators and divisors, every one with every other."""
    rng = np.random.default_rng(0)
    special = [0.0, -0.0, 1, -1, 0.1, -0.3, 3, 1e-40, 1e30, -1e30, 2.5, INF, -INF, NAN]
    values = np.concatenate([special, rng.normal(size=20) * 10.0 ** rng.integers(-3, 4, 20)]).astype(dtype)
    a, b = np.meshgrid(values, values)
    return a.ravel(), b.ravel()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("operation", "reference"),
    [
        (gradgate.remainder, np.remainder),
        (gradgate.fmod, np.fmod),
        (gradgate.floor_divide, np.floor_divide),
        (lambda a, b: gradgate.div(a, b, rounding_mode="trunc"), lambda a, b: np.trunc(a / b)),
    ],
)
def test_floats_against_numpy(operation: Callable[..., Any], reference: Callable[..., Any], dtype: Any) -> None:
    a, b = pairs(dtype)
    with np.errstate(all="ignore"):
        expected = reference(a, b)
    result = operation(gradgate.tensor(a), gradgate.tensor(b)).numpy()
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_integers_against_python(dtype: str) -> None:
    limits = gradgate.iinfo(getattr(gradgate, dtype))
    values = [*range(max(limits.min, -7), 8), limits.max, limits.min]
    a, b = (x.ravel() for x in np.meshgrid(np.array(values, dtype), np.array([x for x in values if x], dtype)))
    x, y = gradgate.tensor(a), gradgate.tensor(b)
    wrapped = np.array([int(p) // int(q) for p, q in zip(a, b, strict=True)], dtype=object)
    np.testing.assert_array_equal((x // y).numpy(), (wrapped % 2**64).astype(np.uint64).astype(np.int64).astype(dtype))
    assert (x % y).tolist() == [int(p) % int(q) for p, q in zip(a, b, strict=True)]
    assert gradgate.fmod(x, y).tolist() == [
        int(np.fmod(int(p), int(q)))
        if abs(int(p)) < 2**52 and abs(int(q)) < 2**52
        else int(p) - int(q) * (abs(int(p)) // abs(int(q))) * (1 if p > 0 else -1) * (1 if q > 0 else -1)
        for p, q in zip(a, b, strict=True)
    ]


def test_operators_take_numbers_on_either_side_and_keep_types() -> None:
    x = gradgate.tensor([5, -5])
    assert (x // 2).tolist() == [2, -3] and (x % 3).tolist() == [2, 1]
    assert (7 // x).tolist() == [1, -2] and (7 % x).tolist() == [2, -3]
    assert (x // 2).dtype == gradgate.int64 and (x // 2.0).dtype == gradgate.float32
    assert (gradgate.ones(2, 1) // gradgate.ones(3, dtype=gradgate.int64)).shape == (2, 3)
    before, version = x, x._version
    x //= 2
    x %= 4
    assert x is before and x.tolist() == [2, 1] and x._version == version + 2
    x.remainder_(2).floor_divide_(2)
    assert before.tolist() == [0, 0]


@pytest.mark.parametrize("operation", [operator.floordiv, operator.mod, gradgate.fmod])
def test_integers_over_zero_and_bools_are_refused(operation: Callable[..., Any]) -> None:
    x = gradgate.tensor([1, 2])
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        operation(x, gradgate.tensor([1, 0]))
    with pytest.raises(RuntimeError, match="not defined for bool"):
        operation(x == 1, x == 2)
    assert operation(x[:0], gradgate.tensor(0)).tolist() == []
    with pytest.raises(RuntimeError, match="rounding_mode must be None, 'trunc' or 'floor', got 'up'"):
        gradgate.div(x, x, rounding_mode="up")


def test_gradients_flow_through_remainders_and_are_zero_through_rounded_quotients() -> None:
    a = gradgate.tensor([[5.5], [-7.25]], dtype=gradgate.float64, requires_grad=True)
    b = gradgate.tensor([2.0, -3.0], dtype=gradgate.float64, requires_grad=True)
    assert autograd.gradcheck(gradgate.remainder, (a, b)) and autograd.gradcheck(gradgate.fmod, (a, b))
    (a % b).sum().backward()
    assert a.grad is not None and b.grad is not None
    assert a.grad.tolist() == [[2.0], [2.0]]
    assert b.grad.tolist() == [-(2.0 - 4.0), -(-2.0 + 2.0)]
    for quotient in (a // b, gradgate.div(a, b, rounding_mode="trunc"), gradgate.floor_divide(a, b)):
        gradients = autograd.grad(quotient.sum(), [a, b])
        assert [g.tolist() for g in gradients] == [[[0.0], [0.0]], [0.0, 0.0]]
