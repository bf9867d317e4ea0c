"""LRScheduler: the epoch counter and the state that the schedules share."""

from __future__ import annotations

import warnings
from typing import Any

from gradgate.optim.optimizer import Optimizer


class LRScheduler:
    """Base class of the learning-rate schedules.

    A subclass defines `get_lr()`, and `_get_closed_form_lr()` if the rates of an epoch can be had without those of the
    epoch before. The constructor notes each group's rate as its `initial_lr` and sets the
    rates of epoch 0; each `step()` goes on by one epoch. To go on after epoch n without a saved state, pass
    `last_epoch=n` and an optimizer whose state was loaded: it has the `initial_lr`, and the rates of epoch n + 1.

    Raises TypeError if `optimizer` is not an Optimizer, KeyError if `last_epoch` is given and a group has no
    `initial_lr`.
    """

    optimizer: Optimizer
    base_lrs: list[float]
    last_epoch: int

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}]: to resume at last_epoch={last_epoch}, "
                    "load the optimizer's state dict first"
                )
        self.optimizer = optimizer
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._last_lr: list[float] = []
        if last_epoch == -1:
            self.step()
        else:
            self._resume()

    def get_lr(self) -> list[float]:
        """The rates of the groups at epoch `last_epoch`, from those of the epoch before."""
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """The rates that this schedule set last, one for each parameter group."""
        return self._last_lr

    def _get_closed_form_lr(self) -> list[float]:
        """The rates of the groups at epoch `last_epoch`, whatever the rates are now."""
        return self.get_lr()

    def step(self, epoch: int | None = None) -> None:
        """Goes on by one epoch: to be called after the epoch's optimizer steps.

        An `epoch`, which is deprecated, is gone to instead.
        """
        if self._step_count == 1 and self.optimizer._took_no_step():
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first rate of the schedule is "
                "skipped. Call `optimizer.step()` first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            self._set_rates(self.get_lr())
        else:
            warn_of_epoch()
            self.last_epoch = epoch
            self._set_rates(self._get_closed_form_lr())

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over a `state_dict()`; the optimizer's own state dict brings the rates themselves."""
        vars(self).update(state_dict)

    def _require_known_groups(self) -> None:
        """Raises ValueError if the optimizer got parameter groups since this schedule was made."""
        if len(self.optimizer.param_groups) != len(self.base_lrs):
            raise ValueError(
                f"{type(self).__name__} was made for {len(self.base_lrs)} parameter groups, but the optimizer has "
                f"{len(self.optimizer.param_groups)} by now; make a new schedule after add_param_group"
            )

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _set_rates(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = self._rates()

    def _resume(self) -> None:
        """Goes on with the rates that the optimizer has."""
        self._step_count = 1
        self.last_epoch += 1
        self._last_lr = self._rates()

    def _restart(self, rates: list[float]) -> None:
        """Begins at epoch 0 from these rates, whatever other schedules have made of them."""
        self._set_rates(rates)
        self.last_epoch = -1
        self._step_count = 0
        self.step()


def warn_of_epoch() -> None:
    """Warns the caller of a schedule's step that its epoch argument is deprecated."""
    warnings.warn(
        "the epoch parameter of lr_scheduler.step() is deprecated; call step() once an epoch", UserWarning, stacklevel=3
    )


def times_power(rate: float, factor: float, count: int) -> float:
    """`rate` multiplied by `factor` `count` times: the bits of as many steps, where pow has those of the platform."""
    for _ in range(count):
        rate *= factor
    return rate


def check_optimizer(optimizer: object) -> None:
    """Raises TypeError unless it is an Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def for_each_group(optimizer: Optimizer, value: Any, name: str) -> list[Any]:
    """`value` for every parameter group; a list or tuple has one for each."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"expected {count} values of {name}, one for each parameter group, but got {len(value)}")
    return list(value)
