"""Jacobians, Hessians and their products with vectors, against derivatives by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import gradgate
from gradgate import Tensor
from gradgate.autograd.functional import hessian, hvp, jacobian, jvp, vjp


def t(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64)


X, Y = [1.0, 2.0], [3.0, 5.0]


def cubes(x: Tensor, y: Tensor) -> Tensor:
    """With gradients 3 x^2 y and x^3."""
    return (x * x * x * y).sum()


def test_jacobian() -> None:
    j = jacobian(lambda x: x.exp().sum(0), t([[1.0, 2.0], [3.0, 4.0]]))
    assert j.shape == (2, 2, 2) and not j.requires_grad
    expected = np.zeros((2, 2, 2))
    for column in range(2):
        expected[column, :, column] = np.exp([[1, 2], [3, 4]])[:, column]
    np.testing.assert_allclose(j.numpy(), expected, rtol=1e-15)


def test_jacobian_of_several_outputs_by_several_inputs() -> None:
    (product, total) = jacobian(lambda x, y: (x * y, x.sum()), (t(X), t(Y)))
    assert [j.tolist() for j in product] == [np.diag(Y).tolist(), np.diag(X).tolist()]
    assert [j.tolist() for j in total] == [[1, 1], [0, 0]]  # the total does not depend on y
    assert jacobian(lambda x: t([1.0, 2.0]), t(X)).tolist() == [[0, 0], [0, 0]]
    assert jacobian(lambda x: x[:0], t(X)).shape == (0, 2)


def test_hessian() -> None:
    ((xx, xy), (yx, yy)) = hessian(cubes, (t(X), t(Y)))
    assert xx.tolist() == np.diag(6 * np.array(X) * Y).tolist()
    assert xy.tolist() == yx.tolist() == np.diag(3 * np.array(X) ** 2).tolist()
    assert yy.tolist() == [[0, 0], [0, 0]]
    assert hessian(lambda x: x.sum(), t(X)).tolist() == [[0, 0], [0, 0]]


def test_products_with_vectors() -> None:
    v, w = t([1.0, -1.0]), t([2.0, 0.5])
    value, (dx, dy) = vjp(lambda x, y: x * x * y, (t(X), t(Y)), v)
    assert (value.tolist(), dx.tolist(), dy.tolist()) == ([3, 20], [6, -20], [1, -4])
    value, change = jvp(lambda x, y: x * x * y, (t(X), t(Y)), (v, w))
    assert (value.tolist(), change.tolist()) == ([3, 20], [6 + 2, -20 + 2])
    value, (hx, hy) = hvp(cubes, (t(X), t(Y)), (v, w))
    assert value.item() == 3 + 40
    assert hx.tolist() == [18 * 1 + 3 * 2, 60 * -1 + 12 * 0.5]
    assert hy.tolist() == [3 * 1, 12 * -1]


def test_the_vector_may_be_left_out_for_one_element() -> None:
    assert vjp(lambda x: (x * x).sum(), t(X))[1].tolist() == [2, 4]
    assert jvp(lambda x: x * x, t(3.0))[1].item() == 6
    for call in (vjp, jvp):
        with pytest.raises(RuntimeError, match="can only be None for a single tensor of one element"):
            call(lambda x: x * x, t(X))


def test_results_can_be_differentiated_again() -> None:
    x = t(X).requires_grad_()
    j = jacobian(lambda x: x * x * x, x, create_graph=True)
    j.sum().backward()
    assert x.grad.tolist() == [6, 12]
    x.grad = None
    jvp(lambda x: x * x * x, x, t([1.0, 1.0]), create_graph=True)[1].sum().backward()
    assert x.grad.tolist() == [6, 12]
    assert not hessian(lambda x: (x * x * x).sum(), x).requires_grad


@pytest.mark.parametrize(
    "call",
    [
        lambda strict: jacobian(lambda x, y: x * 2, (t(X), t(Y)), strict=strict),
        lambda strict: hessian(lambda x, y: x.sum(), (t(X), t(Y)), strict=strict),
        lambda strict: vjp(lambda x, y: x * 2, (t(X), t(Y)), t(X), strict=strict),
        lambda strict: jvp(lambda x, y: x * 2, (t(X), t(Y)), (t(X), t(Y)), strict=strict),
        lambda strict: hvp(lambda x, y: x.sum(), (t(X), t(Y)), (t(X), t(Y)), strict=strict),
    ],
    ids=["jacobian", "hessian", "vjp", "jvp", "hvp"],
)
def test_strict_wants_every_input_used(call: Callable[[bool], object]) -> None:
    call(False)
    with pytest.raises(RuntimeError, match=r"does not depend on input 1, which strict=True"):
        call(True)


def test_errors() -> None:
    with pytest.raises(RuntimeError, match=r"hessian: func must return a single tensor of one element, got \(2,\)"):
        hessian(lambda x: x * 2, t(X))
    with pytest.raises(RuntimeError, match=r"vjp: v has shapes \[\(1,\)\]; they must be \[\(2,\)\]"):
        vjp(lambda x: x * 2, t(X), t([1.0]))
    with pytest.raises(TypeError, match="outputs must be a Tensor or a sequence of them, got float"):
        jacobian(lambda x: [1.0], t(X))
