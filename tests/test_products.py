"""Products of vectors, matrices and rows: one gate each, its values, its gradients of first and second order, its rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradgate as gg
from gradgate import Tensor
from gradgate.autograd import gradcheck, gradgradcheck
from gradgate.nn import functional as F

# The operands' shapes, the gate's kind, and its rules.
PRODUCTS: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[str, str, str]] = {
    ((3,), (3,)): ("dot", "dy * b", "dy * a"),
    ((2, 3), (3,)): ("mv", "np.outer(dy, b)", "a.T @ dy"),
    ((2,), (2, 3)): ("vm", "b @ dy", "np.outer(a, dy)"),
    ((2, 3), (3, 4)): ("mm", "dy @ b.T", "a.T @ dy"),
    ((2, 5, 3), (3, 4)): ("matmul", "dy @ b.T", "a.reshape(-1, 3).T @ dy.reshape(-1, 4)"),
    ((2, 5, 3), (3,)): (
        "matmul",
        "np.outer(dy.reshape(-1), b).reshape(-1, 5, 3)",
        "a.reshape(-1, 3).T @ dy.reshape(-1)",
    ),
    ((2, 3, 4), (2, 4, 2)): ("bmm", "dy @ b.transpose((0, 2, 1))", "a.transpose((0, 2, 1)) @ dy"),
}


def operand(*shape: int, seed: int = 0) -> Tensor:
    """A leaf whose memory is in another order than its rows where it has several dimensions."""
    values = np.random.default_rng(seed).standard_normal(shape[::-1]).T
    return gg.from_numpy(values).requires_grad_()


def product_of(a: Tensor, b: Tensor) -> Tensor:
    return gg.bmm(a, b) if b.ndim == 3 else a @ b


def rules(a: Tensor, b: Tensor) -> list[Any]:
    flow = gg.explain(product_of(a, b).sum(), names={"a": a, "b": b})
    return [flow.gates[0].kind, *(edge.rule for edge in flow.gates[0].inputs)]


@pytest.mark.parametrize(("shapes", "expected"), PRODUCTS.items())
def test_a_product_is_one_gate(shapes: tuple[tuple[int, ...], ...], expected: tuple[str, ...]) -> None:
    a, b = operand(*shapes[0]), operand(*shapes[1], seed=1)
    y = product_of(a, b)
    np.testing.assert_allclose(y.detach().numpy(), a.detach().numpy() @ b.detach().numpy(), rtol=1e-13)
    assert [gate.kind for gate in gg.explain(y.sum())] == [expected[0], "sum"]
    assert rules(*(t.detach().contiguous().requires_grad_() for t in (a, b))) == list(expected)


@pytest.mark.parametrize("shapes", PRODUCTS)
def test_gradients_of_both_orders(shapes: tuple[tuple[int, ...], ...]) -> None:
    inputs = [operand(*shapes[0]), operand(*shapes[1], seed=1)]
    assert gradcheck(product_of, inputs)
    assert gradgradcheck(product_of, inputs)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (5, 2, 3), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_linear_is_one_gate_for_any_number_of_dimensions(shape: tuple[int, ...], with_bias: bool) -> None:
    x, weight = operand(*shape), operand(4, 3, seed=1)
    arguments = [x, weight, operand(4, seed=2)] if with_bias else [x, weight]
    y = F.linear(*arguments)
    expected = x.detach().numpy() @ weight.detach().numpy().T + (arguments[2].detach().numpy() if with_bias else 0)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-12, atol=1e-14)
    assert [gate.kind for gate in gg.explain(y.sum())] == ["linear", "sum"]
    assert gradcheck(F.linear, arguments)
    assert gradgradcheck(F.linear, arguments)


def test_linear_of_a_vector_has_the_lectures_rules() -> None:
    x, W, b = operand(3), operand(4, 3, seed=1), operand(4, seed=2)
    flow = gg.explain(F.linear(x, W, b).sum())
    assert [edge.rule for edge in flow["linear_1"].inputs] == ["dy @ W", "np.outer(dy, x)", "dy"]
    assert flow["linear_1"].formula == "x @ W.T + b"


@pytest.mark.parametrize("memory", ["rows", "columns"])
def test_the_gradient_of_a_weight_has_its_memory_order(memory: str) -> None:
    weight = gg.ones(4, 3) if memory == "rows" else gg.ones(3, 4).t()
    weight.requires_grad_()
    for shape in ((3,), (2, 3), (5, 2, 3)):
        weight.grad = None
        F.linear(gg.ones(*shape), weight).sum().backward()
        assert weight.grad is not None and weight.grad.stride() == weight.stride()


def test_the_outer_product_is_one_gate() -> None:
    a, b = operand(2), operand(3, seed=1)
    y = gg.outer(a, b)
    assert y.tolist() == np.outer(a.detach().numpy(), b.detach().numpy()).tolist()
    flow = gg.explain(y.sum())
    assert [gate.kind for gate in flow] == ["outer", "sum"]
    assert [edge.rule for edge in flow["outer_1"].inputs] == ["dy @ b", "dy.T @ a"]
    assert gradcheck(gg.outer, [a, b]) and gradgradcheck(gg.outer, [a, b])
    assert gg.outer(gg.tensor([1, 2]), gg.tensor([3, 4])).tolist() == [[3, 4], [6, 8]]
    with pytest.raises(RuntimeError, match=r"outer: expected vectors, got shapes \(2,\) and \(2, 1\)"):
        gg.outer(a, a[:, None])


def test_the_jacobian_by_a_vector_is_the_matrix() -> None:
    W, x = operand(2, 3), operand(3, seed=1)
    by_matrix, by_vector = gg.explain((W @ x).sum())["mv_1"].inputs
    np.testing.assert_array_equal(by_vector.jacobian().numpy(), W.detach().numpy())
    np.testing.assert_array_equal(by_matrix.jacobian().numpy(), np.kron(np.eye(2), x.detach().numpy()))


@pytest.mark.parametrize("size", [1, 300])
def test_a_vector_is_a_row_or_a_column_bit_by_bit(size: int) -> None:
    W, x, y = gg.randn(7, size), gg.randn(size), gg.randn(7)
    assert gg.equal(W @ x, (W @ x[:, None])[:, 0])
    assert gg.equal(y @ W, (y[None] @ W)[0])
    assert gg.equal(x @ x, (x[None] @ x[:, None])[0, 0])
    assert gg.equal(W[:, ::2] @ x[::2], (W[:, ::2] @ x[::2][:, None])[:, 0])


def test_names_of_nodes_are_the_fields() -> None:
    W, x = operand(3, 3), operand(3)
    names = [str(y.grad_fn) for y in (W @ x, x @ x, x @ W, gg.outer(x, x), W @ W)]
    assert [name.strip("<>").partition(" ")[0] for name in names] == [
        "MvBackward",
        "DotBackward",
        "VmBackward",
        "OuterBackward",
        "MmBackward",
    ]


def test_empty_sizes() -> None:
    assert (gg.ones(2, 0) @ gg.ones(0)).tolist() == [0, 0]
    assert (gg.ones(0) @ gg.ones(0)).item() == 0
    assert gg.ones(0, 3).mv(gg.ones(3)).shape == (0,)
    assert (gg.ones(2, 3, 0) @ gg.ones(0, 4)).shape == (2, 3, 4)


def test_a_factor_of_zero_leaves_a_term_of_addmm_out() -> None:
    one, nan = gg.ones(2, 2), gg.full((2, 2), np.nan)
    for odd in (nan, gg.full((2, 2), np.inf), gg.full((2,), -np.inf)):
        assert gg.addmm(odd, one, one, beta=0).tolist() == [[2, 2], [2, 2]]
        assert odd.addmm(one, one, beta=0.0, alpha=2).tolist() == [[4, 4], [4, 4]]
    assert gg.addmm(one, nan, one, alpha=0).tolist() == [[1, 1], [1, 1]]
    assert np.isnan(gg.addmm(nan, one, one).numpy()).all()
    x = nan.clone().requires_grad_()
    gg.addmm(x, one, one, beta=0).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [[0, 0], [0, 0]]
    with pytest.raises(RuntimeError, match="do not broadcast"):
        gg.addmm(gg.ones(3), one, one, beta=0)
