"""Schedules that are told an epoch, parts without epochs, and groups that come later."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from gradgate import ones, tensor
from gradgate.optim import SGD, Optimizer
from gradgate.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from test_lr_scheduler import CLOSED, make_optimizer, rates, run

DEPRECATED = "epoch parameter of lr_scheduler.step.. is deprecated"


@pytest.mark.parametrize("name", CLOSED)
def test_an_epoch_is_gone_to(name: str) -> None:
    make, formula = CLOSED[name]
    optimizer = make_optimizer()
    bases = rates(optimizer)
    schedule = make(optimizer)
    optimizer.step()
    for t in (3, 21, 8, 0, 5, 5):
        with pytest.warns(UserWarning, match=DEPRECATED) as caught:
            schedule.step(t)
        assert caught[0].filename == __file__
        assert schedule.last_epoch == t
        assert schedule.get_last_lr() == rates(optimizer)
        assert rates(optimizer) == pytest.approx([formula(base, t) for base in bases], rel=30 * 2**-53, abs=2**-53)
    schedule.step()
    assert schedule.last_epoch == 6


@pytest.mark.parametrize("make", [lambda o: ExponentialLR(o, 0.93), lambda o: StepLR(o, 3, gamma=0.7)])
def test_going_to_an_epoch_gives_the_bits_of_its_steps(make: Any) -> None:
    stepped, jumped = make_optimizer(), make_optimizer()
    expected = run(stepped, make(stepped), 30)[-1]
    schedule = make(jumped)
    jumped.step()
    with pytest.warns(UserWarning, match=DEPRECATED):
        schedule.step(29)
    assert rates(jumped) == expected


def test_one_cycle_goes_to_an_epoch_with_its_momentum() -> None:
    optimizer, other = make_optimizer(momentum=0.9), make_optimizer(momentum=0.9)
    run(optimizer, OneCycleLR(optimizer, 2.0, total_steps=20), 13)
    schedule = OneCycleLR(other, 2.0, total_steps=20)
    other.step()
    with pytest.warns(UserWarning, match=DEPRECATED):
        schedule.step(epoch=13)
    for group, jumped in zip(optimizer.param_groups, other.param_groups, strict=True):
        assert (group["lr"], group["momentum"]) == (jumped["lr"], jumped["momentum"])


def test_a_plateau_takes_an_epoch() -> None:
    schedule = ReduceLROnPlateau(make_optimizer())
    with pytest.warns(UserWarning, match=DEPRECATED):
        schedule.step(1.0, epoch=7)
    assert schedule.last_epoch == 7


def test_a_schedule_of_ones_own_may_be_told_an_epoch() -> None:
    class Halved(LRScheduler):
        def get_lr(self) -> list[float]:
            return [base / (1 + self.last_epoch) for base in self.base_lrs]

    optimizer = make_optimizer()
    schedule = Halved(optimizer)
    optimizer.step()
    with pytest.warns(UserWarning, match=DEPRECATED):
        schedule.step(6)
    assert rates(optimizer) == [0.7 / 7, 0.3 / 7]


# Parts of a sequence without epochs.


@pytest.mark.parametrize(
    ("milestones", "expected"),
    [
        ([0, 3], [1.0, 0.5, 0.25, 0.75, 0.75, 1.0]),  # halving from the beginning
        ([0, 0], [0.75, 0.75, 1.0, 1.0, 1.0, 1.0]),  # the last part alone
        ([2, 2], [0.25, 0.625, 0.75, 0.75, 1.0, 1.0]),  # halving left out
        ([2, 4], [0.25, 0.625, 1.0, 0.5, 0.75, 0.75]),
    ],
)
def test_parts_without_epochs(milestones: list[int], expected: list[float]) -> None:
    optimizer = SGD([tensor([0.0], requires_grad=True)], lr=1.0)
    parts = [
        LinearLR(optimizer, 0.25, total_iters=2),
        ExponentialLR(optimizer, 0.5),
        ConstantLR(optimizer, 0.75, total_iters=2),
    ]
    schedule = SequentialLR(optimizer, parts, milestones)
    found = run(optimizer, schedule, 6)
    assert [r[0] for r in found] == pytest.approx(expected, rel=1e-15)


def test_a_sequence_within_a_sequence_may_begin_with_its_second_part() -> None:
    optimizer = SGD([tensor([0.0], requires_grad=True)], lr=1.0)
    inner = SequentialLR(optimizer, [LinearLR(optimizer, 0.125), ExponentialLR(optimizer, 0.5)], [0])
    schedule = SequentialLR(optimizer, [ConstantLR(optimizer, 0.75, 9), inner], [2])
    assert [r[0] for r in run(optimizer, schedule, 5)] == [0.75, 0.75, 1.0, 0.5, 0.25]


# Parameter groups that come after the schedule.


def add_group(optimizer: Any) -> None:
    optimizer.add_param_group({"params": [tensor([0.0], requires_grad=True)], "lr": 2.0})


def test_a_plateau_lowers_the_rate_of_a_later_group() -> None:
    optimizer = make_optimizer()
    schedule = ReduceLROnPlateau(optimizer, patience=0, factor=0.5, min_lr=0.25)
    add_group(optimizer)
    for metric in (1.0, 2.0, 3.0):
        schedule.step(metric)
    assert rates(optimizer) == [0.25, 0.25, 0.5]


def test_a_plateau_with_a_list_of_lowest_rates_asks_for_that_of_a_later_group() -> None:
    optimizer = make_optimizer()
    schedule = ReduceLROnPlateau(optimizer, patience=0, factor=0.5, min_lr=[0.0, 0.25])
    add_group(optimizer)
    schedule.step(1.0)
    with pytest.raises(RuntimeError, match="3 parameter groups by now, but min_lr has 2 values; extend"):
        schedule.step(2.0)
    schedule.min_lrs.append(1.5)
    schedule.step(3.0)
    assert rates(optimizer) == [0.35, 0.25, 1.5]


@pytest.mark.parametrize(
    "make",
    [
        lambda o: LambdaLR(o, lambda t: 0.5),
        lambda o: CosineAnnealingLR(o, 1),
        lambda o: OneCycleLR(o, 1.0, total_steps=9, cycle_momentum=False),
    ],
)
def test_schedules_that_need_a_first_rate_name_a_later_group(make: Any) -> None:
    optimizer = make_optimizer()
    schedule = make(optimizer)
    add_group(optimizer)
    with pytest.raises(ValueError, match="was made for 2 parameter groups, but the optimizer has 3 by now"):
        run(optimizer, schedule, 2)


def test_schedules_of_the_present_rate_take_a_later_group_along() -> None:
    optimizer = make_optimizer()
    schedule = ExponentialLR(optimizer, 0.5)
    add_group(optimizer)
    optimizer.step()
    schedule.step()
    assert rates(optimizer) == [0.35, 0.15, 1.0]


def test_an_optimizer_with_a_step_of_its_own_is_not_thought_to_rest() -> None:
    class Still(Optimizer):
        def __init__(self) -> None:
            super().__init__([ones(1, requires_grad=True)], {"lr": 1.0})

        def step(self, closure: Any = None) -> None:
            pass

    optimizer = Still()
    schedule = ExponentialLR(optimizer, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            optimizer.step()
            schedule.step()
    assert schedule.get_last_lr() == [0.125]
