"""The warnings of watch: sick networks are told by layer and fault, healthy ones are left alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest

import gradgate as gg
from gradgate import nn
from gradgate.health import TrainingWarning
from gradgate.nn import functional as F
from watched_training import faults, network, train


def test_dead_units() -> None:
    model = network(nn.ReLU, 4, 10, 2)
    with gg.no_grad():
        model[0].bias[:6] = -100.0
    health = train(model)
    assert health.history[0].layers["1"].dead == 0  # 128 examples are too few to tell
    assert health.history[-1].layers["1"].dead == pytest.approx(0.6)
    assert ("1", "dead") in faults(health)
    text = next(f.text for f in health.findings if f.fault == "dead")
    assert text.startswith("60% of the 10 units of layer 1 (ReLU) are dead")
    assert "LeakyReLU" in text


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid])
def test_saturation(activation: Callable[[], nn.Module]) -> None:
    model = network(activation, 4, 10, 2)
    with gg.no_grad():
        model[0].weight.mul_(1000.0)
    health = train(model)
    assert (health.history[-1].layers["1"].saturated or 0) > 0.9
    assert ("1", "saturated") in faults(health)


def test_an_output_may_be_sure() -> None:
    model = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
    with gg.no_grad():
        model[0].weight.mul_(1000.0)
    health = train(model)
    assert health.history[-1].layers["1"].is_output
    assert ("1", "saturated") not in faults(health)


def test_vanishing_gradient() -> None:
    health = train(network(nn.Sigmoid, 4, *[8] * 8, 1))
    (finding,) = (f for f in health.findings if f.fault == "gradient vanishes")
    assert "ReLU" in finding.text
    sizes = {
        name: layer.gradient.rms for name, layer in health.history[-1].layers.items() if layer.gradient is not None
    }
    assert sizes[finding.name] * 1e3 < sizes["16"]


def test_exploding_gradient_and_signal() -> None:
    model = network(nn.Identity, 4, *[8] * 5, 1)
    with gg.no_grad():
        for p in model.parameters():
            p.mul_(10.0)
    health = train(model, lr=0.0)
    assert {fault for _, fault in faults(health)} >= {"gradient explodes", "signal explodes"}


def test_vanishing_signal() -> None:
    model = network(nn.Tanh, 4, *[8] * 4, 1)
    with gg.no_grad():
        for p in model.parameters():
            p.mul_(0.01 if p.ndim > 1 else 0.0)
    assert "signal vanishes" in {fault for _, fault in faults(train(model, lr=0.0))}


def test_nothing_changes_without_a_step() -> None:
    health = train(network(nn.ReLU, 4, 8, 2), optimize=False)
    assert ("", "no updates") in faults(health)
    assert "optimizer.step()" in health.warnings[0]
    assert "learning rate is 0" in train(network(nn.ReLU, 4, 8, 2), lr=0.0).warnings[0]


def test_a_layer_that_is_not_used() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x: gg.Tensor) -> gg.Tensor:
            self.idle(x)
            return self.used(x)

    assert ("idle.weight", "no gradient") in faults(train(Net()))


def test_a_gradient_of_zero() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    with gg.no_grad():
        model[2].weight.zero_()
    assert ("0.weight", "gradient zero") in faults(train(model, lr=0.0))


def test_a_learning_rate_too_high_and_too_low() -> None:
    x = gg.randn(64, 4)
    model = network(nn.Tanh, 4, 8, 2)
    optimizer = gg.optim.Adam(model.parameters(), lr=0.5)
    with gg.watch(model, 2, warn=False) as health:
        for _ in range(8):
            optimizer.zero_grad()
            (model(x) - gg.randn(64, 2)).square().mean().backward()
            optimizer.step()
    assert ("0.weight", "fast") in faults(health)
    assert ("0.weight", "slow") in faults(train(network(nn.Tanh, 4, 8, 2), lr=1e-6))


def test_a_jump_of_the_gradient() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    x = gg.randn(16, 4)
    with gg.watch(model, 1, warn=False) as health:
        for step in range(6):
            model.zero_grad()
            (model(x) * (1e6 if step == 5 else 1)).square().mean().backward()
    assert ("", "gradient jumps") in faults(health)


def test_a_nan_is_told_at_once() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    x = gg.randn(16, 4)
    with gg.watch(model, 1, warn=False) as health:
        model(x).square().mean().backward()
        with gg.no_grad():
            model[0].weight[0, 0] = float("nan")
        model(x).square().mean().backward()
    assert faults(health) == {("0", "not finite")}
    assert "detect_anomaly" in health.warnings[0]
    assert "nan" in health.table()
    health.plot()


def test_a_healthy_training_has_no_warnings() -> None:
    gg.manual_seed(0)
    model = network(nn.ReLU, 10, 32, 32, 3)
    x, y = gg.randn(256, 10), gg.randint(0, 3, (256,))
    optimizer = gg.optim.Adam(model.parameters(), lr=1e-3)
    with gg.watch(model, 5) as health:
        for step in range(60):
            batch = slice(32 * (step % 8), 32 * (step % 8 + 1))
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert health.warnings == []


def test_warnings_are_given_once_where_the_model_is_called() -> None:
    model = network(nn.ReLU, 4, 10, 2)
    with gg.no_grad():
        model[0].bias.fill_(-100.0)
    x = gg.randn(64, 4)
    with gg.watch(model, 1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(12):
            model(x).square().mean().backward()
    ours = [w for w in caught if w.category is TrainingWarning and "are dead" in str(w.message)]
    assert len(ours) == 1
    assert ours[0].filename == __file__


def watched(model: nn.Module, *calls: bool) -> set[tuple[str, str]]:
    """The faults after forward passes, each with a backward pass or without; every one is sampled, and no step changes the model."""
    x = gg.randn(64, 4)
    with gg.watch(model, 1, warn=False) as health:
        for with_backward in calls:
            model.zero_grad()
            loss = model(x).square().mean()
            if with_backward:
                loss.backward()
    return faults(health)


@pytest.mark.parametrize("calls", [(True,) * 3 + (False,), (True, False) * 3, (True,) * 3 + (False,) * 5])
def test_a_forward_pass_without_backward_hides_no_fault(calls: tuple[bool, ...]) -> None:
    vanishing = network(nn.Sigmoid, 4, *[8] * 8, 1)
    found = watched(vanishing, True, True, True)
    assert {"gradient vanishes", "no updates"} <= {fault for _, fault in found}
    assert watched(vanishing, *calls) == found
    blocked = network(nn.ReLU, 4, 8, 2)
    with gg.no_grad():
        blocked[2].weight.zero_()
    found = watched(blocked, True, True, True)
    assert ("0.weight", "gradient zero") in found
    assert watched(blocked, *calls) == found


def test_a_jump_is_compared_with_passes_that_had_a_gradient() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    x = gg.randn(16, 4)
    with gg.watch(model, 1, warn=False) as health:
        for step in range(12):
            model.zero_grad()
            loss = (model(x) * (1e6 if step == 10 else 1e2)).square().mean()
            if step % 2 == 0:
                loss.backward()
    assert ("", "gradient jumps") in faults(health)


def test_a_nan_in_a_gradient_is_found_behind_a_forward_pass() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    x = gg.randn(16, 4)
    with gg.watch(model, 1, warn=False) as health:
        (model(x).sum() * float("nan")).backward()
        model(x)
    assert ("0.weight", "not finite") in faults(health)


def test_forward_passes_alone_have_no_fault() -> None:
    assert watched(network(nn.Sigmoid, 4, *[8] * 8, 1), *[False] * 6) == set()
