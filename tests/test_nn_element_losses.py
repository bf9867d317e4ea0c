"""The losses of elements against NumPy references: differences and probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradgate
from gradgate import nn
from gradgate.nn import functional as F
from loss_reference import assert_loss, randn, reduced

# Losses of elements.


def huber_reference(d: float, delta: float) -> float:
    return 0.5 * d * d if abs(d) <= delta else delta * (abs(d) - 0.5 * delta)


ELEMENT_LOSSES = {
    "mse_loss": ({}, lambda d: d * d),
    "l1_loss": ({}, abs),
    "smooth_l1_loss": ({"beta": 0.7}, lambda d: huber_reference(d, 0.7) / 0.7),
    "huber_loss": ({"delta": 0.7}, lambda d: huber_reference(d, 0.7)),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ELEMENT_LOSSES)
@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 1, 3), ()])
def test_losses_of_differences(shape, name, reduction):
    options, element = ELEMENT_LOSSES[name]
    target = randn(*shape, seed=1)
    assert_loss(
        lambda x: getattr(F, name)(x, gradgate.tensor(target), reduction=reduction, **options),
        lambda x: reduced(np.vectorize(element)(x - target), reduction),
        randn(*shape),
    )


def test_losses_of_differences_reach_the_target():
    for name, (options, _) in ELEMENT_LOSSES.items():
        x = gradgate.tensor(randn(5), requires_grad=True)
        target = gradgate.tensor(randn(5, seed=1), requires_grad=True)
        getattr(F, name)(x, target, **options).backward()
        assert target.grad.tolist() == (-x.grad).tolist(), name


def test_huber_at_its_corner_and_smooth_l1_without_one():
    corner = gradgate.tensor([2.0, -2.0], requires_grad=True)
    losses = F.huber_loss(corner, gradgate.zeros(2), reduction="none", delta=2.0)
    assert losses.tolist() == [2.0, 2.0]
    losses.sum().backward()
    assert corner.grad.tolist() == [2.0, -2.0]
    assert F.smooth_l1_loss(gradgate.tensor([-3.0]), gradgate.zeros(1), beta=0.0).item() == 3.0


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy(weighted, reduction):
    rng = np.random.default_rng(2)
    x, target = rng.uniform(0.05, 0.95, (4, 3)), rng.random((4, 3))
    weight = np.array([1.0, 0.5, 3.0]) if weighted else np.ones(3)
    assert_loss(
        lambda x: F.binary_cross_entropy(x, gradgate.tensor(target), gradgate.tensor(weight), reduction),
        lambda x: reduced(-weight * (target * np.log(x) + (1 - target) * np.log1p(-x)), reduction),
        x,
    )


def test_binary_cross_entropy_holds_the_logarithm_at_minus_100():
    x = gradgate.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    losses = F.binary_cross_entropy(x, gradgate.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    assert losses.tolist() == [100.0, 100.0, 0.0, 0.0]
    losses.sum().backward()
    assert all(math.isfinite(gradient) for gradient in x.grad.tolist())


@pytest.mark.parametrize("bad", [1.5, -0.25, 255.0, math.nan, math.inf])
def test_binary_cross_entropy_takes_probabilities_alone(bad):
    good, wrong = gradgate.tensor([0.5, 0.25]), gradgate.tensor([0.5, bad], requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"elements of target should be between 0 and 1, got .*; divide by its largest"
    ):
        F.binary_cross_entropy(good, wrong)
    with pytest.raises(
        RuntimeError, match=r"elements of input should be between 0 and 1, got .*cross_entropy_with_logits"
    ):
        F.binary_cross_entropy(wrong, good)
    with pytest.raises(RuntimeError, match="elements of target"):
        nn.BCELoss()(good, wrong)


@pytest.mark.parametrize("dtype", [gradgate.bool, gradgate.uint8, gradgate.int64])
def test_binary_cross_entropy_of_targets_that_are_0_and_1(dtype):
    loss = F.binary_cross_entropy(gradgate.tensor([0.5, 0.5]), gradgate.tensor([0, 1]).to(dtype))
    assert loss.item() == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("positive_weight", [None, np.array([0.5, 1.0, 4.0])])
def test_binary_cross_entropy_with_logits(positive_weight, weighted, reduction):
    target = np.random.default_rng(2).random((4, 3))
    weight = np.array([1.0, 0.5, 3.0]) if weighted else None
    tensors = [None if w is None else gradgate.tensor(w) for w in (weight, positive_weight)]

    def reference(x: np.ndarray) -> np.ndarray:
        p = 1.0 / (1.0 + np.exp(-x))
        w = 1.0 if positive_weight is None else positive_weight
        losses = -(w * target * np.log(p) + (1 - target) * np.log(1 - p))
        return reduced(losses if weight is None else losses * weight, reduction)

    assert_loss(
        lambda x: F.binary_cross_entropy_with_logits(x, gradgate.tensor(target), tensors[0], reduction, tensors[1]),
        reference,
        randn(4, 3),
    )


def test_gradient_of_logits_at_zero():
    x = gradgate.zeros(2, requires_grad=True)
    F.binary_cross_entropy_with_logits(x, gradgate.tensor([1.0, 0.0]), reduction="sum").backward()
    assert x.grad.tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div(log_target, reduction):
    rng = np.random.default_rng(3)
    target = rng.random((4, 3))
    if not log_target:
        target[0, 1] = 0.0
    given = np.log(target) if log_target else target

    def reference(x: np.ndarray) -> np.ndarray:
        losses = np.zeros((4, 3))
        for index in np.ndindex(4, 3):
            if target[index] > 0:
                losses[index] = target[index] * (math.log(target[index]) - x[index])
        return losses.sum() / 4 if reduction == "batchmean" else reduced(losses, reduction)

    assert_loss(lambda x: F.kl_div(x, gradgate.tensor(given), reduction, log_target), reference, randn(4, 3))
