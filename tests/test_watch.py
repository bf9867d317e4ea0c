"""watch: the numbers it samples against NumPy, and the steps it follows."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

import gradgate as gg
from gradgate import nn
from gradgate.health.vitals import COMPARED, DEAD_AFTER, Distribution
from gradgate.nn import functional as F
from watched_training import network, train


def test_numbers_are_those_of_numpy() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    x = gg.randn(8, 4)  # the quantiles of 8 x 8 outputs are those of all of them
    optimizer = gg.optim.SGD(model.parameters(), lr=0.1)
    before = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    with gg.watch(model, every=10) as health:
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
    (sample,) = health.history
    hidden = x.numpy() @ before["0.weight"].T + before["0.bias"]
    first = sample.layers["0"].activation
    assert first.mean == pytest.approx(hidden.mean(), rel=1e-5)
    assert first.std == pytest.approx(hidden.std(), rel=1e-5)
    assert first.rms == pytest.approx(np.sqrt((hidden**2).mean()), rel=1e-5)
    assert first.quantiles == pytest.approx(
        np.quantile(hidden, [0.05, 0.25, 0.5, 0.75, 0.95], method="nearest"), rel=1e-4
    )
    output = np.maximum(hidden, 0) @ before["2.weight"].T + before["2.bias"]
    gradient = sample.layers["2"].gradient
    assert gradient is not None
    assert gradient.rms == pytest.approx(np.sqrt(((2 * output / output.size) ** 2).mean()), rel=1e-5)
    for name, p in model.named_parameters():
        vitals = sample.parameters[name]
        assert p.grad is not None
        assert vitals.norm == pytest.approx(np.linalg.norm(before[name]), rel=1e-6)
        assert vitals.gradient == pytest.approx(np.linalg.norm(p.grad.numpy()), rel=1e-6)
        change = np.linalg.norm(p.detach().numpy() - before[name]) / np.linalg.norm(before[name])
        assert vitals.update == pytest.approx(change, rel=1e-4)
    gradients = np.concatenate([p.grad.numpy().ravel() for p in model.parameters() if p.grad is not None])
    assert sample.gradient_norm == pytest.approx(np.linalg.norm(gradients), rel=1e-6)


def test_the_ratio_of_a_large_weight_is_estimated() -> None:
    gg.manual_seed(0)
    model = nn.Linear(300, 200)
    before = model.weight.detach().numpy().copy()
    assert before.size > 10 * COMPARED
    health = train(model, 1, x=gg.randn(64, 300), lr=1.0)
    change = np.linalg.norm(model.weight.detach().numpy() - before) / np.linalg.norm(before)
    # A norm of 512 elements has a relative deviation of 1 / sqrt(2 * 512) = 3.1 %.
    assert health.history[0].parameters["weight"].update == pytest.approx(change, rel=0.08)


def test_training_is_the_same_to_the_bit() -> None:
    x = gg.randn(32, 4)

    def weights(watched: bool) -> bytes:
        model = network(nn.ReLU, 4, 8, 2)
        optimizer = gg.optim.Adam(model.parameters())
        health = gg.watch(model, 2) if watched else None
        for _ in range(7):
            loss = model(x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if health is not None:
            health.remove()
        return b"".join(p.detach().numpy().tobytes() for p in model.parameters())

    assert weights(False) == weights(True)


def test_steps_are_forward_passes_in_training() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    health = gg.watch(model, every=3, warn=False)
    x = gg.randn(4, 4)
    for _ in range(7):
        model(x).sum().backward()
        model.eval()
        model(x)
        model.train()
        with gg.no_grad():
            model(x)
    assert health.steps == 7
    assert [sample.step for sample in health.history] == [0, 3, 6]
    health.remove()
    model(x)
    assert health.steps == 7
    health.remove()


def test_accumulated_gradients_wait_for_the_step() -> None:
    model = network(nn.Tanh, 4, 8, 2)
    optimizer = gg.optim.SGD(model.parameters(), lr=0.1)
    x = gg.randn(4, 4)
    with gg.watch(model, every=10, warn=False) as health:
        for step in range(40):
            model(x).square().mean().backward()
            if step % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
    assert all(p.update for sample in health.history for p in sample.parameters.values())


class Functional(nn.Module):
    """Activations as functions, one in place, one twice in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        x = F.relu(self.fc1(x))
        x = self.fc2(x).tanh().sigmoid()
        return F.relu(self.fc3(x), inplace=True)


def test_activations_called_as_functions() -> None:
    health = train(Functional(), 1)
    layers = health.history[0].layers
    assert list(layers) == [
        "fc1",
        "relu after fc1",
        "fc2",
        "tanh after fc2",
        "sigmoid 2 after fc2",
        "fc3",
        "relu after fc3",
    ]
    assert layers["tanh after fc2"].saturated is not None
    assert layers["relu after fc1"].dead == 0
    assert [layer.is_output for layer in layers.values()] == [False] * 6 + [True]
    assert all(layer.gradient is not None for layer in layers.values())


def test_modules_in_place_and_called_twice() -> None:
    relu = nn.ReLU(inplace=True)
    model = nn.Sequential(nn.Linear(4, 8), relu, nn.Linear(8, 8), relu, nn.Linear(8, 1))
    layers = train(model, 1).history[0].layers
    assert list(layers) == ["0", "1", "2", "4"]
    assert layers["1"].kind == "ReLU"
    assert layers["1"].dead is not None


def test_dead_units_come_back() -> None:
    relu = nn.ReLU()
    with gg.watch(relu, every=1, warn=False) as health:
        for x in (gg.zeros(DEAD_AFTER, 3), gg.tensor([[1.0, 0.0, 0.0]]), gg.zeros(1, 3)):
            relu(x.requires_grad_())
    assert [sample.layers["ReLU"].dead for sample in health.history] == [1, pytest.approx(2 / 3), pytest.approx(2 / 3)]


def test_history_is_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradgate.health import watching

    monkeypatch.setattr(watching, "MAX_HISTORY", 8)
    health = train(network(nn.ReLU, 4, 8, 2), 30, every=1)
    assert len(health.history) <= 8
    assert health.history[0].step == 0
    assert health.history[-1].step == 29


def test_layers_that_come_and_go() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 2), nn.Linear(4, 2)
            self.calls = 0

        def forward(self, x: gg.Tensor) -> gg.Tensor:
            self.calls += 1
            return self.a(x) if self.calls % 2 else self.b(x)

    health = train(Net(), 6, every=1)
    assert [list(sample.layers) for sample in health.history[:2]] == [["a"], ["b"]]
    health.table()
    health.plot()


def test_an_error_in_forward_leaves_no_hooks() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    health = gg.watch(model, 1, warn=False)
    with pytest.raises(RuntimeError):
        model(gg.randn(3, 5))
    model(gg.randn(3, 4)).sum().backward()
    assert list(health.history[-1].layers) == ["0", "1", "2"]
    health.remove()
    assert all(module._hooks is None or not module._hooks.forward for module in model.modules())


def test_table_and_picture(tmp_path: Path) -> None:
    health = gg.watch(network(nn.ReLU, 4, 8, 2))
    assert health.table() == "no training step yet"
    with pytest.raises(RuntimeError, match="nothing to plot"):
        health.plot()
    health.remove()
    health = train(network(nn.Tanh, 4, 8, 2))
    lines = health.table().splitlines()
    assert lines[0] == "step 35"
    assert lines[2].split() == [
        "layer",
        "kind",
        "mean",
        "std",
        "5",
        "%",
        "...",
        "95",
        "%",
        "dead",
        "saturated",
        "gradient",
        "rms",
    ]
    assert any(line.startswith("0.weight") for line in lines)
    assert not any(line != line.rstrip() for line in lines)
    health.plot(tmp_path / "health.png")
    assert (tmp_path / "health.png").read_bytes().startswith(b"\x89PNG")
    assert "8 samples" in repr(health)


def test_distributions_of_odd_tensors() -> None:
    assert np.isnan(Distribution.of(gg.zeros(0)).mean)
    constant = Distribution.of(gg.full((1000,), 1000.1))
    assert constant.std == pytest.approx(0, abs=1e-3)
    assert constant.rms == pytest.approx(1000.1, rel=1e-6)
    tiny = Distribution.of(gg.full((10,), 1e-30))
    assert tiny.rms == pytest.approx(1e-30, rel=1e-6)
    assert Distribution.of(gg.full((10,), 1e30)).rms == pytest.approx(1e30, rel=1e-6)
    assert not Distribution.of(gg.tensor([1.0, float("nan")])).finite
    columns = gg.randn(50, 40)[:, ::3]
    assert Distribution.of(columns).mean == pytest.approx(columns.numpy().mean(), rel=1e-4)
    double = gg.randn(30, 20, dtype=gg.float64).T
    assert Distribution.of(double).std == pytest.approx(double.numpy().std(), rel=1e-9)


def test_bad_arguments() -> None:
    with pytest.raises(TypeError, match="model must be a Module"):
        gg.watch("model")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        gg.watch(nn.Linear(1, 1), 0)
    with pytest.raises(TypeError, match="whole number"):
        gg.watch(nn.Linear(1, 1), 2.5)  # type: ignore[arg-type]


def test_parameters_that_are_frozen_replaced_and_added() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    x = gg.randn(8, 4)
    with gg.watch(model, every=1, warn=False) as health:
        for step in range(15):
            if step == 1:
                model[0].weight.requires_grad_(False)
            if step == 2:
                model[2].bias = nn.Parameter(gg.ones(2))
            if step == 3:
                model.scale = nn.Parameter(gg.ones(()))
            (model(x).sum() * getattr(model, "scale", 1)).backward()
    names = [list(sample.parameters) for sample in health.history]
    assert names[0] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert names[1] == ["0.bias", "2.weight", "2.bias"]
    assert health.history[2].parameters["2.bias"].norm == pytest.approx(2**0.5)
    assert health.history[2].parameters["2.bias"].gradient is not None
    assert names[-1] == ["scale", *names[1]]


def test_hooks_of_others_stay_and_modules_are_left_as_they_were() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    seen: list[str] = []
    model[0].register_forward_hook(lambda *_: seen.append("before"))
    health = gg.watch(model, every=2, warn=False)

    def register(*_: object) -> None:
        seen.append("meanwhile")
        model[2].register_forward_hook(lambda *_: seen.append("late"))

    handle = model[1].register_forward_hook(register)
    model(gg.randn(3, 4)).sum().backward()
    handle.remove()
    assert list(health.history[0].layers) == ["0", "1", "2"]
    model(gg.randn(3, 4)).sum().backward()
    model(gg.randn(3, 4)).sum().backward()
    assert list(health.history[1].layers) == ["0", "1", "2"]
    health.remove()
    model(gg.randn(3, 4))
    assert seen == ["before", "meanwhile", "late", "before", "late", "before", "late", "before", "late"]


def test_a_layer_without_a_gate_of_its_own_is_seen() -> None:
    layers = train(nn.Sequential(nn.Linear(4, 3), nn.Identity()), 1).history[0].layers
    assert list(layers) == ["0", "1"]
    assert layers["0"].gradient == layers["1"].gradient != None  # noqa: E711


def test_a_gradients_distribution_has_no_quantiles() -> None:
    (sample,) = train(network(nn.ReLU, 4, 8, 2), 1).history
    gradient = sample.layers["0"].gradient
    assert gradient is not None and gradient.quantiles == () and gradient.std > 0
    assert len(sample.layers["0"].activation.quantiles) == 5


def test_quantiles_of_nan_infinity_and_equal_numbers() -> None:
    inf, nan = float("inf"), float("nan")
    assert Distribution.of(gg.tensor([nan, 1.0, nan, -1.0, 0.0])).quantiles[:3] == (-1, 0, 1)
    assert np.isnan(Distribution.of(gg.tensor([nan, 1.0, nan, -1.0, 0.0])).quantiles[-1])
    assert Distribution.of(gg.tensor([inf, 1.0, -inf], dtype=gg.float64)).quantiles == (-inf, 1, 1, inf, inf)
    assert Distribution.of(gg.tensor([2.0, 2.0, 1.0, 2.0, 1.0])).quantiles == (1, 1, 2, 2, 2)


def test_a_copy_of_the_model_is_not_watched() -> None:
    model = network(nn.ReLU, 4, 8, 2)
    called: list[str] = []
    model.register_forward_hook(lambda *_: called.append("kept"))
    with gg.watch(model, every=1, warn=False) as health:
        for _ in range(2):  # also within a sampled step
            model(gg.randn(3, 4)).sum().backward()
            other = copy.deepcopy(model)
            called.clear()
            other(gg.randn(3, 4)).sum().backward()
            assert called == ["kept"]
    assert health.steps == 2
    assert [sample.stepped for sample in health.history] == [False, False]


def test_every_step_tells_whether_the_optimizer_followed() -> None:
    health = train(network(nn.ReLU, 4, 8, 2), 4, every=1)
    assert [sample.stepped for sample in health.history] == [True] * 4
    health = train(network(nn.ReLU, 4, 8, 2), 4, every=1, optimize=False)
    assert [sample.stepped for sample in health.history] == [False] * 4
