"""Flat code: run with NumPy alone, it gives the loss and the gradients of the engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradgate as gg
from explain_code import close, ran, scalar
from explain_operations import OPERATIONS
from gate_samples import GATES, smooth_inputs
from gradgate import Tensor, nn
from gradgate.explain import Flow, Variable
from gradgate.explain.code.identifiers import identifier

F = nn.functional
# Sums in another order than the kernels', over chains of some ten gates; float32 as its numbers have seven digits.
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def check(loss: Tensor, leaves: list[Tensor], dtype: Any, fused: bool = True) -> str:
    """The code of a loss, which gave its value and the gradients that the engine finds."""
    expected = gg.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
    names = {f"a{k}": leaf for k, leaf in enumerate(leaves)}
    met = {name: leaf for name, leaf in names.items() if expected[int(name[1:])] is not None}
    code = gg.explain(loss, names=met, fused=fused).code(data="inline")
    scope = ran(code)
    close(scope["loss"], loss, TOLERANCE[dtype])
    for name, gradient in zip(names, expected, strict=True):
        assert (f"grad_{name}" in scope) == (gradient is not None)
        if gradient is not None:
            close(scope[f"grad_{name}"], gradient, TOLERANCE[dtype])
    return code


# Every gate, operation and loss.


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", GATES)
def test_elementwise_gates(name: str, dtype: Any) -> None:
    for scalars in GATES[name].settings(dtype):
        leaves = [gg.from_numpy(x).requires_grad_() for x in smooth_inputs(GATES[name], 12, dtype)]
        loss = scalar(GATES[name](*leaves, **scalars))
        check(loss, leaves, dtype)
        if dtype is np.float64:
            check(loss, leaves, dtype, fused=False)


@pytest.mark.parametrize("name", [name for name, gate in GATES.items() if gate.arity > 1])
def test_gates_that_broadcast(name: str) -> None:
    shapes = [(2, 1), (3,), ()][: GATES[name].arity]
    inputs = zip(smooth_inputs(GATES[name], 6, np.float64), shapes, strict=True)
    leaves = [gg.from_numpy(x[: int(np.prod(s))].reshape(s)).requires_grad_() for x, s in inputs]
    check(scalar(GATES[name](*leaves)), leaves, np.float64)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name: str, dtype: Any, fused: bool) -> None:
    if name == "norm of zeros" and not fused:
        return  # whose parts have no slope there: sqrt at 0
    leaves = OPERATIONS[name].inputs(dtype)
    check(scalar(OPERATIONS[name].function(*leaves)), leaves, dtype, fused)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)),
    "normalised": lambda: nn.Sequential(
        nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.LayerNorm(5), nn.Linear(5, 3)
    ),
    "gelu": lambda: nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 6), nn.SiLU(), nn.Linear(6, 3)),
    "softmax": lambda: nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1)),
}


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, fused: bool) -> None:
    gg.manual_seed(0)
    model = NETWORKS[name]()
    x, y = gg.randn(6, 4), gg.randint(0, 3, (6,))
    loss = F.cross_entropy(model(x), y)
    flow = gg.explain(loss, model, fused=fused)
    scope = ran(flow.code(data="inline"))
    close(scope["loss"], loss, 1e-5)
    loss.backward()
    for parameter, tensor in model.named_parameters():
        assert tensor.grad is not None
        close(scope[f"grad_{identifier(parameter)}"], tensor.grad, 1e-5)


# All with derivatives everywhere: a NaN of one value would go on to others by 0 * NaN in the engine, but not by np.where.
UNARY = [
    lambda x: -x,
    gg.tanh,
    gg.sigmoid,
    lambda x: (x * x + 1).sqrt(),
    lambda x: x.sum(0, keepdim=True),
    lambda x: 2 * x,
]
BINARY = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, gg.maximum, lambda a, b: a / (1 + b * b)]


@given(st.data(), st.booleans())
def test_random_graphs(data: st.DataObject, fused: bool) -> None:
    """Values used any number of times, on shapes that broadcast."""
    shapes = data.draw(st.lists(st.sampled_from([(), (3,), (2, 3), (2, 1)]), min_size=1, max_size=3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    leaves = [gg.from_numpy(np.asarray(rng.uniform(0.5, 2, s))).requires_grad_() for s in shapes]
    values = list(leaves)
    for _ in range(data.draw(st.integers(1, 8))):
        a, b = (values[data.draw(st.integers(0, len(values) - 1))] for _ in range(2))
        one = data.draw(st.booleans()) and a.ndim > 0
        values.append(data.draw(st.sampled_from(UNARY))(a) if one else data.draw(st.sampled_from(BINARY))(a, b))
    loss = sum((v.mean() for v in values[1:]), start=values[0].sum())
    check(loss, leaves, np.float64, fused)


# As the lecture writes it.


def body(flow: Flow) -> list[str]:
    """The lines of a listing, without comments and blank ones."""
    lines = [line.partition("#")[0].rstrip() for line in flow.code().splitlines()]
    return [line for line in lines if line and not line.startswith(('"""', "import"))]


def test_the_sigmoid_neuron_reads_as_in_the_lecture() -> None:
    w0, x0, w1, x1, w2 = (gg.tensor(v, dtype=gg.float64, requires_grad=True) for v in (2.0, -1.0, -3.0, -2.0, -3.0))
    s0 = w0 * x0
    s1 = w1 * x1
    s2 = s0 + s1
    s3 = s2 + w2
    L = gg.sigmoid(s3)
    assert body(gg.explain(L)) == [
        "s0 = w0 * x0",
        "s1 = w1 * x1",
        "s2 = s0 + s1",
        "s3 = s2 + w2",
        "L = 1 / (1 + np.exp(-s3))",
        "grad_L = 1.0",
        "grad_s3 = grad_L * L * (1 - L)",
        "grad_s2 = grad_s3",
        "grad_w2 = grad_s3",
        "grad_s0 = grad_s2",
        "grad_s1 = grad_s2",
        "grad_w1 = grad_s1 * x1",
        "grad_x1 = grad_s1 * w1",
        "grad_w0 = grad_s0 * x0",
        "grad_x0 = grad_s0 * w0",
    ]


def test_a_network_reads_as_in_the_lecture() -> None:
    X, y = gg.randn(8, 3), gg.randint(0, 4, (8,))
    W1, b1 = gg.randn(3, 5, requires_grad=True), gg.zeros(5, requires_grad=True)
    W2 = gg.randn(5, 4, requires_grad=True)
    h1 = gg.relu(X @ W1 + b1)
    scores = h1 @ W2
    loss = F.cross_entropy(scores, y) + 0.5 * (W1 * W1).sum()
    lines = body(gg.explain(loss))
    for line in [
        "h1 = np.maximum(add_1, 0)",
        "scores = h1 @ W2",
        "t0 = scores - scores.max(axis=1, keepdims=True)",
        "t1 = np.log(np.exp(t0).sum(axis=1, keepdims=True))",
        "cross_entropy_1 = -(t0 - t1)[np.arange(8), y].mean()",
        "t2 = np.exp(t0)",
        "t3 = t2 / t2.sum(axis=1, keepdims=True)",
        "t4 = t3 - (y[:, None] == np.arange(4))",
        "grad_scores = t4 * grad_cross_entropy_1 / 8",
        "mul_2 = 0.5 * sum_1",
        "grad_W2 = h1.T @ grad_scores",
        "grad_h1 = grad_scores @ W2.T",
        "grad_add_1 = np.where(h1 <= 0, 0, grad_h1)",
        "grad_b1 = grad_add_1.sum(axis=0)",
        "grad_mul_1 = np.broadcast_to(grad_sum_1, (3, 5))",
        "grad_W1 = grad_W1 + X.T @ grad_mm_1",
    ]:
        assert line in lines


def test_powers_and_choices_read_simply() -> None:
    x, y, z, w = (gg.tensor(v, requires_grad=True) for v in (3.0, -4.0, 2.0, -1.0))
    m = gg.maximum(z, w)
    f = 2 * (x * y + m) ** 2
    lines = body(gg.explain(f))
    assert "m = np.maximum(z, w)" in lines
    assert "grad_z = np.where(z < w, 0, np.where(z == w, grad_m * 0.5, grad_m))" in lines
    assert "f = 2 * square_1" in lines


def test_forks_add() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    q = x * x
    loss = (q * x).sum()
    assert body(gg.explain(loss))[-4:] == [
        "grad_q = grad_mul_2 * x",
        "grad_x = grad_mul_2 * q",
        "grad_x = grad_x + grad_q * x",
        "grad_x = grad_x + grad_q * x",
    ]


def test_shapes_stand_in_comments() -> None:
    x = gg.ones(2, 3, requires_grad=True)
    loss = x.sum()
    code = gg.explain(loss).code()
    assert "# x: (2, 3) float32" in code
    assert "# (2, 3)" in next(line for line in code.splitlines() if line.startswith("grad_x"))


LONGEST = 88  # with names of up to a dozen letters


@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy weighted", "layer_norm", "std", "softmax", "amax"])
def test_long_rules_are_several_short_lines(name: str) -> None:
    inputs = OPERATIONS[name].inputs()
    lines = body(gg.explain(scalar(OPERATIONS[name].function(*inputs))))
    assert max(map(len, lines)) <= LONGEST


def test_the_backward_pass_uses_the_parts_that_the_forward_pass_named() -> None:
    x, y = gg.ones(2, 3, requires_grad=True), gg.tensor([0, 2])
    lines = body(gg.explain(F.cross_entropy(x, y)))
    assert sum("x.max(" in line for line in lines) == 1
    assert len({line.partition(" = ")[2] for line in lines}) == len(lines)


# Names.


def test_names_become_identifiers_used_once() -> None:
    a, b, c, d = (gg.tensor(v, requires_grad=True) for v in (1.0, 2.0, 3.0, 4.0))
    loss = a * b + c * d
    names = {"fc.weight": a, "fc_weight": b, "lambda": c, "grad_fc_weight": d}
    scope = ran(gg.explain(loss, names=names).code(data="inline"))
    expected = {"fc_weight": 2, "fc_weight_2": 1, "lambda_": 4, "grad_fc_weight_3": 3}
    assert {name: scope[f"grad_{name}"] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("W1", "W1"),
        ("fc1.weight", "fc1_weight"),
        ("0.bias", "layer0_bias"),
        ("lambda", "lambda_"),
        ("sum", "sum_"),
        ("2nd", "v_2nd"),
        ("a b", "a_b"),
        ("!", "v_"),
    ],
)
def test_identifiers(name: str, expected: str) -> None:
    assert identifier(name) == expected


# What cannot be written.


class Doubled(gg.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        return dy * 2


def test_a_gate_of_the_users_is_named() -> None:
    x = gg.ones(3, requires_grad=True)
    flow = gg.explain(Doubled.apply(x).sum())
    with pytest.raises(RuntimeError, match="doubled_1"):
        flow.code()


def test_bad_arguments_are_told() -> None:
    x = gg.ones(3, requires_grad=True)
    flow = gg.explain((x * 2).exp().sum())
    with pytest.raises(ValueError, match="'inline' or 'npz'"):
        flow.code(data="json")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="this flow is a part"):
        flow.around("sum_1", 0).code()
    with pytest.raises(ValueError, match=r"\.py"):
        flow.save("flow.txt")


def test_a_leaf_that_is_the_loss() -> None:
    loss = gg.tensor(3.0, requires_grad=True)
    scope = ran(gg.explain(loss).code(data="inline"))
    assert scope["loss"] == 3 and scope["grad_loss"] == 1


def test_a_number_whose_method_a_rule_calls_is_an_array() -> None:
    x = gg.from_numpy(np.array([[1.0, 2.0], [5.0, 7.0]])).requires_grad_()
    check(x.var().sum(), [x], np.float64)
    check(x.var(), [x], np.float64)
    assert "grad_loss = 1.0" in check((x.softmax(1) * x).sum(), [x], np.float64)


def test_numbers_are_those_of_the_engine_to_the_last_digits() -> None:
    x = gg.tensor(0.1, dtype=gg.float64, requires_grad=True)
    loss = gg.exp(math.pi * x) ** 0.5
    scope = ran(check(loss, [x], np.float64))
    assert scope["grad_a0"] == pytest.approx(math.pi / 2 * math.exp(math.pi * 0.05), rel=1e-15)


def test_variables_of_the_caller_name_what_gates_made() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    h = x.softmax(0)
    loss = (h * h).sum()
    for fused in (True, False):
        flow = gg.explain(loss, fused=fused)
        named = [g for g in flow if "h" in g.called]
        assert len(named) == 1 and isinstance(flow["x"], Variable)
        np.testing.assert_allclose(named[0].value.numpy(), h.detach().numpy(), rtol=1e-6)  # type: ignore[union-attr]
