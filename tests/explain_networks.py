"""Networks and circuits that the tests of explain look at."""

from __future__ import annotations

import shutil
from itertools import pairwise

import gradgate as gg
from gradgate import nn
from gradgate.explain import Flow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def neuron() -> Flow:
    """The lecture's sigmoid neuron as single gates."""
    w0, x0, w1, x1, w2 = (gg.tensor(v, dtype=gg.float64, requires_grad=True) for v in (2.0, -1.0, -3.0, -2.0, -3.0))
    f = 1 / (1 + gg.exp(-(w0 * x0 + w1 * x1 + w2)))
    return gg.explain(f)


def squared_norm() -> Flow:
    """The lecture's ||W x||^2, q used twice."""
    W = gg.tensor([[0.1, 0.5], [-0.3, 0.8]], dtype=gg.float64, requires_grad=True)
    x = gg.tensor([0.2, 0.4], dtype=gg.float64, requires_grad=True)
    q = W @ x
    f = (q * q).sum()
    return gg.explain(f)


def network(*widths: int, batch: int = 8, fused: bool = True) -> Flow:
    """A ReLU network with a softmax loss on random numbers."""
    gg.manual_seed(0)
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    x, y = gg.randn(batch, widths[0]), gg.randint(0, widths[-1], (batch,))
    loss = nn.functional.cross_entropy(model(x), y)
    return gg.explain(loss, model, fused=fused)


def deep() -> Flow:
    """Twenty layers."""
    return network(16, *[32] * 19, 4)
