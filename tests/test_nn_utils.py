"""gradgate.nn.utils: clipping gradients, parameters as a vector."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradgate
from gradgate import nn
from gradgate.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)


def with_gradients(*gradients):
    parameters = []
    for gradient in gradients:
        gradient = gradgate.tensor(gradient, dtype=gradgate.float64)
        parameter = nn.Parameter(gradgate.zeros_like(gradient))
        parameter.grad = gradient
        parameters.append(parameter)
    return parameters


def test_foreach_changes_nothing():
    (parameter,) = with_gradients([3.0, -4.0])
    assert clip_grad_norm_(parameter, 5.0, foreach=True).item() == 5.0
    clip_grad_value_(parameter, 2.0, foreach=False)
    assert parameter.grad.tolist() == [2.0, -2.0]


@pytest.mark.parametrize("norm_type", [2.0, 1, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clip_grad_norm(norm_type, max_norm):
    gradients = [[1.0, -2.0], [[3.0], [0.5]]]
    parameters = with_gradients(*gradients)
    parameters.insert(1, nn.Parameter(gradgate.zeros(2)))  # without a gradient
    flat = np.concatenate([np.ravel(g) for g in gradients])
    norm = np.linalg.norm(flat, norm_type)
    total = clip_grad_norm_(iter(parameters), max_norm, norm_type)
    assert tuple(total.shape) == ()
    assert math.isclose(total.item(), norm, rel_tol=1e-14)
    factor = min(1.0, max_norm / (norm + 1e-6))
    clipped = np.concatenate([np.ravel(p.grad.numpy()) for p in parameters if p.grad is not None])
    np.testing.assert_allclose(clipped, flat * factor, rtol=1e-14)
    assert parameters[1].grad is None


def test_clip_grad_norm_of_a_tensor_and_of_nothing():
    (parameter,) = with_gradients([3.0, 4.0])
    gradient = parameter.grad
    assert clip_grad_norm_(parameter, 1.0).item() == 5.0
    assert parameter.grad is gradient
    assert clip_grad_norm_([], 1.0).item() == 0.0


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_clip_grad_norm_of_bad_gradients(bad):
    parameters = with_gradients([bad], [1.0])
    with pytest.raises(RuntimeError, match="for gradients from `parameters` is non-finite"):
        clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert parameters[1].grad.item() == 1.0
    assert not math.isfinite(clip_grad_norm_(parameters, 1.0).item())
    assert parameters[1].grad.item() != 1.0


def test_clip_grad_value():
    parameters = with_gradients([3.0, -0.5], [-7.0])
    clip_grad_value_(parameters, 1)
    assert [p.grad.tolist() for p in parameters] == [[1.0, -0.5], [-1.0]]


def test_total_norm_and_clipping_with_it_are_clip_grad_norm():
    gradients = [[3.0, -4.0], [[12.0]]]
    apart, together = with_gradients(*gradients), with_gradients(*gradients)
    total = get_total_norm([p.grad for p in apart])
    assert total.item() == 13.0
    assert not total.requires_grad
    clip_grads_with_norm_(apart, 1.0, total)
    assert clip_grad_norm_(together, 1.0).item() == 13.0
    assert [p.grad.tolist() for p in apart] == [p.grad.tolist() for p in together]
    assert get_total_norm(iter([]), math.inf).item() == 0.0
    with pytest.raises(RuntimeError, match=r"order inf .* is non-finite \(nan\)"):
        get_total_norm(gradgate.tensor([math.nan, 1.0]), math.inf, error_if_nonfinite=True)


@pytest.mark.parametrize("shape", [(0,), (2,), (1, 0)])
def test_clipping_needs_one_norm(shape):
    w = gradgate.zeros(2, requires_grad=True)
    w.grad = gradgate.tensor([3.0, 4.0])
    with pytest.raises(RuntimeError, match="clip_grads_with_norm_: total_norm should have one element, got shape"):
        nn.utils.clip_grads_with_norm_(w, 1.0, gradgate.ones(shape))
    assert w.grad.tolist() == [3.0, 4.0]
    nn.utils.clip_grads_with_norm_(w, 2.5, gradgate.tensor(5))
    assert w.grad.tolist() == pytest.approx([1.5, 2.0], rel=1e-6)


def test_clipping_types_and_memory_orders():
    parameters = [nn.Parameter(gradgate.zeros(2, dtype=gradgate.float32)), *with_gradients([[1.0, 2.0], [3.0, 4.0]])]
    parameters[0].grad = gradgate.tensor([3.0, 4.0])
    parameters[1].grad = parameters[1].grad.T
    total = clip_grad_norm_(parameters, 0.5)
    assert total.dtype == gradgate.float64
    factor = 0.5 / (math.sqrt(55.0) + 1e-6)
    np.testing.assert_allclose(parameters[0].grad.numpy(), np.float32([3 * factor, 4 * factor]), rtol=2e-7)
    np.testing.assert_allclose(parameters[1].grad.numpy(), factor * np.array([[1.0, 3.0], [2.0, 4.0]]), rtol=1e-14)
    clip_grad_value_(parameters, 0.1)
    assert parameters[1].grad.tolist() == [[factor, 0.1], [0.1, 0.1]]


def test_clipping_scales_a_cut_gradient_and_nothing_around_it():
    whole = gradgate.ones((4, 6), dtype=gradgate.float64)
    parameter = nn.Parameter(gradgate.zeros((4, 3), dtype=gradgate.float64))
    parameter.grad = whole[:, ::2]
    norm = clip_grad_norm_(parameter, 1.0).item()
    assert norm == math.sqrt(12.0)
    assert whole[:, 1::2].tolist() == [[1.0] * 3] * 4
    assert whole[:, ::2].tolist() == [[1.0 / (norm + 1e-6)] * 3] * 4


def test_clipping_counts_as_a_change_unless_nothing_is_scaled():
    (parameter,) = with_gradients([3.0, 4.0])
    version = parameter.grad._version
    clip_grad_norm_(parameter, 10.0)
    assert parameter.grad._version == version
    clip_grad_norm_(parameter, 1.0)
    clip_grad_value_(parameter, 1.0)
    assert parameter.grad._version == version + 2


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_clipping_errors(clip):
    with pytest.raises(
        TypeError, match=f"{clip.__name__}: expected a Tensor or an iterable of them, but it holds a list"
    ):
        clip([[1.0]], 1.0)
    parameter = nn.Parameter(gradgate.zeros(3))
    parameter.grad = gradgate.ones(1).expand(3)
    with pytest.raises(RuntimeError, match=f"{clip.__name__}: .*clone"):
        clip(parameter, 0.5)


def test_vector_round_trip():
    layer = nn.Linear(3, 2)
    vector = parameters_to_vector(layer.parameters())
    expected = np.concatenate([layer.weight.detach().numpy().ravel(), layer.bias.detach().numpy()])
    np.testing.assert_array_equal(vector.detach().numpy(), expected)
    weight = layer.weight
    vector_to_parameters(gradgate.arange(8).to(gradgate.float32), layer.parameters())
    assert layer.weight is weight
    assert weight.requires_grad
    assert weight.is_leaf
    assert weight.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert layer.bias.tolist() == [6.0, 7.0]


def test_vector_gradient_reaches_the_parameters():
    layer = nn.Linear(3, 2)
    (parameters_to_vector(layer.parameters()).square().sum() / 2).backward()
    assert layer.weight.grad.tolist() == layer.weight.tolist()


def test_vector_errors_change_nothing():
    layer = nn.Linear(1, 1)
    before = [p.tolist() for p in layer.parameters()]
    with pytest.raises(ValueError, match=r"shape \(2,\), got \(3,\)"):
        vector_to_parameters(gradgate.zeros(3), layer.parameters())
    with pytest.raises(TypeError, match="expected a Tensor, got list"):
        vector_to_parameters([0.0, 0.0], layer.parameters())
    assert [p.tolist() for p in layer.parameters()] == before
