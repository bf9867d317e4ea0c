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


def test_copies_of_a_tensor_and_its_views_share_memory_in_any_order() -> None:
    x = gg.arange(24.0).reshape(2, 3, 4)
    tensors = [x[:, 1:], x, x[1], x.permute(2, 0, 1)[::2], x[0, 0, 3], x[..., 1:3].unsqueeze(0), x[:1].expand(2, 3, 4)]
    for order in (tensors, tensors[::-1], tensors[3:] + tensors[:3]):
        copies = copy.deepcopy(order)
        for original, copied in zip(order, copies, strict=True):
            assert copied.shape == original.shape and copied.stride() == original.stride()
            assert copied.tolist() == original.tolist() and copied.data_ptr() != original.data_ptr()
        whole = next(c for t, c in zip(order, copies, strict=True) if t is x)
        whole[...] = gg.arange(24.0).reshape(2, 3, 4) + 100
        assert [c.tolist() for c in copies] == [(t + 100).tolist() for t in order]
    assert x.tolist() == gg.arange(24.0).reshape(2, 3, 4).tolist()


def test_copies_of_parts_that_meet_share_what_they_have_in_common() -> None:
    x = gg.arange(6.0)
    first, second, third = copy.deepcopy([x[:2], x[3:], x[1:4]])
    third.add_(100)
    assert (first.tolist(), second.tolist()) == ([0, 101], [103, 4, 5])
    version = first._version
    second.add_(1)
    assert first._version == version + 1  # a change is noticed by whatever keeps one of them


def test_a_module_over_one_vector_of_parameters_is_deep_copied() -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 3)
            self.flat = nn.utils.parameters_to_vector(self.layer.parameters()).detach()
            self.layer.weight.data, self.layer.bias.data = self.flat[:6].view(3, 2), self.flat[6:]

    net = Flat()
    (net.layer(gg.ones(1, 2)) ** 2).sum().backward()
    twin = copy.deepcopy(net)
    twin.flat.fill_(2)
    assert twin.layer.weight.tolist() == [[2, 2]] * 3 and twin.layer.bias.tolist() == [2] * 3
    assert type(twin.layer.weight) is nn.Parameter and twin.layer.weight.requires_grad
    assert twin.layer.weight.grad.tolist() == net.layer.weight.grad.tolist()
    assert 2 not in net.flat.tolist()


def test_copies_share_no_more_than_the_originals() -> None:
    memory = gg.arange(4.0)
    x, y = copy.deepcopy([memory[:2], memory[2:]])
    other = copy.deepcopy(memory)
    x.fill_(7)
    assert (y.tolist(), other.tolist(), memory.tolist()) == ([2, 3], [0, 1, 2, 3], [0, 1, 2, 3])
    grad = gg.ones(2)
    w = gg.zeros(2, requires_grad=True)
    w.grad = grad
    copied, copied_grad = copy.deepcopy([w, grad])
    copied_grad.fill_(5)
    assert copied.grad.tolist() == [5, 5] and w.grad.tolist() == [1, 1]
