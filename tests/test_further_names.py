"""Second names of gates, sequences of gates, closeness, and the small things that scripts ask of tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import Tensor

SECOND_NAMES = {
    "absolute": "abs",
    "clip": "clamp",
    "divide": "div",
    "fix": "trunc",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "multiply": "mul",
    "negative": "neg",
    "not_equal": "ne",
    "subtract": "sub",
    "true_divide": "div",
}


def test_second_names_are_the_same_functions() -> None:
    for name, of in SECOND_NAMES.items():
        assert getattr(gradgate, name) is getattr(gradgate, of)
        assert getattr(Tensor, name) is getattr(Tensor, of)
        assert getattr(Tensor, name + "_", None) is getattr(Tensor, of + "_", None)
    x = gradgate.tensor([-1.0, 3.0])
    assert x.clip(0, 2).tolist() == [0.0, 2.0] and x.clip_(0, 1) is x and x.tolist() == [0.0, 1.0]
    assert x.subtract(1).tolist() == gradgate.subtract(x, 1).tolist() == [-1.0, 0.0]


def test_every_function_of_the_core_is_public() -> None:
    functions = {name for name in vars(gradgate._core) if not name.startswith("_")}
    assert functions == set(gradgate._core.__all__)
    assert functions <= set(gradgate.__all__) and {"gather", "tril", "nonzero", "flip"} <= functions


def test_alpha_scales_the_second_operand() -> None:
    x, y = gradgate.tensor([1.0, 2.0], requires_grad=True), gradgate.tensor([10.0, 20.0], requires_grad=True)
    assert gradgate.add(x, y, alpha=0.5).tolist() == [6.0, 12.0]
    gradgate.sub(x, y, alpha=2).sum().backward()
    assert x.grad is not None and y.grad is not None
    assert x.grad.tolist() == [1.0, 1.0] and y.grad.tolist() == [-2.0, -2.0]
    z = gradgate.tensor([1.0])
    assert z.add_(gradgate.tensor([4.0]), alpha=-0.5) is z and z.item() == -1.0
    with pytest.raises(RuntimeError, match="add: alpha of type float64 would change the type of the result, int64"):
        gradgate.add(gradgate.tensor([1]), 1, alpha=0.5)


def test_sequences_of_gates() -> None:
    x, a, b = gradgate.tensor([1.0, 2.0]), gradgate.tensor([3.0, 4.0]), gradgate.tensor([2.0, 8.0])
    assert gradgate.addcmul(x, a, b, value=2).tolist() == [13.0, 66.0]
    assert x.addcdiv(a, b).tolist() == [2.5, 2.5]
    assert x.addcdiv_(a, b, value=-2) is x and x.tolist() == [-2.0, 1.0]
    assert x.clamp_min(0).tolist() == [0.0, 1.0] and gradgate.clamp_max(x, 0).tolist() == [-2.0, 0.0]


def test_closeness_against_numpy() -> None:
    values = [0.0, 1e-9, 1.0, 1.00001, 1.001, -1.0, math.inf, -math.inf, math.nan]
    a, b = (x.ravel() for x in np.meshgrid(values, values))
    for equal_nan in (False, True):
        for rtol, atol in ((1e-5, 1e-8), (1e-2, 0.0), (0.0, 2.0)):
            close = gradgate.isclose(gradgate.tensor(a), gradgate.tensor(b), rtol, atol, equal_nan=equal_nan)
            np.testing.assert_array_equal(close.numpy(), np.isclose(a, b, rtol, atol, equal_nan))
    assert gradgate.allclose(gradgate.ones(2), gradgate.tensor([1.0, 1.000001]))
    assert not gradgate.allclose(gradgate.ones(2), gradgate.tensor([1.0, 1.1]))
    assert gradgate.ones(2).allclose(gradgate.ones(3, 2)) and gradgate.tensor([3]).isclose(gradgate.tensor([3])).item()


def test_where_of_a_condition_alone_tells_the_places() -> None:
    rows, columns = gradgate.where(gradgate.tensor([[1.0, 0.0], [2.0, 3.0]]) > 0)
    assert rows.tolist() == [0, 1, 1] and columns.tolist() == [0, 0, 1]
    assert [i.tolist() for i in gradgate.where(gradgate.tensor(True))] == [[0]]


def test_equality_of_whole_tensors() -> None:
    x = gradgate.tensor([[1.0, 2.0]])
    assert gradgate.equal(x, x.clone()) and x.equal(x + 0)
    assert (
        not x.equal(x[0]) and not x.equal(x + 1) and not gradgate.tensor([math.nan]).equal(gradgate.tensor([math.nan]))
    )
    assert gradgate.zeros(0).equal(gradgate.zeros(0)) and not gradgate.zeros(0).equal(gradgate.zeros(0, 2))


def test_python_asks_what_a_tensor_holds() -> None:
    x = gradgate.tensor([[1, 2], [3, 4]])
    assert 3 in x and 5 not in x and 2.0 in x and gradgate.tensor(4) in x and 1 in gradgate.tensor(1)
    assert gradgate.tensor([2, 4]) not in gradgate.zeros(2)
    assert [row.tolist() for row in reversed(x)] == [[3, 4], [1, 2]]
    with pytest.raises(RuntimeError, match="__contains__ only supports Tensor or scalar, but you passed in a str"):
        "a" in x  # noqa: B015
    for convert in (int, float):
        with pytest.raises(ValueError, match=r"only one element tensors.*got shape \(2, 2\)"):
            convert(x)
    with pytest.raises(TypeError, match="only implemented on integer and bool"):
        ~gradgate.ones(2)


def test_properties_of_memory_and_type() -> None:
    x = gradgate.arange(12.0).reshape(3, 4)
    assert x[1:, 2].storage_offset() == 6 and x.storage_offset() == 0 and x.double()[1].storage_offset() == 4
    assert (
        x.type() == "gradgate.FloatTensor"
        and x.type(gradgate.int64).dtype == gradgate.int64
        and x.type(gradgate.float32) is x
    )
    assert x.is_signed() and not x.byte().is_signed() and not x.is_complex() and x.device.type == "cpu"
    assert gradgate.float32.is_signed and not gradgate.bool.is_signed and not gradgate.float64.is_complex


def test_promotion_can_be_asked_for() -> None:
    assert gradgate.promote_types(gradgate.uint8, gradgate.int32) == gradgate.int32
    assert gradgate.result_type(gradgate.tensor([1]), 1.5) == gradgate.float32
    assert gradgate.result_type(gradgate.ones(2), gradgate.tensor(1.0, dtype=gradgate.float64)) == gradgate.float32
    assert gradgate.can_cast(gradgate.int64, gradgate.float32) and not gradgate.can_cast(
        gradgate.float32, gradgate.int64
    )


def test_limits_of_types() -> None:
    assert (
        gradgate.finfo().max == np.finfo(np.float32).max
        and gradgate.finfo(gradgate.float64).tiny == np.finfo(np.float64).tiny
    )
    assert (gradgate.iinfo(gradgate.int32).min, gradgate.iinfo(gradgate.uint8).bits) == (-(2**31), 8)
    with pytest.raises(TypeError, match=r"finfo: expected a floating-point type, got gradgate.int64; use iinfo"):
        gradgate.finfo(gradgate.int64)
    with pytest.raises(TypeError, match=r"iinfo: expected an integer type, got gradgate.bool"):
        gradgate.iinfo(gradgate.bool)


def test_detaching_in_place() -> None:
    x = gradgate.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.retain_grad()
    z = y * y
    assert y.detach_() is y and y.is_leaf and not y.requires_grad and y.grad_fn is None
    z.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [18.0, 36.0] and y.grad is None
    with pytest.raises(RuntimeError, match="detach_: a view cannot be detached"):
        (x * 2)[0].detach_()


@pytest.mark.parametrize(
    ("dtype", "value", "fits"),
    [
        ("uint8", 255, True),
        ("uint8", -255, True),  # wraps, as in PyTorch
        ("uint8", 256, False),
        ("int32", 2**31 - 1, True),
        ("int32", -(2**31) - 1, False),
        ("int32", math.nan, False),
        ("int64", 2.0**63, False),
        ("int64", -(2.0**63), True),
        ("int64", math.inf, False),
        ("float32", math.inf, True),
        ("float32", 1e39, False),
        ("float64", 1e300, True),
        ("bool", math.nan, True),
    ],
)
def test_numbers_beyond_a_types_limits_are_refused(dtype: str, value: float, fits: bool) -> None:
    kind = getattr(gradgate, dtype)
    x, mask = gradgate.zeros(2, dtype=kind), gradgate.tensor([True, False])

    def assign(index: Any) -> None:
        x[index] = value

    ways = [lambda: x.fill_(value), lambda: gradgate.full((2,), value, dtype=kind), lambda: assign(0), lambda: assign(mask),
            lambda: gradgate.full_like(x, value)]  # fmt: skip
    if not x.is_floating_point():
        ways.append(lambda: gradgate.tensor([0, value], dtype=kind))
    for way in ways:
        if fits:
            way()
        else:
            with pytest.raises(RuntimeError, match=rf"cannot be converted to type {dtype} without overflow"):
                way()
    assert fits or x.tolist() == [0, 0]


def test_data_is_read_in_the_type_asked_for() -> None:
    assert gradgate.tensor([10**30], dtype=gradgate.float64).item() == 1e30
    assert gradgate.tensor(1e300).item() == math.inf
    assert gradgate.full((1,), gradgate.tensor(2, dtype=gradgate.int32)).dtype == gradgate.int64


@pytest.mark.parametrize("limit", [0.0, gradgate.tensor(0.0), gradgate.zeros(3)])
def test_one_sided_clamps_have_the_gradients_of_clamp(limit: object) -> None:
    for name, side in (("clamp_min", "min"), ("clamp_max", "max")):
        one, both = (gradgate.tensor([-1.0, 0.0, 2.0], requires_grad=True) for _ in range(2))
        getattr(gradgate, name)(one, limit).sum().backward()
        gradgate.clamp(both, **{side: limit}).sum().backward()
        assert one.grad is not None and both.grad is not None
        assert one.grad.tolist() == both.grad.tolist() and one.grad[1].item() == 1
    z = gradgate.tensor([-1.0, math.nan])
    assert z.clamp_min_(0) is z and z[0].item() == 0 and math.isnan(z[1].item())
