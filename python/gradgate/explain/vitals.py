"""Vital signs of a training step: what watch measures of each layer and each parameter."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from gradgate import _core
from gradgate._core import Tensor

# Elements of a parameter that are compared with those before a step: a ratio of norms of so many is within a few percent.
COMPARED = 2048

# An element is saturated where the local gradient is below a twentieth of its largest value: 1 - y^2 < 0.05, 4 y (1 - y) < 0.05.
_TANH = math.sqrt(1 - 0.05)
SATURATED = {"tanh": (-_TANH, _TANH), "sigmoid": ((1 - _TANH) / 2, (1 + _TANH) / 2)}
# A ReLU unit is dead when it gave 0 for so many examples in a row.
DEAD_AFTER = 192


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the elements of an array are spread. `quantiles` are those at 5, 25, 50, 75 and 95 %, of a sample of the elements."""

    mean: float
    std: float
    rms: float
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, tensor: Tensor) -> Distribution:
        """The distribution of a tensor's elements; NaN throughout for an empty one."""
        return cls(*_core._distribution(tensor))

    @property
    def finite(self) -> bool:
        """Whether no element is NaN or infinite."""
        return math.isfinite(self.rms)


@dataclass(slots=True)
class LayerVitals:
    """A layer in a sampled step.

    `kind` is the module's class, or the function called; `units` the size of the output's last dimension. `gradient` is the distribution
    of the loss's gradient by the output, None where none came. `dead` is the share of the units of a ReLU that gave 0 for a long time,
    `saturated` the share of the elements of a sigmoid or tanh whose local gradient is next to nothing; None for other layers.
    `is_output` tells whether the output is the model's.
    """

    name: str
    kind: str
    units: int
    activation: Distribution
    gradient: Distribution | None = None
    dead: float | None = None
    saturated: float | None = None
    is_output: bool = False


@dataclass(slots=True)
class ParameterVitals:
    """A parameter in a sampled step: its norm, its gradient's (None where none came), and |update| / |parameter| of the next step."""

    name: str
    is_weight: bool
    norm: float
    gradient: float | None = None
    update: float | None = None


@dataclass(slots=True)
class Sample:
    """The vital signs of one training step, layers in forward order.

    `stepped` tells whether the optimizer changed the parameters before the next sample; None while that is not known.
    """

    step: int
    stepped: bool | None = None
    layers: dict[str, LayerVitals] = field(default_factory=dict)
    parameters: dict[str, ParameterVitals] = field(default_factory=dict)

    @property
    def gradient_norm(self) -> float:
        """The norm of all parameters' gradients as one vector."""
        return math.hypot(*(p.gradient for p in self.parameters.values() if p.gradient is not None))


def saturated_share(tensor: Tensor, gate: str) -> float | None:
    """The share of saturated elements in the output of a sigmoid or tanh, None for another gate."""
    if gate not in SATURATED or not tensor.numel():
        return None
    (low, high), array = SATURATED[gate], tensor.detach().numpy()
    return float(np.count_nonzero(array > high) + np.count_nonzero(array < low)) / array.size


class DeadUnits:
    """For how many examples each unit of a ReLU, an element of the last dimension, has given 0 without a break."""

    def __init__(self) -> None:
        self._silent = _core.zeros(0, dtype=_core.int64)

    def share(self, tensor: Tensor) -> float:
        """Count the examples of one more output, which is not empty; return the share of dead units."""
        units = tensor.shape[-1] if tensor.ndim else 1
        if self._silent.numel() != units:
            self._silent = _core.zeros(units, dtype=_core.int64)
        return _core._count_silent(tensor, self._silent, DEAD_AFTER)
