"""The gradients of every elementwise gate: against NumPy's formulas, and those against centred differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradgate
from gate_references import REFERENCES
from gate_samples import DTYPES, GATES, Gate, bits, layouts, smooth_inputs
from gradgate import from_numpy, tensor
from gradgate.autograd import gradcheck, gradgradcheck

every_gate = pytest.mark.parametrize("name", GATES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)

# The longest local gradient (gelu_tanh) has about 16 roundings, each of half an epsilon. In the references' domains an
# error is passed on with a factor of at most 4, and no formula has a term much larger than 1 + |local|.
ROUNDINGS = 32


def gradients(gate: Gate, inputs: list[Any], upstream: Any, scalars: dict[str, float]) -> list[np.ndarray]:
    leaves = [from_numpy(x).requires_grad_() for x in inputs]
    gate(*leaves, **scalars).backward(from_numpy(upstream))
    return [x.grad.numpy() for x in leaves]


def reference_gradients(gate: Gate, inputs: list[Any], scalars: dict[str, float]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return list(gate.reference.gradient(*(x.astype(np.longdouble) for x in inputs), **scalars))


def test_every_gate_has_a_reference() -> None:
    assert set(GATES) - set(REFERENCES) == set(), "add the gate to tests/gate_references.py"
    assert set(REFERENCES) - set(GATES) == set(), "there is no such gate"
    for name, gate in GATES.items():
        assert len(REFERENCES[name].domain) == gate.arity, name


@every_gate
def test_references_agree_with_centred_differences(name: str) -> None:
    gate = GATES[name]
    inputs = [x.astype(np.longdouble) for x in smooth_inputs(gate, 300, np.float64)]
    f = gate.reference.forward
    for scalars in gate.settings():
        for i, local in enumerate(reference_gradients(gate, inputs, scalars)):
            h = np.longdouble(1e-5)
            up, down = ([x + s * h if j == i else x for j, x in enumerate(inputs)] for s in (1, -1))
            numerical = (f(*up, **scalars) - f(*down, **scalars)) / (2 * h)
            # h^2 / 6 times the third derivative, which is below 1e4 in every domain, and rounding errors of 1e-16 / h.
            np.testing.assert_allclose(np.broadcast_to(local, numerical.shape), numerical, rtol=1e-6, atol=1e-6)


@every_dtype
@every_gate
def test_gradients_agree_with_the_reference(name: str, dtype: Any, isa: str) -> None:
    gate = GATES[name]
    inputs = smooth_inputs(gate, 2_000, dtype)
    upstream = np.random.default_rng(5).normal(size=2_000).astype(dtype)
    for scalars in gate.settings(dtype):
        expected = reference_gradients(gate, inputs, scalars)
        for i, dx in enumerate(gradients(gate, inputs, upstream, scalars)):
            assert dx.dtype == dtype
            error = np.abs(dx - upstream * expected[i])
            bound = ROUNDINGS * np.finfo(dtype).eps * np.abs(upstream) * (1 + np.abs(expected[i]))
            worst = int((error - bound).argmax())
            assert np.all(error <= bound), (
                f"{name}: d input {i} at {[x[worst] for x in inputs]}, {scalars} is {dx[worst]!r}, "
                f"not {upstream[worst] * expected[i][worst]!r}"
            )


# What PyTorch does where the derivative does not exist: (gate, inputs, local gradients).
CONVENTIONS = [
    ("abs", [0.0], [0.0]),
    ("sign", [0.0], [0.0]),
    ("relu", [0.0], [0.0]),
    ("leaky_relu", [0.0], [0.01]),
    ("elu", [0.0], [1.0]),
    ("hardtanh", [1.0], [0.0]),
    ("hardtanh", [-1.0], [0.0]),
    ("sqrt", [0.0], [np.inf]),
    ("log", [0.0], [np.inf]),
    ("abs", [np.nan], [0.0]),
    ("clamp", [np.nan], [0.0]),
    ("maximum", [np.nan, 2.0], [1.0, 1.0]),
    ("minimum", [2.0, np.nan], [1.0, 1.0]),
    ("maximum", [2.0, 2.0], [0.5, 0.5]),
    ("minimum", [2.0, 2.0], [0.5, 0.5]),
    ("pow", [0.0, 0.0], [0.0, 0.0]),
    ("pow", [0.0, -1.0], [-np.inf, -np.inf]),
    ("pow", [0.0, np.nan], [np.nan, np.nan]),
    ("pow", [0.0, 2.0], [0.0, 0.0]),
    ("pow", [-2.0, 3.0], [12.0, np.nan]),
]


@pytest.mark.parametrize(("name", "inputs", "local"), CONVENTIONS, ids=lambda v: str(v))
def test_conventions_where_the_derivative_does_not_exist(
    name: str, inputs: list[float], local: list[float], isa: str
) -> None:
    leaves = [tensor(x, requires_grad=True) for x in inputs]
    gate = GATES[name]
    gate(*leaves, **({"min": -1.0} if name == "clamp" else {})).backward()
    np.testing.assert_array_equal([x.grad.item() for x in leaves], np.array(local, np.float32))


def test_clamp_passes_the_gradient_at_its_limits() -> None:
    x = tensor([-2.0, -1.0, 0.0, 1.5, 2.0], requires_grad=True)
    x.clamp(-1.0, 1.5).sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]


def test_clamp_to_tensors_gives_each_gradient_to_the_value_it_takes() -> None:
    # Below, at the lower limit, between, at the upper one, above; and limits that cross, where the upper one is taken.
    x = tensor([-2.0, -1.0, 0.0, 1.0, 2.0, 0.0], requires_grad=True)
    low = tensor([-1.0, -1.0, -1.0, -1.0, -1.0, 2.0], requires_grad=True)
    high = tensor([1.0, 1.0, 1.0, 1.0, 1.0, -2.0], requires_grad=True)
    y = x.clamp(low, high)
    assert y.tolist() == [-1, -1, 0, 1, 1, -2]
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0, 0]
    assert low.grad.tolist() == [1, 0, 0, 0, 0, 0]
    assert high.grad.tolist() == [0, 0, 0, 0, 1, 1]
    nan = tensor([float("nan"), 0.0])
    for limits in ((nan, None), (None, nan), (nan, 1.0), (float("nan"), 1.0), (-1.0, float("nan"))):
        assert tensor([0.5, 0.5]).clamp(*limits)[0].isnan()


def test_second_derivatives_at_a_kink_are_zero() -> None:
    x = tensor([-1.0, 0.0, 1.0], requires_grad=True)
    for gate in (gradgate.abs, gradgate.relu, gradgate.sign):
        (dx,) = gradgate.autograd.grad(gate(x).sum(), x, create_graph=True)
        if dx.requires_grad:
            (second,) = gradgate.autograd.grad(dx.sum(), x, allow_unused=True, materialize_grads=True)
            assert second.tolist() == [0, 0, 0]


@every_dtype
@every_gate
def test_strided_gradients_have_the_same_bits(name: str, dtype: Any) -> None:
    gate = GATES[name]
    inputs = smooth_inputs(gate, 600, dtype)
    upstream = np.random.default_rng(6).normal(size=600).astype(dtype)
    scalars = next(gate.settings(dtype))
    expected = [bits(dx) for dx in gradients(gate, inputs, upstream, scalars)]
    for (order, x), (_, dy) in zip(layouts(inputs[0]), layouts(upstream), strict=True):
        rest = [other.reshape(x.shape) for other in inputs[1:]]
        for dys in (dy, np.ascontiguousarray(dy)):
            found = gradients(gate, [x, *rest], dys, scalars)
            for e, dx in zip(expected, found, strict=True):
                np.testing.assert_array_equal(bits(dx).reshape(-1), e, err_msg=order)


@pytest.mark.parametrize("name", [gate.name for gate in GATES.values() if gate.arity > 1])
def test_gradients_of_broadcast_inputs_are_summed(name: str) -> None:
    gate = GATES[name]
    for case in (((3, 1, 5), (4, 1), (1,)), ((4,), (3, 4), ()), ((), (2, 3), (1, 1))):
        shapes = case[: gate.arity]
        inputs = [smooth_inputs(gate, int(np.prod(s)), np.float64, seed=7)[i].reshape(s) for i, s in enumerate(shapes)]
        spread = [x.copy() for x in np.broadcast_arrays(*inputs)]
        upstream = np.random.default_rng(8).normal(size=spread[0].shape)
        whole = gradients(gate, spread, upstream, {})
        for x, dx, full in zip(inputs, gradients(gate, inputs, upstream, {}), whole, strict=True):
            added = full.ndim - x.ndim
            axes = tuple(i for i in range(full.ndim) if i < added or x.shape[i - added] == 1)
            # Sums of at most 60 numbers, in another order.
            np.testing.assert_allclose(dx, full.sum(axis=axes).reshape(x.shape), rtol=1e-13, atol=1e-13)


@every_gate
def test_gradcheck(name: str) -> None:
    gate = GATES[name]
    leaves = [tensor(x, dtype=gradgate.float64, requires_grad=True) for x in smooth_inputs(gate, 12, np.float64)]
    for scalars in gate.settings():
        assert gradcheck(lambda *x, s=scalars: gate(*x, **s), leaves)
        assert gradgradcheck(lambda *x, s=scalars: gate(*x, **s), leaves)


@every_gate
def test_a_gradient_is_recorded_only_when_wanted(name: str) -> None:
    gate = GATES[name]
    arrays = smooth_inputs(gate, 3, np.float32)
    scalars = next(gate.settings())
    assert not gate(*map(from_numpy, arrays), **scalars).requires_grad
    leaves = [from_numpy(x).requires_grad_() for x in arrays]
    with gradgate.no_grad():
        assert not gate(*leaves, **scalars).requires_grad
    y = gate(*leaves, **scalars)
    assert y.requires_grad and y.grad_fn is not None and not y.is_leaf
    assert name.replace("_", "") in y.grad_fn.name().lower()
