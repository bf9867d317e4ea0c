"""The optimizers against textbook formulas in NumPy, on any memory order, thread count and instruction set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import _core, tensor
from gradgate.optim import SGD, Adagrad, Adam, AdamW, RMSprop

STEPS = 50
SHAPES = [(3, 4), (17,), (), (2, 3, 2), (0, 3)]

Update = Callable[[np.ndarray, np.ndarray, dict[str, Any], int], np.ndarray]


def sgd(lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False) -> Update:
    def update(p, g, state, t):
        g = (-g if maximize else g) + weight_decay * p
        if momentum:
            state["b"] = g if t == 1 else momentum * state["b"] + (1 - dampening) * g
            g = g + momentum * state["b"] if nesterov else state["b"]
        return p - lr * g

    return update


def adam(
    lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False, decoupled=False
) -> Update:
    def update(p, g, state, t):
        g = -g if maximize else g
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
        state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g**2
        state["max"] = np.maximum(state.get("max", 0), state["v"])
        mean = state["m"] / (1 - betas[0] ** t)
        square = (state["max"] if amsgrad else state["v"]) / (1 - betas[1] ** t)
        return p - lr * mean / (np.sqrt(square) + eps)

    return update


def adamw(weight_decay=1e-2, **options) -> Update:
    return adam(weight_decay=weight_decay, decoupled=True, **options)


def adagrad(
    lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10, maximize=False
) -> Update:
    def update(p, g, state, t):
        g = (-g if maximize else g) + weight_decay * p
        state["sum"] = state.get("sum", initial_accumulator_value) + g**2
        return p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(state["sum"]) + eps)

    return update


def rmsprop(lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False, maximize=False) -> Update:
    def update(p, g, state, t):
        g = (-g if maximize else g) + weight_decay * p
        state["v"] = alpha * state.get("v", 0) + (1 - alpha) * g**2
        state["m"] = alpha * state.get("m", 0) + (1 - alpha) * g
        change = g / (np.sqrt(state["v"] - (state["m"] ** 2 if centered else 0)) + eps)
        state["b"] = momentum * state.get("b", 0) + change
        return p - lr * state["b"]

    return update


CASES: list[tuple[Any, Callable[..., Update], dict[str, Any]]] = [
    (SGD, sgd, {}),
    (SGD, sgd, {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    (Adam, adam, {}),
    (Adam, adam, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    (Adam, adam, {"lr": 0.1, "amsgrad": True, "maximize": True}),
    (AdamW, adamw, {}),
    (AdamW, adamw, {"lr": 0.1, "weight_decay": 0.2, "amsgrad": True}),
    (AdamW, adamw, {"lr": 0.1, "weight_decay": 0.2, "maximize": True}),
    (Adagrad, adagrad, {}),
    (Adagrad, adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "maximize": True}),
    (Adagrad, adagrad, {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    (RMSprop, rmsprop, {}),
    (RMSprop, rmsprop, {"lr": 0.1, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.1}),
    (RMSprop, rmsprop, {"momentum": 0.9, "maximize": True}),
    (RMSprop, rmsprop, {"centered": True}),
    (RMSprop, rmsprop, {"centered": True, "momentum": 0.5, "weight_decay": 0.1}),
]


def case_name(case: Any) -> str:
    kind, _, options = case
    return "-".join([kind.__name__, *(f"{key}={value}" for key, value in options.items())])


every_case = pytest.mark.parametrize("case", CASES, ids=case_name)
# One of each rule with all of its state.
FULL_CASES = [CASES[3], CASES[7], CASES[9], CASES[12], CASES[18]]
every_rule = pytest.mark.parametrize("case", FULL_CASES, ids=case_name)


def values(seed: int, shapes: list[tuple[int, ...]], dtype: Any = np.float64) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(shape), dtype=dtype) for shape in shapes]


def parameters(arrays: list[np.ndarray]) -> list[gradgate.Tensor]:
    return [tensor(a, requires_grad=True) for a in arrays]


def train(optimizer: Any, params: list[gradgate.Tensor], steps: int, first: int = 0) -> None:
    """Steps with gradients that depend only on the step's number."""
    for t in range(first, first + steps):
        shapes = [tuple(p.shape) for p in params]
        for p, g in zip(params, values(100 + t, shapes), strict=True):
            p.grad = tensor(g.astype(p.detach().numpy().dtype))
        optimizer.step()


def bits(tensors: list[gradgate.Tensor]) -> list[bytes]:
    return [np.ascontiguousarray(t.detach().numpy()).tobytes() for t in tensors]


@every_case
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_follows_the_textbook(case: Any, dtype: Any) -> None:
    kind, formula, options = case
    start = values(0, SHAPES, dtype)
    params = parameters(start)
    train(kind(params, **options), params, STEPS)
    expected = [a.astype(np.float64) for a in start]
    update, states = formula(**options), [{} for _ in SHAPES]
    for t in range(STEPS):
        for i, g in enumerate(values(100 + t, SHAPES)):
            expected[i] = update(expected[i], g.astype(dtype).astype(np.float64), states[i], t + 1)
    # A step rounds about ten times, values up to 10 in size, and divides by a root that is at least 3% of the largest
    # gradient's; errors add over the steps.
    tolerance = STEPS * 10 * 10 * np.finfo(dtype).eps / 2
    for p, e in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), e, rtol=0, atol=tolerance)


@every_rule
def test_bits_do_not_depend_on_threads_or_instruction_set(case: Any) -> None:
    kind, _, options = case
    start = values(0, [(100_003,), (7, 5), (65_537,)], np.float32)
    found = {}
    for isa in _core.available_isas():
        for threads in (1, 2, 3, 4):
            _core.set_isa(isa)
            _core.set_num_threads(threads)
            params = parameters(start)
            train(kind(params, **options), params, 3)
            found[isa, threads] = hashlib.sha256(b"".join(bits(params))).hexdigest()
    assert len(set(found.values())) == 1, found


@every_rule
def test_memory_order_does_not_matter(case: Any) -> None:
    kind, _, options = case
    array = values(0, [(5, 6)])[0]
    plain = tensor(array, requires_grad=True)
    turned = tensor(np.ascontiguousarray(array.T)).T.detach().requires_grad_()
    spread = tensor(np.repeat(np.repeat(array, 2, 0), 3, 1))[::2, ::3].detach().requires_grad_()
    assert not turned.is_contiguous() and not spread.is_contiguous()
    params = [plain, turned, spread]
    optimizer = kind(params, **options)
    for t in range(4):
        g = values(t, [(5, 6)])[0]
        for p in params:
            p.grad = tensor(g) if t % 2 else tensor(np.ascontiguousarray(g.T)).T
        optimizer.step()
    assert bits([turned]) == bits([spread]) == bits([plain])
    for name, state in optimizer.state[turned].items():
        if name != "step":
            assert tuple(state.shape) == (5, 6) and bits([state]) == bits([optimizer.state[plain][name]])


def test_state_follows_the_parameters_memory_order() -> None:
    turned = tensor(np.ones((2, 3))).T.detach().requires_grad_()
    turned.grad = tensor(np.ones((3, 2)))
    optimizer = Adam([turned])
    optimizer.step()
    assert optimizer.state[turned]["exp_avg"].stride() == turned.stride()


def test_elements_around_a_strided_parameter_stay() -> None:
    whole = tensor(np.zeros((4, 4)))
    part = whole[1:3, ::2].detach().requires_grad_()
    part.grad = tensor(np.ones((2, 2)))
    SGD([part], lr=1.0).step()
    expected = np.zeros((4, 4))
    expected[1:3, ::2] = -1
    np.testing.assert_array_equal(whole.numpy(), expected)


def test_expanded_parameter_is_refused() -> None:
    wide = tensor([1.0]).expand(3).detach().requires_grad_()
    wide.grad = tensor([1.0, 1.0, 1.0])
    with pytest.raises(RuntimeError, match=r"sgd.*shape \(3,\).*clone"):
        SGD([wide], lr=1.0).step()


def test_parameter_without_gradient_is_skipped() -> None:
    used, unused = parameters(values(0, [(2,), (3,)]))
    used.grad = tensor(np.ones(2))
    before = bits([unused])
    optimizer = Adam([used, unused], weight_decay=0.5)
    optimizer.step()
    assert bits([unused]) == before and unused not in optimizer.state and used in optimizer.state


def test_step_calls_the_closure_with_gradients_on() -> None:
    w = tensor([3.0], requires_grad=True)
    optimizer = SGD([w], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with gradgate.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 9.0 and w.tolist() == [1.5]
    assert optimizer.step() is None


def test_zero_grad() -> None:
    a, b = parameters(values(0, [(2,), (2,)]))
    optimizer = SGD([a, b])
    a.grad = tensor(np.ones(2))
    kept = a.grad
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is kept and kept.tolist() == [0.0, 0.0] and b.grad is None
    optimizer.zero_grad()
    assert a.grad is None


def test_step_is_counted_as_a_change_of_the_parameter() -> None:
    w = tensor([3.0], requires_grad=True)
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    version = w._version
    SGD([w], lr=0.1).step()
    assert w._version > version
    with pytest.raises(RuntimeError, match=r"modified|changed|version"):
        loss.backward()


def test_step_is_not_recorded() -> None:
    w = tensor([3.0], requires_grad=True)
    (w * w).sum().backward()
    SGD([w], lr=0.1).step()
    assert w.is_leaf and w.requires_grad


def test_steady_gradient_keeps_centered_rmsprop_finite() -> None:
    # square_avg - grad_avg^2 goes to 0 and rounds below it on the way.
    w = tensor(np.zeros(64, np.float32), requires_grad=True)
    optimizer = RMSprop([w], alpha=0.5, centered=True)
    w.grad = tensor(np.linspace(0.1, 3, 64, dtype=np.float32))
    for _ in range(60):
        optimizer.step()
    assert np.isfinite(w.detach().numpy()).all()


def test_bias_correction_is_exact_far_out() -> None:
    # After t steps of gradient 1 both means are 1 - beta^t, so every step has length lr / (1 + eps).
    w = tensor(np.zeros(1), requires_grad=True)
    optimizer = Adam([w], lr=1.0, eps=0.0)
    w.grad = tensor(np.ones(1))
    for _ in range(2000):
        optimizer.step()
    # A running mean is off by half an ulp for each of the 1 / (1 - beta) steps it remembers, 1000 for beta2.
    assert abs(w.item() + 2000) < 2000 * 1000 * 2**-53


def test_nan_and_infinity_pass_through() -> None:
    w = tensor(np.zeros(3), requires_grad=True)
    w.grad = tensor(np.array([np.nan, np.inf, 1.0]))
    SGD([w], lr=1.0).step()
    np.testing.assert_array_equal(w.detach().numpy(), [np.nan, -np.inf, -1.0])
