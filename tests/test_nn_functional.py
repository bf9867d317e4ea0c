"""Activations, softmax, distances, encodings and paddings of gradgate.nn.functional against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradgate
from gradgate import functional, nn
from gradgate.nn import functional as F

X = np.concatenate([np.random.default_rng(0).standard_normal(40) * 3, [0.0, -0.0, 30.0, -30.0]])
erf = np.vectorize(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def softplus(x, beta=1.0):
    return np.where(beta * x > 20, x, np.log1p(np.exp(np.minimum(beta * x, 20))) / beta)


ACTIVATIONS = {
    "relu": ({}, nn.ReLU, lambda x: np.maximum(x, 0)),
    "leaky_relu": ({"negative_slope": 0.2}, nn.LeakyReLU, lambda x: np.where(x > 0, x, 0.2 * x)),
    "elu": ({"alpha": 0.5}, nn.ELU, lambda x: elu(x, 0.5)),
    "selu": ({}, nn.SELU, lambda x: 1.0507009873554804934 * elu(x, 1.6732632423543772848)),
    "gelu": ({}, nn.GELU, lambda x: x * (1 + erf(x / math.sqrt(2))) / 2),
    "silu": ({}, nn.SiLU, lambda x: x * sigmoid(x)),
    "softplus": ({"beta": 2.0}, nn.Softplus, lambda x: softplus(x, 2.0)),
    "hardtanh": ({"min_val": -0.5, "max_val": 2.0}, nn.Hardtanh, lambda x: np.clip(x, -0.5, 2.0)),
    "logsigmoid": ({}, nn.LogSigmoid, lambda x: -np.logaddexp(0, -x)),
    "mish": ({}, nn.Mish, lambda x: x * np.tanh(softplus(x))),
    "sigmoid": ({}, nn.Sigmoid, sigmoid),
    "tanh": ({}, nn.Tanh, np.tanh),
}
IN_PLACE = ["relu", "leaky_relu", "elu", "selu", "silu", "hardtanh", "mish"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_and_module(name):
    options, module, reference = ACTIVATIONS[name]
    x = gradgate.tensor(X)
    y = getattr(F, name)(x, **options).numpy()
    # Under ten roundings and library calls of an ulp or two, each relative to terms of order |x|.
    np.testing.assert_allclose(y, reference(X), rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(module(**options)(x).numpy(), y)


def test_gelu_with_tanh():
    expected = 0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)))
    x = gradgate.tensor(X)
    np.testing.assert_allclose(F.gelu(x, approximate="tanh").numpy(), expected, rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(nn.GELU("tanh")(x).numpy(), F.gelu(x, "tanh").numpy())
    with pytest.raises(RuntimeError, match="'none' or 'tanh', got 'erf'"):
        F.gelu(x, approximate="erf")


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    function = getattr(F, name)
    x = gradgate.tensor(X, requires_grad=True)
    function(x).sum().backward()
    twin = gradgate.tensor(X, requires_grad=True)
    y = twin * 1.0
    assert function(y, inplace=True) is y
    y.sum().backward()
    np.testing.assert_array_equal(y.detach().numpy(), function(x).detach().numpy())
    np.testing.assert_array_equal(twin.grad.numpy(), x.grad.numpy())


def test_hardtanh_limits():
    with pytest.raises(ValueError, match=r"min_val \(2\) must not be greater than max_val \(1\)"):
        F.hardtanh(gradgate.zeros(1), 2, 1)
    with pytest.raises(ValueError, match="must be larger than min_val"):
        nn.Hardtanh(1.0, 1.0)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_and_its_logarithm(dim):
    scores = np.random.default_rng(0).standard_normal((4, 5, 3))
    e = np.exp(scores - scores.max(dim, keepdims=True))
    expected = e / e.sum(dim, keepdims=True)
    x = gradgate.tensor(scores)
    np.testing.assert_allclose(F.softmax(x, dim).numpy(), expected, rtol=1e-14, atol=0)
    np.testing.assert_allclose(F.log_softmax(x, dim).numpy(), np.log(expected), rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(nn.Softmax(dim)(x).numpy(), F.softmax(x, dim).numpy())
    np.testing.assert_array_equal(nn.LogSoftmax(dim)(x).numpy(), F.log_softmax(x, dim).numpy())
    assert F.softmax(x.to(gradgate.float32), dim, dtype=gradgate.float64).dtype == gradgate.float64
    assert F.log_softmax(x, dim, dtype=gradgate.float32).dtype == gradgate.float32


@pytest.mark.parametrize(("shape", "dim"), [((), 0), ((2,), 0), ((2, 3), 1), ((2, 3, 2), 0), ((2, 3, 2, 2), 1)])
@pytest.mark.parametrize(("function", "layer"), [(F.softmax, nn.Softmax), (F.log_softmax, nn.LogSoftmax)])
def test_softmax_without_a_dimension_chooses_and_warns(function, layer, shape, dim):
    x = gradgate.randn(shape)
    module = layer()
    assert repr(module) == f"{layer.__name__}(dim=None)"
    for call in (function, module):
        with pytest.warns(
            UserWarning, match=f"Implicit dimension choice for {function.__name__} .* include dim={dim}"
        ) as w:
            result = call(x)
        assert w[0].filename == __file__
        np.testing.assert_array_equal(result.numpy(), function(x, dim).numpy())


@pytest.mark.parametrize(("p", "dim"), [(2.0, 1), (1.0, 0), (3.0, -1), (math.inf, 1)])
def test_normalize(p, dim):
    x = np.random.default_rng(0).standard_normal((4, 5))
    expected = x / np.linalg.norm(x, p, dim, keepdims=True)
    np.testing.assert_allclose(F.normalize(gradgate.tensor(x), p, dim).numpy(), expected, rtol=1e-14, atol=0)


def test_normalize_keeps_zeros():
    x = gradgate.zeros(2, 3, requires_grad=True)
    y = F.normalize(x)
    assert y.tolist() == [[0.0] * 3] * 2
    y.sum().backward()
    assert all(math.isfinite(g) for row in x.grad.tolist() for g in row)


def test_cosine_similarity():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 5)), rng.standard_normal((4, 5))
    expected = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    similarity = F.cosine_similarity(gradgate.tensor(a), gradgate.tensor(b))
    np.testing.assert_allclose(similarity.numpy(), expected, rtol=1e-14, atol=1e-15)
    assert F.cosine_similarity(gradgate.zeros(1, 2), gradgate.ones(1, 2)).item() == 0.0
    assert tuple(F.cosine_similarity(gradgate.ones(4, 1, 5), gradgate.ones(3, 5), dim=-1).shape) == (4, 3)


@pytest.mark.parametrize(
    ("shape", "other", "dim"),
    [((1, 3), (2, 3), 0), ((2, 1), (2, 4), 1), ((3,), (2, 3), 0), ((3,), (2, 3), 1), ((), (3,), 0)],
)
def test_cosine_similarity_broadcasts_first(shape, other, dim):
    random = np.random.default_rng(3)
    a, b = np.asarray(random.standard_normal(shape)), random.standard_normal(other)
    both = np.broadcast_arrays(a, b)
    lengths = np.linalg.norm(both[0], axis=dim) * np.linalg.norm(both[1], axis=dim)
    for x, y in ((a, b), (b, a)):
        similarity = F.cosine_similarity(gradgate.tensor(x), gradgate.tensor(y), dim=dim)
        np.testing.assert_allclose(similarity.numpy(), (a * b).sum(dim) / lengths, rtol=1e-14)
    x = gradgate.tensor(a, requires_grad=True)
    y = gradgate.tensor(b, requires_grad=True)
    assert gradgate.autograd.gradcheck(lambda x, y: F.cosine_similarity(x, y, dim), (x, y))


def test_cosine_similarity_of_several_types_and_its_errors():
    similarity = F.cosine_similarity(
        gradgate.tensor([[1, 2, 3]]), gradgate.tensor([[-3.0, -1.0, 1.0], [3.0, 5.0, 7.0]]), 0
    )
    np.testing.assert_allclose(similarity.numpy(), [0.0, 2 / math.sqrt(13), 0.8], rtol=1e-6, atol=1e-7)
    assert F.cosine_similarity(gradgate.ones(1, 2), gradgate.ones(1, 2).double()).dtype == gradgate.float64
    with pytest.raises(IndexError, match="out of range"):
        F.cosine_similarity(gradgate.ones(3), gradgate.ones(2, 3), dim=2)
    with pytest.raises(RuntimeError, match="broadcast"):
        F.cosine_similarity(gradgate.ones(3), gradgate.ones(2))


def test_one_hot_and_pad():
    assert F.one_hot(gradgate.tensor([[2], [0]])).tolist() == [[[0, 0, 1]], [[1, 0, 0]]]
    assert F.one_hot(gradgate.tensor([0]), 2).dtype == gradgate.int64
    x = np.arange(6.0).reshape(2, 3)
    padded = F.pad(gradgate.tensor(x), (1, 2, 3, 0), value=7.0)
    np.testing.assert_array_equal(padded.numpy(), np.pad(x, ((3, 0), (1, 2)), constant_values=7.0))
    np.testing.assert_array_equal(F.pad(gradgate.tensor(x), [-1, 1]).numpy(), [[1, 2, 0], [4, 5, 0]])


def test_both_names_are_one_module_in_content():
    assert F.__all__ == functional.__all__
    assert all(getattr(F, name) is getattr(functional, name) for name in functional.__all__)
