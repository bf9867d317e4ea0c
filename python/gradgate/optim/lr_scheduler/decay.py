"""Schedules that multiply the rate by a factor: at every epoch, at some epochs, or one computed by a function."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from gradgate.optim.lr_scheduler.base import LRScheduler, for_each_group, times_power
from gradgate.optim.optimizer import Optimizer


class LambdaLR(LRScheduler):
    """The initial rate times `lr_lambda(epoch)`; a list has one function for each parameter group.

    A state dict holds the attributes of functions that are objects with `__call__`, and None for plain
    functions, which the loading program defines again.

    >>> from gradgate import tensor
    >>> from gradgate.optim import SGD
    >>> optimizer = SGD([tensor([0.0], requires_grad=True)], lr=8.0)
    >>> schedule = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
    [4.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas: list[Callable[[int], float]] = for_each_group(optimizer, lr_lambda, "lr_lambda")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        self._require_known_groups()
        return [base * factor(self.last_epoch) for base, factor in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def _resume(self) -> None:
        self.step()

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        state["lr_lambdas"] = [
            None if isinstance(function, FunctionType) else dict(getattr(function, "__dict__", {}))
            for function in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if attributes:
                vars(function).update(attributes)


class StepLR(LRScheduler):
    """The rate times `gamma` every `step_size` epochs.

    >>> from gradgate import tensor
    >>> from gradgate.optim import SGD
    >>> optimizer = SGD([tensor([0.0], requires_grad=True)], lr=8.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step(); schedule.step(); print(schedule.get_last_lr())
    [8.0]
    [4.0]
    [4.0]
    [2.0]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size < 1:
            raise ValueError(f"StepLR: step_size should be at least 1 epoch, but is {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self._rates()
        return [lr * self.gamma for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[float]:
        return [times_power(base, self.gamma, self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """The rate times `gamma` at each of the epochs `milestones`; one given twice counts twice."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones: dict[int, int] = dict(Counter(milestones))
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        rates = self._rates()
        for _ in range(self.milestones.get(self.last_epoch, 0)):
            rates = [lr * self.gamma for lr in rates]
        return rates

    def _get_closed_form_lr(self) -> list[float]:
        passed = bisect_right(sorted(Counter(self.milestones).elements()), self.last_epoch)
        return [times_power(base, self.gamma, passed) for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """The rate times `gamma` at every epoch: a running product, so that no pow is taken."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._rates()
        return [lr * self.gamma for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[float]:
        return [times_power(base, self.gamma, self.last_epoch) for base in self.base_lrs]
