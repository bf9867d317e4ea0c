"""In-place changes through views: values, gradients, versions and memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradgate
from gradgate import Tensor


def leaf(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64, requires_grad=True)


def data(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64)


def grad_of(t: Tensor) -> object:
    assert t.grad is not None
    return t.grad.tolist()


def test_assignment_and_change_through_a_view() -> None:
    x, w = leaf([1.0, 2.0, 3.0]), leaf(10.0)
    y = x * 2
    y[0] = w
    v = y[1]
    v.mul_(3)
    assert y.tolist() == [10, 12, 6]
    (y * data([1.0, 10.0, 100.0])).sum().backward()
    assert grad_of(x) == [0, 60, 200]  # y = [w, 6 x1, 2 x2]
    assert grad_of(w) == 1


def test_view_taken_before_the_base_changes() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    v = y[1:]
    before = v * 5  # 10 x1
    y.mul_(y)  # y = 4 x^2, without what needs the old value: before keeps only 5
    after = v * 1  # 4 x1^2
    (before + after).sum().backward()
    assert grad_of(x) == [0, 10 + 16]


def test_views_of_views_and_chains() -> None:
    x = leaf(np.arange(6.0).reshape(2, 3))
    y = x * 1
    rows = y[1:]
    column = rows.t()[2]  # y[1, 2]
    flat = y.view(6)
    column.add_(1)  # x12 + 1
    flat.mul_(2)  # 2 x, 2 (x12 + 1)
    rows.pow_(2)  # 4 x1., 4 (x12 + 1)^2
    column.mul_(3)  # 12 (x12 + 1)^2
    assert y.tolist() == [[0, 2, 4], [36, 64, 12 * 36]]
    assert flat.tolist() == [0, 2, 4, 36, 64, 432]
    assert column.item() == 432
    (flat.sum() + column.sum()).backward()
    # d(4 x^2) = 8 x; the column counts twice: 2 * 24 (x12 + 1)
    assert grad_of(x) == [[2, 2, 2], [24, 32, 288]]


def test_view_of_a_constant_base_that_comes_to_require_a_gradient() -> None:
    w = leaf(3.0)
    buffer = data([1.0, 1.0, 1.0])
    v = buffer[1:]
    assert not v.requires_grad
    buffer[1] = w * 2
    assert v.requires_grad
    assert not v.is_leaf
    (v * v).sum().backward()
    assert grad_of(w) == 2 * 6 * 2


def test_base_in_another_memory_order() -> None:
    x, w = leaf(np.arange(6.0).reshape(3, 2)), leaf([5.0, 7.0])
    y = x.t() * 1  # stored column by column
    assert not y.is_contiguous()
    y[:, 1] = w
    y.t().reshape(6).mul_(2)  # the memory's own order is one run
    diagonal = y.diagonal()
    diagonal.mul_(3)
    upstream = data([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    (y * upstream).sum().backward()
    assert y.tolist() == [[0, 10, 8], [2, 42, 10]]
    assert grad_of(x) == [[6, 8], [0, 0], [6, 12]]
    assert grad_of(w) == [4, 30]


def test_base_with_gaps_in_memory() -> None:
    memory = np.arange(24.0).reshape(4, 6)
    base = gradgate.from_numpy(memory[::2, 1::2])  # (2, 3), strides 12 and 2
    w = leaf([1.0, 2.0])
    base[:, 1] = w
    base[1].mul_(w[0] * 3)
    assert base.tolist() == [[1, 1, 5], [39, 6, 51]]
    assert memory[2].tolist() == [12, 39, 14, 6, 16, 51]
    base.backward(data([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    # base[1] = 3 w0 [13, w1, 17]
    assert grad_of(w) == [2 + 3 * (4 * 13 + 5 * 2 + 6 * 17), 5 * 3]


def test_infinite_upstream_is_cut_where_the_base_was_overwritten() -> None:
    x, w = leaf([1.0, 2.0]), leaf(0.0)
    y = x * 1
    y[0] = w
    y.backward(data([np.inf, 1.0]))
    assert grad_of(x) == [0, 1]
    assert grad_of(w) == np.inf


def test_overwritten_whole_the_tensor_keeps_its_place_in_the_graph() -> None:
    changes: list[Callable[[Tensor], Any]] = [
        lambda y: y.zero_(),
        lambda y: y.fill_(4),
        lambda y: y.__setitem__(Ellipsis, 4.0),
        lambda y: y.__setitem__(slice(None), data([1.0, 2.0])),
        lambda y: y.__setitem__([0, 1], 4.0),
        lambda y: y.masked_fill_(y == y, 4.0),
    ]
    for change in changes:
        x = leaf([1.0, 2.0])
        y = x * 2
        change(y)
        assert y.requires_grad
        y.sum().backward()
        assert grad_of(x) == [0, 0]


def test_a_copied_leaf_stays_another_tensor() -> None:
    w = leaf([1.0, 2.0])
    y = data([0.0, 0.0])
    y[...] = w
    assert y.grad_fn is not None
    y.retain_grad()
    (y * 2 + w * 10).sum().backward()
    assert grad_of(y) == [2, 2]
    assert grad_of(w) == [12, 12]


def test_retained_gradient_is_that_of_the_last_value() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    y.retain_grad()
    y[0] = 7.0
    y.mul_(3)
    (y * 5).sum().backward()
    assert grad_of(y) == [5, 5]
    assert grad_of(x) == [0, 30]


def test_changes_under_no_grad_are_not_recorded_but_noticed() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    with gradgate.no_grad():
        y[0] = 100.0
    y.sum().backward(retain_graph=True)
    assert grad_of(x) == [2, 2]
    z = y * y
    with gradgate.no_grad():
        y[0] = 1.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_change_through_a_view_is_noticed_in_saved_relatives() -> None:
    for change in (lambda y: y[0].mul_(2), lambda y: y.view(4)[3:].zero_(), lambda y: y.detach().add_(1)):
        x = leaf([[1.0, 2.0], [3.0, 4.0]])
        y = x * 1
        z = y.t().exp() * y[1]
        change(y)
        with pytest.raises(RuntimeError, match=r"Backward: .*modified by an inplace operation.*expected version"):
            z.sum().backward()


def test_shared_elements_cannot_be_written() -> None:
    y = (leaf([1.0, 2.0]) * 1).expand(3, 2)
    with pytest.raises(RuntimeError, match="refers to a single memory location"):
        y[0:2] = 0.0
    y[0] = 4.0  # one row is memory enough: it is every row
    assert y.tolist() == [[4, 4]] * 3


def test_second_derivatives_through_changes() -> None:
    def f(x: Tensor, w: Tensor) -> Tensor:
        y = x**2
        v = y[1:]
        v.mul_(w)
        y[0] = y[1].clone() * x[0]
        v.t()[0].add_(y[0, 1])
        return y**2

    rng = np.random.default_rng(1)
    inputs = (leaf(rng.standard_normal((3, 2))), leaf(rng.standard_normal(2)))
    assert gradgate.autograd.gradcheck(f, inputs)
    assert gradgate.autograd.gradgradcheck(f, inputs)


# Programs of in-place changes: each step takes a view of a 3 x 4 tensor (or of its transpose) and changes it.
VIEWS: list[Callable[[Any], Any]] = [
    lambda y: y,
    lambda y: y[1],
    lambda y: y[:, 2],
    lambda y: y[1:, ::2],
    lambda y: y[0:2][1][1:3],
    lambda y: y.T[1:3],
    lambda y: y.reshape(12)[3:9],
    lambda y: y.reshape(2, 6)[:, 1:4].T,
]
STEPS = ["scale", "square", "shift", "assign", "zero", "from base", "gather"]


def run_program(y: Any, program: list[tuple[int, str]], x: Any) -> Any:
    """The program on a tensor or on an array; x has 12 elements."""
    early = [view(y) for view in VIEWS]  # views from before the changes must show them, too
    for i, (which, step) in enumerate(program):
        v = early[which] if i % 2 else VIEWS[which](y)
        if step == "scale":
            v *= 1.5
        elif step == "square":
            v *= v * 0.5  # a gate may keep what it overwrites
        elif step == "shift":
            v += x[i]
        elif step == "assign":
            v[...] = x[i] * x[i + 1]
        elif step == "zero":
            v[...] = 0
        elif step == "from base":
            v[...] = (y[0, 0] * 1) * (y[2, 3] * 1)  # of copies, lest kept values be overwritten
        else:
            v[[0, 1, 0]] = v[[1, 0, 1]] * 2 if i % 2 else x[i]
    return sum((early[k] * (k + 1)).sum() for k in range(len(VIEWS))) + (y * y).sum()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(VIEWS) - 1), st.sampled_from(STEPS)), min_size=1, max_size=8), st.booleans()
)
def test_programs_of_changes(program: list[tuple[int, str]], transposed: bool) -> None:
    start = np.random.default_rng(len(program)).uniform(0.5, 1.5, 12)

    def run(x: Any) -> Any:
        return run_program((x.reshape(4, 3).T if transposed else x.reshape(3, 4)) * 1, program, x)

    x = leaf(start)
    # Sums in another order: 12 + 8 * 12 terms of up to 2^60 would overflow any bound, so the values are compared relatively.
    np.testing.assert_allclose(run(x).item(), run(start), rtol=1e-12)
    assert gradgate.autograd.gradcheck(run, (x,), rtol=1e-4)
