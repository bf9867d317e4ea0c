"""The engine: two ways to one gradient, and memory that changes behind a graph."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradgate as gg
from explain_operations import OPERATIONS
from gate_samples import DTYPES, GATES, smooth_inputs
from gradgate import Tensor, nn
from gradgate.nn import functional as F


def both_ways(function: Callable[..., Tensor], inputs: list[Tensor]) -> None:
    """The same bits whether the gradient's own graph is recorded, by rules, or not, by run_backward."""
    y = function(*inputs)
    upstream = gg.from_numpy(np.random.default_rng(5).standard_normal(tuple(y.shape)).astype(y.detach().numpy().dtype))
    by_rule = gg.autograd.grad([y], inputs, [upstream], create_graph=True, allow_unused=True)
    alone = gg.autograd.grad([function(*inputs)], inputs, [upstream], allow_unused=True)
    for a, b in zip(by_rule, alone, strict=True):
        if a is None or b is None:
            assert a is b
        else:
            np.testing.assert_array_equal(a.detach().numpy(), b.numpy())


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", OPERATIONS)
def test_rules_and_their_short_cuts_have_the_same_bits(name: str, dtype: type) -> None:
    operation = OPERATIONS[name]
    for seed in range(3):
        both_ways(operation.function, operation.inputs(dtype, seed))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", GATES)
def test_elementwise_gates_have_the_same_bits_both_ways(name: str, dtype: type) -> None:
    gate = GATES[name]
    inputs = [gg.from_numpy(np.ascontiguousarray(x)).requires_grad_() for x in smooth_inputs(gate, 37, dtype)]
    limits = {"min": -0.5, "max": 0.5} if name == "clamp" else {}
    both_ways(lambda *x: gate(*x, **limits), inputs)


FUSED: dict[str, Callable[[Tensor, int], Tensor]] = {
    "prod": lambda x, dim: x.prod(dim),
    "var": lambda x, dim: x.var(dim, correction=0),
    "std": lambda x, dim: x.std(dim, correction=0, keepdim=True),
    "softmax": lambda x, dim: x.softmax(dim),
    "log_softmax": lambda x, dim: x.log_softmax(dim),
    "logsumexp": lambda x, dim: x.logsumexp(dim),
    "layer_norm": lambda x, dim: F.layer_norm(x, tuple(x.shape[dim:])),
    "cross_entropy": lambda x, dim: (
        F.cross_entropy(x.transpose(0, dim), gg.zeros(x.shape[dim], dtype=gg.int64)) if x.ndim == 2 else x.sum()
    ),
}


@pytest.mark.parametrize("name", FUSED)
@settings(max_examples=25, deadline=None)
@given(shape=st.lists(st.integers(1, 20), min_size=1, max_size=3), data=st.data())
def test_fused_gates_have_the_same_bits_both_ways_for_every_shape(
    name: str, shape: list[int], data: st.DataObject
) -> None:
    dim = data.draw(st.integers(0, len(shape) - 1))
    x = np.random.default_rng(math.prod(shape)).standard_normal(shape)
    for dtype in DTYPES:
        both_ways(lambda t: FUSED[name](t, dim), [gg.from_numpy(x.astype(dtype)).requires_grad_()])


def test_parameters_of_a_normalisation_have_the_same_bits_both_ways() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in ((7, 33), (33,), (33,))]
    both_ways(lambda x, w, b: F.layer_norm(x, (33,), w, b), [gg.from_numpy(a).requires_grad_() for a in arrays])


# Data that is replaced


def test_gates_keep_the_values_that_they_have_seen() -> None:
    for f, local in ((gg.exp, math.e), (gg.sigmoid, math.e / (1 + math.e) ** 2), (gg.square, 2.0)):
        x = gg.ones(400, requires_grad=True)
        y = f(x)
        x.data = gg.zeros(400)
        y.sum().backward()
        assert x.grad is not None and x.grad.tolist() == pytest.approx([local] * 400, rel=1e-6)


@pytest.mark.parametrize("size", [2, 5000])
def test_a_result_of_another_shape_is_refused_by_the_next_gate(size: int) -> None:
    x = gg.zeros(400, requires_grad=True)
    y = x.exp()
    y.data = gg.ones(size)
    with pytest.raises(
        RuntimeError, match=r"mul: an input of shape .* took the place, through .data, of a result of ExpBackward"
    ):
        y * 3


@pytest.mark.parametrize("size", [2, 5000])
def test_a_gradient_of_another_shape_is_refused(size: int) -> None:
    p = nn.Parameter(gg.ones(1000))
    (p * 2).sum().backward()
    p.data = gg.ones(size)
    with pytest.raises(
        RuntimeError, match=r"the .grad of .* and shape \(1000,\) cannot take a gradient .* set .grad = None"
    ):
        (p * 2).sum().backward()
    p.grad = None
    (p * 2).sum().backward()
    assert p.grad is not None and tuple(p.grad.shape) == (size,)


def test_a_gradient_of_another_type_is_refused() -> None:
    model = nn.Linear(2, 2)
    model(gg.ones(1, 2)).sum().backward()
    for p in model.parameters():
        p.data = p.data.double()
    with pytest.raises(RuntimeError, match=r"cannot take a gradient of gradgate.float64|float64"):
        model(gg.ones(1, 2, dtype=gg.float64)).sum().backward()
    model.zero_grad()
    model(gg.ones(1, 2, dtype=gg.float64)).sum().backward()
    assert model.weight.grad is not None and model.weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_views_outlive_the_data_of_their_base() -> None:
    for size in (4, 50_000):
        x = gg.ones(size, requires_grad=True)
        y = x * 1.0
        v = y[1:]
        y.data = gg.zeros(size)
        y.mul_(2)
        v.sum().backward()
        assert x.grad is not None and x.grad[:3].tolist() == [0.0, 2.0, 2.0]


def test_data_has_a_version_of_its_own() -> None:
    x = gg.ones(3, requires_grad=True)
    y = x.exp()
    loss = (y * x).sum()
    x.data.add_(0)  # no change that a gate would notice
    loss.backward()
    assert x.grad is not None and x.grad.tolist() == pytest.approx([2 * math.e] * 3)
    y = x.exp()
    loss = (y * x).sum()
    with gg.no_grad():
        x.add_(0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_leaf_that_was_frozen_gets_no_gradient() -> None:
    a, b = gg.ones(2, requires_grad=True), gg.ones(2, requires_grad=True)
    loss = (a * b).sum()
    a.requires_grad_(False)
    loss.backward()
    assert a.grad is None and b.grad is not None and b.grad.tolist() == [1.0, 1.0]


# Saved values


@pytest.mark.parametrize(
    "choose",
    [
        lambda x: x.max(1),
        lambda x: x.min(1),
        lambda x: x.sort(1),
        lambda x: x.topk(2, 1),
        lambda x: x.median(1),
    ],
    ids=["max", "min", "sort", "topk", "median"],
)
def test_indices_that_were_changed_are_noticed(choose: Callable[[Tensor], tuple[Tensor, Tensor]]) -> None:
    x = gg.randn(4, 6, requires_grad=True)
    values, indices = choose(x)
    indices += 10**9
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        values.sum().backward()


# Views and changes in place


def test_a_view_taken_without_grad_is_not_written_with_it() -> None:
    a = gg.ones(3, requires_grad=True)
    x = a * 1
    with gg.no_grad():
        v = x[1:]
        v.mul_(2)  # off the graph this is the user's own business
    with pytest.raises(RuntimeError, match="created in no_grad mode is being modified inplace with grad mode enabled"):
        v.mul_(5)
    plain = gg.ones(3)
    with gg.no_grad():
        w = plain[1:]
    w.mul_(5)
    assert plain.tolist() == [1.0, 5.0, 5.0]


def test_views_keep_their_gradients_through_changes_of_each_other() -> None:
    x = gg.ones(4, requires_grad=True).clone()
    v, w = x[2:], x[:3]
    v.retain_grad()
    w.retain_grad()
    x.add_(0)
    v.mul_(1)
    (v * 2).sum().backward()
    assert v.grad is not None and v.grad.tolist() == [2.0, 2.0]


def test_gradients_of_windows_that_overlap_add_up() -> None:
    x = gg.ones(2, 3, requires_grad=True)
    rows = x.expand(4, 2, 3)
    (rows * gg.arange(4.0).reshape(4, 1, 1)).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [[6.0] * 3] * 2


# Watchers


def test_each_thread_has_its_own_watchers() -> None:
    def train(failures: list[BaseException]) -> None:
        try:
            for _ in range(20):
                with gg.detect_anomaly():
                    x = gg.ones(3, requires_grad=True)
                    y = x
                    for _ in range(10):
                        y = y * 1.0
                    y.sum().backward()
        except BaseException as failure:
            failures.append(failure)

    failures: list[BaseException] = []
    threads = [threading.Thread(target=train, args=(failures,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_long_chain_is_dropped_without_recursion() -> None:
    x = gg.ones(1, requires_grad=True)
    y = x
    for _ in range(200_000):
        y = y * 1.0
    del y
    z = x
    for _ in range(200_000):
        z = z + 0.0
    z.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [1.0]


def test_none_among_the_tensors_of_a_sweep_is_refused() -> None:
    loss = gg.ones((), requires_grad=True) * 2
    for create_graph in (False, True):
        with pytest.raises(TypeError, match="got None"):
            loss.backward(create_graph=create_graph, inputs=[None])
        with pytest.raises(TypeError, match=r"got None|must be"):
            gg.autograd.grad([None], [loss], create_graph=create_graph)  # type: ignore[list-item]
