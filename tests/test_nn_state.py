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
