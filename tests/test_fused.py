"""The fused gates: each equals the composition that it replaces, in values and in two derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import Tensor, _core
from gradgate.autograd import grad, gradcheck, gradgradcheck
from reduction_reference import additions, centred_difference, wide

TYPES = [np.float32, np.float64]


def values(shape: Any, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


# --- cross-entropy ---------------------------------------------------------------------------------------------------


def cross_entropy(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> np.ndarray:
    """-weight[t] * log(softmax(x)[t]) for x (N, C, ...), in NumPy."""
    x = np.moveaxis(x, 1, -1) if x.ndim > 1 else x
    log_p = x - x.max(-1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(-1, keepdims=True))
    counts = target != ignore_index
    classes = np.where(counts, target, 0)
    weights = np.where(counts, 1.0 if weight is None else weight[classes], 0.0)
    losses = -weights * np.take_along_axis(log_p, classes[..., None], -1)[..., 0]
    if reduction == "none":
        return losses
    return losses.sum() / (weights.sum() if reduction == "mean" else 1)


CASES = [
    ((5,), None),
    ((4, 10), None),
    ((4, 10), "weight"),
    ((3, 7, 4, 2), "weight"),
    ((300, 17), None),
    ((2, 5000), None),
    ((1, 1), None),
]


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("shape", "weighted"), CASES)
def test_cross_entropy(shape: tuple[int, ...], weighted: str | None, reduction: str, dtype: Any) -> None:
    classes = shape[1] if len(shape) > 1 else shape[0]
    x = values(shape, dtype)
    target = np.asarray(np.random.default_rng(1).integers(0, classes, shape[:1] + shape[2:] if len(shape) > 1 else ()))
    weight = np.random.default_rng(2).uniform(0.5, 2, classes).astype(dtype) if weighted else None
    w = None if weight is None else gradgate.tensor(weight)
    ignore_index = 2 if len(shape) > 1 and classes > 2 else -100
    t = gradgate.tensor(x, requires_grad=True)
    y = _core._cross_entropy(t, gradgate.tensor(target), w, ignore_index, reduction)
    arguments = (target, None if weight is None else wide(weight), ignore_index, reduction)
    expected = cross_entropy(wide(x), *arguments)
    # A row's loss is a few ulps and half an ulp for each addition off; so is the sum of the losses, which are positive.
    ulps = 20 + additions((classes,), (0,)) + additions((max(target.size, 1),), (0,))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=ulps * eps, atol=ulps * eps)
    dy = values(y.shape, dtype, 3)
    y.backward(gradgate.tensor(dy))
    e = np.exp(np.moveaxis(wide(x), 1, -1) if len(shape) > 1 else wide(x))
    p = e / e.sum(-1, keepdims=True)
    onehot = np.eye(classes)[np.where(target == ignore_index, 0, target)]
    weights = np.where(
        target == ignore_index, 0, 1.0 if weight is None else weight[np.where(target == ignore_index, 0, target)]
    )
    scale = weights * dy / (weights.sum() if reduction == "mean" else 1)
    dx = (p - onehot) * scale[..., None]
    np.testing.assert_allclose(
        t.grad.numpy(), np.moveaxis(dx, -1, 1) if len(shape) > 1 else dx, atol=ulps * eps * max(np.abs(scale).max(), 1)
    )


def composed_cross_entropy(x: Tensor, onehot: Tensor) -> Tensor:
    return -(x.log_softmax(1) * onehot).sum() / onehot.sum()


def test_cross_entropy_equals_its_composition_in_two_derivatives() -> None:
    x, target = values((4, 6)), np.array([1, 5, 0, 1])
    onehot = gradgate.tensor(np.eye(6)[target])
    a, b = (gradgate.tensor(x, requires_grad=True) for _ in range(2))
    (da,) = grad(_core._cross_entropy(a, gradgate.tensor(target)), a, create_graph=True)
    (db,) = grad(composed_cross_entropy(b, onehot), b, create_graph=True)
    np.testing.assert_allclose(da.detach().numpy(), db.detach().numpy(), rtol=1e-13, atol=1e-16)
    (dda,), (ddb,) = grad((da * da).sum(), a), grad((db * db).sum(), b)
    np.testing.assert_allclose(dda.numpy(), ddb.numpy(), rtol=1e-12, atol=1e-16)
    for reduction in ("none", "mean", "sum"):
        assert gradgradcheck(
            lambda v, r=reduction: _core._cross_entropy(v, gradgate.tensor([1, 5, -100, 1]), None, -100, r), a
        )


def test_the_gradient_of_cross_entropy_is_softmax_minus_onehot() -> None:
    # The lecture's example: p = [0.2, 0.3, 0.5], class 1.
    x = gradgate.tensor(np.log([[0.2, 0.3, 0.5]]), requires_grad=True)
    _core._cross_entropy(x, gradgate.tensor([1])).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0.2, -0.7, 0.5]], rtol=1e-15, atol=1e-16)


def test_rows_that_do_not_count() -> None:
    x = gradgate.tensor([[float("nan"), 1.0], [0.0, 0.0]], requires_grad=True)
    y = _core._cross_entropy(x, gradgate.tensor([-100, 1]), reduction="none")
    assert y.tolist() == [0, np.float32(np.log(2))]
    y.sum().backward()
    assert x.grad.tolist() == [[0, 0], [0.5, -0.5]]
    none = gradgate.zeros(2, 3, requires_grad=True)
    y = _core._cross_entropy(none, gradgate.tensor([-100, -100]))
    assert np.isnan(y.item())
    y.backward()
    assert none.grad.tolist() == [[0, 0, 0]] * 2
    assert np.isnan(_core._cross_entropy(gradgate.zeros(0, 3), gradgate.zeros(0, dtype=gradgate.int64)).item())


def test_small_losses_of_large_scores_are_not_rounded_away() -> None:
    x = gradgate.tensor([[1e6, 1e6 - 10]])
    # log(1 + exp(-10)), to two ulps.
    assert abs(_core._cross_entropy(x, gradgate.tensor([0])).item() / np.log1p(np.exp(-10)) - 1) < 1e-3
    with_larger = gradgate.tensor([[1e6, 1e6 - 4]])
    assert abs(_core._cross_entropy(with_larger, gradgate.tensor([0])).item() - np.log1p(np.exp(-4))) < 2 * 2**-24


def test_cross_entropy_errors() -> None:
    x = gradgate.zeros(2, 3)
    for target, error, match in [
        (gradgate.tensor([0, 3]), IndexError, "target 3 is out of bounds"),
        (gradgate.tensor([0, -1]), IndexError, "target -1"),
        (gradgate.tensor([0]), ValueError, r"\(2, 3\).*\(2,\).*\(1,\)"),
        (gradgate.tensor([0.0, 1.0]), RuntimeError, "integers"),
    ]:
        with pytest.raises(error, match=match):
            _core._cross_entropy(x, target)
    with pytest.raises(RuntimeError, match="weight"):
        _core._cross_entropy(x, gradgate.tensor([0, 1]), gradgate.ones(2))
    with pytest.raises(ValueError, match="reduction"):
        _core._cross_entropy(x, gradgate.tensor([0, 1]), reduction="average")


# --- layer normalisation ---------------------------------------------------------------------------------------------


def layer_norm(x: np.ndarray, dims: int, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    axes = tuple(range(x.ndim - dims, x.ndim))
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + 1e-5) * weight + bias


def composed_layer_norm(x: Tensor, dims: int, weight: Tensor, bias: Tensor) -> Tensor:
    over = tuple(range(-dims, 0))
    centred = x - x.mean(over, keepdim=True)
    return centred * ((centred * centred).mean(over, keepdim=True) + 1e-5).rsqrt() * weight + bias


LAYERS = [((4, 10), 1), ((7,), 1), ((3, 4, 5), 2), ((3, 64), 1), ((2, 65), 1), ((2, 5000), 1), ((300, 17), 1)]


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("shape", "dims"), LAYERS)
def test_layer_norm(shape: tuple[int, ...], dims: int, dtype: Any) -> None:
    sizes = shape[len(shape) - dims :]
    x, weight, bias, dy = (
        values(shape, dtype),
        values(sizes, dtype, 1),
        values(sizes, dtype, 2),
        values(shape, dtype, 3),
    )
    inputs = [gradgate.tensor(v, requires_grad=True) for v in (x, weight, bias)]
    y = _core._layer_norm(inputs[0], sizes, inputs[1], inputs[2])
    eps = np.finfo(dtype).eps
    ulps = additions((int(np.prod(sizes)),), (0,)) + 10
    # The normalised values are standard normal, five at most; a rounding is relative to them times the weight.
    np.testing.assert_allclose(
        y.detach().numpy(), layer_norm(wide(x), dims, wide(weight), wide(bias)), atol=5 * ulps * eps
    )
    references = [gradgate.tensor(wide(v).astype(np.float64), requires_grad=True) for v in (x, weight, bias)]
    expected = grad(
        composed_layer_norm(references[0], dims, *references[1:]), references, gradgate.tensor(dy.astype(np.float64))
    )
    y.backward(gradgate.tensor(dy))
    for t, reference in zip(inputs, expected, strict=True):
        rows = x.size // t.grad.numel() + additions((max(x.size // t.grad.numel(), 1),), (0,))
        np.testing.assert_allclose(t.grad.numpy(), reference.numpy(), atol=20 * (ulps + rows) * eps * np.sqrt(rows))


@pytest.mark.parametrize(("weighted", "biased"), [(False, False), (True, False), (False, True), (True, True)])
def test_layer_norm_in_two_derivatives(weighted: bool, biased: bool) -> None:
    x, weight, bias = (
        gradgate.tensor(values(s, seed=i), requires_grad=True) for i, s in enumerate([(3, 4), (4,), (4,)])
    )
    inputs = [x] + [weight] * weighted + [bias] * biased

    def run(x: Tensor, *rest: Tensor) -> Tensor:
        parameters = list(rest)
        w = parameters.pop(0) if weighted else None
        return _core._layer_norm(x, 4, w, parameters.pop(0) if biased else None)

    assert gradcheck(run, inputs, atol=1e-5)
    assert gradgradcheck(run, inputs)
    if weighted and biased:
        dy = values((3, 4), seed=3)
        y = run(x, weight, bias)
        (dx,) = grad(y, x, gradgate.tensor(dy))
        expected = centred_difference(
            lambda v: layer_norm(v, 1, weight.detach().numpy(), bias.detach().numpy()), x.detach().numpy(), dy
        )
        np.testing.assert_allclose(dx.numpy(), expected, rtol=1e-6, atol=1e-8)


def test_layer_norm_of_nothing_and_errors() -> None:
    weight = gradgate.ones(4, requires_grad=True)
    y = _core._layer_norm(gradgate.zeros(0, 4), (4,), weight)
    y.sum().backward()
    assert y.shape == (0, 4)
    assert weight.grad.tolist() == [0, 0, 0, 0]
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2, 4\)"):
        _core._layer_norm(gradgate.zeros(2, 4), 3)
    with pytest.raises(RuntimeError, match="weight"):
        _core._layer_norm(gradgate.zeros(2, 4), 4, gradgate.ones(3))
