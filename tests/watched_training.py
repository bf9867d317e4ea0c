"""Networks that the tests of watch train."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import gradgate as gg
from gradgate import nn
from gradgate.health import Watch


def train(
    model: nn.Module,
    steps: int = 40,
    every: int = 5,
    lr: float = 0.01,
    x: gg.Tensor | None = None,
    optimize: bool = True,
    before: Callable[[int], None] | None = None,
) -> Watch:
    """Trains on random numbers, watched."""
    x = gg.randn(128, 4) if x is None else x
    optimizer = gg.optim.SGD(model.parameters(), lr=lr)
    with gg.watch(model, every, warn=False) as health:
        for step in range(steps):
            if before is not None:
                before(step)
            loss = model(x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            if optimize:
                optimizer.step()
    return health


def network(activation: Callable[[], nn.Module], *widths: int) -> nn.Sequential:
    gg.manual_seed(0)
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


def faults(health: Watch) -> set[tuple[str, str]]:
    return {finding.key for finding in health.findings}
