"""state_dict and load_state_dict: keys, shapes, and that a failed load changes nothing."""

from __future__ import annotations

import pytest

import gradgate
from gradgate import nn


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def snapshot(module: nn.Module) -> dict[str, list]:
    return {key: tensor.tolist() for key, tensor in module.state_dict().items()}


def test_round_trip():
    source, target = network(), network()
    source(gradgate.randn(5, 2))
    result = target.load_state_dict(source.state_dict())
    assert result.missing_keys == []
    assert result.unexpected_keys == []
    assert repr(result) == "<All keys matched successfully>"
    assert snapshot(target) == snapshot(source)
    assert target[1].num_batches_tracked.item() == 1


def test_order_and_prefix():
    keys = ["1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert list(network().state_dict()) == ["0.weight", "0.bias", *keys, "2.weight", "2.bias"]
    assert list(nn.Linear(1, 1).state_dict(prefix="net.")) == ["net.weight", "net.bias"]


def test_state_shares_memory_and_is_detached():
    layer = nn.Linear(1, 1)
    state = layer.state_dict()
    assert not state["weight"].requires_grad
    with gradgate.no_grad():
        layer.weight.fill_(7.0)
    assert state["weight"].item() == 7.0
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight


def test_loading_copies_and_converts():
    layer = nn.Linear(1, 1)
    weight = layer.weight
    state = {
        "weight": gradgate.ones(1, 1, dtype=gradgate.float64),
        "bias": gradgate.ones(1, dtype=gradgate.float64),
    }
    layer.load_state_dict(state)
    assert layer.weight is weight
    assert weight.dtype == gradgate.float32
    state["weight"].zero_()
    assert weight.item() == 1.0
    assert weight.requires_grad
    assert weight.is_leaf


def test_strict_errors_list_every_problem_and_change_nothing():
    net = network()
    before = snapshot(net)
    state = {key: tensor.clone() + 1 for key, tensor in net.state_dict().items()}
    del state["0.bias"]
    state["extra"] = gradgate.zeros(1)
    state["2.weight"] = gradgate.zeros(4, 3)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    assert message.startswith("Error(s) in loading state_dict for Sequential:")
    found = [
        message.index('Missing key(s) in state_dict: "0.bias".'),
        message.index('Unexpected key(s) in state_dict: "extra".'),
        message.index("size mismatch for 2.weight: copying a param with shape (4, 3)"),
    ]
    assert found == sorted(found)
    assert "the current model is (1, 3)" in message
    assert snapshot(net) == before


def test_not_strict_returns_the_keys():
    layer = nn.Linear(1, 2)
    result = layer.load_state_dict({"bias": gradgate.ones(2), "other": gradgate.ones(1)}, strict=False)
    assert result.missing_keys == ["weight"]
    assert result.unexpected_keys == ["other"]
    assert layer.bias.tolist() == [1.0, 1.0]


def test_shapes_are_checked_even_if_not_strict():
    layer = nn.Linear(1, 2)
    before = snapshot(layer)
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        layer.load_state_dict({"bias": gradgate.ones(2), "weight": gradgate.ones(2)}, strict=False)
    assert snapshot(layer) == before


def test_values_must_be_tensors():
    layer = nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="bias: expected a Tensor in the state_dict, got list"):
        layer.load_state_dict({"weight": gradgate.ones(1, 1), "bias": [1.0]})
    with pytest.raises(TypeError, match="dict-like, got list"):
        layer.load_state_dict([gradgate.ones(1, 1)])


def test_tied_parameters_keep_both_names():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    assert {"0.weight", "1.weight"} <= set(net.state_dict())
    net.load_state_dict(net.state_dict())
    assert net[1].weight is net[0].weight


class Counter(nn.Module):
    """A layer that counts its calls in a plain number, which travels as its extra state."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(gradgate.ones(1))
        self.calls = 0
        self.largest = None

    def forward(self, x):
        self.calls += 1
        return x * self.scale

    def get_extra_state(self):
        return {"calls": self.calls}

    def set_extra_state(self, state):
        self.calls = state["calls"]
        self.largest = self.scale.max().item()  # the tensors are those of the state by now


def test_extra_state_travels_with_the_tensors(tmp_path):
    source, target = nn.Sequential(nn.Linear(1, 1), Counter()), nn.Sequential(nn.Linear(1, 1), Counter())
    source(gradgate.ones(1, 1))
    with gradgate.no_grad():
        source[1].scale.fill_(5.0)
    state = source.state_dict(prefix="net.")
    assert list(state) == ["net.0.weight", "net.0.bias", "net.1.scale", "net.1._extra_state"]
    gradgate.save(source.state_dict(), tmp_path / "net.safetensors")
    result = target.load_state_dict(gradgate.load(tmp_path / "net.safetensors"))
    assert (result.missing_keys, result.unexpected_keys) == ([], [])
    assert (target[1].calls, target[1].largest) == (1, 5.0)


def test_a_failed_load_leaves_the_extra_state_alone():
    net = nn.Sequential(Counter(), nn.Linear(1, 1))
    state = {**net.state_dict(), "0._extra_state": {"calls": 9}, "1.bias": gradgate.zeros(2)}
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.bias"):
        net.load_state_dict(state)
    assert net[0].calls == 0


def test_extra_state_without_its_counterpart():
    plain = {"scale": gradgate.ones(1)}
    assert Counter().load_state_dict(plain, strict=False).missing_keys == ["_extra_state"]
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "_extra_state"'):
        Counter().load_state_dict(plain)

    class Writer(nn.Module):
        def get_extra_state(self):
            return 3

    writer = Writer()
    assert writer.state_dict() == {"_extra_state": 3}
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "_extra_state"'):
        writer.load_state_dict(writer.state_dict())
    with pytest.raises(RuntimeError, match="Linear has no extra state"):
        nn.Linear(1, 1).get_extra_state()


class Renamed(nn.Linear):
    """A layer that saves its own names, and still reads a weight that was called "kernel"."""

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "features"] = gradgate.tensor(self.in_features)

    def _load_from_state_dict(self, state_dict, prefix, *others):
        if prefix + "kernel" in state_dict:
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "kernel")
        state_dict.pop(prefix + "features", None)
        super()._load_from_state_dict(state_dict, prefix, *others)


def test_a_layer_may_save_and_load_its_own_way():
    net = nn.Sequential(nn.Tanh(), Renamed(2, 1))
    assert list(net.state_dict()) == ["1.weight", "1.bias", "1.features"]
    old = {"1.kernel": gradgate.ones(1, 2), "1.bias": gradgate.ones(1), "1.features": gradgate.tensor(2)}
    net.load_state_dict(old)
    assert net[1].weight.tolist() == [[1.0, 1.0]]
    assert list(old) == ["1.kernel", "1.bias", "1.features"]
    before = snapshot(net)
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.bias"):
        net.load_state_dict({**old, "1.kernel": gradgate.zeros(1, 2), "1.bias": gradgate.zeros(3)})
    assert snapshot(net) == before


def test_a_layer_may_report_what_is_wrong():
    class Positive(nn.Linear):
        def _load_from_state_dict(self, state_dict, prefix, *others):
            super()._load_from_state_dict(dict(state_dict), prefix, *others)
            if (state_dict[prefix + "weight"] < 0).any():
                others[-1].append(f"{prefix}weight: weights are positive here")

    net = nn.Sequential(Positive(1, 1), nn.Linear(1, 1))
    before = snapshot(net)
    with pytest.raises(RuntimeError, match=r"0\.weight: weights are positive here"):
        net.load_state_dict({key: tensor - 10 for key, tensor in net.state_dict().items()})
    assert snapshot(net) == before


def test_a_part_may_write_its_state_itself():
    class Frozen(nn.Linear):
        def state_dict(self, *, destination=None, prefix="", keep_vars=False):
            destination = {} if destination is None else destination
            destination[prefix + "frozen"] = gradgate.tensor(1)
            return destination

    assert list(nn.Sequential(Frozen(1, 1), nn.Linear(1, 1)).state_dict()) == ["0.frozen", "1.weight", "1.bias"]
    filled = {"epoch": 3}
    assert nn.Linear(1, 1).state_dict(destination=filled) is filled
    assert list(filled) == ["epoch", "weight", "bias"]


def test_keys_below_a_missing_part_are_unexpected():
    net = nn.Module()
    net.add_module("head", None)
    assert net.load_state_dict({"head.weight": gradgate.ones(1)}, strict=False).unexpected_keys == ["head.weight"]
