"""The classification losses against NumPy references, the lecture's numbers; bad input of every loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import nn
from gradgate.nn import functional as F
from loss_reference import ATOL, RTOL, assert_loss, randn, reduced

# Classification: items (class scores, target) one by one, in plain loops.


def log_softmax_reference(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max()
    return shifted - np.log(np.exp(shifted).sum())


def items_of(x: np.ndarray, target: np.ndarray) -> list[tuple[np.ndarray, Any]]:
    """The class vectors of (N, C, *) or (C,) with their targets, in the order of the target's elements."""
    if x.ndim == 1:
        return [(x, target[()])]
    moved = np.moveaxis(x, 1, -1)
    return [(moved[index], target[index]) for index in np.ndindex(*target.shape)]


def index_loss_reference(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
    log_p: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    losses, weights = [], []
    for scores, t in items_of(x, target):
        w = np.ones(len(scores)) if weight is None else weight
        if t == ignore_index:
            losses.append(0.0)
            weights.append(0.0)
            continue
        p = np.full(len(scores), smoothing / len(scores))
        p[t] += 1.0 - smoothing
        losses.append(-np.sum(p * w * log_p(scores)))
        weights.append(w[t])
    if reduction == "mean":
        return np.sum(losses) / np.sum(weights)
    return reduced(np.reshape(losses, target.shape), reduction)


CLASSIFIER_SHAPES = [((5, 4), (5,)), ((4,), ()), ((3, 4, 2), (3, 2)), ((2, 4, 3, 2), (2, 3, 2)), ((1, 4), (1,))]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2, 1.0])
@pytest.mark.parametrize(("shape", "target_shape"), CLASSIFIER_SHAPES)
def test_cross_entropy_of_indices(shape, target_shape, smoothing, weighted, reduction):
    target = np.random.default_rng(1).integers(0, 4, target_shape)
    weight = np.array([0.5, 2.0, 1.0, 0.25]) if weighted else None
    tensors = None if weight is None else gradgate.tensor(weight)
    assert_loss(
        lambda x: F.cross_entropy(x, gradgate.tensor(target), tensors, -100, reduction, smoothing),
        lambda x: index_loss_reference(x, target, weight, -100, reduction, smoothing, log_softmax_reference),
        randn(*shape),
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignore_index", [-100, -1, 2])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_leaves_ignored_targets_out(weighted, smoothing, ignore_index, reduction):
    target = np.array([1, ignore_index, 3, ignore_index, 0])
    weight = np.array([0.5, 2.0, 1.0, 0.25]) if weighted else None
    tensors = None if weight is None else gradgate.tensor(weight)
    assert_loss(
        lambda x: F.cross_entropy(x, gradgate.tensor(target), tensors, ignore_index, reduction, smoothing),
        lambda x: index_loss_reference(x, target, weight, ignore_index, reduction, smoothing, log_softmax_reference),
        randn(5, 4),
    )


def test_cross_entropy_of_ignored_targets_only_is_nan():
    loss = F.cross_entropy(gradgate.zeros(2, 3), gradgate.tensor([-100, -100]))
    assert math.isnan(loss.item())  # 0 / 0, as in PyTorch


def probability_loss_reference(
    x: np.ndarray, target: np.ndarray, weight: np.ndarray | None, reduction: str, smoothing: float
) -> np.ndarray:
    axis = min(x.ndim - 1, 1)
    classes = x.shape[axis]
    w = np.ones(classes) if weight is None else weight
    x, target = np.moveaxis(x, axis, -1), np.moveaxis(target, axis, -1)
    losses = np.zeros(x.shape[:-1])
    for index in np.ndindex(*losses.shape):
        p = target[index] * (1.0 - smoothing) + smoothing / classes
        losses[index] = -np.sum(w * p * log_softmax_reference(x[index]))
    return reduced(losses, reduction)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(5, 4), (4,), (3, 4, 2)])
def test_cross_entropy_of_probabilities(shape, smoothing, weighted, reduction):
    target = np.random.default_rng(1).random(shape)
    target /= target.sum(min(len(shape) - 1, 1), keepdims=True)
    weight = np.array([0.5, 2.0, 1.0, 0.25]) if weighted else None
    tensors = None if weight is None else gradgate.tensor(weight)
    assert_loss(
        lambda x: F.cross_entropy(x, gradgate.tensor(target), tensors, -100, reduction, smoothing),
        lambda x: probability_loss_reference(x, target, weight, reduction, smoothing),
        randn(*shape),
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("shape", "target_shape"), CLASSIFIER_SHAPES)
def test_nll_loss(shape, target_shape, weighted, reduction):
    target = np.random.default_rng(1).integers(0, 4, target_shape)
    weight = np.array([0.5, 2.0, 1.0, 0.25]) if weighted else None
    tensors = None if weight is None else gradgate.tensor(weight)
    assert_loss(
        lambda x: F.nll_loss(x, gradgate.tensor(target), tensors, reduction=reduction),
        lambda x: index_loss_reference(x, target, weight, -100, reduction, 0.0, lambda scores: scores),
        randn(*shape),
    )


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_class_indices_of_every_integer_type(dtype):
    scores = gradgate.tensor(randn(3, 4))
    target = gradgate.tensor(np.array([0, 3, 1], dtype=dtype))
    assert F.cross_entropy(scores, target).item() == F.cross_entropy(scores, gradgate.tensor([0, 3, 1])).item()


def hinge_reference(
    x: np.ndarray, target: np.ndarray, p: int, margin: float, weight: np.ndarray | None, reduction: str
) -> np.ndarray:
    losses = []
    for scores, t in items_of(x, target):
        margins = [max(0.0, margin - scores[t] + scores[j]) ** p for j in range(len(scores)) if j != t]
        losses.append(sum(margins) * (1.0 if weight is None else weight[t]) / len(scores))
    return reduced(np.reshape(losses, target.shape), reduction)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "margin"), [(1, 1.0), (2, 1.0), (1, 0.25), (2, 3.0)])
@pytest.mark.parametrize(("shape", "target_shape"), [((5, 4), (5,)), ((4,), ())])
def test_multi_margin_loss(shape, target_shape, p, margin, weighted, reduction):
    target = np.random.default_rng(1).integers(0, 4, target_shape)
    weight = np.array([0.5, 2.0, 1.0, 0.25]) if weighted else None
    tensors = None if weight is None else gradgate.tensor(weight)
    assert_loss(
        lambda x: F.multi_margin_loss(x, gradgate.tensor(target), p, margin, tensors, reduction),
        lambda x: hinge_reference(x, target, p, margin, weight, reduction),
        randn(*shape),
    )


# The lecture's numbers.


def test_hinge_of_the_lecture():
    scores = gradgate.tensor([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], dtype=gradgate.float64)
    losses = F.multi_margin_loss(scores, gradgate.tensor([0, 1, 2]), reduction="none") * 3  # PyTorch divides by C
    np.testing.assert_allclose(losses.numpy(), [2.9, 0.0, 12.9], rtol=RTOL, atol=ATOL)
    assert round(losses.mean().item(), 2) == 5.27


def test_first_loss_of_ten_classes():
    scores = gradgate.tensor(1e-6 * randn(50, 10))
    target = gradgate.tensor(np.arange(50) % 10)
    assert math.isclose(F.cross_entropy(scores, target).item(), 2.302585092994046, rel_tol=1e-5)
    assert math.isclose(F.multi_margin_loss(scores, target).item() * 10, 9.0, rel_tol=1e-5)


def test_softmax_gradient_is_p_minus_onehot():
    scores = gradgate.tensor(np.log([0.2, 0.3, 0.5]), requires_grad=True)
    F.cross_entropy(scores, gradgate.tensor(1)).backward()
    np.testing.assert_allclose(scores.grad.numpy(), [0.2, -0.7, 0.5], rtol=RTOL, atol=ATOL)


def test_large_scores_do_not_overflow():
    scores = gradgate.tensor([[123.0, 456.0, 789.0]])
    assert F.cross_entropy(scores, gradgate.tensor([0])).item() == 666.0
    assert F.cross_entropy(scores, gradgate.tensor([2])).item() == 0.0
    x = gradgate.tensor([1000.0, -1000.0, 1000.0, -1000.0], requires_grad=True)
    losses = F.binary_cross_entropy_with_logits(x, gradgate.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    assert losses.tolist() == [0.0, 0.0, 1000.0, 1000.0]
    losses.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0, -1.0]


# Modules.


MODULES = [
    (nn.MSELoss(), F.mse_loss),
    (nn.L1Loss(reduction="sum"), lambda x, t: F.l1_loss(x, t, reduction="sum")),
    (nn.SmoothL1Loss(beta=0.3), lambda x, t: F.smooth_l1_loss(x, t, beta=0.3)),
    (nn.HuberLoss(delta=0.3), lambda x, t: F.huber_loss(x, t, delta=0.3)),
    (
        nn.BCEWithLogitsLoss(pos_weight=gradgate.tensor([2.0])),
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=gradgate.tensor([2.0])),
    ),
    (nn.KLDivLoss("batchmean", log_target=True), lambda x, t: F.kl_div(x, t, "batchmean", True)),
    (
        nn.CrossEntropyLoss(gradgate.tensor([1.0, 2.0]), label_smoothing=0.1),
        lambda x, t: F.cross_entropy(x, t, gradgate.tensor([1.0, 2.0]), label_smoothing=0.1),
    ),
]


@pytest.mark.parametrize(("module", "function"), MODULES, ids=lambda item: type(item).__name__)
def test_loss_modules_pass_their_arguments_on(module, function):
    x = gradgate.tensor(randn(3, 2).astype("float32"))
    target = gradgate.tensor(randn(3, 2, seed=1).astype("float32"))
    assert module(x, target).item() == function(x, target).item()


def test_class_index_loss_modules_pass_their_arguments_on():
    x, target = gradgate.tensor(randn(4, 3)), gradgate.tensor([0, 2, 1, 1])
    weight = gradgate.tensor([0.5, 1.0, 2.0], dtype=gradgate.float64)
    assert nn.NLLLoss(weight, 1, "sum")(x, target).item() == F.nll_loss(x, target, weight, 1, "sum").item()
    expected = F.multi_margin_loss(x, target, 2, 0.5, weight, "sum").item()
    assert nn.MultiMarginLoss(2, 0.5, weight, "sum")(x, target).item() == expected
    p = gradgate.tensor(np.random.default_rng(0).random(3))
    t = gradgate.ones(3, dtype=gradgate.float64)
    assert nn.BCELoss(weight)(p, t).item() == F.binary_cross_entropy(p, t, weight).item()


def test_a_weight_is_a_buffer():
    loss = nn.CrossEntropyLoss(weight=gradgate.tensor([1.0, 2.0]))
    assert list(loss.state_dict()) == ["weight"]
    assert loss.double().weight.dtype == gradgate.float64
    assert list(nn.CrossEntropyLoss().state_dict()) == []


# Bad input.


@pytest.mark.parametrize(
    "loss",
    [
        F.mse_loss,
        F.l1_loss,
        F.smooth_l1_loss,
        F.huber_loss,
        F.binary_cross_entropy,
        F.binary_cross_entropy_with_logits,
        F.kl_div,
    ],
)
def test_a_column_is_refused_against_a_vector(loss):
    column, vector = gradgate.ones(5, 1) * 0.5, gradgate.ones(5) * 0.5
    with pytest.raises(ValueError, match=r"\(5, 1\).*\(5,\).*use target\.unsqueeze\(1\)"):
        loss(column, vector)
    with pytest.raises(ValueError, match=r"\(5,\).*\(5, 1\).*use target\.squeeze\(1\)"):
        loss(vector, column)
    with pytest.raises(ValueError, match=r"\(5, 1\).*\(\).*expand_as"):
        loss(column, gradgate.tensor(0.5))
    with pytest.raises(ValueError, match=r"\(5,\).*\(4,\)"):
        loss(vector, vector[:4])


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss, F.multi_margin_loss])
def test_classes_out_of_range(loss):
    with pytest.raises(IndexError, match=r"target 4 is out of bounds for 4 classes"):
        loss(gradgate.zeros(2, 4), gradgate.tensor([0, 4]))
    with pytest.raises(IndexError, match=r"target -2 is out of bounds for 4 classes"):
        loss(gradgate.zeros(2, 4), gradgate.tensor([-2, 3]))


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss, F.multi_margin_loss])
def test_target_shapes_and_types(loss):
    scores = gradgate.zeros(2, 4)
    with pytest.raises(ValueError, match=r"\(2, 1\).*use target\.squeeze\(1\)"):
        loss(scores, gradgate.tensor([[0], [1]]))
    with pytest.raises(ValueError, match=r"\(2, 4\).*\(2,\).*\(3,\)"):
        loss(scores, gradgate.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="without dimensions"):
        loss(gradgate.tensor(1.0), gradgate.tensor(0))
    with pytest.raises(RuntimeError, match="class indices must be integers"):
        F.nll_loss(scores, gradgate.tensor([0.0, 1.0]))
    with pytest.raises(RuntimeError, match=r"one element for each of 4 classes, got \(3,\)"):
        loss(scores, gradgate.tensor([0, 1]), weight=gradgate.ones(3))
    with pytest.raises(RuntimeError, match=r"weight of the input's type (gradgate\.)?float32"):
        loss(scores, gradgate.tensor([0, 1]), weight=gradgate.ones(4, dtype=gradgate.float64))


def test_bad_options():
    x = gradgate.ones(3) * 0.5
    with pytest.raises(ValueError, match="avg is not a valid value for reduction"):
        F.mse_loss(x, x, reduction="avg")
    with pytest.raises(ValueError, match="not a valid value for reduction"):
        F.cross_entropy(gradgate.zeros(1, 2), gradgate.tensor([0]), reduction="avg")
    with pytest.raises(ValueError, match="not a valid value for reduction"):
        nn.MSELoss(reduction="batchmean")
    with pytest.raises(RuntimeError, match="label_smoothing must be between"):
        F.cross_entropy(gradgate.zeros(1, 2), gradgate.tensor([0]), label_smoothing=1.5)
    with pytest.raises(RuntimeError, match="negative values for beta"):
        F.smooth_l1_loss(x, x, beta=-1.0)
    with pytest.raises(RuntimeError, match="non-positive values for delta"):
        F.huber_loss(x, x, delta=0.0)
    with pytest.raises(ValueError, match="p == 1 and p == 2"):
        nn.MultiMarginLoss(p=3)
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        F.binary_cross_entropy(gradgate.tensor([1.5]), gradgate.tensor([1.0]))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_probabilities_cannot_be_ignored_by_an_index(smoothing):
    x, target = gradgate.zeros(2, 3), gradgate.full((2, 3), 1 / 3)
    for index in (0, 2, 7):
        with pytest.raises(RuntimeError, match=f"ignore_index={index} is not supported for class probabilities"):
            F.cross_entropy(x, target, ignore_index=index, label_smoothing=smoothing)
    with pytest.raises(RuntimeError, match="ignore_index=1 is not supported"):
        nn.CrossEntropyLoss(ignore_index=1)(x, target)
    for index in (-100, -1):  # which no class has
        loss = F.cross_entropy(x, target, ignore_index=index, label_smoothing=smoothing)
        assert loss.item() == pytest.approx(math.log(3), rel=1e-6)


def test_mean_of_no_items_is_nan():
    assert math.isnan(F.mse_loss(gradgate.zeros(0), gradgate.zeros(0)).item())
    empty = F.cross_entropy(gradgate.zeros(0, 3), gradgate.zeros(0, dtype=gradgate.int64))
    assert math.isnan(empty.item())


def test_losses_keep_float32():
    x = gradgate.zeros(2, 3)
    assert F.cross_entropy(x, gradgate.tensor([0, 1])).dtype == gradgate.float32
    assert F.cross_entropy(x, gradgate.tensor([0, -100])).dtype == gradgate.float32
    assert F.multi_margin_loss(x, gradgate.tensor([0, 1])).dtype == gradgate.float32
    assert F.huber_loss(x, x).dtype == gradgate.float32
