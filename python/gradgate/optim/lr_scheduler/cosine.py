"""CosineAnnealingLR: the rate follows half a cosine down, and up again."""

from __future__ import annotations

import math

from gradgate import _core
from gradgate.optim.lr_scheduler.base import LRScheduler
from gradgate.optim.optimizer import Optimizer


def cosine(x: float) -> float:
    """cos(x), x in radians, with the same bits on every platform, which math.cos does not promise."""
    return float(_core.tensor(x, dtype=_core.float64).cos().item())


class CosineAnnealingLR(LRScheduler):
    """The rate goes from its initial value to `eta_min` within `T_max` epochs along half a cosine, then back.

    lr(t) = eta_min + (lr(0) - eta_min) * (1 + cos(pi t / T_max)) / 2 (Loshchilov and Hutter, 2017,
    https://arxiv.org/abs/1608.03983, without restarts), reached by multiplying the rate of the epoch before.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        t, half = self.last_epoch, self.T_max
        if t == 0:
            return self._rates()
        if (t - 1 - half) % (2 * half) == 0:  # the rate is eta_min, from which no factor leads up
            self._require_known_groups()
            rise = (1 - cosine(math.pi / half)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(self._rates(), self.base_lrs, strict=True)]
        factor = (1 + cosine(math.pi * t / half)) / (1 + cosine(math.pi * (t - 1) / half))
        return [self.eta_min + (lr - self.eta_min) * factor for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[float]:
        factor = (1 + cosine(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * factor for base in self.base_lrs]
