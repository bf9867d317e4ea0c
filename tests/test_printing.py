"""How tensors print, to the letter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import gradgate
from gradgate import tensor


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    yield
    gradgate.set_printoptions(profile="default")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (tensor(3.0), "tensor(3.)"),
        (tensor(0.1), "tensor(0.1000)"),
        (tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
        (tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (tensor([10.0, -2.0]), "tensor([10., -2.])"),
        (
            tensor([[1.0, 2.0], [3.0, 4.0]], dtype=gradgate.float64),
            "tensor([[1., 2.],\n        [3., 4.]], dtype=gradgate.float64)",
        ),
        (tensor([1, -20]), "tensor([  1, -20])"),
        (tensor([1, 2], dtype=gradgate.int32), "tensor([1, 2], dtype=gradgate.int32)"),
        (tensor([True, False]), "tensor([ True, False])"),
        (tensor([1e-6, 1.0]), "tensor([1.0000e-06, 1.0000e+00])"),
        (tensor([1e9, 1.5]), "tensor([1.0000e+09, 1.5000e+00])"),
        (tensor([float("nan"), float("inf"), -1.5]), "tensor([    nan,     inf, -1.5000])"),
        (tensor([]), "tensor([])"),
        (tensor(np.zeros((0, 3), np.float32)), "tensor([], size=(0, 3))"),
        (tensor(np.zeros(0, np.int64)), "tensor([], dtype=gradgate.int64)"),
        (tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward>)"),
        (
            tensor([1.0], dtype=gradgate.float64, requires_grad=True),
            "tensor([1.], dtype=gradgate.float64, requires_grad=True)",
        ),
    ],
)
def test_repr(value: gradgate.Tensor, text: str) -> None:
    assert repr(value) == text
    assert str(value) == text


def test_large_tensors_are_summarised() -> None:
    assert repr(gradgate.from_numpy(np.arange(2000))) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    text = repr(gradgate.from_numpy(np.zeros((50, 50), np.float32)))
    row = "[0., 0., 0.,  ..., 0., 0., 0.]"
    assert (
        text
        == f"tensor([{row},\n        {row},\n        {row},\n        ...,\n        {row},\n        {row},\n        {row}])"
    )


def test_options() -> None:
    x = tensor([0.123456789, 2.0])
    gradgate.set_printoptions(precision=2)
    assert repr(x) == "tensor([0.12, 2.00])"
    gradgate.set_printoptions(sci_mode=True)
    assert repr(x) == "tensor([1.23e-01, 2.00e+00])"
    gradgate.set_printoptions(profile="default")
    assert repr(x) == "tensor([0.1235, 2.0000])"
    gradgate.set_printoptions(threshold=3, edgeitems=1)
    assert repr(gradgate.from_numpy(np.arange(5))) == "tensor([0,  ..., 4])"
    with pytest.raises(ValueError, match="no profile 'wide'"):
        gradgate.set_printoptions(profile="wide")


def test_long_suffix_goes_to_a_line_of_its_own() -> None:
    x = tensor(np.linspace(0.1, 0.9, 9), requires_grad=True)
    assert repr(x).endswith("0.9000],\n       dtype=gradgate.float64, requires_grad=True)")


def test_format() -> None:
    loss = tensor(2.34567, requires_grad=True)
    assert f"{loss:.2f}" == "2.35"
    assert f"{tensor(3):d}" == "3"
    assert f"{loss}" == repr(loss)
    with pytest.raises(TypeError, match=r"unsupported format string '.2f' for a tensor of shape \(2,\)"):
        f"{tensor([1.0, 2.0]):.2f}"
