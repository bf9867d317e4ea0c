"""gradgate.nn.init: ranges, moments, gains, generators, and the defaults of the modules."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradgate
from gradgate import nn
from gradgate.nn import init

SHAPE = (60, 80)
COUNT = 60 * 80


def values(fill, *args, seed=0, shape=SHAPE, **kwargs):
    tensor = gradgate.empty(*shape, dtype=gradgate.float64)
    generator = gradgate.Generator().manual_seed(seed)
    assert fill(tensor, *args, generator=generator, **kwargs) is tensor
    return tensor.numpy().copy()


def assert_moments(sample, mean, std):
    """Within five standard errors: of the mean std / sqrt(n), of the std at most std / sqrt(2 n) for kurtosis <= 3."""
    assert abs(sample.mean() - mean) < 5 * std / math.sqrt(sample.size)
    assert abs(sample.std() - std) < 5 * std / math.sqrt(2 * sample.size)


def assert_uniform(sample, bound):
    assert np.abs(sample).max() <= bound
    assert np.abs(sample).max() > bound * (1 - 20 / sample.size)  # missed with probability e^-20
    assert_moments(sample, 0.0, bound / math.sqrt(3))


FAN_IN, FAN_OUT = 80, 60
BOUNDS = [
    (init.uniform_, {"a": -0.5, "b": 0.5}, 0.5),
    (init.xavier_uniform_, {"gain": 2.0}, 2.0 * math.sqrt(6 / (FAN_IN + FAN_OUT))),
    (init.kaiming_uniform_, {}, math.sqrt(2) * math.sqrt(3 / FAN_IN)),
    (init.kaiming_uniform_, {"a": math.sqrt(5)}, 1 / math.sqrt(FAN_IN)),
    (init.kaiming_uniform_, {"mode": "fan_out", "nonlinearity": "tanh"}, 5 / 3 * math.sqrt(3 / FAN_OUT)),
]
MOMENTS = [
    (init.normal_, {}, 0.0, 1.0),
    (init.normal_, {"mean": 3.0, "std": 0.5}, 3.0, 0.5),
    (init.xavier_normal_, {"gain": 2.0}, 0.0, 2.0 * math.sqrt(2 / (FAN_IN + FAN_OUT))),
    (init.kaiming_normal_, {"nonlinearity": "relu"}, 0.0, math.sqrt(2 / FAN_IN)),
    (init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "linear"}, 0.0, math.sqrt(1 / FAN_OUT)),
]


@pytest.mark.parametrize(("fill", "options", "bound"), BOUNDS)
def test_uniform_bounds(fill, options, bound):
    assert_uniform(values(fill, **options), bound)


@pytest.mark.parametrize(("fill", "options", "mean", "std"), MOMENTS)
def test_normal_moments(fill, options, mean, std):
    assert_moments(values(fill, **options), mean, std)


def test_fans_of_more_dimensions():
    assert init._calculate_fan_in_and_fan_out(gradgate.empty(10, 20, 2, 3)) == (120, 60)
    bound = math.sqrt(6 / (20 * 6 + 10 * 6))
    assert_uniform(values(init.xavier_uniform_, shape=(10, 20, 2, 3)), bound)


@pytest.mark.parametrize(
    "fill", [init.uniform_, init.normal_, init.trunc_normal_, init.kaiming_uniform_, init.xavier_normal_]
)
def test_the_generator_decides(fill):
    np.testing.assert_array_equal(values(fill, seed=1), values(fill, seed=1))
    assert not np.array_equal(values(fill, seed=1), values(fill, seed=2))
    gradgate.manual_seed(3)
    first = fill(gradgate.empty(5, 5)).tolist()
    gradgate.manual_seed(3)
    values(fill)  # a generator of its own leaves the default one alone
    assert fill(gradgate.empty(5, 5)).tolist() == first


def test_nothing_is_recorded():
    weight = nn.Parameter(gradgate.empty(4, 4))
    for fill in (init.uniform_, init.normal_, init.trunc_normal_, init.orthogonal_, init.eye_, init.ones_, init.zeros_):
        assert fill(weight) is weight
        assert weight.is_leaf
        assert weight.requires_grad


def normal_cdf(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"), [(0.0, 1.0, -2.0, 2.0), (0.5, 2.0, -1.0, 3.0), (0.0, 1.0, 1.0, 9.0)]
)
def test_trunc_normal_follows_its_distribution(mean, std, a, b):
    sample = np.sort(values(init.trunc_normal_, mean, std, a, b).ravel())
    assert sample[0] >= a
    assert sample[-1] <= b
    low, high = normal_cdf((a - mean) / std), normal_cdf((b - mean) / std)
    cdf = np.array([(normal_cdf((x - mean) / std) - low) / (high - low) for x in sample])
    steps = np.arange(COUNT + 1) / COUNT
    distance = max(np.abs(cdf - steps[:-1]).max(), np.abs(cdf - steps[1:]).max())
    assert distance < 1.95 / math.sqrt(COUNT)  # Kolmogorov-Smirnov, exceeded with probability 0.001


def test_trunc_normal_warns_far_outside():
    with pytest.warns(UserWarning, match="more than 2 std"):
        init.trunc_normal_(gradgate.empty(2), mean=10.0)


def test_trunc_normal_keeps_float32_within_the_limits():
    sample = init.trunc_normal_(gradgate.empty(20000), a=-0.1, b=0.1).numpy()
    assert sample.dtype == np.float32
    assert np.abs(sample).max() <= np.float32(0.1)


def test_inverse_error_function():
    x = np.linspace(-4, 4, 801)
    y = np.array([math.erf(v) for v in x])
    inverse = init._erfinv(gradgate.tensor(y)).numpy()
    # An ulp of y moves x by 2^-53 / erf'(x); ten of them for the roundings of the last step.
    tolerance = 10 * 2.0**-53 * (1 + np.exp(x * x) * math.sqrt(math.pi) / 2)
    assert np.all(np.abs(inverse - x) <= tolerance)


def test_constants():
    assert init.constant_(gradgate.empty(2), 0.3).tolist() == [np.float32(0.3)] * 2
    assert init.ones_(gradgate.empty(2)).tolist() == [1.0, 1.0]
    assert init.zeros_(gradgate.ones(2)).tolist() == [0.0, 0.0]
    assert init.eye_(gradgate.ones(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3), (40, 40), (1, 1)])
def test_orthogonal(shape):
    matrix = values(init.orthogonal_, 2.0, shape=shape).reshape(shape[0], -1)
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    # Twice-projected rows are orthogonal to a few 2^-53 each; the gain squared and the product's n roundings on top.
    tolerance = 4.0 * 2.0**-53 * (10 + matrix.size / len(gram))
    np.testing.assert_allclose(gram, 4.0 * np.eye(len(gram)), rtol=0, atol=tolerance)


def test_orthogonal_is_uniform_in_sign():
    signs = [values(init.orthogonal_, shape=(1, 1), seed=seed).item() for seed in range(64)]
    assert set(signs) == {1.0, -1.0}


def test_sparse():
    matrix = values(init.sparse_, 0.25, 2.0, shape=(10, 500))
    assert ((matrix == 0).sum(0) == 3).all()  # ceil(0.25 * 10)
    assert_moments(matrix[matrix != 0], 0.0, 2.0)
    assert len({tuple(np.flatnonzero(column == 0)) for column in matrix.T}) > 50


def test_gains():
    assert init.calculate_gain("linear") == init.calculate_gain("sigmoid") == 1.0
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert init.calculate_gain("leaky_relu", 0.5) == math.sqrt(2 / 1.25)
    assert init.calculate_gain("selu") == 0.75


def test_errors():
    with pytest.raises(ValueError, match="Unsupported nonlinearity softsign"):
        init.calculate_gain("softsign")
    with pytest.raises(ValueError, match="not a valid number"):
        init.calculate_gain("leaky_relu", "steep")
    with pytest.raises(ValueError, match="Mode both not supported"):
        init.kaiming_uniform_(gradgate.empty(2, 2), mode="both")
    for fill in (init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.raises(ValueError, match=r"fewer than 2 dimensions, got \(3,\)"):
            fill(gradgate.empty(3))
    for fill in (init.eye_, lambda tensor: init.sparse_(tensor, 0.5)):
        with pytest.raises(ValueError, match="2 dimensions are supported"):
            fill(gradgate.empty(2, 2, 2))
    with pytest.raises(ValueError, match="2 or more dimensions"):
        init.orthogonal_(gradgate.empty(3))


def test_empty_tensors_warn_and_stay():
    with pytest.warns(UserWarning, match="zero-element"):
        init.kaiming_uniform_(gradgate.empty(0, 3))


def test_defaults_of_linear():
    layer = nn.Linear(80, 60)
    assert_uniform(layer.weight.detach().numpy().astype(float), 1 / math.sqrt(80))
    bias = nn.Linear(4, 5000).bias.detach().numpy().astype(float)
    assert_uniform(bias, 0.5)


def test_defaults_of_bilinear_and_embedding():
    layer = nn.Bilinear(16, 10, 30)
    assert_uniform(layer.weight.detach().numpy().astype(float), 0.25)
    assert_moments(nn.Embedding(60, 80).weight.detach().numpy().astype(float), 0.0, 1.0)


def test_a_linear_layer_is_seeded():
    def weights():
        gradgate.manual_seed(5)
        layer = nn.Linear(3, 2)
        return layer.weight.tolist(), layer.bias.tolist()

    assert weights() == weights()
