"""The learning-rate schedules against closed formulas, their composition and their state."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from gradgate import tensor
from gradgate.optim import SGD, Adagrad, Adam
from gradgate.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

EPOCHS = 40
BASES = [0.7, 0.3]


def make_optimizer(kind: Any = SGD, **options: Any) -> Any:
    groups = [{"params": [tensor([0.0], requires_grad=True)], "lr": lr} for lr in BASES]
    return kind(groups, **options)


def rates(optimizer: Any) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def run(optimizer: Any, schedules: Any, epochs: int = EPOCHS) -> list[list[float]]:
    """The rates of the groups at every epoch."""
    seen = []
    for _ in range(epochs):
        seen.append(rates(optimizer))
        optimizer.step()
        for schedule in schedules if isinstance(schedules, list) else [schedules]:
            schedule.step()
            assert schedule.get_last_lr() == rates(optimizer) or isinstance(schedules, list)
    return seen


def cosine(base: float, t: int, period: int, low: float) -> float:
    return low + (base - low) * (1 + math.cos(math.pi * t / period)) / 2


CLOSED: dict[str, tuple[Callable[[Any], Any], Callable[[float, int], float]]] = {
    "step": (lambda o: StepLR(o, 7, gamma=0.5), lambda base, t: base * 0.5 ** (t // 7)),
    "multistep": (
        lambda o: MultiStepLR(o, [3, 5, 5, 20], gamma=0.5),
        lambda base, t: base * 0.5 ** sum(t >= m for m in (3, 5, 5, 20)),
    ),
    "exponential": (lambda o: ExponentialLR(o, 0.97), lambda base, t: base * 0.97**t),
    "constant": (lambda o: ConstantLR(o, 0.25, 8), lambda base, t: base * (0.25 if t < 8 else 1)),
    "constant from zero": (lambda o: ConstantLR(o, 0.0, 8), lambda base, t: base * (0 if t < 8 else 1)),
    "linear": (lambda o: LinearLR(o, 0.1, 0.9, 12), lambda base, t: base * (0.1 + 0.8 * min(t, 12) / 12)),
    "linear defaults": (lambda o: LinearLR(o), lambda base, t: base * (1 / 3 + 2 / 3 * min(t, 5) / 5)),
    "cosine": (lambda o: CosineAnnealingLR(o, 13, eta_min=0.01), lambda base, t: cosine(base, t, 13, 0.01)),
    "cosine of one epoch": (lambda o: CosineAnnealingLR(o, 1), lambda base, t: cosine(base, t, 1, 0.0)),
    "lambda": (lambda o: LambdaLR(o, lambda t: 1 / (1 + t)), lambda base, t: base / (1 + t)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_follows_the_closed_formula(name: str) -> None:
    make, formula = CLOSED[name]
    optimizer = make_optimizer()
    for t, found in enumerate(run(optimizer, make(optimizer))):
        for base, lr in zip(BASES, found, strict=True):
            # An epoch rounds about five times; 1 + cos(pi t / 13), 0.03 at its least, loses a factor of 33.
            assert lr == pytest.approx(formula(base, t), rel=EPOCHS * 5 * 33 * 2**-53, abs=2**-53), (t, base)


def test_lambdas_may_differ_by_group() -> None:
    optimizer = make_optimizer()
    schedule = LambdaLR(optimizer, [lambda t: 2.0, lambda t: 0.5])
    assert schedule.get_last_lr() == [1.4, 0.15]
    with pytest.raises(ValueError, match=r"expected 2 values of lr_lambda.*got 1"):
        LambdaLR(optimizer, [lambda t: 1.0])


def test_schedules_multiply() -> None:
    optimizer = make_optimizer()
    found = run(optimizer, [ExponentialLR(optimizer, 0.5), StepLR(optimizer, 2, gamma=0.25)], 5)
    assert [r[0] for r in found] == [0.7 * 0.5**t * 0.25 ** (t // 2) for t in range(5)]  # powers of two are exact


def test_exponential_is_a_running_product() -> None:
    optimizer = make_optimizer()
    expected = BASES[0]
    for found in run(optimizer, ExponentialLR(optimizer, 0.93)):
        assert found[0] == expected
        expected *= 0.93


def test_sequential_restarts_each_schedule_from_the_full_rate() -> None:
    optimizer = make_optimizer()
    parts = [LinearLR(optimizer, 0.1, total_iters=5), CosineAnnealingLR(optimizer, 20), ExponentialLR(optimizer, 0.9)]
    found = run(optimizer, SequentialLR(optimizer, parts, [5, 25]))
    for t, (lr, _) in enumerate(found):
        if t < 5:
            expected = 0.1 + 0.9 * t / 5
        elif t < 25:
            expected = cosine(1.0, t - 5, 20, 0.0)
        else:
            expected = 0.9 ** (t - 25)
        assert lr == pytest.approx(0.7 * expected, rel=1e-12), t


def test_sequential_within_sequential() -> None:
    optimizer = make_optimizer()
    inner = SequentialLR(optimizer, [ConstantLR(optimizer, 0.5, 99), ConstantLR(optimizer, 0.25, 99)], [2])
    outer = SequentialLR(optimizer, [ConstantLR(optimizer, 0.125, 99), inner], [3])
    assert [r[0] / 0.7 for r in run(optimizer, outer, 7)] == [0.125] * 3 + [0.5] * 2 + [0.25] * 2


def test_sequential_refuses_what_does_not_fit() -> None:
    optimizer = make_optimizer()
    one = ConstantLR(optimizer)
    for schedules, milestones, message in (
        ([], [], "at least one"),
        ([one], [3], "1 schedulers and 1 milestones"),
        ([one, ConstantLR(make_optimizer())], [3], "index 1"),
        ([ReduceLROnPlateau(optimizer), one], [3], "ReduceLROnPlateau"),
    ):
        with pytest.raises(ValueError, match=message):
            SequentialLR(optimizer, schedules, milestones)


def one_cycle(t: int, ends: list[tuple[float, float]], anneal: str) -> float:
    """Between (step, value) points, each joined to the next by half a cosine or a line."""
    for (begin, start), (end, stop) in pairwise(ends):
        if t <= end:
            part = (t - begin) / (end - begin)
            return start + (stop - start) * (part if anneal == "linear" else (1 - math.cos(math.pi * part)) / 2)
    raise AssertionError(t)


@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_one_cycle(anneal: Any, three_phase: bool, kind: Any) -> None:
    total, start = 40, 0.3
    optimizer = make_optimizer(kind, **({"momentum": 0.5} if kind is SGD else {}))
    schedule = OneCycleLR(
        optimizer,
        [2.0, 1.0],
        epochs=4,
        steps_per_epoch=10,
        pct_start=start,
        anneal_strategy=anneal,
        three_phase=three_phase,
        max_momentum=0.9,
        base_momentum=0.8,
        div_factor=10,
        final_div_factor=100,
    )
    peak = start * total - 1
    lrs = [(0, 0.2), (peak, 2.0), *([(2 * peak, 0.2)] if three_phase else []), (total - 1, 0.002)]
    momenta = [(0, 0.9), (peak, 0.8), *([(2 * peak, 0.9)] if three_phase else []), (total - 1, 0.9)]
    for t in range(total):
        first, second = optimizer.param_groups
        assert first["lr"] == pytest.approx(one_cycle(t, lrs, anneal), rel=1e-12)
        assert second["lr"] == pytest.approx(first["lr"] / 2, rel=1e-12)
        momentum = first["momentum"] if kind is SGD else first["betas"][0]
        assert momentum == pytest.approx(one_cycle(t, momenta, anneal), rel=1e-12)
        if kind is Adam:
            assert first["betas"][1] == 0.999
        optimizer.step()
        schedule.step()
    with pytest.raises(ValueError, match=r"Tried to step 41 times. The specified number of total steps is 40"):
        schedule.step()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "total_steps OR"),
        ({"total_steps": 0}, "Expected positive integer total_steps, but got 0"),
        ({"epochs": 2}, "total_steps OR"),
        ({"epochs": -2, "steps_per_epoch": 3}, "Expected positive integer epochs, but got -2"),
        ({"total_steps": 9, "pct_start": 1.5}, "pct_start, but got 1.5"),
        ({"total_steps": 9, "anneal_strategy": "exp"}, "'cos' or 'linear', instead got exp"),
        ({"total_steps": 9, "max_lr": [1.0]}, "expected 2 values of max_lr"),
    ],
)
def test_one_cycle_refuses_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OneCycleLR(make_optimizer(momentum=0.9), **{"max_lr": 1.0, **options})


def test_one_cycle_needs_a_momentum_to_cycle() -> None:
    optimizer = make_optimizer(Adagrad)
    with pytest.raises(ValueError, match="momentum or beta1"):
        OneCycleLR(optimizer, 1.0, total_steps=10)
    OneCycleLR(optimizer, 1.0, total_steps=10, cycle_momentum=False)
    # The peak is at step 0: the phase before it has no length.
    OneCycleLR(optimizer, 1.0, total_steps=10, cycle_momentum=False, pct_start=0.1)


def test_plateau_waits_for_patience_then_cools_down() -> None:
    optimizer = make_optimizer()
    schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=2, min_lr=[0.3, 0.0])
    found, cooling = [], []
    for loss in [5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0]:
        schedule.step(tensor(loss))
        found.append(rates(optimizer))
        cooling.append(schedule.in_cooldown)
    assert cooling == [False, False, True, True, False, False, True, True, False, False, True]
    halved = [0.7, 0.7, 0.35, 0.35, 0.35, 0.35, 0.3, 0.3, 0.3, 0.3, 0.3]
    assert [r[0] for r in found] == halved
    assert [r[1] for r in found] == [0.3, 0.3, 0.15, 0.15, 0.15, 0.15, 0.075, 0.075, 0.075, 0.075, 0.0375]


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "better", "worse"),
    [
        ("min", "rel", 0.899, 0.901),
        ("min", "abs", 0.899, 0.901),
        ("max", "rel", 1.101, 1.099),
        ("max", "abs", 1.101, 1.099),
    ],
)
def test_plateau_counts_improvements_beyond_the_threshold(
    mode: Any, threshold_mode: Any, better: float, worse: float
) -> None:
    for value, bad in ((better, 0), (worse, 1)):
        schedule = ReduceLROnPlateau(make_optimizer(), mode, threshold=0.1, threshold_mode=threshold_mode)
        schedule.step(1.0)
        schedule.step(value)
        assert schedule.num_bad_epochs == bad


def test_plateau_takes_nan_for_no_improvement() -> None:
    schedule = ReduceLROnPlateau(make_optimizer(), patience=0)
    schedule.step(float("nan"))
    assert schedule.get_last_lr() == pytest.approx([0.07, 0.03], rel=1e-15)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda: ReduceLROnPlateau("x"), TypeError, "str is not an Optimizer"),
        (lambda: OneCycleLR(3, 1.0, total_steps=3), TypeError, "int is not an Optimizer"),
        (lambda: StepLR(make_optimizer(), 0), ValueError, "step_size.*0"),
        (lambda: ConstantLR(make_optimizer(), 1.5), ValueError, "between 0 and 1, but got 1.5"),
        (lambda: LinearLR(make_optimizer(), 0.0), ValueError, "greater than 0.*got 0.0"),
        (lambda: LinearLR(make_optimizer(), 0.5, 2.0), ValueError, "between 0 and 1, but got 2.0"),
        (lambda: ReduceLROnPlateau(make_optimizer(), factor=1.0), ValueError, "Factor should be < 1.0"),
        (lambda: ReduceLROnPlateau(make_optimizer(), mode="best"), ValueError, "mode best is unknown"),
        (lambda: ReduceLROnPlateau(make_optimizer(), threshold_mode="x"), ValueError, "threshold mode x is unknown"),
        (lambda: ReduceLROnPlateau(make_optimizer(), min_lr=[0.1]), ValueError, "expected 2 values of min_lr"),
        (lambda: ExponentialLR(make_optimizer(), 0.9, last_epoch=3), KeyError, r"param_groups\[0\]"),
    ],
)
def test_bad_arguments_are_refused(make: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


STATEFUL: dict[str, Callable[[Any], Any]] = {
    **{name: make for name, (make, _) in CLOSED.items()},
    "one cycle": lambda o: OneCycleLR(o, 1.0, total_steps=EPOCHS, cycle_momentum=False),
    "sequential": lambda o: SequentialLR(o, [LinearLR(o, 0.1, total_iters=9), CosineAnnealingLR(o, 31)], [9]),
}


@pytest.mark.parametrize("name", STATEFUL)
@pytest.mark.parametrize("middle", [4, 9, 14])
def test_resumes_from_its_state(name: str, middle: int) -> None:
    optimizer = make_optimizer()
    straight = run(optimizer, STATEFUL[name](optimizer))
    first = make_optimizer()
    schedule = STATEFUL[name](first)
    run(first, schedule, middle)
    second = make_optimizer()
    resumed = STATEFUL[name](second)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    assert run(second, resumed, EPOCHS - middle) == straight[middle:]


@pytest.mark.parametrize(
    "make",
    [
        lambda o, **last: ExponentialLR(o, 0.9, **last),
        lambda o, **last: StepLR(o, 4, **last),
        lambda o, **last: CosineAnnealingLR(o, 13, **last),
        lambda o, **last: LambdaLR(o, lambda t: 1 / (1 + t), **last),
        lambda o, **last: OneCycleLR(o, 1.0, total_steps=EPOCHS, cycle_momentum=False, **last),
    ],
)
def test_last_epoch_goes_on_with_the_loaded_rates(make: Any) -> None:
    optimizer = make_optimizer()
    straight = run(optimizer, make(optimizer))
    first = make_optimizer()
    run(first, make(first), 8)
    second = make_optimizer()
    second.load_state_dict(first.state_dict())
    assert run(second, make(second, last_epoch=7), EPOCHS - 8) == straight[8:]


def test_state_of_callable_objects_is_kept() -> None:
    class Halved:
        def __init__(self, count: int) -> None:
            self.count = count

        def __call__(self, epoch: int) -> float:
            return 0.5**self.count

    schedule = LambdaLR(make_optimizer(), [Halved(1), lambda t: 1.0])
    state = schedule.state_dict()
    assert state["lr_lambdas"] == [{"count": 1}, None] and "optimizer" not in state
    other = LambdaLR(make_optimizer(), [Halved(3), lambda t: 1.0])
    other.load_state_dict(state)
    assert other.lr_lambdas[0].count == 1  # type: ignore[attr-defined]


def test_plateau_resumes_from_its_state() -> None:
    optimizer = make_optimizer()
    schedule = ReduceLROnPlateau(optimizer, patience=2)
    for loss in (3.0, 3.0, 3.0):
        schedule.step(loss)
    other = make_optimizer()
    resumed = ReduceLROnPlateau(other, patience=2)
    resumed.load_state_dict(schedule.state_dict())
    resumed.step(3.0)
    assert rates(other) == pytest.approx([0.07, 0.03], rel=1e-15)


def test_step_before_the_optimizers_warns() -> None:
    optimizer = make_optimizer()
    schedule = StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()
    optimizer = make_optimizer()
    schedule = StepLR(optimizer, 3)
    optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()


def test_a_schedule_of_ones_own() -> None:
    class Inverse(LRScheduler):
        def get_lr(self) -> list[float]:
            return [base / (1 + self.last_epoch) for base in self.base_lrs]

    optimizer = make_optimizer()
    assert [r[0] for r in run(optimizer, Inverse(optimizer), 3)] == [0.7, 0.35, 0.7 / 3]
