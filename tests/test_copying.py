"""Copies and pickles of tensors, with their classes and attributes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import gradgate as gg
from gradgate import nn


def make_parameter() -> nn.Parameter:
    parameter = nn.Parameter(gg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    parameter.tags = ["a"]  # type: ignore[attr-defined]
    return parameter


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, *(lambda t, p=p: pickle.loads(pickle.dumps(t, protocol=p)) for p in range(2, 6))],
    ids=["deepcopy", *(f"pickle{p}" for p in range(2, 6))],
)
def test_copies_have_memory_of_their_own(duplicate: Callable[[Any], Any]) -> None:
    for x in (
        gg.tensor([1.0, 2.0], requires_grad=True),
        gg.tensor([[1, 2], [3, 4]]).T,
        gg.tensor(True),
        gg.zeros(0, 3),
        gg.ones(1).expand(3),
    ):
        y = duplicate(x)
        assert type(y) is gg.Tensor and y.dtype == x.dtype and y.requires_grad == x.requires_grad
        assert y.shape == x.shape and y.tolist() == x.tolist()
        assert not x.numel() or y.data_ptr() != x.data_ptr()
    y = duplicate(gg.tensor([[1, 2], [3, 4]]).T)
    assert y.stride() == (1, 2)
    y.fill_(0)


def test_subclasses_are_copied_with_their_attributes() -> None:
    for duplicate in (lambda t: pickle.loads(pickle.dumps(t)), copy.copy):
        parameter = make_parameter()
        other = duplicate(parameter)
        assert type(other) is nn.Parameter and other.requires_grad and other.is_leaf
        assert other.tolist() == parameter.tolist() and other.tags == ["a"]


def test_deepcopy_keeps_identity_attributes_and_gradient() -> None:
    class Marked(gg.Tensor):
        note: list[int]

    x = gg._core._make_subclass(Marked, gg.tensor([1.0, 2.0]), True)
    x.note = [1]
    (x * x).sum().backward()
    first, second = copy.deepcopy([x, x])
    assert first is second and type(first) is Marked
    assert first.note == [1] and first.note is not x.note
    assert first.grad.tolist() == [2, 4] and first.grad.data_ptr() != x.grad.data_ptr()


def test_copy_shares_memory() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    y = copy.copy(x)
    assert y is not x and y.data_ptr() == x.data_ptr() and y.requires_grad


def test_only_leaves_are_copied() -> None:
    y = gg.tensor([1.0], requires_grad=True) * 2
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(RuntimeError, match=r"only leaves can be .*<MulBackward>; use detach\(\)"):
            duplicate(y)


def test_pickles_travel_out_of_band() -> None:
    x = gg.arange(1000.0)
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(x, protocol=5, buffer_callback=buffers.append)
    assert len(data) < 1000 and len(buffers) == 1
    y = pickle.loads(data, buffers=[bytes(buffers[0])])
    y.fill_(1)
    assert x[5].item() == 5


def test_a_module_is_deep_copied() -> None:
    layer = nn.BatchNorm1d(3)
    twin = copy.deepcopy(layer)
    with gg.no_grad():
        twin.weight.fill_(5)
    assert layer.weight.tolist() == [1, 1, 1]
    assert isinstance(twin.weight, nn.Parameter)
