"""The forward of every elementwise gate on every instruction set: accuracy, special values, memory orders, tails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradgate
from gate_samples import (
    DTYPES,
    GATES,
    any_values,
    bits,
    forward_inputs,
    layouts,
    reference_values,
    smooth_inputs,
    ulp_errors,
)
from gradgate import from_numpy

# The formulas are the same in both types and their elementary functions are within 1 ulp in float64, too; the
# reference's own error is at most 1 ulp where long double is no wider than double.
REFERENCE_ULP = 0.01 if np.finfo(np.longdouble).nmant > 52 else 1.0

every_gate = pytest.mark.parametrize("name", GATES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)


def run(name: str, inputs: list[Any], scalars: dict[str, float]) -> np.ndarray:
    """The gate on arrays."""
    return GATES[name](*map(from_numpy, inputs), **scalars).numpy()


def test_every_gate_is_in_the_registry_once() -> None:
    entries = gradgate._core._gates()
    assert len(entries) == len(GATES) >= 44
    for gate in GATES.values():
        assert gate.arity in (1, 2, 3)
        assert gate.saves in ("nothing", "inputs", "output", "both")
        assert gate.integers in ("keep", "promote")
        assert gate.summary.endswith(".")
        assert 0 <= gate.ulp <= 4, f"{gate.name}: a bound of {gate.ulp} ulp is no bound"
        assert callable(getattr(gradgate, gate.name))
        assert callable(getattr(gradgate.Tensor, gate.name))
        assert callable(getattr(gradgate.Tensor, gate.name + "_"))
        assert gate.summary in (getattr(gradgate, gate.name).__doc__ or "")


@every_dtype
@every_gate
def test_values_are_within_the_stated_ulp(name: str, dtype: Any, isa: str) -> None:
    gate = GATES[name]
    inputs = forward_inputs(gate, 20_000, dtype)
    for scalars in gate.settings(dtype):
        values = run(name, inputs, scalars)
        assert values.dtype == dtype
        errors = ulp_errors(gate, inputs, scalars, values)
        worst = int(errors.argmax())
        bound = gate.ulp if gate.ulp == 0 else gate.ulp + REFERENCE_ULP
        assert errors[worst] <= bound, (
            f"{name}({', '.join(repr(x[worst]) for x in inputs)}, {scalars}) is {values[worst]!r}, not "
            f"{reference_values(gate, inputs, scalars)[worst]!r}: "
            f"{errors[worst]:.4g} ulp, {np.count_nonzero(errors > bound)} of {errors.size} values are off"
        )


@every_dtype
def test_lerp_is_exact_at_both_ends(dtype: Any, isa: str) -> None:
    a, b = any_values(2_000, dtype, seed=11), any_values(2_000, dtype, seed=12)
    finite = (np.abs(a) < 1e30) & (np.abs(b) < 1e30)
    a, b = a[finite], b[finite]
    for weight, end in ((0.0, a), (1.0, b)):
        np.testing.assert_array_equal(run("lerp", [a, b, np.full_like(a, weight)], {}), end)


@every_dtype
@every_gate
def test_odd_gates_keep_the_sign_of_zero(name: str, dtype: Any, isa: str) -> None:
    gate = GATES[name]
    if gate.arity != 1:
        inputs = [np.array([0.0, -0.0] * 2, dtype), np.array([1.0, 1.0, -1.0, -1.0], dtype)][: gate.arity]
        if name not in ("mul", "div"):
            return
    else:
        inputs = [np.array([0.0, -0.0], dtype)]
    for scalars in gate.settings(dtype):
        expected = reference_values(gate, inputs, scalars)
        if np.all(expected == 0) and np.any(np.signbit(expected)):
            np.testing.assert_array_equal(np.signbit(run(name, inputs, scalars)), np.signbit(expected))


@every_dtype
@every_gate
def test_every_instruction_set_gives_the_same_bits(name: str, dtype: Any) -> None:
    gate = GATES[name]
    inputs = forward_inputs(gate, 20_000, dtype)
    upstream = any_values(1, dtype, seed=9)[-1:].repeat(inputs[0].size)
    for scalars in gate.settings(dtype):
        results: dict[str, list[np.ndarray]] = {}
        for isa in gradgate.available_isas():
            gradgate.set_isa(isa)
            leaves = [from_numpy(x).requires_grad_() for x in inputs]
            y = gate(*leaves, **scalars)
            y.backward(from_numpy(upstream))
            results[isa] = [bits(y.detach().numpy()), *(bits(x.grad.numpy()) for x in leaves)]
        baseline = results.pop("baseline")
        for isa, arrays in results.items():
            for part, (expected, found) in enumerate(zip(baseline, arrays, strict=True)):
                off = np.flatnonzero(expected != found)
                assert off.size == 0, (
                    f"{name} {'forward' if part == 0 else f'gradient {part - 1}'} on {isa} differs from baseline at "
                    f"{[x[off[0]] for x in inputs]}, {scalars}: {found[off[0]]:#x}, not {expected[off[0]]:#x}"
                )


@every_dtype
@every_gate
def test_strided_inputs_give_the_same_bits(name: str, dtype: Any, isa: str) -> None:
    gate = GATES[name]
    inputs = [np.concatenate([x, x[:50]]) for x in smooth_inputs(gate, 550, dtype)]
    scalars = next(gate.settings(dtype))
    expected = bits(run(name, inputs, scalars))
    for i in range(gate.arity):
        for order, view in layouts(inputs[i]):
            operands = [x.reshape(view.shape) for x in inputs]
            operands[i] = view
            found = run(name, operands, scalars)
            assert found.shape == view.shape
            np.testing.assert_array_equal(bits(found).reshape(-1), expected, err_msg=f"{name}, input {i}, {order}")


@every_dtype
@every_gate
def test_tails_give_the_bits_of_the_body(name: str, dtype: Any, isa: str) -> None:
    gate = GATES[name]
    inputs = smooth_inputs(gate, 71, dtype)
    scalars = next(gate.settings(dtype))
    whole = bits(run(name, inputs, scalars))
    for n in range(71):
        np.testing.assert_array_equal(
            bits(run(name, [x[:n] for x in inputs], scalars)), whole[:n], err_msg=f"{n} elements"
        )
        np.testing.assert_array_equal(bits(run(name, [x[n:] for x in inputs], scalars)), whole[n:], err_msg=f"from {n}")


@every_dtype
@pytest.mark.parametrize("name", [gate.name for gate in GATES.values() if gate.arity > 1])
def test_inputs_are_broadcast(name: str, dtype: Any, isa: str) -> None:
    gate = GATES[name]
    shapes = [
        ((3, 1, 5), (4, 1), (1,)),
        ((4,), (3, 4), ()),
        ((), (2, 0), (1, 1)),
        ((1, 33), (7, 1), (7, 33)),
        ((), (), ()),
    ]
    for case in shapes:
        inputs = [
            x.reshape(s)
            for s, x in ((s, smooth_inputs(gate, int(np.prod(s)), dtype)[i]) for i, s in enumerate(case[: gate.arity]))
        ]
        spread = [x.copy() for x in np.broadcast_arrays(*inputs)]
        found, expected = run(name, inputs, {}), run(name, spread, {})
        assert found.shape == expected.shape
        np.testing.assert_array_equal(bits(found), bits(expected), err_msg=f"{case}")


@every_gate
def test_empty_tensors(name: str, isa: str) -> None:
    gate = GATES[name]
    for shape in ((0,), (0, 3), (2, 0, 4)):
        leaves = [gradgate.tensor(np.zeros(shape), requires_grad=True) for _ in range(gate.arity)]
        y = gate(*leaves, **next(gate.settings()))
        assert y.shape == shape
        y.backward(gradgate.tensor(np.zeros(shape)))
        assert all(x.grad.shape == shape for x in leaves)


def test_shapes_that_do_not_broadcast_are_named() -> None:
    with pytest.raises(RuntimeError, match=r"add.*2.*3") as raised:
        gradgate.add(gradgate.tensor([1.0, 2.0]), gradgate.tensor([1.0, 2.0, 3.0]))
    assert "broadcast" in str(raised.value)
