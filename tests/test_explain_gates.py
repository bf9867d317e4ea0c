"""Every gate explains itself: replayed, swept, and written in NumPy, it gives what the engine computed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradgate
from explain_code import array, explain, gate_values, leaf_gradient, run, scalar
from explain_operations import OPERATIONS
from gate_samples import GATES, Gate, bits, smooth_inputs
from gradgate import Tensor

# Texts round in another order than the kernels: a few ulps of float64 for each of the hundred numbers that a gate sums.
TEXT = 1e-12


def close(actual: Any, expected: Any, scale: float = 1.0) -> None:
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    size = np.abs(expected[np.isfinite(expected)])
    np.testing.assert_allclose(actual, expected, rtol=TEXT, atol=TEXT * max(scale, size.max(initial=0)))


def same_bits(a: Tensor, b: Tensor) -> None:
    assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_array_equal(bits(a.detach().numpy()), bits(b.detach().numpy()))


def check_gradients(loss: Tensor, leaves: list[Tensor], explanation: dict[str, Any]) -> None:
    """The sweep is the engine's own, so that its sums have the same bits."""
    expected = gradgate.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
    for leaf, gradient in zip(leaves, expected, strict=True):
        found = leaf_gradient(explanation, leaf)
        assert (found is None) == (gradient is None)
        if found is not None and gradient is not None:
            same_bits(found, gradient)


def check_texts(explanation: dict[str, Any]) -> None:
    """What the texts compute is what the gates did."""
    for gate in explanation["gates"]:
        values = gate_values(explanation, gate)
        outputs = [explanation["values"][v]["tensor"] for v in gate["outputs"]]
        value = run(gate["text"], values, gate["preamble"])
        for y, text_value in zip(outputs, value if len(outputs) > 1 else [value], strict=True):
            close(text_value, array(y))
        for i, edge in enumerate(gate["edges"]):
            if edge is None:
                continue
            scale = float(np.abs(values["dy"]).max(initial=0))
            close(run(edge["rule"], values, gate["preamble"]), array(edge["downstream"]), scale)
            if edge["local"] is not None:
                check_local(gate, edge, values, i)


def check_local(gate: dict[str, Any], edge: dict[str, Any], values: dict[str, Any], i: int) -> None:
    """Downstream is upstream times local, summed over what broadcasting repeated."""
    local = array(edge["local"])
    assert local is not None
    close(np.broadcast_to(run([edge["local_text"]], values, gate["preamble"]), local.shape), local)
    product, shape = values["dy"] * local, values[str(i)].shape
    product = product.sum(axis=tuple(range(product.ndim - len(shape))))
    kept = tuple(d for d in range(len(shape)) if shape[d] == 1 != product.shape[d])
    close(product.sum(axis=kept, keepdims=True), array(edge["downstream"]), float(np.abs(values["dy"]).max(initial=0)))


def check_parts(loss: Tensor, leaves: list[Tensor]) -> None:
    """Opened gates come to the same totals."""
    whole, opened = explain(loss), explain(loss, fused=False)
    check_texts(opened)
    last = [e["values"][e["gates"][-1]["outputs"][0]]["tensor"] for e in (whole, opened)]
    close(array(last[1]), array(last[0]))
    for leaf in leaves:
        a, b = leaf_gradient(whole, leaf), leaf_gradient(opened, leaf)
        if a is not None and b is not None:
            close(array(b), array(a), 1.0)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_elementwise_gates(gate: Gate) -> None:
    for scalars in gate.settings():
        leaves = [gradgate.from_numpy(x).requires_grad_() for x in smooth_inputs(gate, 12, np.float64)]
        loss = scalar(gate(*leaves, **scalars))
        explanation = explain(loss)
        assert gate.name in [g["kind"] for g in explanation["gates"]]
        check_gradients(loss, leaves, explanation)
        check_texts(explanation)
        check_parts(loss, leaves)


@pytest.mark.parametrize("name", [name for name, gate in GATES.items() if gate.arity > 1])
def test_elementwise_gates_that_broadcast(name: str) -> None:
    gate = GATES[name]
    shapes = [(2, 1), (3,), ()][: gate.arity]
    inputs = smooth_inputs(gate, 6, np.float64)
    leaves = [
        gradgate.from_numpy(x[: int(np.prod(s))].reshape(s)).requires_grad_()
        for x, s in zip(inputs, shapes, strict=True)
    ]
    loss = scalar(gate(*leaves))
    check_gradients(loss, leaves, explain(loss))
    check_texts(explain(loss))


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name: str) -> None:
    leaves = OPERATIONS[name].inputs()
    loss = scalar(OPERATIONS[name].function(*leaves))
    explanation = explain(loss)
    root = explanation["values"][explanation["gates"][-1]["outputs"][0]]["tensor"]
    same_bits(root, loss)
    check_gradients(loss, leaves, explanation)
    check_texts(explanation)
    if name != "norm of zeros":  # whose parts have no slope there: sqrt at 0
        check_parts(loss, leaves)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_in_float32(name: str) -> None:
    leaves = OPERATIONS[name].inputs(np.float32)
    loss = scalar(OPERATIONS[name].function(*leaves))
    explanation = explain(loss)
    same_bits(explanation["values"][explanation["gates"][-1]["outputs"][0]]["tensor"], loss)
    check_gradients(loss, leaves, explanation)
    wider = explain(loss, dtype=gradgate.float64, texts=False)
    types = {v["tensor"].dtype for v in wider["values"] if v["tensor"] is not None and v["tensor"].is_floating_point()}
    assert types == {gradgate.float64}


def test_no_array_of_the_graph_is_frozen_into_a_text() -> None:
    """A rule that held an array computed from the inputs would be wrong for others."""
    held = {
        name
        for name, operation in OPERATIONS.items()
        for gate in explain(scalar(operation.function(*operation.inputs())))["gates"]
        if gate["constants"]
    }
    # Which of two values for one element stays: the positions alone say so.
    assert held <= {"scatter", "positions assigned", "index_put", "index_copy"}


def test_every_gate_of_the_sources_is_tried() -> None:
    sources = Path(__file__).resolve().parents[1] / "cpp" / "graph"
    names = {n for p in sources.glob("*.cpp") for n in re.findall(r'"([A-Z]\w*)Backward"', p.read_text("utf-8"))}
    kinds = {re.sub(r"(?<!^)(?=[A-Z])", "_", n).lower() for n in names}
    tried = {
        gate["kind"]
        for operation in OPERATIONS.values()
        for gate in explain(scalar(operation.function(*operation.inputs())), texts=False)["gates"]
    }
    assert not kinds - tried - set(GATES)
