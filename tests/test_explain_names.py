"""What tensors and gates of a flow are called, and which modules they belong to."""

from __future__ import annotations

import pytest

import gradgate as gg
from explain_networks import network
from gradgate import nn
from gradgate.explain import Variable


def test_names_come_from_the_user_then_the_module_then_the_caller():
    model = nn.Linear(2, 1)
    x, hidden = gg.ones(1, 2), gg.ones(1, 1, requires_grad=True)
    loss = (model(x) * hidden).sum()
    flow = gg.explain(loss, model=model, names={"X": x})
    assert {v.name for v in flow.variables if v.named} == {"X", "weight", "bias", "hidden"}
    assert flow.name == "loss"
    assert flow["X"].tensor is x


def test_a_tensor_with_two_names_has_none():
    a = gg.ones(2, requires_grad=True)
    b = a
    flow = gg.explain(a.sum())
    assert b is a and [v.name for v in flow.variables] == ["leaf_1"] and not flow.variables[0].named


def test_the_callers_name_does_not_shadow_a_given_one():
    w, x = gg.ones(2, requires_grad=True), gg.ones(2, requires_grad=True)
    flow = gg.explain((w * x).sum(), names={"x": w})
    assert flow["x"].tensor is w
    assert [v.name for v in flow.variables] == ["x", "leaf_1"]


def test_a_gate_is_not_called_as_a_variable():
    x = gg.ones(2, requires_grad=True)
    flow = gg.explain((x * 2.0).sum(), names={"mul_1": x})
    assert isinstance(flow["mul_1"], Variable)
    assert [g.name for g in flow if g.kind == "mul"] == ["mul_2"]


def test_modules_are_groups():
    flow = network(4, 5, 3)
    assert flow.groups == ("0", "2")
    assert {g.name: g.group for g in flow if g.kind == "linear"} == {"linear_1": ("0",), "linear_2": ("2",)}
    assert flow["relu_1"].group == ()
    assert flow.modules["2"] == "Linear"


def test_a_module_is_a_stretch_of_the_forward_pass():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.fc = nn.LayerNorm(4), nn.Linear(4, 4)

        def forward(self, x):
            return x + self.fc(self.norm(x)).tanh()

    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(Block(), Block()), nn.Linear(4, 1))
    flow = gg.explain(model(gg.randn(2, 3)).sum(), model)
    groups = {g.name: ".".join(g.group) for g in flow}
    assert groups["copy_1"] == "" and groups["layer_norm_1"] == "1.0.norm"
    assert groups["tanh_1"] == groups["add_1"] == groups["copy_2"] == "1"
    order = [g.group[:1] for g in flow]
    assert [order.index(("1",)), len(order) - order[::-1].index(("1",))] == [2, 2 + order.count(("1",))]


def test_gates_between_two_layers_of_a_block_lie_in_the_block():
    model = nn.Sequential(
        nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)), nn.Tanh(), nn.Sequential(nn.Linear(2, 1))
    )
    flow = gg.explain(model(gg.ones(4, 2)).sum(), model)
    assert flow["relu_1"].group == ("0",)
    assert flow["tanh_1"].group == ()
    assert set(flow.groups) == {"0", "0.0", "0.2", "2", "2.0"}


def test_names_must_be_names_of_tensors():
    x, other = gg.ones(2, requires_grad=True), gg.ones(2)
    loss = x.sum()
    with pytest.raises(TypeError, match="names must be a dict"):
        gg.explain(loss, names=[x])
    with pytest.raises(TypeError, match="must map strings to Tensors"):
        gg.explain(loss, names={"x": 1.0})
    with pytest.raises(ValueError, match="'other', which the loss was not computed from"):
        gg.explain(loss, names={"other": other})
    with pytest.raises(ValueError, match="one tensor two names, 'a' and 'b'"):
        gg.explain(loss, names={"a": x, "b": x})
    with pytest.raises(ValueError, match="must have a letter"):
        gg.explain(loss, names={" ": x})
    with pytest.raises(TypeError, match="model must be a Module, got dict"):
        gg.explain(loss, {"x": x})


def test_two_tensors_with_one_name():
    model = nn.Linear(2, 1)
    x = gg.ones(1, 2)
    with pytest.raises(ValueError, match="two tensors would be called 'weight'"):
        gg.explain(model(x).sum(), model, names={"weight": x})


def test_a_gate_is_found_by_the_variable_that_holds_its_output():
    x = gg.ones(2, 3, requires_grad=True)
    q = x * 2
    largest, _ = q.max(dim=1)
    loss = (largest * largest).sum()
    flow = gg.explain(loss)
    assert flow["q"] is flow["mul_1"] and flow["largest"] is flow["max_1"]
    assert "loss" in flow and flow["loss"] is flow.root
    assert "q = x * 2" in flow.code()
    assert [g.name for g in flow.around("q", 1)] == ["mul_1", "max_1"]
    with pytest.raises(KeyError, match="did you mean 'largest'"):
        flow["larges"]
    # A part has its own gates only.
    assert "loss" not in flow.around("q", 1)


def test_a_gate_is_found_by_a_given_name():
    x = gg.ones(2, requires_grad=True)
    q, other = x * 2, x + 1
    result = (q * other).sum()
    flow = gg.explain(result, names={"block.hidden": q, "q": other, "L": result})
    assert flow["block.hidden"] is flow["mul_1"]
    assert flow["q"] is flow["add_1"]
    assert flow.name == "L" and flow["L"] is flow.root and "result" not in flow
    assert {"block_hidden", "q", "L"} <= {line.partition(" =")[0] for line in flow.code().splitlines()}


def test_a_gate_has_no_name_that_the_user_gives_another():
    x = gg.ones(2, requires_grad=True)
    mul_2 = x * 2
    flow = gg.explain((mul_2 * x * 3).sum())
    assert [g.name for g in flow if g.kind == "mul"] == ["mul_1", "mul_3", "mul_4"]
    assert flow["mul_2"] is flow["mul_1"]
    assert [line[:5] for line in flow.code().splitlines() if line.startswith("mul_")] == ["mul_2", "mul_3", "mul_4"]


def test_the_innermost_variable_has_the_name():
    x = gg.ones(2, requires_grad=True)
    q = x * 2
    outer = [q]

    def loss():
        q = outer[0] + 1
        return (q * q).sum()

    flow = gg.explain(loss)
    assert flow["q"] is flow["add_1"]
    assert [line.partition("  ")[0] for line in flow.code().splitlines() if " = x" in line] == ["mul_1 = x * 2"]
