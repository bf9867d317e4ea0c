"""OneCycleLR: the rate rises and falls once, and the momentum goes the other way."""

from __future__ import annotations

import math
from typing import Any, Literal

from gradgate.optim.lr_scheduler.base import LRScheduler, check_optimizer, for_each_group
from gradgate.optim.lr_scheduler.cosine import cosine
from gradgate.optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """The 1cycle policy (Smith and Topin, 2018, https://arxiv.org/abs/1708.07120); step it after every batch.

    The rate goes from `max_lr / div_factor` up to `max_lr` during the first `pct_start` of the steps, then down
    to `max_lr / (div_factor * final_div_factor)`; with `three_phase` it first returns as it rose. With
    `cycle_momentum` the momentum (or beta1) goes from `max_momentum` to `base_momentum` and back.
    `max_lr` and the momenta are numbers or lists with one for each parameter group. The number of steps is
    `total_steps`, or `epochs * steps_per_epoch`.

    Raises ValueError for arguments out of their ranges, for `cycle_momentum` with an optimizer that has no
    momentum, and for a step beyond the last.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.total_steps = _step_number(total_steps, epochs, steps_per_epoch)
        if not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        self._phases = _phases(self.total_steps, pct_start, three_phase)
        self.cycle_momentum = cycle_momentum
        if last_epoch == -1:
            rates = for_each_group(optimizer, max_lr, "max_lr")
            for group, peak in zip(optimizer.param_groups, rates, strict=True):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            if not {"momentum", "betas"} & optimizer.defaults.keys():
                raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
            if last_epoch == -1:
                lowest = for_each_group(optimizer, base_momentum, "base_momentum")
                highest = for_each_group(optimizer, max_momentum, "max_momentum")
                for group, low, high in zip(optimizer.param_groups, lowest, highest, strict=True):
                    group["base_momentum"], group["max_momentum"] = low, high
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
        self._require_known_groups()
        return self._between("lr")

    def _resume(self) -> None:
        self.step()

    def step(self, epoch: int | None = None) -> None:
        super().step(epoch)
        if self.cycle_momentum:
            for group, momentum in zip(self.optimizer.param_groups, self._between("momentum"), strict=True):
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum

    step.__doc__ = LRScheduler.step.__doc__

    def _between(self, quantity: Literal["lr", "momentum"]) -> list[float]:
        """Each group's rate or momentum at this step, between its values at the ends of the phase."""
        begin, phase = 0.0, self._phases[0]
        for following in self._phases[1:]:
            if self.last_epoch <= phase["end_step"]:
                break
            begin, phase = phase["end_step"], following
        length = phase["end_step"] - begin
        part = (self.last_epoch - begin) / length if length else 1.0
        first, last = phase[quantity]
        return [self._anneal(group[first], group[last], part) for group in self.optimizer.param_groups]

    def _anneal(self, start: float, end: float, part: float) -> float:
        if self._anneal_strategy == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (1 + cosine(math.pi * part))


def _step_number(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        for name, value in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
            if not isinstance(value, int) or value <= 0:
                raise ValueError(f"Expected positive integer {name}, but got {value}")
        return epochs * steps_per_epoch
    if not isinstance(total_steps, int) or total_steps <= 0:
        raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
    return total_steps


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """The phases: the step at which each ends, and the group's keys of the values between which it goes."""
    peak = float(pct_start * total_steps) - 1
    up = {"end_step": peak, "lr": ("initial_lr", "max_lr"), "momentum": ("max_momentum", "base_momentum")}
    if not three_phase:
        return [
            up,
            {"end_step": total_steps - 1, "lr": ("max_lr", "min_lr"), "momentum": ("base_momentum", "max_momentum")},
        ]
    return [
        up,
        {"end_step": 2 * peak, "lr": ("max_lr", "initial_lr"), "momentum": ("base_momentum", "max_momentum")},
        {"end_step": total_steps - 1, "lr": ("initial_lr", "min_lr"), "momentum": ("max_momentum", "max_momentum")},
    ]
