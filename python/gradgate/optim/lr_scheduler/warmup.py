"""Schedules of the first epochs: a constant or linearly growing factor, until the full rate is reached."""

from __future__ import annotations

from gradgate.optim.lr_scheduler.base import LRScheduler
from gradgate.optim.optimizer import Optimizer


class ConstantLR(LRScheduler):
    """The rate times `factor` (0 to 1) until epoch `total_iters`, then the full rate.

    Raises ValueError for a factor outside [0, 1].
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"Constant multiplicative factor expected to be between 0 and 1, but got {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self._rates()]
        if self.last_epoch != self.total_iters:
            return self._rates()
        if self.factor == 0:
            return list(self.base_lrs)
        return [lr * (1 / self.factor) for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[float]:
        return [base if self.last_epoch >= self.total_iters else base * self.factor for base in self.base_lrs]


class LinearLR(LRScheduler):
    """The rate times a factor that goes linearly from `start_factor` at epoch 0 to `end_factor` at `total_iters`.

    Raises ValueError for a `start_factor` outside (0, 1] or an `end_factor` outside [0, 1].

    >>> from gradgate import tensor
    >>> from gradgate.optim import SGD
    >>> optimizer = SGD([tensor([0.0], requires_grad=True)], lr=1.0)
    >>> schedule = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> for _ in range(3):
    ...     print(schedule.get_last_lr()); optimizer.step(); schedule.step()
    [0.5]
    [0.75]
    [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(
                f"Starting multiplicative factor expected to be greater than 0 and at most 1, but got {start_factor}"
            )
        if not 0 <= end_factor <= 1:
            raise ValueError(f"Ending multiplicative factor expected to be between 0 and 1, but got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self._rates()]
        if self.last_epoch > self.total_iters:
            return self._rates()
        # The factor of this epoch over that of the last, both multiplied by total_iters.
        change = self.end_factor - self.start_factor
        last = self.total_iters * self.start_factor + (self.last_epoch - 1) * change
        return [lr * (1 + change / last) for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[float]:
        if self.last_epoch >= self.total_iters:
            return [base * self.end_factor for base in self.base_lrs]
        factor = self.start_factor + (self.end_factor - self.start_factor) * self.last_epoch / self.total_iters
        return [base * factor for base in self.base_lrs]
