"""Conversions, properties and refusals of tensors that concern shapes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings

import gradgate as gg


def numbered(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(math.prod(shape), dtype=np.float64).reshape(shape)


def test_conversions() -> None:
    x = gg.tensor([0.0, 1.9, -1.9, 300.0])
    assert x.int().tolist() == [0, 1, -1, 300] and x.int().dtype == gg.int32
    assert x.long().dtype == gg.int64 and x.double().dtype == gg.float64 and x.float() is x
    assert x.bool().tolist() == [False, True, True, True]
    assert x.to(gg.tensor([1])).dtype == gg.int64 and x.type_as(gg.tensor([True])).dtype == gg.bool
    assert x.to("cpu") is x and x.to(gg.float32) is x and x.to(gg.float32, copy=True) is not x
    assert x.to("cpu", gg.float64).dtype == gg.float64 and x.to(dtype=gg.int32).dtype == gg.int32
    assert x.cpu() is x and x.device == "cpu"
    with pytest.raises(RuntimeError, match="no device 'cuda'"):
        x.to("cuda")


def test_properties() -> None:
    x = gg.tensor(numbered((2, 3, 4)), dtype=gg.float32)
    assert x.shape == x.size() == (2, 3, 4) and x.size(-1) == 4 and x.ndim == x.dim() == 3
    assert x.stride() == (12, 4, 1) and x.stride(1) == 4 and x.T.stride() == (1, 4, 12)
    assert x.numel() == x.nelement() == gg.numel(x) == 24 and x.element_size() == x.itemsize == 4 and x.nbytes == 96
    assert x.is_contiguous() and not x.mT.is_contiguous() and x.mT.contiguous().is_contiguous() and x.contiguous() is x
    assert x[1].data_ptr() - x.data_ptr() == 48
    assert x.is_floating_point() and not gg.is_floating_point(gg.tensor([1]))
    assert gg.is_tensor(x) and not gg.is_tensor(3)


def test_edges_of_pytorch() -> None:
    assert [p.shape for p in gg.tensor(np.zeros((7, 2))).chunk(4)] == [(2, 2), (2, 2), (2, 2), (1, 2)]
    assert [p.shape for p in gg.tensor(np.zeros(5)).chunk(4)] == [(2,), (2,), (1,)]
    assert [p.shape for p in gg.tensor(np.zeros((0, 2))).chunk(3)] == [(0, 2)] * 3
    assert [p.shape for p in gg.tensor(np.zeros((0, 2))).split(3)] == [(0, 2)]
    assert gg.tensor(2.0).squeeze(0).shape == () and gg.tensor(2.0).t().shape == ()
    assert gg.broadcast_shapes((2, 1), (3,), 1) == (2, 3)
    assert gg.tensor([1, 2]).view_as(gg.tensor([[1], [2]])).shape == (2, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: x.reshape(5, 5), RuntimeError, r"reshape: shape \(5, 5\) is invalid for input of shape \(2, 3, 4\)"),
        (lambda x: x.reshape(-1, -1), RuntimeError, "only one dimension can be inferred"),
        (lambda x: x.reshape("2"), TypeError, "expected ints"),
        (lambda x: x.permute(0, 1), RuntimeError, "permute"),
        (lambda x: x.permute(0, 1, 1), RuntimeError, "multiple times"),
        (lambda x: x.permute(0, 1, 3), IndexError, r"\[-3, 2\]"),
        (lambda x: x.t(), RuntimeError, "at most 2 dimensions"),
        (lambda x: x.unsqueeze(4), IndexError, r"\[-4, 3\]"),
        (lambda x: x.flatten(2, 1), RuntimeError, "start_dim"),
        (lambda x: x.unflatten(1, (2, 2)), RuntimeError, "do not multiply"),
        (lambda x: x.expand(2, 3, 5), RuntimeError, "expanded size 5"),
        (lambda x: x.expand(3, 4), RuntimeError, "fewer dimensions"),
        (lambda x: x.repeat(2), RuntimeError, "one for each dimension"),
        (lambda x: x.repeat(1, 1, -2), RuntimeError, "negative repeat"),
        (lambda x: gg.cat([]), RuntimeError, "non-empty"),
        (
            lambda x: gg.cat([x, x.narrow(1, 0, 2)]),
            RuntimeError,
            r"except in dimension 0, got shapes \(2, 3, 4\) and \(2, 2, 4\)",
        ),
        (lambda x: gg.cat([gg.tensor(1.0)]), RuntimeError, "zero-dimensional"),
        (lambda x: gg.stack([x, x[0]]), RuntimeError, "equal shape"),
        (lambda x: x.split([1, 1], 2), RuntimeError, "sum exactly to 4"),
        (lambda x: x.split(0), RuntimeError, "positive"),
        (lambda x: x.chunk(0), RuntimeError, "greater than 0"),
        (lambda x: gg.tensor(1.0).unbind(), RuntimeError, "0-d tensor"),
        (lambda x: x.narrow(2, 3, 2), RuntimeError, "exceeds"),
        (lambda x: x.narrow(2, 5, 0), IndexError, "out of range"),
        (lambda x: x.select(1, 3), IndexError, "out of range"),
        (lambda x: gg.pad(x, (1,)), RuntimeError, "odd number"),
        (lambda x: gg.pad(x, (1, 1) * 4), RuntimeError, "more than the dimensions"),
        (lambda x: gg.pad(x, (-3, -3)), RuntimeError, "negative size"),
        (lambda x: gg.pad(x, (1, 1), mode="mirror"), RuntimeError, "'constant', 'reflect', .* got 'mirror'"),
        (lambda x: gg.pad(x, (1, 1), mode="reflect", value=2.0), RuntimeError, "'reflect' takes no value"),
        (lambda x: gg.pad(x, (4, 0), mode="reflect"), RuntimeError, "4 and 0 elements do not fit around dimension 2"),
        (lambda x: gg.pad(x, (0, 5), mode="circular"), RuntimeError, "0 and 5 elements do not fit"),
        (lambda x: gg.pad(x[:0], (0, 0, 0, 0, 1, 0), mode="replicate"), RuntimeError, "do not fit around dimension 0"),
        (lambda x: x.movedim((0, 1), 0), RuntimeError, "as many"),
        (lambda x: gg.meshgrid(x), RuntimeError, "1-d"),
        (lambda x: gg.meshgrid(gg.tensor([1]), indexing="yx"), RuntimeError, "indexing"),
        (lambda x: gg.tensor([1.0]).mT, RuntimeError, "at least 2"),
        (lambda x: x.size(3), IndexError, r"\[-3, 2\]"),
        (lambda x: gg.broadcast_tensors(x, gg.tensor([1, 2])), RuntimeError, "broadcast"),
    ],
)
def test_errors(call: Callable[[gg.Tensor], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(gg.tensor(numbered((2, 3, 4))))


settings.register_profile("shapes", deadline=None, max_examples=150)
settings.load_profile("shapes")


@pytest.mark.parametrize(
    "make",
    [
        lambda huge: huge.expand(4, 2**62),
        lambda huge: gg.cat([huge] * 4),
        lambda huge: gg.stack([huge] * 4),
        lambda huge: gg.ones(4).repeat(2**62),
        lambda huge: gg.nn.functional.pad(gg.ones(2), (2**62, 2**62)),
        lambda huge: huge + 1,
    ],
)
def test_sizes_beyond_64_bits_are_refused(make: Callable[[gg.Tensor], gg.Tensor]) -> None:
    with pytest.raises(RuntimeError, match="too large"):
        make(gg.ones(1).expand(2**62))
