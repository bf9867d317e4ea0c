"""Learning-rate schedules: each sets the rate of an optimizer's parameter groups, epoch by epoch or step by step.

Schedules multiply the rate they find (so that several can work on one optimizer) and stay away from the C
library's pow and cos, whose last bits differ between platforms: a schedule has the same bits everywhere.
"""

from gradgate.optim.lr_scheduler.base import LRScheduler
from gradgate.optim.lr_scheduler.cosine import CosineAnnealingLR
from gradgate.optim.lr_scheduler.decay import ExponentialLR, LambdaLR, MultiStepLR, StepLR
from gradgate.optim.lr_scheduler.one_cycle import OneCycleLR
from gradgate.optim.lr_scheduler.plateau import ReduceLROnPlateau
from gradgate.optim.lr_scheduler.sequential import SequentialLR
from gradgate.optim.lr_scheduler.warmup import ConstantLR, LinearLR

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
