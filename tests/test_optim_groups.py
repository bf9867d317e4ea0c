"""Parameter groups, arguments and state dicts of the optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradgate import tensor
from gradgate.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from test_optim import bits, every_rule, parameters, train, values


def params(*shapes: tuple[int, ...]) -> list[Any]:
    return parameters(values(0, list(shapes)))


def test_groups_have_their_own_options() -> None:
    a, b, c = params((2,), (2,), (2,))
    optimizer = SGD([{"params": [a], "lr": 1.0}, {"params": b}], lr=0.5, momentum=0.25)
    optimizer.add_param_group({"params": [c], "momentum": 0.0})
    assert [(g["lr"], g["momentum"], len(g["params"])) for g in optimizer.param_groups] == [
        (1.0, 0.25, 1),
        (0.5, 0.25, 1),
        (0.5, 0.0, 1),
    ]
    before = [p.detach().numpy().copy() for p in (a, b, c)]
    for p in (a, b, c):
        p.grad = tensor(np.ones(2))
    optimizer.step()
    moved = [float((old - p.detach().numpy())[0]) for old, p in zip(before, (a, b, c), strict=True)]
    np.testing.assert_allclose(moved, [1.0, 0.5, 0.5], rtol=1e-14)  # the difference of numbers of size 1
    assert set(optimizer.state) == {a, b}


def test_parameters_may_have_names() -> None:
    a, b = params((2,), (3,))
    optimizer = SGD([("a", a), ("b", b)])
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"] and optimizer.param_groups[0]["params"] == [a, b]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match="names"):
        SGD([("a", a), b])
    with pytest.raises(ValueError, match="names"):
        optimizer.add_param_group({"params": params((1,))})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: p, TypeError, "iterable of tensors or dicts in a fixed order"),
        (lambda p: [], ValueError, "empty parameter list"),
        (lambda p: {p}, TypeError, "is a set; pass a list"),
        (lambda p: [{"params": {p}}], TypeError, "order"),
        (lambda p: [1.0], TypeError, "float"),
        (lambda p: [p, p], ValueError, "more than once"),
        (lambda p: [{"params": p}, {"params": [p]}], ValueError, "more than once"),
        (lambda p: [p * 2], ValueError, "non-leaf"),
        (lambda p: [tensor([1, 2])], ValueError, "int64"),
        (lambda p: [{"lr": 1.0}], ValueError, "params"),
        (lambda p: [{"params": p, "lr": -1.0}], ValueError, "Invalid learning rate: -1.0"),
    ],
)
def test_bad_parameters_are_refused(make: Any, error: Any, message: str) -> None:
    given = make(params((2,))[0])
    with pytest.raises(error, match=message):
        SGD(given)


def test_refused_group_leaves_the_optimizer_as_it_was() -> None:
    a, b = params((2,), (2,))
    optimizer = SGD([a])
    with pytest.raises(ValueError, match="more than once"):
        optimizer.add_param_group({"params": [b, a]})
    with pytest.raises(TypeError, match="dict"):
        optimizer.add_param_group([b])  # type: ignore[arg-type]
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (SGD, {"lr": -0.1}, "Invalid learning rate: -0.1"),
        (SGD, {"lr": float("nan")}, "Invalid learning rate: nan"),
        (SGD, {"momentum": -1}, "Invalid momentum value: -1"),
        (SGD, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (SGD, {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "Nesterov momentum requires"),
        (Adam, {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
        (AdamW, {"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
        (Adam, {"eps": -1e-8}, "Invalid epsilon value: -1e-08"),
        (Adagrad, {"lr_decay": -1}, "Invalid lr_decay value: -1"),
        (Adagrad, {"initial_accumulator_value": -1}, "Invalid initial_accumulator_value value: -1"),
        (RMSprop, {"alpha": -1}, "Invalid alpha value: -1"),
        (RMSprop, {"momentum": -1}, "Invalid momentum value: -1"),
        *((kind, {"differentiable": True}, "steps are not recorded") for kind in (SGD, Adam, AdamW, Adagrad, RMSprop)),
    ],
)
def test_bad_options_are_refused(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(params((2,)), **options)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, Adagrad, RMSprop])
def test_arguments_about_how_a_step_is_computed_change_nothing(kind: Any) -> None:
    options: dict[str, Any] = {"foreach": True, "fused": True, "differentiable": False}
    if kind in (Adam, AdamW, RMSprop):
        options["capturable"] = True
    a, b = params((3,), (3,))
    for p, optimizer in ((a, kind([a])), (b, kind([b], **options))):
        p.grad = tensor(np.array([1.0, -2.0, 3.0]))
        p.data.fill_(1.0)
        optimizer.step()
    assert bits([a]) == bits([b])


def test_gradient_of_another_shape_changes_nothing() -> None:
    a, b = params((2,), (3,))
    optimizer = SGD([a, b], lr=1.0, momentum=0.9, dampening=0.5)
    a.grad = tensor(np.ones(2))
    b.grad = tensor(np.ones(3))
    before = bits([a, b])
    whole = b.grad
    # The setter refuses another shape, but a gradient's memory can be given one in place.
    replaced = tensor(np.ones(3, np.float32))
    with pytest.raises(RuntimeError, match="grad"):
        b.grad = replaced
    assert b.grad is whole
    optimizer.state[b]["momentum_buffer"] = tensor(np.ones(4))
    with pytest.raises(RuntimeError, match=r"sgd: the state has shape \(4,\).*parameter has shape \(3,\)"):
        optimizer.step()
    assert bits([a, b]) == before


def test_state_dict_has_pytorchs_layout() -> None:
    a, b, c = params((2,), (3,), (4,))
    optimizer = Adam([{"params": [a]}, {"params": [b, c], "lr": 0.5}], amsgrad=True)
    a.grad, c.grad = tensor(np.ones(2)), tensor(np.ones(4))
    optimizer.step()
    optimizer.step()
    state = optimizer.state_dict()
    assert set(state) == {"state", "param_groups"} and set(state["state"]) == {0, 2}
    assert set(state["state"][2]) == {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}
    assert state["state"][2]["step"].item() == 2.0
    assert [g["params"] for g in state["param_groups"]] == [[0], [1, 2]]
    assert state["param_groups"][1]["lr"] == 0.5 and state["param_groups"][0]["betas"] == (0.9, 0.999)
    assert {"eps", "weight_decay", "amsgrad", "maximize"} <= set(state["param_groups"][0])


@pytest.mark.parametrize(
    ("kind", "options", "names"),
    [
        (SGD, {}, set()),
        (SGD, {"momentum": 0.9}, {"momentum_buffer"}),
        (Adam, {}, {"step", "exp_avg", "exp_avg_sq"}),
        (Adagrad, {}, {"step", "sum"}),
        (RMSprop, {}, {"step", "square_avg"}),
        (RMSprop, {"momentum": 0.9, "centered": True}, {"step", "square_avg", "momentum_buffer", "grad_avg"}),
    ],
)
def test_state_holds_only_what_the_options_need(kind: Any, options: dict[str, Any], names: set[str]) -> None:
    p = params((2,))
    optimizer = kind(p, **options)
    train(optimizer, p, 1)
    assert set(optimizer.state[p[0]]) == names


@every_rule
def test_resumes_bit_for_bit(case: Any) -> None:
    kind, _, options = case
    shapes = [(3, 4), (5,)]
    straight = parameters(values(0, shapes))
    train(kind(straight, **options), straight, 10)

    first = parameters(values(0, shapes))
    optimizer = kind(first, **options)
    train(optimizer, first, 4)
    saved = optimizer.state_dict()
    second = [tensor(p.detach().numpy(), requires_grad=True) for p in first]
    resumed = kind(second)
    resumed.load_state_dict(saved)
    train(resumed, second, 6, first=4)
    assert bits(second) == bits(straight)


def test_loaded_state_is_a_copy_in_the_parameters_dtype() -> None:
    first = params((3,))
    optimizer = Adam(first)
    train(optimizer, first, 2)
    saved = optimizer.state_dict()
    narrow = [tensor(first[0].detach().numpy().astype(np.float32), requires_grad=True)]
    other = Adam(narrow)
    other.load_state_dict(saved)
    mean = other.state[narrow[0]]["exp_avg"]
    assert mean.numpy().dtype == np.float32
    train(other, narrow, 1)
    assert saved["state"][0]["step"].item() == 2.0 and other.state[narrow[0]]["step"].item() == 3.0


def test_adamw_stays_itself_with_the_state_of_adam() -> None:
    p = params((2,))
    optimizer = AdamW(p)
    optimizer.load_state_dict(Adam(p, weight_decay=0.5).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"]
    assert optimizer.param_groups[0]["weight_decay"] == 0.5


def test_loads_counts_that_are_numbers_or_float32() -> None:
    for step in (7, 7.0, tensor(7.0)):
        p = params((2,))
        optimizer = Adam(p)
        saved = optimizer.state_dict()
        saved["state"][0] = {"step": step, "exp_avg": tensor(np.zeros(2)), "exp_avg_sq": tensor(np.zeros(2))}
        optimizer.load_state_dict(saved)
        train(optimizer, p, 1)
        assert optimizer.state[p[0]]["step"].item() == 8.0


@pytest.mark.parametrize("step", [-1.0, float("nan"), float("inf")])
def test_impossible_count_is_refused(step: float) -> None:
    p = params((2,))
    optimizer = Adam(p)
    train(optimizer, p, 1)
    before = bits(p)
    optimizer.state[p[0]]["step"] = tensor(np.float64(step))
    with pytest.raises(RuntimeError, match="'step' should count updates"):
        train(optimizer, p, 1)
    assert bits(p) == before


def test_unfitting_state_dict_changes_nothing() -> None:
    p = params((2,), (3,))
    optimizer = Adam(p, lr=0.5)
    train(optimizer, p, 1)
    before = optimizer.state_dict()
    for damage, message in (
        (lambda s: s["param_groups"].append(dict(s["param_groups"][0])), "different number of parameter groups"),
        (lambda s: s["param_groups"][0].update(params=[0]), "has 1 parameters"),
        (lambda s: s["state"][1].update(exp_avg=tensor(np.zeros(4))), r"exp_avg of parameter 1 has shape \(4,\)"),
        (lambda s: s["param_groups"][0].update(lr=-1.0), "Invalid learning rate"),
        (lambda s: s["state"].update({9: {}}), "parameter 9"),
    ):
        other = Adam(params((2,), (3,)))
        train(other, other.param_groups[0]["params"], 3)
        bad = other.state_dict()
        damage(bad)
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(bad)
        now = optimizer.state_dict()
        assert now["param_groups"] == before["param_groups"]
        assert all(now["state"][i]["exp_avg"] is before["state"][i]["exp_avg"] for i in (0, 1))


def test_repr_shows_the_options() -> None:
    text = repr(SGD(params((2,)), lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.5\n") and text.endswith("\n)")
