"""Gathering from and scattering to 0-d tensors, and indices without elements."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate as gg

NONE = gg.zeros(0, dtype=gg.int64)


def five(*, requires_grad: bool = False) -> gg.Tensor:
    return gg.tensor(5.0, requires_grad=requires_grad)


def test_gathering_with_zero_dimensions() -> None:
    assert gg.gather(five(), 0, gg.tensor(0)).tolist() == 5
    assert gg.gather(five(), 0, gg.tensor([0, 0])).tolist() == [5, 5]
    assert gg.gather(gg.arange(3), 0, gg.tensor(1)).tolist() == 1
    assert gg.index_select(five(), -1, gg.tensor([0])).tolist() == 5
    assert gg.index_select(gg.arange(3), 0, gg.tensor(1)).tolist() == [1]
    with pytest.raises(RuntimeError, match=r"index_select: a 0-d tensor takes one index, got 2"):
        gg.index_select(five(), 0, gg.tensor([0, 0]))
    with pytest.raises(IndexError):
        gg.gather(five(), 0, gg.tensor(1))
    with pytest.raises(IndexError):
        gg.gather(five(), 1, gg.tensor(0))
    x = five(requires_grad=True)
    (gg.gather(x, 0, gg.tensor([0, 0])).sum() + gg.index_select(x, 0, gg.tensor([0]))).backward()
    assert x.grad is not None and x.grad.tolist() == 3 and x.grad.shape == ()


def test_scattering_with_zero_dimensions() -> None:
    zero, one = gg.tensor(0), gg.tensor(1)
    assert gg.scatter(five(), 0, zero, 2.0).tolist() == gg.scatter(five(), 0, zero, gg.tensor(2.0)).tolist() == 2
    assert gg.scatter_add(five(), 0, zero, gg.tensor(2.0)).tolist() == 7
    assert gg.index_add(five(), 0, zero, gg.tensor(2.0), alpha=3).tolist() == 11
    assert (
        gg.index_copy(five(), 0, zero, gg.tensor([2.0])).tolist() == gg.index_fill(five(), 0, zero, 2.0).tolist() == 2
    )
    assert gg.scatter(gg.zeros(3), 0, one, gg.ones(3)).tolist() == [0, 1, 0]
    assert gg.index_add(gg.zeros(3), 0, one, gg.ones(1)).tolist() == [0, 1, 0]
    x = five()
    assert x.scatter_(0, zero, 3.0) is x and x.item() == 3
    assert x.index_add_(0, zero, gg.tensor(4.0)) is x and x.item() == 7 and x.shape == ()
    leaf, source = five(requires_grad=True), gg.tensor(2.0, requires_grad=True)
    (gg.scatter_add(leaf, 0, zero, source) * 3).backward()
    assert leaf.grad is not None and source.grad is not None and (leaf.grad.item(), source.grad.item()) == (3, 3)
    for alpha in (gg.ones(0), gg.ones(2)):
        with pytest.raises(RuntimeError, match="index_add: alpha must be a number"):
            gg.index_add(gg.zeros(3), 0, one, gg.ones(1), alpha=alpha)


def test_indices_without_elements() -> None:
    x = gg.arange(6.0).reshape(2, 3).requires_grad_()
    assert gg.gather(x, 1, NONE).shape == (0,) and gg.gather(x, 0, NONE.reshape(0, 3)).shape == (0, 3)
    assert gg.gather(five(), 0, NONE).shape == (0,) and gg.index_select(x, 1, NONE).shape == (2, 0)
    for unchanged in (
        gg.scatter(x, 0, NONE, 2.0),
        gg.scatter(x, 0, NONE, gg.ones(4)),
        gg.scatter_add(x, 1, NONE, gg.ones(2, 3)),
        gg.index_fill(x, 1, NONE, 2.0),
        gg.index_copy(x, 1, NONE, gg.ones(2, 0)),
        gg.index_add(x, 0, NONE, gg.ones(0, 3)),
    ):
        np.testing.assert_array_equal(unchanged.detach(), x.detach())
        assert unchanged.requires_grad and unchanged is not x
    (gg.gather(x, 1, NONE).sum() + gg.scatter(x, 0, NONE, 2.0).sum()).backward()
    assert x.grad is not None and x.grad.tolist() == [[1, 1, 1], [1, 1, 1]]
