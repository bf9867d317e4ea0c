"""The worked examples of the cs231n lecture on backpropagation, number by number."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate
from gradgate import Tensor, nn
from gradgate.nn import functional as F


def leaf(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64, requires_grad=True)


def gradients(output: Tensor, *inputs: Tensor) -> list[object]:
    return [g.tolist() for g in gradgate.autograd.grad(output, inputs)]


def test_multiply() -> None:
    x, y = leaf(4.0), leaf(-3.0)
    f = x * y
    assert f.item() == -12
    assert gradients(f, x, y) == [-3, 4]


def test_max() -> None:
    x, y = leaf(4.0), leaf(2.0)
    assert gradients(gradgate.maximum(x, y), x, y) == [1, 0]


def test_add_then_multiply() -> None:
    x, y, z = leaf(-2.0), leaf(5.0), leaf(-4.0)
    q = x + y
    f = q * z
    assert (q.item(), f.item()) == (3, -12)
    assert gradients(f, q, z, x, y) == [-4, 3, -4, -4]


SIGMOID_NEURON_DW = [-0.19661193324148185, -0.3932238664829637, 0.19661193324148185]
SIGMOID_NEURON_DX = [0.3932238664829637, -0.5898357997244456]
# A few roundings of float64 in a chain of seven gates.
CHAIN = 1e-15


def test_sigmoid_neuron_as_single_gates() -> None:
    w0, w1, w2 = leaf(2.0), leaf(-3.0), leaf(-3.0)
    x0, x1 = leaf(-1.0), leaf(-2.0)
    a, b = w0 * x0, w1 * x1
    s = a + b
    t = s + w2
    negated = -t
    e = negated.exp()
    d = e + 1
    f = 1 / d
    assert [v.item() for v in (a, b, s, t, negated)] == [-2, 6, 4, 1, -1]
    # The slides show two digits.
    assert [round(v.item(), 2) for v in (e, d, f)] == [0.37, 1.37, 0.73]
    assert f.item() == pytest.approx(0.7310585786300049, abs=CHAIN)
    on_the_way = gradients(f, f, d, e, negated, t, s, a, b)
    # The slides round as they go.
    assert on_the_way == pytest.approx([1, -0.53, -0.53, -0.20, 0.20, 0.20, 0.20, 0.20], abs=0.01)
    exact = gradients(1 / ((-(w0 * x0 + w1 * x1 + w2)).exp() + 1), w0, w1, w2, x0, x1)
    assert exact == pytest.approx(SIGMOID_NEURON_DW + SIGMOID_NEURON_DX, abs=CHAIN)
    assert exact == pytest.approx([-0.20, -0.39, 0.20, 0.39, -0.59], abs=0.01)


def test_sigmoid_neuron_as_one_gate() -> None:
    w, x = leaf([2.0, -3.0, -3.0]), leaf([-1.0, -2.0])
    f = gradgate.sigmoid(w[:2] @ x + w[2])
    dw, dx = gradients(f, w, x)
    assert f.item() == pytest.approx(0.7310585786300049, abs=CHAIN)
    assert dw == pytest.approx(SIGMOID_NEURON_DW, abs=CHAIN)
    assert dx == pytest.approx(SIGMOID_NEURON_DX, abs=CHAIN)
    z = leaf(1.0)
    assert gradients(gradgate.sigmoid(z), z)[0] == pytest.approx(0.73 * (1 - 0.73), abs=0.001)


def test_patterns_in_gradient_flow() -> None:
    def upstream(output: Tensor, gradient: float, *inputs: Tensor) -> list[float]:
        return [
            g.item() for g in gradgate.autograd.grad(output, inputs, gradgate.tensor(gradient, dtype=gradgate.float64))
        ]

    a, b = leaf(3.0), leaf(4.0)
    assert upstream(a + b, 2.0, a, b) == [2, 2]
    a, b = leaf(2.0), leaf(3.0)
    assert upstream(a * b, 5.0, a, b) == [15, 10]
    a = leaf(7.0)
    assert upstream(4 * a + 2 * a, 1.0, a) == [6]
    a, b = leaf(4.0), leaf(5.0)
    assert upstream(gradgate.maximum(a, b), 9.0, a, b) == [0, 9]


def test_all_patterns_together() -> None:
    x, y, z, w = leaf(3.0), leaf(-4.0), leaf(2.0), leaf(-1.0)
    f = 2 * (x * y + gradgate.maximum(z, w))
    assert f.item() == -20
    assert gradients(f, x, y, z, w) == [-8, 6, 2, 0]


def test_staged_computation() -> None:
    x, y = leaf(3.0), leaf(-4.0)
    f = (x + gradgate.sigmoid(y)) / (gradgate.sigmoid(x) + (x + y) ** 2)
    assert f.item() == pytest.approx(1.5456448841066441, rel=CHAIN)
    assert gradients(f, x, y) == pytest.approx([2.0595697955721652, 1.5922327514838093], rel=CHAIN)


def test_norm_of_product() -> None:
    w, x = leaf([[0.1, 0.5], [-0.3, 0.8]]), leaf([0.2, 0.4])
    q = w @ x
    f = (q * q).sum()
    assert q.tolist() == pytest.approx([0.22, 0.26])
    assert f.item() == pytest.approx(0.116)
    dq, dw, dx = gradgate.autograd.grad(f, (q, w, x))
    assert dq.tolist() == pytest.approx([0.44, 0.52])
    np.testing.assert_allclose(dw.numpy(), [[0.088, 0.176], [0.104, 0.208]], rtol=1e-14)
    assert dx.tolist() == pytest.approx([-0.112, 0.636])


def test_relu_jacobian_is_diagonal() -> None:
    x = leaf([1.0, -2.0, 3.0, -1.0])
    z = gradgate.relu(x)
    assert z.tolist() == [1, 0, 3, 0]
    z.backward(gradgate.tensor([4.0, -1.0, 5.0, 9.0], dtype=gradgate.float64))
    assert x.grad is not None
    assert x.grad.tolist() == [4, 0, 5, 0]
    jacobian = gradgate.autograd.functional.jacobian(gradgate.relu, x)
    assert jacobian.tolist() == np.diag([1.0, 0.0, 1.0, 0.0]).tolist()


def test_matrix_product() -> None:
    x = leaf([[2.0, 1.0, -3.0], [-3.0, 4.0, 2.0]])
    w = leaf([[3.0, 2.0, 1.0, -1.0], [2.0, 1.0, 3.0, 2.0], [3.0, 2.0, 1.0, -2.0]])
    y = x @ w
    assert y.tolist() == [[-1, -1, 2, 6], [5, 2, 11, 7]]
    y.backward(gradgate.tensor([[2.0, 3.0, -3.0, 9.0], [-8.0, 1.0, 4.0, 6.0]], dtype=gradgate.float64))
    assert x.grad is not None and w.grad is not None
    assert x.grad.tolist() == [[0, 16, -9], [-24, 9, -30]]
    assert w.grad.tolist() == [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]]


def test_softmax_gradient() -> None:
    f = leaf(np.log([[0.2, 0.3, 0.5]]))
    loss = F.cross_entropy(f, gradgate.tensor([1]))
    (df,) = gradgate.autograd.grad(loss, f)
    np.testing.assert_allclose(df.numpy(), [[0.2, -0.7, 0.5]], rtol=0, atol=CHAIN)


def test_softmax_does_not_overflow() -> None:
    p = gradgate.softmax(gradgate.tensor([123.0, 456.0, 789.0]), 0)
    assert p.tolist() == [0, 0, 1]


def test_hinge_loss() -> None:
    scores = leaf([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    labels = gradgate.tensor([0, 1, 2])
    # PyTorch divides by the number of classes, the lecture does not.
    losses = 3 * nn.MultiMarginLoss(reduction="none")(scores, labels)
    assert losses.tolist() == pytest.approx([2.9, 0, 12.9])
    assert losses.mean().item() == pytest.approx(5.27, abs=0.005)


def test_first_losses_of_ten_classes() -> None:
    gradgate.manual_seed(0)
    scores = 1e-5 * gradgate.randn(50, 10)
    labels = gradgate.randint(0, 10, (50,))
    assert F.cross_entropy(scores, labels).item() == pytest.approx(2.302, abs=0.001)
    assert 10 * F.multi_margin_loss(scores, labels).item() == pytest.approx(9, abs=0.001)


def relative_error(a: np.ndarray, n: np.ndarray) -> float:
    return float(np.max(np.abs(a - n) / np.maximum(1e-8, np.abs(a) + np.abs(n))))


def test_gradient_check_of_a_two_layer_network() -> None:
    random = np.random.default_rng(0)
    x = gradgate.tensor(random.standard_normal((5, 4)))
    labels = gradgate.tensor([0, 1, 2, 2, 1])
    values = [random.standard_normal(shape) for shape in ((4, 10), (10,), (10, 3), (3,))]

    def loss(*parameters: Tensor) -> Tensor:
        w1, b1, w2, b2 = parameters
        return F.cross_entropy(gradgate.tanh(x @ w1 + b1) @ w2 + b2, labels)

    parameters = [leaf(v) for v in values]
    analytic = [g.numpy() for g in gradgate.autograd.grad(loss(*parameters), parameters)]
    h = 1e-5
    for index, value in enumerate(values):
        numerical = np.zeros_like(value)
        for element in np.ndindex(*value.shape):
            sides = []
            for step in (h, -h):
                moved = [v.copy() for v in values]
                moved[index][element] += step
                sides.append(loss(*(gradgate.tensor(v) for v in moved)).item())
            numerical[element] = (sides[0] - sides[1]) / (2 * h)
        assert relative_error(analytic[index], numerical) < 1e-7


def spiral() -> tuple[np.ndarray, np.ndarray]:
    np.random.seed(0)
    x, y = np.zeros((300, 2)), np.zeros(300, dtype=np.int64)
    for j in range(3):
        rows = range(100 * j, 100 * (j + 1))
        r = np.linspace(0.0, 1, 100)
        t = np.linspace(j * 4, (j + 1) * 4, 100) + np.random.randn(100) * 0.2
        x[rows] = np.c_[r * np.sin(t), r * np.cos(t)]
        y[rows] = j
    return x, y


def test_spiral_softmax_regression() -> None:
    data, labels = spiral()
    x, y = gradgate.tensor(data), gradgate.tensor(labels)
    w, b = leaf(0.01 * np.random.randn(2, 3)), leaf(np.zeros((1, 3)))
    for step in range(200):
        loss = F.cross_entropy(x @ w + b, y) + 0.5e-3 * (w * w).sum()
        if step == 190:
            assert loss.item() == pytest.approx(0.786302, abs=2e-6)
        dw, db = gradgate.autograd.grad(loss, (w, b))
        with gradgate.no_grad():
            w -= dw
            b -= db
    accuracy = ((x @ w + b).argmax(1) == y).double().mean().item()
    assert round(accuracy, 2) == 0.49


def test_spiral_two_layer_network() -> None:
    data, labels = spiral()
    x, y = gradgate.tensor(data), gradgate.tensor(labels)
    parameters = [
        leaf(0.01 * np.random.randn(2, 100)),
        leaf(np.zeros(100)),
        leaf(0.01 * np.random.randn(100, 3)),
        leaf(np.zeros(3)),
    ]
    w1, b1, w2, b2 = parameters
    for _ in range(10_000):
        scores = gradgate.relu(x @ w1 + b1) @ w2 + b2
        loss = F.cross_entropy(scores, y) + 0.5e-3 * ((w1 * w1).sum() + (w2 * w2).sum())
        slopes = gradgate.autograd.grad(loss, parameters)
        with gradgate.no_grad():
            for p, dp in zip(parameters, slopes, strict=True):
                p -= dp
    assert loss.item() == pytest.approx(0.245, abs=0.03)
    assert (scores.argmax(1) == y).double().mean().item() >= 0.97
