"""The lecture's two-layer network twice: backpropagation written by hand in NumPy, and the same in Gradgate.

Run it with ``python examples/two_layer_network.py``; both columns show the same losses.
"""

import numpy as np

import gradgate

N, D_in, H, D_out = 64, 100, 50, 10
STEPS, LEARNING_RATE = 500, 1e-4


def make_data() -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(0)
    return tuple(random.standard_normal(shape) for shape in ((N, D_in), (N, D_out), (D_in, H), (H, D_out)))


def flat_numpy() -> list[float]:
    """Forward and backward as flat code: one line a gate, and its mirror image."""
    x, y, w1, w2 = make_data()
    losses = []
    for _ in range(STEPS):
        h = 1 / (1 + np.exp(-x.dot(w1)))
        y_pred = h.dot(w2)
        losses.append(np.square(y_pred - y).sum())

        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h.T.dot(grad_y_pred)
        grad_h = grad_y_pred.dot(w2.T)
        grad_w1 = x.T.dot(grad_h * h * (1 - h))

        w1 -= LEARNING_RATE * grad_w1
        w2 -= LEARNING_RATE * grad_w2
    return losses


def with_gradgate() -> list[float]:
    """The same: the backward lines are gone."""
    x, y, w1, w2 = (gradgate.from_numpy(a) for a in make_data())
    w1.requires_grad_()
    w2.requires_grad_()
    losses = []
    for _ in range(STEPS):
        h = gradgate.sigmoid(x @ w1)
        y_pred = h @ w2
        loss = (y_pred - y).square().sum()
        losses.append(loss.item())

        grad_w1, grad_w2 = gradgate.autograd.grad(loss, (w1, w2))

        with gradgate.no_grad():
            w1 -= LEARNING_RATE * grad_w1
            w2 -= LEARNING_RATE * grad_w2
    return losses


def main() -> None:
    by_hand, by_graph = flat_numpy(), with_gradgate()
    print(f"{'step':>6} {'NumPy by hand':>18} {'Gradgate':>18}")
    for step in [*range(0, STEPS, 100), STEPS - 1]:
        print(f"{step:>6} {by_hand[step]:>18.9f} {by_graph[step]:>18.9f}")
    worst = max(abs(a - b) / a for a, b in zip(by_hand, by_graph, strict=True))
    print(f"largest relative difference: {worst:.1e}")


if __name__ == "__main__":
    main()
