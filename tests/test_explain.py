"""Flows: names, patterns, copy gates, the numbers of gates and edges, Jacobians, tables, and what bad input is told."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest

import gradgate as gg
from explain_networks import network, neuron, squared_norm
from gradgate import nn
from gradgate.explain import Edge, Flow, Gate, Variable
from gradgate.explain.summary import number


def numbers(tensor):
    return None if tensor is None else tensor.numpy().tolist()


def gate(flow: Flow, name: str) -> Gate:
    found = flow[name]
    assert isinstance(found, Gate)
    return found


def edge(flow: Flow, name: str, position: int = 0) -> Edge:
    return next(e for e in gate(flow, name).inputs if e.position == position)


def gradients(flow: Flow) -> dict[str, object]:
    return {v.name: numbers(v.gradient) for v in flow.variables if v.gradient is not None}


# The lecture's circuits.


def test_the_neuron_has_the_lectures_numbers():
    flow = neuron()
    products = {g.name: (g.value.item(), g.upstream.item()) for g in flow if g.kind == "mul"}
    assert products["mul_1"] == pytest.approx((-2, 0.1966119332414), rel=1e-12)
    assert products["mul_2"] == pytest.approx((6, 0.1966119332414), rel=1e-12)
    expected = {"w0": -0.19661193324148185, "x0": 0.3932238664829637, "w1": -0.3932238664829637}
    expected |= {"x1": -0.5898357997244456, "w2": 0.19661193324148185}
    found = gradients(flow)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-14)
    assert flow.loss.item() == pytest.approx(0.7310585786300049, rel=1e-15)


def test_the_product_swaps_and_the_sum_distributes():
    x, y, z = (gg.tensor(v, requires_grad=True) for v in (-2.0, 5.0, -4.0))
    flow = gg.explain((x + y) * z)
    assert [g.name for g in flow] == ["add_1", "mul_1"]
    assert [g.pattern for g in flow] == ["distributor", "swap multiplier"]
    assert gate(flow, "add_1").upstream.item() == -4
    assert [(e.name, e.local.item(), e.downstream.item()) for e in gate(flow, "mul_1").inputs] == [
        ("add_1", -4, -4),
        ("z", 3, 3),
    ]
    assert gradients(flow) == {"x": -4, "y": -4, "z": 3}


def test_the_circuit_of_all_patterns():
    x, y, z, w = (gg.tensor(v, requires_grad=True) for v in (3.0, -4.0, 2.0, -1.0))
    flow = gg.explain(2 * (x * y + gg.maximum(z, w)))
    assert flow.loss.item() == -20
    assert gradients(flow) == {"x": -8, "y": 6, "z": 2, "w": 0}


def test_the_circuit_with_two_forks():
    x, y = (gg.tensor(v, dtype=gg.float64, requires_grad=True) for v in (3.0, -4.0))
    flow = gg.explain((x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2))
    assert flow.loss.item() == pytest.approx(1.5456448841066441, rel=1e-15)
    assert gradients(flow) == pytest.approx({"x": 2.0595697955721652, "y": 1.5922327514838093}, rel=1e-14)
    copies = {e.name: len(g.upstreams) for g in flow if g.kind == "copy" for e in g.inputs}
    assert copies == {"x": 3, "y": 2}


def test_the_product_of_matrices():
    X = gg.tensor([[2.0, 1.0, -3.0], [-3.0, 4.0, 2.0]], requires_grad=True)
    W = gg.tensor([[3.0, 2, 1, -1], [2, 1, 3, 2], [3, 2, 1, -2]], requires_grad=True)
    dY = gg.tensor([[2.0, 3, -3, 9], [-8, 1, 4, 6]])
    flow = gg.explain(((X @ W) * dY).sum())
    product = flow.gates[0]
    assert numbers(product.value) == [[-1, -1, 2, 6], [5, 2, 11, 7]]
    assert numbers(product.upstream) == numbers(dY)
    assert gradients(flow) == {
        "X": [[0, 16, -9], [-24, 9, -30]],
        "W": [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]],
    }
    assert {e.name: e.rule for e in product.inputs} == {"X": "dy @ W.T", "W": "X.T @ dy"}


def test_the_maximum_routes():
    x, y = gg.tensor(4.0, requires_grad=True), gg.tensor(5.0, requires_grad=True)
    flow = gg.explain(gg.maximum(x, y) * 9)
    assert gate(flow, "maximum_1").pattern == "router"
    assert [(e.local.item(), e.downstream.item()) for e in gate(flow, "maximum_1").inputs] == [(0, 0), (1, 9)]


def test_a_value_used_twice_has_a_copy_gate_that_adds():
    flow = squared_norm()
    copy = gate(flow, "copy_1")
    assert copy.pattern == "adder"
    assert [g.kind for g in flow] == ["mv", "copy", "mul", "sum"]
    assert numbers(copy.value) == pytest.approx([0.22, 0.26])
    assert [numbers(u) for u in copy.upstream] == [pytest.approx([0.22, 0.26])] * 2
    assert numbers(copy.inputs[0].downstream) == pytest.approx([0.44, 0.52])
    assert [e.source for e in gate(flow, "mul_1").inputs] == [copy, copy]
    assert gate(flow, "mul_1").inputs[0].name == copy.inputs[0].source.name
    W = flow["W"]
    assert isinstance(W, Variable)
    np.testing.assert_allclose(W.gradient.numpy(), [[0.088, 0.176], [0.104, 0.208]], rtol=1e-12)
    np.testing.assert_allclose(flow["x"].gradient.numpy(), [-0.112, 0.636], rtol=1e-12)


def test_a_leaf_used_three_times_has_one_copy_gate():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    flow = gg.explain((x * x + x).sum())
    assert [g.name for g in flow if g.kind == "copy"] == ["copy_1"]
    assert len(gate(flow, "copy_1").outputs) == len(gate(flow, "copy_1").upstream) == 3
    assert gradients(flow) == {"x": [3, 5]}


def test_a_constant_used_twice_has_no_copy_gate():
    x, c = gg.tensor([1.0, 2.0], requires_grad=True), gg.tensor([3.0, 4.0])
    flow = gg.explain((x * c * c).sum())
    assert not [g for g in flow if g.kind == "copy"]
    assert flow["c"].kind == "constant" and flow["c"].gradient is None
    assert len(flow["c"].outputs) == 2


def test_gradients_have_the_shape_of_their_variables():
    for item in network(5, 7, 3).items:
        if isinstance(item, Variable):
            assert item.gradient is None or item.gradient.shape == item.value.shape
        for e in item.inputs if isinstance(item, Gate) else []:
            assert e.downstream is None or e.downstream.shape == e.value.shape


def test_downstream_is_upstream_through_the_jacobian():
    flow = network(3, 4, 2, batch=3)
    seen = 0
    for e in flow.edges:
        if e.downstream is None or len([u for u in e.target.upstreams if u is not None]) == 0:
            continue
        upstream = np.concatenate([u.numpy().ravel() for u in e.target.upstreams if u is not None])
        product = e.jacobian().numpy().T @ upstream
        np.testing.assert_allclose(product, e.downstream.numpy().ravel(), rtol=1e-4, atol=1e-6)
        seen += 1
    assert seen >= 7


def random_loss(seed: int):
    """A graph of random gates on tensors that broadcast, reductions and products among them."""
    draw = np.random.default_rng(seed)
    values = [gg.tensor(draw.normal(size=shape), requires_grad=True) for shape in ((), (3,), (1, 3), (3, 3))]
    one = [gg.tanh, gg.sigmoid, gg.exp, gg.relu, gg.square, lambda v: v.softmax(-1) if v.ndim else -v]
    two = [gg.add, gg.sub, gg.mul, gg.maximum, lambda a, b: a / (b * b + 1)]
    for _ in range(12):
        a, b = (values[k] for k in draw.integers(len(values), size=2))
        choice = draw.integers(4)
        if choice == 0:
            values.append(one[draw.integers(len(one))](a))
        elif choice == 1 and a.ndim and b.ndim == 2 and a.shape[-1] == b.shape[0]:
            values.append(a @ b)
        elif choice == 2 and a.ndim:
            values.append(a.sum(-1, keepdim=True))
        else:
            values.append(two[draw.integers(len(two))](a, b))
    return sum(v.mean() for v in values)


@pytest.mark.parametrize("seed", range(12))
def test_downstream_is_upstream_times_local_on_random_graphs(seed):
    flow = gg.explain(random_loss(seed))
    assert len(flow) > 12
    for e in flow.edges:
        if e.downstream is None:
            continue
        upstream = [u.numpy() for u in e.target.upstreams if u is not None]
        product = e.jacobian().numpy().T @ np.concatenate([u.ravel() for u in upstream])
        # Sums of at most 27 terms of 1e-16 each, relative to the largest.
        largest = max(1.0, np.abs(product).max())
        np.testing.assert_allclose(product, e.downstream.numpy().ravel(), rtol=1e-12, atol=1e-14 * largest)
        if e.local is not None:
            every = upstream[0] * e.local.numpy()
            added = tuple(range(every.ndim - e.value.ndim))
            kept = every.sum(added) if added else every
            ones = tuple(k for k, size in enumerate(e.value.shape) if size == 1 and kept.shape[k] != 1)
            total = kept.sum(ones, keepdims=True) if ones else kept
            np.testing.assert_allclose(total, e.downstream.numpy(), rtol=1e-12, atol=1e-14 * largest)
    for gate_of_flow in flow:
        if gate_of_flow.kind == "copy":
            total = sum(u.numpy() for u in gate_of_flow.upstreams if u is not None)
            np.testing.assert_allclose(gate_of_flow.inputs[0].downstream.numpy(), total, rtol=1e-12, atol=1e-15)


def test_explaining_changes_nothing():
    model = nn.Linear(3, 2)
    loss = model(gg.randn(4, 3)).square().mean()
    version = model.weight._version
    gg.explain(loss, model)
    assert model.weight.grad is None and model.weight._version == version
    loss.backward()
    assert numbers(gg.explain(model(gg.ones(1, 3)).sum(), model)["weight"].gradient) == [[1, 1, 1]] * 2


def test_gradients_are_those_of_backward():
    x = gg.randn(4, 3)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    loss = model(x).logsumexp(1).sum()
    flow = gg.explain(loss, model)
    loss.backward()
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(flow[name].gradient.numpy(), parameter.grad.numpy())


def test_fused_gates_open_into_their_parts():
    closed, opened = network(4, 5, 3), network(4, 5, 3, fused=False)
    assert len(opened) > len(closed)
    for variable in closed.variables:
        if variable.gradient is not None:
            np.testing.assert_allclose(
                opened[variable.name].gradient.numpy(), variable.gradient.numpy(), rtol=1e-4, atol=1e-6
            )


# Jacobians.


def test_the_jacobian_of_relu_is_diagonal():
    x = gg.tensor([1.0, -2.0, 3.0, -1.0], requires_grad=True)
    flow = gg.explain((x.relu() * gg.tensor([4.0, -1.0, 5.0, 9.0])).sum())
    assert numbers(edge(flow, "relu_1").jacobian()) == np.diag([1, 0, 1, 0]).tolist()
    assert numbers(edge(flow, "relu_1").downstream) == [4, 0, 5, 0]


def test_the_jacobian_of_a_product_by_its_matrix():
    flow = squared_norm()
    e = edge(flow, "mv_1", 0)
    assert e.name == "W"
    np.testing.assert_allclose(e.jacobian().numpy(), [[0.2, 0.4, 0, 0], [0, 0, 0.2, 0.4]])
    assert tuple(e.jacobian().shape) == (2, 4)


def test_the_jacobian_of_a_copy_is_stacked_identities():
    np.testing.assert_array_equal(edge(squared_norm(), "copy_1").jacobian().numpy(), np.tile(np.eye(2), (2, 1)))


def test_the_jacobian_of_a_broadcast_sum():
    x, b = gg.ones(2, 3, requires_grad=True), gg.zeros(3, requires_grad=True)
    e = edge(gg.explain((x + b).sum()), "add_1", 1)
    assert numbers(e.jacobian()) == np.tile(np.eye(3), (2, 1)).tolist()


def test_a_large_jacobian_is_refused():
    x = gg.ones(40, 40, requires_grad=True)
    e = edge(gg.explain((x * 2.0).sum()), "mul_1")
    with pytest.raises(ValueError, match=r"jacobian of mul_1 by x: the matrix would be 1,600 x 1,600 \(10.2 MB\)"):
        e.jacobian()
    assert tuple(e.jacobian(max_elements=1600**2).shape) == (1600, 1600)


def test_an_edge_without_gradient_has_no_jacobian():
    x, c = gg.ones(2, requires_grad=True), gg.ones(2)
    with pytest.raises(RuntimeError, match="no gradient flows along this edge"):
        edge(gg.explain((x * c).sum()), "mul_1", 1).jacobian()


# Tables.


def test_the_table_has_a_line_for_each_gate_and_edge():
    x, y, z = (gg.tensor(v, requires_grad=True) for v in (-2.0, 5.0, -4.0))
    assert gg.explain((x + y) * z).table().splitlines() == [
        "gate   input            value  upstream  local  downstream",
        "-----  ---------------  -----  --------  -----  ----------",
        "add_1  distributor      3      -4",
        "       x                -2               1      -4",
        "       y                5                1      -4",
        "mul_1  swap multiplier  -12    1",
        "       add_1            3                -4     -4",
        "       z                -4               3      3",
    ]


def test_large_tensors_are_summarised_in_the_table():
    x = gg.arange(100.0).requires_grad_()
    line = gg.explain((x * 2.0).sum()).table().splitlines()[2]
    assert "(100,) 0 … 198" in line
    x = gg.tensor([float("nan"), 1.0] * 8, requires_grad=True)
    assert "8 × NaN or inf" in gg.explain((x * 2.0).sum()).table()


# Parts.


def test_around_is_a_part():
    flow = network(4, 5, 5, 3)
    part = flow.around("relu_1", 1)
    assert [g.name for g in part] == ["linear_1", "relu_1", "linear_2"]
    assert {v.name for v in part.variables} == {"x", "0.weight", "0.bias", "2.weight", "2.bias"}
    assert [g.name for g in flow.around("2", 0)] == ["linear_2"]
    assert [g.name for g in flow.around("2.weight", 1)] == ["linear_2"]


# Bad input.


def test_a_loss_must_be_a_tensor():
    with pytest.raises(TypeError, match="the loss must be a Tensor or a function that returns one, got float"):
        gg.explain(1.0)


def test_unknown_names_are_told_with_the_nearest():
    flow = network(4, 5, 3)
    with pytest.raises(KeyError, match="no gate or variable is called 'relu'; did you mean 'relu_1'"):
        flow["relu"]
    with pytest.raises(KeyError, match=r"did you mean '2\.weight'"):
        flow.around("2.wieght")
    with pytest.raises(ValueError, match="radius must not be negative"):
        flow.around("relu_1", -1)


def test_graphs_that_cannot_be_explained():
    x = gg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError):
        gg.explain(gg.ones(2).sum())
    with pytest.raises(RuntimeError):
        gg.explain(x * 2)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError):
        gg.explain(loss)


def test_examples():
    assert doctest.testmod(importlib.import_module("gradgate.explain.flow")).failed == 0


@pytest.mark.parametrize(
    ("value", "short", "long"),
    [
        (0.0, "0", "0"),
        (-2.0, "-2", "-2"),
        (0.19661193, "0.197", "0.196612"),
        (999.9, "1000", "999.9"),
        (1234.5, "1234", "1234.5"),
        (123456.0, "1.23e5", "1.23456e5"),
        (-1e-12, "-1e-12", "-1e-12"),
        (float("inf"), "inf", "inf"),
        (float("nan"), "nan", "nan"),
    ],
)
def test_numbers_are_short(value, short, long):
    assert (number(value), number(value, 6)) == (short, long)


def test_an_assignment_is_no_copy_gate():
    x, y = gg.ones(2, requires_grad=True), gg.zeros(2)
    y.copy_(x)
    flow = gg.explain((y * 3.0).sum(), names={"x": x})
    assert "copy" not in {g.kind for g in flow} and gate(flow, "assign_1").pattern == "scatterer"
    assert gradients(flow) == {"x": [3, 3]}
