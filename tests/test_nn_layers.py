"""Linear, Bilinear, Embedding, Dropout, normalisation and shapes against NumPy, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate
from gradgate import nn
from gradgate.autograd import gradcheck
from gradgate.nn import functional as F


def randn(*shape, seed=0, **kwargs):
    return gradgate.tensor(np.random.default_rng(seed).standard_normal(shape), **kwargs)


def close(actual, expected, roundings):
    """Equal up to so many roundings of 2^-53, relative to values of order 1."""
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=roundings * 2.0**-53, atol=roundings * 2.0**-53)


# Products.


@pytest.mark.parametrize("rows", [(), (5,), (2, 3), (0,)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(rows, bias):
    layer = nn.Linear(4, 3, bias=bias, dtype=gradgate.float64)
    x = randn(*rows, 4)
    expected = x.numpy() @ layer.weight.detach().numpy().T
    if bias:
        expected = expected + layer.bias.detach().numpy()
    assert tuple(layer(x).shape) == (*rows, 3)
    close(layer(x), expected, 10)
    assert [name for name, _ in layer.named_parameters()] == (["weight", "bias"] if bias else ["weight"])
    assert layer.bias is None or bias


def test_linear_gradients():
    x = randn(5, 4, requires_grad=True)
    weight = randn(3, 4, seed=1, requires_grad=True)
    bias = randn(3, seed=2, requires_grad=True)
    assert gradcheck(F.linear, (x, weight, bias))
    dy = randn(5, 3, seed=3)
    F.linear(x, weight, bias).backward(dy)
    close(x.grad, dy.numpy() @ weight.detach().numpy(), 10)
    close(weight.grad, dy.numpy().T @ x.detach().numpy(), 20)
    close(bias.grad, dy.numpy().sum(0), 10)


def test_linear_with_a_vector_for_weight():
    assert F.linear(gradgate.ones(2, 3), gradgate.tensor([1.0, 2.0, 3.0])).tolist() == [6.0, 6.0]


def test_linear_errors():
    with pytest.raises(RuntimeError, match=r"\(5, 3\).*\(2, 4\)"):
        nn.Linear(4, 2)(gradgate.zeros(5, 3))
    with pytest.raises(RuntimeError, match="linear"):
        nn.Linear(4, 2)(gradgate.tensor(1.0))


def test_linear_without_inputs():
    with pytest.warns(UserWarning, match="zero-element"):
        layer = nn.Linear(0, 3)
    assert layer(gradgate.zeros(2, 0)).abs().sum().item() == 0.0


@pytest.mark.parametrize("rows", [(5,), (2, 3), ()])
def test_bilinear(rows):
    layer = nn.Bilinear(3, 4, 2, dtype=gradgate.float64)
    x1, x2 = randn(*rows, 3), randn(*rows, 4, seed=1)
    expected = np.einsum("...i,oij,...j->...o", x1.numpy(), layer.weight.detach().numpy(), x2.numpy())
    close(layer(x1, x2), expected + layer.bias.detach().numpy(), 40)


def test_bilinear_gradients_and_errors():
    tensors = [randn(2, 3), randn(2, 4), randn(2, 3, 4), randn(2)]
    assert gradcheck(F.bilinear, tuple(t.requires_grad_() for t in tensors))
    with pytest.raises(RuntimeError, match=r"\(2, 3\), \(3, 4\) and weight \(2, 3, 4\)"):
        F.bilinear(randn(2, 3), randn(3, 4), randn(2, 3, 4))
    with pytest.raises(ValueError, match="in1_features must be > 0"):
        nn.Bilinear(0, 1, 1)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_embedding(shape):
    layer = nn.Embedding(7, 3)
    index = np.random.default_rng(0).integers(0, 7, shape)
    np.testing.assert_array_equal(layer(gradgate.tensor(index)).detach().numpy(), layer.weight.detach().numpy()[index])


def test_embedding_gradient_adds_up_and_skips_padding():
    layer = nn.Embedding(4, 2, padding_idx=-3)
    assert layer.padding_idx == 1
    assert layer.weight[1].tolist() == [0.0, 0.0]
    layer(gradgate.tensor([[0, 1, 3], [3, 1, 3]])).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [3.0, 3.0]]


def test_embedding_from_pretrained():
    weight = randn(3, 2)
    layer = nn.Embedding.from_pretrained(weight)
    assert not layer.weight.requires_grad
    assert layer.weight.tolist() == weight.tolist()
    assert repr(layer) == "Embedding(3, 2)"
    assert nn.Embedding.from_pretrained(weight, freeze=False).weight.requires_grad
    with pytest.raises(ValueError, match=r"got \(3,\)"):
        nn.Embedding.from_pretrained(gradgate.zeros(3))


def test_embedding_limits_the_norm_of_the_rows_it_reads():
    weight = gradgate.tensor([[3.0, 4.0], [0.25, 0.5], [6.0, 8.0]], dtype=gradgate.float64)
    layer = nn.Embedding.from_pretrained(weight, freeze=False, max_norm=1.0)
    out = layer(gradgate.tensor([[0, 1], [0, 0]]))
    scaled = np.array([3.0, 4.0]) * (1.0 / (5.0 + 1e-7))
    np.testing.assert_array_equal(layer.weight.detach().numpy(), [scaled, [0.25, 0.5], [6.0, 8.0]])
    np.testing.assert_array_equal(out[0, 0].detach().numpy(), scaled)
    out.sum().backward()
    assert layer.weight.grad.tolist() == [[3.0, 3.0], [1.0, 1.0], [0.0, 0.0]]
    F.embedding(gradgate.tensor(2), layer.weight, max_norm=7.0, norm_type=1.0)
    close(layer.weight[2], np.array([3.0, 4.0]) / (1.0 + 1e-7 / 14.0), 4)
    assert repr(layer) == "Embedding(3, 2, max_norm=1.0)"


def test_embedding_gradient_divided_by_frequency():
    layer = nn.Embedding(3, 1, padding_idx=2, scale_grad_by_freq=True)
    index = gradgate.tensor([[0, 1], [0, 2]])
    upstream = gradgate.tensor([[[1.0], [2.0]], [[5.0], [7.0]]])
    layer(index).backward(upstream)
    assert layer.weight.grad.tolist() == [[3.0], [2.0], [0.0]]
    assert repr(layer) == "Embedding(3, 1, padding_idx=2, scale_grad_by_freq=True)"
    assert not F.embedding(index, layer.weight.detach(), scale_grad_by_freq=True).requires_grad


def test_embedding_on_a_given_weight():
    weight = gradgate.ones(2, 3)
    layer = nn.Embedding(2, 3, _weight=weight, sparse=True)
    assert layer(gradgate.tensor([1])).tolist() == [[1.0, 1.0, 1.0]]
    assert layer.weight.requires_grad
    with pytest.raises(ValueError, match=r"shape \(2, 3\) does not fit \(3, 3\)"):
        nn.Embedding(3, 3, _weight=weight)


def test_embedding_errors():
    with pytest.raises(IndexError):
        nn.Embedding(3, 2)(gradgate.tensor([3]))
    with pytest.raises(ValueError, match=r"padding_idx 3 must be within num_embeddings \(3\)"):
        nn.Embedding(3, 2, padding_idx=3)
    with pytest.raises(ValueError, match="padding_idx -4 is outside the 3 rows"):
        F.embedding(gradgate.tensor([0]), gradgate.zeros(3, 2), padding_idx=-4)


# Dropout.


def test_dropout_drops_and_rescales():
    gradgate.manual_seed(0)
    x = gradgate.ones(100, 100, requires_grad=True)
    y = nn.Dropout(0.25)(x)
    kept = (y.detach().numpy() != 0).mean()
    assert abs(kept - 0.75) < 5 * (0.25 * 0.75 / 10000) ** 0.5  # five standard errors
    assert set(np.unique(y.detach().numpy())) == {np.float32(0.0), np.float32(1.0) * np.float32(1 / 0.75)}
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_dropout_edges():
    x = gradgate.ones(10)
    assert nn.Dropout(0.0)(x) is x
    assert nn.Dropout(1.0)(x).tolist() == [0.0] * 10
    layer = nn.Dropout(0.5)
    assert layer.eval()(x) is x
    y = gradgate.ones(1000)
    assert nn.Dropout(0.5, inplace=True)(y) is y
    assert 0.0 in y.tolist()
    for p in (-0.1, 1.1):
        with pytest.raises(ValueError, match="between 0 and 1, but got"):
            nn.Dropout(p)
        with pytest.raises(ValueError, match="between 0 and 1, but got"):
            F.dropout(x, p)


def test_dropout_is_seeded():
    def draw():
        gradgate.manual_seed(1)
        return F.dropout(gradgate.ones(50)).tolist()

    assert draw() == draw()


# Normalisation.


def normalised(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize(("shape", "axes"), [((6, 3), (0,)), ((4, 3, 5), (0, 2))])
@pytest.mark.parametrize("momentum", [0.1, 0.75, None])
def test_batch_norm(shape, axes, momentum):
    layer = nn.BatchNorm1d(3, momentum=momentum, dtype=gradgate.float64)
    mean, var = np.zeros(3), np.ones(3)
    for step in range(1, 4):
        x = randn(*shape, seed=step)
        close(layer(x), normalised(x.numpy(), axes, 1e-5), 100)
        factor = 1 / step if momentum is None else momentum
        mean = (1 - factor) * mean + factor * x.numpy().mean(axes)
        var = (1 - factor) * var + factor * x.numpy().var(axes, ddof=1)
        close(layer.running_mean, mean, 50)
        close(layer.running_var, var, 50)
        assert layer.num_batches_tracked.item() == step
    layer.eval()
    channels = (3,) + (1,) * (len(shape) - 2)
    expected = (x.numpy() - mean.reshape(channels)) / np.sqrt(var.reshape(channels) + 1e-5)
    close(layer(x), expected, 100)
    assert layer.num_batches_tracked.item() == 3


def test_batch_norm_scales_and_shifts():
    layer = nn.BatchNorm1d(2, dtype=gradgate.float64)
    layer.load_state_dict({"weight": gradgate.tensor([2.0, 3.0]), "bias": gradgate.tensor([1.0, 0.0])}, strict=False)
    x = randn(5, 2)
    close(layer(x), normalised(x.numpy(), (0,), 1e-5) * [2.0, 3.0] + [1.0, 0.0], 200)


def test_batch_norm_without_statistics_or_scale():
    layer = nn.BatchNorm1d(2, affine=False, track_running_stats=False).double().eval()
    assert list(layer.state_dict()) == []
    assert list(layer.parameters()) == []
    x = randn(5, 2)
    close(layer(x), normalised(x.numpy(), (0,), 1e-5), 100)


def test_batch_norm_without_shift():
    layer = nn.BatchNorm1d(2, bias=False, eps=1e-12)  # less than half an ulp of the variances
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight", "running_mean", "running_var", "num_batches_tracked"]
    assert layer(gradgate.tensor([[1.0, 5.0], [3.0, 1.0]])).tolist() == [[-1.0, 1.0], [1.0, -1.0]]
    assert nn.BatchNorm1d(2, affine=False).bias is None


def test_batch_norm_no_longer_tracking_keeps_its_running_values():
    layer = nn.BatchNorm1d(1)
    layer.track_running_stats = False
    layer(gradgate.tensor([[1.0], [5.0]]))
    assert layer.running_mean.tolist() == [0.0]
    assert layer.num_batches_tracked.item() == 0
    assert layer.eval()(gradgate.tensor([[2.0]])).item() == pytest.approx(2.0, rel=1e-5)  # eps is 1e-5


@pytest.mark.parametrize(
    "make",
    [
        lambda **options: nn.Linear(2, 3, **options),
        lambda **options: nn.Bilinear(2, 2, 3, **options),
        lambda **options: nn.Embedding(2, 3, **options),
        lambda **options: nn.BatchNorm1d(3, **options),
        lambda **options: nn.LayerNorm(3, **options),
    ],
)
def test_layers_take_a_device_and_a_dtype(make):
    for parameter in make(device="cpu", dtype=gradgate.float64).parameters():
        assert parameter.dtype == gradgate.float64
    with pytest.raises(RuntimeError, match="no device 'cuda'"):
        make(device="cuda")


def test_batch_norm_resets():
    layer = nn.BatchNorm1d(2)
    layer(gradgate.tensor([[1.0, 2.0], [5.0, 7.0]]))
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert layer.running_var.tolist() == [1.0, 1.0]
    assert layer.num_batches_tracked.item() == 0


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_gradients(training):
    mean, var = (None, None) if training else (randn(3), randn(3).square())
    tensors = tuple(t.requires_grad_() for t in (randn(4, 3), randn(3, seed=1), randn(3, seed=2)))
    assert gradcheck(lambda x, w, b: F.batch_norm(x, mean, var, w, b, training), tensors)


@pytest.mark.parametrize("shape", [(0, 2), (0, 2, 4), (3, 2, 0)])
@pytest.mark.parametrize("momentum", [0.25, None])
def test_a_batch_of_none_leaves_the_running_values(shape, momentum):
    layer = nn.BatchNorm1d(2, momentum=momentum)
    layer.load_state_dict({"running_mean": gradgate.tensor([1.0, 2.0])}, strict=False)
    x = gradgate.zeros(shape, requires_grad=True)
    with gradgate.detect_anomaly():
        y = layer(x)
        y.sum().backward()
    assert tuple(y.shape) == tuple(x.grad.shape) == shape
    assert layer.running_mean.tolist() == [1.0, 2.0]
    assert layer.running_var.tolist() == [1.0, 1.0]
    assert layer.num_batches_tracked.item() == 1
    assert layer.weight.grad.tolist() == layer.bias.grad.tolist() == [0.0, 0.0]
    assert tuple(nn.BatchNorm1d(0)(gradgate.zeros(3, 0)).shape) == (3, 0)


def test_batch_norm_needs_an_eps():
    x = gradgate.tensor([[1.0], [3.0]])
    layer = nn.BatchNorm1d(1, eps=0.0)
    with pytest.raises(ValueError, match=r"eps must be positive when training, but got 0\.0"):
        layer(x)
    with pytest.raises(ValueError, match="eps must be positive when training, but got -1"):
        F.batch_norm(x, None, None, training=True, eps=-1)
    assert layer.eval()(x).tolist() == [[1.0], [3.0]]  # the running variance is 1
    layer.eps = -1e-5
    with pytest.raises(ValueError, match="eps must be non-negative, but got -1e-05"):
        layer(x)


def test_batch_norm_errors():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match=r"expected 2D or 3D input \(got 1D input\)"):
        layer(gradgate.zeros(3))
    with pytest.raises(ValueError, match=r"more than 1 value per channel when training, got input size \(1, 3\)"):
        layer(gradgate.zeros(1, 3))
    with pytest.raises(RuntimeError, match="running_mean should contain 4 elements not 3"):
        layer(gradgate.zeros(2, 4))
    for shape in ((1, 0), (1, 0, 1)):
        with pytest.raises(ValueError, match="more than 1 value per channel when training"):
            nn.BatchNorm1d(0)(gradgate.zeros(shape))
    with pytest.raises(RuntimeError, match="required when not training"):
        F.batch_norm(gradgate.zeros(2, 3), None, None)
    with pytest.raises(ValueError, match=r"\(N, C, \*\), got \(3,\)"):
        F.batch_norm(gradgate.zeros(3), None, None, training=True)
    layer.eval()(gradgate.zeros(1, 3))


@pytest.mark.parametrize(("shape", "normalized"), [((4, 6), 6), ((2, 3, 4), (3, 4)), ((5,), (5,)), ((2, 3, 1), 1)])
def test_layer_norm(shape, normalized):
    layer = nn.LayerNorm(normalized, dtype=gradgate.float64)
    x = randn(*shape)
    axes = tuple(range(-len(layer.normalized_shape), 0))
    close(layer(x), normalised(x.numpy(), axes, 1e-5), 100)
    scale = randn(*layer.normalized_shape, seed=1)
    layer.load_state_dict({"weight": scale, "bias": scale * 2})
    close(layer(x), normalised(x.numpy(), axes, 1e-5) * scale.numpy() + scale.numpy() * 2, 200)


def test_layer_norm_options_gradients_and_errors():
    assert [n for n, _ in nn.LayerNorm(3, bias=False).named_parameters()] == ["weight"]
    assert list(nn.LayerNorm(3, elementwise_affine=False).parameters()) == []
    tensors = tuple(t.requires_grad_() for t in (randn(4, 3), randn(3, seed=1), randn(3, seed=2)))
    assert gradcheck(lambda x, w, b: F.layer_norm(x, (3,), w, b), tensors)
    with pytest.raises(RuntimeError, match=r"normalized_shape \(4,\) must be the last dimensions.*\(2, 3\)"):
        nn.LayerNorm(4)(gradgate.zeros(2, 3))
    with pytest.raises(RuntimeError, match=r"weight must have the shape \(3,\), got \(1,\)"):
        F.layer_norm(gradgate.zeros(2, 3), (3,), gradgate.ones(1))


# Shapes.


def test_flatten_and_unflatten():
    x = randn(2, 3, 4, 5)
    for arguments, shape in [((), (2, 60)), ((0,), (120,)), ((1, 2), (2, 12, 5)), ((-2, -1), (2, 3, 20))]:
        y = nn.Flatten(*arguments)(x)
        assert tuple(y.shape) == shape
        np.testing.assert_array_equal(y.numpy(), x.numpy().reshape(shape))
    assert tuple(nn.Unflatten(2, (2, 2))(x).shape) == (2, 3, 2, 2, 5)
    assert tuple(nn.Unflatten(-1, [5, -1])(x).shape) == (2, 3, 4, 5, 1)
    for sizes in [(3, 2), (-1, 3), (-1, -1), (0, -1)]:
        with pytest.raises(RuntimeError, match="does not multiply to size 4"):
            nn.Unflatten(2, sizes)(x)
    with pytest.raises(IndexError, match="dim 4 is out of range"):
        nn.Unflatten(4, (1, 5))(x)
    with pytest.raises(TypeError, match="tuple of ints"):
        nn.Unflatten(0, 2)


def test_identity_takes_anything():
    x = randn(2)
    assert nn.Identity(54, unused=3)(x) is x


def test_module_representations():
    pairs = {
        nn.Bilinear(1, 2, 3, bias=False): "Bilinear(in1_features=1, in2_features=2, out_features=3, bias=False)",
        nn.Embedding(5, 2, padding_idx=0): "Embedding(5, 2, padding_idx=0)",
        nn.BatchNorm1d(3): "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
        nn.LayerNorm(3): "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)",
        nn.Flatten(): "Flatten(start_dim=1, end_dim=-1)",
        nn.Unflatten(1, (2, 2)): "Unflatten(dim=1, unflattened_size=(2, 2))",
        nn.ReLU(inplace=True): "ReLU(inplace=True)",
        nn.LeakyReLU(0.1): "LeakyReLU(negative_slope=0.1)",
        nn.ELU(): "ELU(alpha=1.0)",
        nn.GELU("tanh"): "GELU(approximate='tanh')",
        nn.Softplus(): "Softplus(beta=1.0, threshold=20.0)",
        nn.Hardtanh(): "Hardtanh(min_val=-1.0, max_val=1.0)",
        nn.Softmax(dim=1): "Softmax(dim=1)",
        nn.Tanh(): "Tanh()",
    }
    for module, text in pairs.items():
        assert repr(module) == text
