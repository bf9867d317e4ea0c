"""What explanations say of whole graphs: the lecture's circuits, untouched training state, and errors."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate
from explain_code import explain, leaf_gradient, scalar
from gradgate import Tensor, nn


def leaf(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64, requires_grad=True)


def test_multiply() -> None:
    x, y = leaf(4.0), leaf(-3.0)
    e = explain(x * y)
    (gate,) = e["gates"]
    assert gate["kind"] == "mul"
    assert gate["text"] == ["{0} * {1}"]
    assert [g.item() for g in gate["upstream"]] == [1]
    assert [edge["downstream"].item() for edge in gate["edges"]] == [-3, 4]
    assert [edge["local"].item() for edge in gate["edges"]] == [-3, 4]
    assert [edge["local_text"] for edge in gate["edges"]] == ["{1}", "{0}"]
    assert [edge["rule"] for edge in gate["edges"]] == [["{dy} * {1}"], ["{dy} * {0}"]]
    assert [v["leaf"] is t for v, t in zip(e["values"], (x, y, None), strict=True)] == [True, True, True]
    assert [v["tensor"].item() for v in e["values"]] == [4, -3, -12]


def test_add_then_multiply() -> None:
    x, y, z = leaf(-2.0), leaf(5.0), leaf(-4.0)
    e = explain((x + y) * z)
    add, mul = e["gates"]
    assert e["values"][add["outputs"][0]]["tensor"].item() == 3
    assert [edge["downstream"].item() for edge in mul["edges"]] == [-4, 3]
    assert [edge["downstream"].item() for edge in add["edges"]] == [-4, -4]
    assert [edge["rule"] for edge in add["edges"]] == [["{dy}"], ["{dy}"]]
    assert [edge["local_text"] for edge in add["edges"]] == ["1", "1"]


def test_sigmoid_neuron_as_single_gates() -> None:
    w0, w1, w2, x0, x1 = leaf(2.0), leaf(-3.0), leaf(-3.0), leaf(-1.0), leaf(-2.0)
    e = explain(gradgate.sigmoid(w0 * x0 + w1 * x1 + w2), fused=False)
    gates = e["gates"]
    assert [g["kind"] for g in gates] == ["mul", "mul", "add", "add", "neg", "exp", "add", "div"]
    values = [e["values"][g["outputs"][0]]["tensor"].item() for g in gates]
    # The slides show two digits.
    assert [round(v, 2) for v in values] == [-2, 6, 4, 1, -1, 0.37, 1.37, 0.73]
    upstream = [g["upstream"][0].item() for g in gates]
    assert upstream == pytest.approx([0.20, 0.20, 0.20, 0.20, -0.20, -0.53, -0.53, 1], abs=0.01)
    found = [leaf_gradient(e, t) for t in (w0, w1, w2, x0, x1)]
    exact = [-0.19661193324148185, -0.3932238664829637, 0.19661193324148185, 0.3932238664829637, -0.5898357997244456]
    # A few roundings of float64 in a chain of eight gates.
    assert [g.item() for g in found if g is not None] == pytest.approx(exact, abs=1e-15)


def test_sigmoid_neuron_as_one_gate() -> None:
    z = leaf(1.0)
    (gate,) = explain(gradgate.sigmoid(z))["gates"]
    assert gate["text"] == ["1 / (1 + np.exp(-{0}))"]
    assert gate["edges"][0]["local_text"] == "{y} * (1 - {y})"
    assert gate["edges"][0]["rule"] == ["{dy} * {y} * (1 - {y})"]
    assert gate["edges"][0]["local"].item() == pytest.approx(0.73 * (1 - 0.73), abs=0.001)


def test_patterns_in_gradient_flow() -> None:
    x, y, z, w = leaf(3.0), leaf(-4.0), leaf(2.0), leaf(-1.0)
    e = explain(2 * (x * y + gradgate.maximum(z, w)))
    kinds = {g["kind"]: g for g in e["gates"]}
    assert [edge["downstream"].item() for edge in kinds["maximum"]["edges"]] == [2, 0]
    assert [edge["downstream"].item() for edge in kinds["add"]["edges"]] == [2, 2]
    assert [g.item() for t in (x, y, z, w) if (g := leaf_gradient(e, t)) is not None] == [-8, 6, 2, 0]


def test_forks_add() -> None:
    x, y = leaf(3.0), leaf(-4.0)
    e = explain((x + gradgate.sigmoid(y)) / (gradgate.sigmoid(x) + (x + y) ** 2))
    uses = [
        edge["downstream"].item()
        for g in e["gates"]
        for v, edge in zip(g["inputs"], g["edges"], strict=True)
        if v is not None and e["values"][v]["leaf"] is x
    ]
    dx, dy = leaf_gradient(e, x), leaf_gradient(e, y)
    assert dx is not None and dy is not None
    assert len(uses) == 3 and sum(uses) == pytest.approx(dx.item(), abs=1e-15)
    assert (dx.item(), dy.item()) == pytest.approx((2.0595697955721652, 1.5922327514838093), abs=1e-14)


def test_norm_of_a_product() -> None:
    w, x = leaf([[0.1, 0.5], [-0.3, 0.8]]), leaf([0.2, 0.4])
    e = explain(((w @ x) ** 2).sum())
    kinds = {g["kind"]: g for g in e["gates"]}
    product = kinds["mv"]
    assert e["values"][product["outputs"][0]]["tensor"].tolist() == pytest.approx([0.22, 0.26])
    assert product["upstream"][0].tolist() == pytest.approx([0.44, 0.52])
    assert [edge["rule"] for edge in product["edges"]] == [["np.outer({dy}, {1})"], ["{0}.T @ {dy}"]]
    assert product["edges"][0]["local"] is None
    assert product["edges"][0]["downstream"].tolist() == [pytest.approx([0.088, 0.176]), pytest.approx([0.104, 0.208])]
    dx = leaf_gradient(e, x)
    assert dx is not None and dx.tolist() == pytest.approx([-0.112, 0.636])


def test_relu() -> None:
    x = leaf([1.0, -2.0, 3.0, -1.0])
    e = explain((gradgate.relu(x) * gradgate.tensor([4.0, -1.0, 5.0, 9.0], dtype=gradgate.float64)).sum())
    gate = e["gates"][0]
    assert gate["edges"][0]["local"].tolist() == [1, 0, 1, 0]
    assert gate["edges"][0]["downstream"].tolist() == [4, 0, 5, 0]
    assert gate["text"] == ["np.maximum({0}, 0)"]


def test_rules_read_as_in_the_lecture() -> None:
    x, w, b = leaf([[1.0, 2.0]]), leaf([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]), leaf([1.0, 1.0, 1.0])
    gates = {g["kind"]: g for g in explain(nn.functional.linear(x, w, b).softmax(1).sum())["gates"]}
    assert gates["linear"]["text"] == ["{0} @ {1}.T + {2}"]
    assert [edge["rule"] for edge in gates["linear"]["edges"]] == [
        ["{dy} @ {1}"],
        ["{dy}.T @ {0}"],
        ["{dy}.sum(axis=0)"],
    ]
    assert gates["sum"]["text"] == ["{0}.sum()"]
    assert gates["sum"]["edges"][0]["rule"] == ["np.broadcast_to({dy}, (1, 3))"]
    assert gates["softmax"]["text"] == [
        "{t0} = np.exp({0} - {0}.max(axis=1, keepdims=True))",
        "{t0} / {t0}.sum(axis=1, keepdims=True)",
    ]
    assert gates["softmax"]["edges"][0]["rule"] == [
        "{t0} = ({dy} * {y}).sum(axis=1, keepdims=True)",
        "{y} * ({dy} - {t0})",
    ]


def test_nothing_of_the_training_changes() -> None:
    gradgate.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    x = gradgate.randn(6, 4)
    called: list[Tensor] = []
    loss = nn.functional.cross_entropy(model(x), gradgate.tensor([0, 1, 2, 0, 1, 2]))
    model[0].weight.register_hook(called.append)
    before = [(p.tolist(), p._version, p.grad) for p in model.parameters()]
    explain(loss)
    explain(loss, fused=False)
    assert [(p.tolist(), p._version, p.grad) for p in model.parameters()] == before
    assert not called
    again = nn.functional.cross_entropy(model(x), gradgate.tensor([0, 1, 2, 0, 1, 2]))
    expected = gradgate.autograd.grad(again, list(model.parameters()))
    loss.backward()
    assert len(called) == 2
    for p, gradient in zip(model.parameters(), expected, strict=True):
        assert p.grad is not None and p.grad.tolist() == gradient.tolist()


def test_hooks_that_replace_gradients_are_left_out() -> None:
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda dy: dy * 10)
    dx = leaf_gradient(explain(y + 1), x)
    assert dx is not None and dx.item() == 4


class Cube(gradgate.autograd.Function):
    @staticmethod
    def forward(ctx, x, power):
        ctx.save_for_backward(x)
        return x * x * x * power

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return dy * 3 * x * x, None


def test_a_gate_in_python_has_values_and_no_text() -> None:
    x = leaf(2.0)
    gate, double = explain(Cube.apply(x, 1) * 2)["gates"]
    assert gate["kind"] == "cube" and gate["text"] is None
    assert gate["inputs"][1] is None and gate["edges"][1] is None
    assert gate["edges"][0]["rule"] is None and gate["edges"][0]["downstream"].item() == 24
    assert double["text"] == ["{0} * 2"]


def test_constants_and_numbers() -> None:
    x, c = leaf([1.0, 2.0]), gradgate.tensor([3.0, 4.0], dtype=gradgate.float64)
    e = explain((x * c * 2).sum())
    constants = [v for v in e["values"] if v["gate"] is None and v["gradient"] is None]
    assert [v["tensor"].tolist() for v in constants] == [[3.0, 4.0], 2.0]
    assert constants[0]["leaf"] is c


def test_limits_that_are_never_met_are_left_out() -> None:
    x = leaf([1.0, 2.0])
    gate = explain(x.clamp(min=0).sum())["gates"][0]
    assert gate["text"] == ["np.maximum({0}, 0)"]


def test_a_deep_graph() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y + x
    e = explain(y, texts=False)
    dx = leaf_gradient(e, x)
    assert len(e["gates"]) == 20_000 and dx is not None and dx.item() == 20_001


def test_replay_in_float64() -> None:
    x = gradgate.tensor([0.1, 0.2], requires_grad=True)
    loss = (x.exp() * 3).sum()
    e = explain(loss, dtype=gradgate.float64, texts=False)
    dx = leaf_gradient(e, x)
    assert dx is not None and dx.dtype == gradgate.float64
    np.testing.assert_allclose(dx.numpy(), 3 * np.exp(x.detach().numpy().astype(np.float64)), rtol=1e-15)


def test_errors() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="does not require grad"):
        explain(gradgate.tensor(1.0))
    with pytest.raises(RuntimeError, match=r"one element.*\(2,\).*\.sum\(\)"):
        explain(x * 2)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"freed.*retain_graph=True"):
        explain(loss)
    loss = (x * x).sum()
    with gradgate.no_grad():
        x.mul_(2)
    with pytest.raises(RuntimeError, match="changed in place"):
        explain(loss)
    with pytest.raises(TypeError, match="floating-point type"):
        explain(scalar(x * 1), dtype=gradgate.int64)
