"""Copies and pickles of tensors."""

from __future__ import annotations

import copy
import pickle

import pytest

import gradgate
from gradgate import nn


def test_deepcopy_has_its_own_memory_and_gradient() -> None:
    x = gradgate.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    twin = copy.deepcopy(x)
    assert twin.requires_grad and twin.grad is not None
    assert twin.grad.tolist() == [2, 4]
    with gradgate.no_grad():
        twin.add_(1)
    twin.grad.zero_()
    assert x.tolist() == [1, 2]
    assert x.grad is not None and x.grad.tolist() == [2, 4]


def test_deepcopy_keeps_shared_tensors_shared() -> None:
    x = gradgate.tensor([1.0])
    a, b = copy.deepcopy([x, x])
    assert a is b


def test_a_module_is_deep_copied() -> None:
    layer = nn.BatchNorm1d(3)
    twin = copy.deepcopy(layer)
    with gradgate.no_grad():
        twin.weight.fill_(5)
    assert layer.weight.tolist() == [1, 1, 1]
    assert isinstance(twin.weight, nn.Parameter)


@pytest.mark.parametrize("dtype", [gradgate.float32, gradgate.float64, gradgate.int64, gradgate.bool])
def test_pickle(dtype: gradgate.dtype) -> None:
    x = gradgate.tensor([[0, 1], [1, 0]]).to(dtype)
    again = pickle.loads(pickle.dumps(x))
    assert again.dtype == dtype
    assert again.tolist() == x.tolist()


def test_results_of_gates_are_refused() -> None:
    y = gradgate.tensor([1.0], requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"only leaves can be deep-copied.*<MulBackward>"):
        copy.deepcopy(y)
    with pytest.raises(RuntimeError, match="only leaves can be pickled"):
        pickle.dumps(y)
