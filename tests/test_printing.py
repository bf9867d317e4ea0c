"""What repr, str and format say of tensors, as literal text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import gradgate as gg
from gradgate import nn

inf, nan = float("inf"), float("nan")


@pytest.fixture(autouse=True)
def _default_options() -> Iterator[None]:
    yield
    gg.set_printoptions(profile="default")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: gg.tensor([1, 2.5]), "tensor([1.0000, 2.5000])"),
        (lambda: gg.tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (
            lambda: gg.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=gg.float64),
            "tensor([[1., 2.],\n        [3., 4.]], dtype=gradgate.float64)",
        ),
        (lambda: gg.tensor(3.0), "tensor(3.)"),
        (lambda: gg.tensor(-0.0), "tensor(-0.)"),
        (lambda: gg.tensor(1 / 3, requires_grad=True), "tensor(0.3333, requires_grad=True)"),
        (lambda: gg.tensor([True, False]), "tensor([ True, False])"),
        (lambda: gg.tensor([1, -20]), "tensor([  1, -20])"),
        (lambda: gg.tensor(2, dtype=gg.int32), "tensor(2, dtype=gradgate.int32)"),
        (lambda: gg.tensor([]), "tensor([])"),
        (lambda: gg.zeros(0, 3), "tensor([], size=(0, 3))"),
        (lambda: gg.tensor([], dtype=gg.int64), "tensor([], dtype=gradgate.int64)"),
        (lambda: gg.tensor([1.0, 2.0], requires_grad=True) * 2, "tensor([2., 4.], grad_fn=<MulBackward>)"),
        (lambda: gg.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
        (lambda: gg.tensor([1.0, 1000.0]), "tensor([   1., 1000.])"),
        (lambda: gg.tensor([1.0, 2000.0]), "tensor([1.0000e+00, 2.0000e+03])"),
        (lambda: gg.tensor([nan, inf, -1.5]), "tensor([    nan,     inf, -1.5000])"),
        (lambda: gg.tensor([nan, 0.0, -inf]), "tensor([nan, 0., -inf])"),
        (lambda: gg.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
        (lambda: gg.arange(1001.0), "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])"),
        (
            lambda: gg.zeros(2, 2, 2),
            "tensor([[[0., 0.],\n         [0., 0.]],\n\n        [[0., 0.],\n         [0., 0.]]])",
        ),
        (
            lambda: gg.zeros(40, 40),
            "tensor([[0., 0., 0.,  ..., 0., 0., 0.],\n        [0., 0., 0.,  ..., 0., 0., 0.],\n"
            "        [0., 0., 0.,  ..., 0., 0., 0.],\n        ...,\n        [0., 0., 0.,  ..., 0., 0., 0.],\n"
            "        [0., 0., 0.,  ..., 0., 0., 0.],\n        [0., 0., 0.,  ..., 0., 0., 0.]])",
        ),
        (
            lambda: gg.eye(2) * 1e10,
            "tensor([[1.0000e+10, 0.0000e+00],\n        [0.0000e+00, 1.0000e+10]])",
        ),
        (lambda: gg.tensor([[1, 2], [3, 4]]).T, "tensor([[1, 3],\n        [2, 4]])"),
        (
            lambda: gg.arange(20, dtype=gg.int32),
            "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
            "        18, 19], dtype=gradgate.int32)",
        ),
        (
            lambda: gg.full((1, 8), -0.5),
            "tensor([[-0.5000, -0.5000, -0.5000, -0.5000, -0.5000, -0.5000, -0.5000, -0.5000]])",
        ),
        (
            lambda: gg.full((8,), -0.5, dtype=gg.float64),
            "tensor([-0.5000, -0.5000, -0.5000, -0.5000, -0.5000, -0.5000, -0.5000, -0.5000],\n"
            "       dtype=gradgate.float64)",
        ),
        (lambda: nn.Parameter(gg.tensor([1.0])), "Parameter containing:\ntensor([1.], requires_grad=True)"),
    ],
)
def test_repr(make: Callable[[], gg.Tensor], expected: str) -> None:
    assert repr(make()) == str(make()) == expected


def test_subclasses_print_under_their_names() -> None:
    class Weight(nn.Parameter):
        __repr__ = gg.Tensor.__repr__

    assert repr(Weight(gg.tensor([1.0, 2.0]))) == "Weight([1., 2.], requires_grad=True)"


def test_options() -> None:
    x = gg.tensor([1 / 3, 2000.0])
    gg.set_printoptions(precision=2)
    assert repr(x) == "tensor([3.33e-01, 2.00e+03])"
    gg.set_printoptions(sci_mode=False)
    assert repr(x) == "tensor([   0.33, 2000.00])"
    gg.set_printoptions(sci_mode=True)
    assert repr(gg.tensor([1.0, 2.5])) == "tensor([1.00e+00, 2.50e+00])"
    gg.set_printoptions(profile="default", threshold=4, edgeitems=1)
    assert repr(gg.arange(5)) == "tensor([0,  ..., 4])"
    assert repr(gg.arange(4)) == "tensor([0, 1, 2, 3])"
    gg.set_printoptions(profile="full", linewidth=20)
    assert repr(gg.arange(12)) == "tensor([ 0,  1,  2,\n         3,  4,  5,\n         6,  7,  8,\n         9, 10, 11])"
    assert repr(gg.arange(2000)).count(",") == 1999
    gg.set_printoptions(profile="short")
    assert gg.get_printoptions() == {
        "precision": 2,
        "threshold": 1000,
        "edgeitems": 2,
        "linewidth": 80,
        "sci_mode": None,
    }
    with pytest.raises(ValueError, match="profile must be one of default, short, full, got 'long'"):
        gg.set_printoptions(profile="long")


def test_numpys_own_options_do_not_matter() -> None:
    with np.printoptions(precision=1, threshold=2, suppress=True, sign="+"):
        assert repr(gg.tensor([0.125, 2.0, 3.0])) == "tensor([0.1250, 2.0000, 3.0000])"


def test_format() -> None:
    loss = gg.tensor(1.23456, requires_grad=True)
    assert f"{loss:.2f}" == "1.23" and f"{gg.tensor(3)}" == "3" and f"{gg.tensor(7):04d}" == "0007"
    assert f"{gg.tensor([1])}" == "tensor([1])"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{gg.tensor([1]):.2f}"
