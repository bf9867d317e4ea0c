"""What the elementwise gates do with types, Python numbers and their own inputs' memory."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradgate
from gate_samples import GATES, bits, smooth_inputs
from gradgate import from_numpy, tensor

KEEP = [gate.name for gate in GATES.values() if gate.integers == "keep"]
PROMOTE = [gate.name for gate in GATES.values() if gate.integers == "promote"]
INTEGERS = (np.uint8, np.int32, np.int64)
every_integer = pytest.mark.parametrize("dtype", INTEGERS, ids=lambda d: d.__name__)


@every_integer
@pytest.mark.parametrize("name", KEEP)
def test_integers_wrap_as_in_numpy(name: str, dtype: Any) -> None:
    info = np.iinfo(dtype)
    special = np.array([0, 1, 2, 3, 7, 100, info.max, info.max - 1, info.min, info.min + 1], dtype)
    rng = np.random.default_rng(0)
    a = np.concatenate([np.repeat(special, special.size), rng.integers(info.min, info.max, 300, dtype)])
    b = np.concatenate([np.tile(special, special.size), rng.integers(info.min, info.max, 300, dtype)])
    if name == "pow":
        b = np.abs(b % 40).astype(dtype)
    inputs = [a, b][: GATES[name].arity]
    with np.errstate(all="ignore"):
        expected = GATES[name].reference.forward(*inputs)
    found = GATES[name](*map(from_numpy, inputs)).numpy()
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [*INTEGERS, np.bool_], ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", PROMOTE)
def test_other_gates_convert_integers_to_the_default_type(name: str, dtype: Any) -> None:
    gate = GATES[name]
    values = np.arange(0, 2 if dtype == np.bool_ else 12).astype(dtype)
    for default in (gradgate.float32, gradgate.float64):
        gradgate.set_default_dtype(default)
        for scalars in gate.settings(np.float32):
            found = gate(*[from_numpy(values)] * gate.arity, **scalars)
            floats = tensor(values, dtype=default)
            if name == "clamp":  # of integers by numbers with a fraction: the limits decide the type, as in PyTorch
                assert found.tolist() == gate(floats, **scalars).tolist()
                continue
            assert found.dtype == default
            np.testing.assert_array_equal(bits(found.numpy()), bits(gate(*[floats] * gate.arity, **scalars).numpy()))


@pytest.mark.parametrize("name", KEEP)
def test_bools_have_logical_gates_or_none(name: str) -> None:
    gate = GATES[name]
    inputs = [tensor([True, True, False, False]), tensor([True, False, True, False])][: gate.arity]
    logical = {"add": [1, 1, 1, 0], "maximum": [1, 1, 1, 0], "mul": [1, 0, 0, 0], "minimum": [1, 0, 0, 0]}
    if name in logical:
        found = gate(*inputs)
        assert found.dtype == gradgate.bool and found.tolist() == logical[name]
    else:
        with pytest.raises(RuntimeError, match=name):
            gate(*inputs)


# The result's type of two operands: the higher kind (bool, integer, float) decides. Within a kind, tensors with
# dimensions go before tensors without, and those before Python's numbers; among equals, the wider type wins.
KINDS = {"bool": 0, "uint8": 1, "int32": 1, "int64": 1, "float32": 2, "float64": 2}
WIDTHS = list(KINDS)


def expected_type(operands: list[tuple[str, int]]) -> str:
    """`operands` are (type, rank): rank 2 is a tensor with dimensions, 1 one without, 0 a Python number."""
    result, kind = "bool", -1
    for rank in (2, 1, 0):
        of_rank = [t for t, r in operands if r == rank]
        if of_rank:
            widest = max(of_rank, key=WIDTHS.index)
            if KINDS[widest] > kind:
                result, kind = widest, KINDS[widest]
    return result


PYTHON_NUMBERS: list[tuple[Any, str]] = [(True, "bool"), (2, "int64"), (2.5, "float32")]


def operands_of_every_type() -> list[tuple[Any, str, int]]:
    tensors = [(tensor(np.ones(s, t)), t, rank) for t in KINDS for s, rank in (((2,), 2), ((), 1))]
    return tensors + [(value, t, 0) for value, t in PYTHON_NUMBERS]


def test_types_are_promoted_as_in_pytorch() -> None:
    pairs = itertools.product(operands_of_every_type(), repeat=2)
    for (a, of_a, rank_a), (b, of_b, rank_b) in pairs:
        if rank_a == rank_b == 0:
            continue
        wanted = expected_type([(of_a, rank_a), (of_b, rank_b)])
        for gate, f in (("add", operator.add), ("mul", operator.mul)):
            assert f(a, b).dtype == getattr(gradgate, wanted), f"{gate} of {a!r} and {b!r}"
        wanted = wanted if KINDS[wanted] == 2 else "float32"
        assert (a / b).dtype == getattr(gradgate, wanted), f"{a!r} / {b!r}"


@pytest.mark.parametrize(
    ("result", "dtype"),
    [
        (lambda: tensor([1.0]) * 1e300, "float32"),
        (lambda: tensor([1.0]) + tensor(2.0, dtype=gradgate.float64), "float32"),
        (lambda: tensor([1]) + 1.5, "float32"),
        (lambda: tensor([1]) * tensor(2.0, dtype=gradgate.float64), "float64"),
        (lambda: tensor([1], dtype=gradgate.uint8) + 1, "uint8"),
        (lambda: tensor([True]) + 1, "int64"),
        (lambda: tensor([1.0]) * np.float64(2), "float32"),
        (lambda: tensor([1.0]) + tensor([1], dtype=gradgate.int64), "float32"),
        (lambda: 2 ** tensor([1, 2]), "int64"),
        (lambda: tensor([1]) / 2, "float32"),
    ],
)
def test_types_that_people_rely_on(result: Callable[[], Any], dtype: str) -> None:
    assert result().dtype == getattr(gradgate, dtype)


@pytest.mark.parametrize("name", GATES)
def test_in_place_forms_write_the_same_bits(name: str, isa: str) -> None:
    gate = GATES[name]
    for dtype in (np.float32, np.float64):
        scalars = next(gate.settings(dtype))
        inputs = smooth_inputs(gate, 64, dtype)
        expected = gate(*map(from_numpy, inputs), **scalars).numpy()
        whole = np.repeat(inputs[0], 2)
        for target in (inputs[0].copy(), whole[::2]):
            x = from_numpy(target)
            version = x._version
            assert getattr(x, name + "_")(*map(from_numpy, inputs[1:]), **scalars) is x
            assert x._version == version + 1
            np.testing.assert_array_equal(bits(target), bits(expected))
        np.testing.assert_array_equal(whole[1::2], inputs[0])


@pytest.mark.parametrize("name", GATES)
def test_in_place_forms_refuse_a_leaf_that_requires_a_gradient(name: str) -> None:
    gate = GATES[name]
    leaf, *others = (tensor(x, requires_grad=i == 0) for i, x in enumerate(smooth_inputs(gate, 3, np.float32)))
    with pytest.raises(RuntimeError, match="leaf"):
        getattr(leaf, name + "_")(*others, **next(gate.settings(np.float32)))


@pytest.mark.parametrize("name", [n for n in PROMOTE if n != "clamp"])
def test_in_place_forms_refuse_to_change_the_type(name: str) -> None:
    gate = GATES[name]
    x = tensor([1, 2])
    with pytest.raises(RuntimeError, match=r"int64.*float32|float32.*int64"):
        getattr(x, name + "_")(*[tensor([1, 2])] * (gate.arity - 1), **next(gate.settings(np.float32)))
    assert x.tolist() == [1, 2]


def test_in_place_operators() -> None:
    x = original = tensor([1.0, 2.0, 3.0])
    x += 1
    x *= tensor([2.0, 2.0, 2.0])
    x -= 1
    x /= 3
    x **= 2
    assert x is original
    np.testing.assert_allclose(
        x.numpy(), ((np.array([2.0, 3.0, 4.0]) * 2 - 1) / 3) ** 2, rtol=4 * 2**-23
    )  # five roundings


def test_reflected_operators() -> None:
    x = tensor([1.0, 2.0, 4.0])
    assert (1 - x).tolist() == [0, -1, -3]
    assert (8 / x).tolist() == [8, 4, 2]
    assert (2**x).tolist() == [2, 4, 16]
    assert (np.array([1.0, 1.0, 1.0], np.float32) + x).tolist() == [2, 3, 5]


def test_operands_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="str"):
        tensor([1.0]) + "a"  # type: ignore[operator]
    with pytest.raises(TypeError):
        gradgate.add(tensor([1.0]), "a")  # type: ignore[arg-type]
