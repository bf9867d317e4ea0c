"""SequentialLR: schedules one after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from gradgate.optim.lr_scheduler.base import LRScheduler, check_optimizer
from gradgate.optim.lr_scheduler.plateau import ReduceLROnPlateau
from gradgate.optim.optimizer import Optimizer


class SequentialLR(LRScheduler):
    """Runs `schedulers[0]` until epoch `milestones[0]`, then `schedulers[1]` from its epoch 0, and so on.

    A schedule that ends at epoch 0, or where the one before it ends, has no epochs and changes no rate.

    Raises ValueError for no schedules, schedules of another optimizer, a ReduceLROnPlateau (its step needs a
    metric), or milestones that are not one fewer than the schedules.

    >>> from gradgate import tensor
    >>> from gradgate.optim import SGD
    >>> from gradgate.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> optimizer = SGD([tensor([0.0], requires_grad=True)], lr=1.0)
    >>> parts = [ConstantLR(optimizer, factor=0.25, total_iters=9), ExponentialLR(optimizer, gamma=0.5)]
    >>> schedule = SequentialLR(optimizer, parts, milestones=[2])
    >>> for _ in range(4):
    ...     print(schedule.get_last_lr()); optimizer.step(); schedule.step()
    [0.25]
    [0.25]
    [1.0]
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        if len(schedulers) < 1:
            raise ValueError("SequentialLR expects at least one scheduler to be chained, but got no scheduler")
        for i, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"SequentialLR does not support ReduceLROnPlateau (index {i}): its step needs a metric"
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"SequentialLR expects all schedulers to belong to its optimizer, but that at index {i} does not"
                )
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR expects one milestone fewer than schedulers, but got {len(schedulers)} schedulers "
                f"and {len(milestones)} milestones"
            )
        self.optimizer = optimizer
        self._schedulers = list(schedulers)
        self._milestones = list(milestones)
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self._restart(self.base_lrs)
        self.last_epoch = last_epoch + 1

    def step(self) -> None:  # type: ignore[override]  # epochs of its own, which cannot be jumped to
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._restart(scheduler.base_lrs)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    step.__doc__ = LRScheduler.step.__doc__

    def _restart(self, rates: list[float]) -> None:
        self.last_epoch = 0
        # Constructing each schedule has taken it to its epoch 0: only the one that begins is there now.
        for scheduler in self._schedulers:
            scheduler.last_epoch = -1
        beginning = self._schedulers[bisect_right(self._milestones, 0)]
        beginning._restart(rates)
        self._last_lr = beginning.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)
