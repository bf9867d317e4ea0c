"""The source lines of gates, and the names of variables, when explain calls the function that computes the loss."""

from __future__ import annotations

import functools
import re

import pytest

import gradgate as gg
from gradgate import nn
from gradgate.explain import Flow


def codes(flow: Flow) -> dict[str, str]:
    """The code of each gate's line."""
    return {gate.name: (gate.line or "").partition(": ")[2] for gate in flow if gate.kind != "copy"}


def circuit() -> gg.Tensor:
    W, x = gg.ones(2, 3, requires_grad=True), gg.ones(3, 1)
    q = W @ x
    L = (q * q).sum()
    return L  # noqa: RET504 - its name is looked for


def test_a_function_is_called_and_its_lines_are_known():
    flow = gg.explain(circuit)
    assert codes(flow) == {"mm_1": "q = W @ x", "mul_1": "L = (q * q).sum()", "sum_1": "L = (q * q).sum()"}
    assert flow["mm_1"].line.startswith("test_explain_lines.py:")
    assert flow["mm_1"].line.endswith(" in circuit: q = W @ x")


def test_its_local_variables_are_names():
    flow = gg.explain(circuit)
    assert flow.name == "L"
    assert {v.name for v in flow.variables} == {"W", "x"}
    assert flow["mm_1"].called == ("q",)
    assert re.search(r"^q = W @ x +# \(2, 1\), test_explain_lines.py:\d+$", flow.code(), re.MULTILINE)


def test_a_lambda_knows_the_names_around_it():
    w, x = gg.ones(2, requires_grad=True), gg.ones(2)
    flow = gg.explain(lambda: (w * x).sum())
    assert {v.name for v in flow.variables} == {"w", "x"}
    assert codes(flow)["mul_1"] == "flow = gg.explain(lambda: (w * x).sum())"


def test_a_closure_made_elsewhere_keeps_its_names():
    def make():
        hidden = gg.ones(2, requires_grad=True)
        return lambda: (hidden * 2).sum()

    assert "hidden" in gg.explain(make())


def test_a_partial_function_names_its_arguments():
    def loss_of(weights, inputs):
        return (weights * inputs).sum()

    flow = gg.explain(functools.partial(loss_of, gg.ones(2, requires_grad=True), inputs=gg.ones(2)))
    assert {v.name for v in flow.variables} == {"weights", "inputs"}


def test_the_functions_own_names_come_before_the_callers():
    tensor = gg.ones(2, requires_grad=True)

    def loss_of():
        own = tensor
        return own.sum()

    # Two names in the innermost scope that knows the tensor, and nobody could say which is meant.
    assert [v.named for v in gg.explain(loss_of).variables] == [False]


def test_the_line_is_the_programs_innermost():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            h = self.fc(x)
            return h.relu()

    model, x, y = Net(), gg.ones(3, 2), gg.zeros(3, 2)
    flow = gg.explain(lambda: nn.functional.mse_loss(model(x), y), model)
    lines = codes(flow)
    assert lines["linear_1"] == "h = self.fc(x)" and lines["relu_1"] == "return h.relu()"
    assert "mse_loss(model(x), y)" in lines["mean_1"]
    assert {v.name for v in flow.variables if v.named} == {"fc.weight", "fc.bias", "x", "y"}


def test_parts_of_an_opened_gate_have_its_line():
    fc, x = nn.Linear(2, 1), gg.ones(3, 2)
    flow = gg.explain(lambda: fc(x).sum(), fc, fused=False)
    assert len(flow) == 4
    assert set(codes(flow).values()) == {"flow = gg.explain(lambda: fc(x).sum(), fc, fused=False)"}


def test_lines_end_with_the_function():
    flow = gg.explain(circuit)
    loss = circuit()
    with pytest.raises(ZeroDivisionError):
        gg.explain(lambda: circuit() / (1 // 0))
    assert all(gate.line is None for gate in gg.explain(circuit().clone()))
    assert all(gate.line is None for gate in gg.explain(loss))
    assert gg.equal(flow.loss, loss)


def test_a_loss_made_before_has_no_lines():
    loss = circuit()
    assert all(gate.line is None for gate in gg.explain(lambda: loss))


def test_not_finite_numbers_are_no_matter():
    x = gg.tensor([-1.0], requires_grad=True)
    assert gg.explain(lambda: x.log().sum()).loss.isnan()


def test_lines_stand_in_the_table_and_on_the_page(tmp_path):
    flow = gg.explain(circuit)
    heading, _, first, *_ = flow.table().splitlines()
    assert heading.endswith("  line") and first.endswith(" in circuit: q = W @ x")
    assert "line" not in gg.explain(circuit()).table()
    pytest.importorskip("graphlay")
    flow.save(tmp_path / "flow.html")
    assert f'"line":"{flow["mm_1"].line}"' in (tmp_path / "flow.html").read_text().replace('": "', '":"')


def test_what_is_no_loss_is_refused():
    def forgot():
        circuit()

    with pytest.raises(
        TypeError, match=r"must return the loss, a Tensor, but it returned NoneType; end it with return"
    ):
        gg.explain(forgot)
    with pytest.raises(TypeError, match="a Tensor, but it returned float"):
        gg.explain(lambda: 1.0)
    with pytest.raises(TypeError, match="must be a Tensor or a function that returns one, got float"):
        gg.explain(1.0)
    with pytest.raises(RuntimeError, match="does not require grad"):
        gg.explain(lambda: gg.ones(()))
