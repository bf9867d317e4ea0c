"""The case study of the course notes: three arms of a spiral, read by a linear classifier and by a network.

Run it with ``python examples/spiral.py [picture.png]``; the picture of what was learned needs matplotlib.
"""

import itertools
import sys

import numpy as np

import gradgate
from gradgate import Tensor, nn, optim
from gradgate.nn import functional as F

POINTS, CLASSES = 100, 3
REGULARISATION = 1e-3


def spiral() -> tuple[Tensor, Tensor]:
    """Points (300, 2) of three arms, and their classes."""
    np.random.seed(0)
    arms = []
    for j in range(CLASSES):
        r = np.linspace(0.0, 1, POINTS)
        t = np.linspace(4 * j, 4 * (j + 1), POINTS) + 0.2 * np.random.randn(POINTS)
        arms.append(np.c_[r * np.sin(t), r * np.cos(t)])
    return gradgate.tensor(np.concatenate(arms)), gradgate.tensor(np.repeat(np.arange(CLASSES), POINTS))


def train(model: nn.Module, x: Tensor, y: Tensor, steps: int, every: int) -> None:
    """Full-batch gradient descent with step 1 on the cross-entropy and half the squared weights."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim == 1]
    optimizer = optim.SGD([{"params": weights, "weight_decay": REGULARISATION}, {"params": biases}], lr=1.0)
    for step in range(steps):
        data_loss = F.cross_entropy(model(x), y)
        if step % every == 0:
            penalty = sum(0.5 * REGULARISATION * (w.detach() ** 2).sum().item() for w in weights)
            print(f"  step {step:>6}: loss {data_loss.item() + penalty:.6f}")
        optimizer.zero_grad()
        data_loss.backward()
        optimizer.step()


def network(*sizes: int) -> nn.Sequential:
    """Linear layers with small weights, relu between them, in float64 as the notes have it."""
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        linear = nn.Linear(n_in, n_out)
        nn.init.normal_(linear.weight, std=0.01)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).double()


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with gradgate.no_grad():
        return float((model(x).argmax(1) == y).double().mean())


def draw(path: str, models: dict[str, nn.Module], x: Tensor, y: Tensor) -> None:
    """Colour the plane by the class that each model sees there."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(models), figsize=(5 * len(models), 5), layout="constrained")
    side = np.linspace(-1.4, 1.4, 300)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for axes, (name, model) in zip(panels, models.items(), strict=True):
        with gradgate.no_grad():
            seen = model(gradgate.from_numpy(grid)).argmax(1).numpy().reshape(300, 300)
        axes.contourf(side, side, seen, levels=[-0.5, 0.5, 1.5, 2.5], cmap="Spectral", alpha=0.5)
        axes.scatter(*x.numpy().T, c=y.numpy(), cmap="Spectral", edgecolors="black", s=20)
        axes.set(title=f"{name}: {accuracy(model, x, y):.0%}", aspect="equal")
    figure.savefig(path, dpi=100)
    print(f"picture: {path}")


def main() -> None:
    gradgate.manual_seed(0)
    x, y = spiral()
    models = {"softmax regression": network(2, 3), "2-100-3 with relu": network(2, 100, 3)}
    for (name, model), steps, every in zip(models.items(), (200, 10_000), (10, 1_000), strict=True):
        print(name)
        train(model, x, y, steps, every)
        print(f"  accuracy {accuracy(model, x, y):.0%}")
    if len(sys.argv) > 1:
        draw(sys.argv[1], models, x, y)


if __name__ == "__main__":
    main()
