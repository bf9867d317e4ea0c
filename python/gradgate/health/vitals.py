"""The vital signs of a training step: the numbers that watch measures for each layer and each parameter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gradgate import _core
from gradgate._core import Tensor

# Up to this many elements of a parameter are compared before and after a step, which gives the ratio of norms to a few percent.
COMPARED = 512

# An element is saturated where the local gradient is below a twentieth of its largest value: 1 - y^2 < 0.05, 4 y (1 - y) < 0.05.
_TANH = math.sqrt(1 - 0.05)
SATURATED = {"tanh": (-_TANH, _TANH), "sigmoid": ((1 - _TANH) / 2, (1 + _TANH) / 2)}
# A ReLU unit is dead if its output was 0 for this many examples in a row.
DEAD_AFTER = 192


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the elements of an array are distributed.

    `quantiles` are those at 5, 25, 50, 75 and 95 %, from a sample of 64 elements; () for a gradient.
    """

    mean: float
    std: float
    rms: float
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, tensor: Tensor) -> Distribution:
        """The distribution of a tensor's elements; all numbers are NaN for an empty tensor."""
        return cls(*_core._distribution(tensor))

    @property
    def finite(self) -> bool:
        """True if no element is NaN or infinite."""
        return math.isfinite(self.rms)


@dataclass(slots=True)
class LayerVitals:
    """A layer in a sampled step.

    `kind` is the module's class, or the name of the function; `units` is the size of the output's last dimension. `gradient` is the
    distribution of the gradient of the loss by the output, None if none came. `dead` is the share of a ReLU's units that are dead, and
    `saturated` the share of the elements of a sigmoid or tanh whose local gradient is close to 0; both are None for other layers.
    `is_output` is true if the layer's output is that of the model.
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
    """A parameter in a sampled step: its norm, that of its gradient (None if none came), and |update| / |parameter| of the step."""

    name: str
    is_weight: bool
    norm: float
    gradient: float | None = None
    update: float | None = None


class Sample:
    """The vital signs of one training step: `layers` in forward order and `parameters`, each by name.

    `stepped` is true if the optimizer changed the parameters before the next sample, None while that is not known.
    """

    __slots__ = ("_names", "_seen", "_shown", "_watcher", "step", "stepped")

    def __init__(self, step: int, names: Names, watcher: _core._VitalsWatcher) -> None:
        self.step = step
        self.stepped: bool | None = None
        self._names = names
        self._watcher: _core._VitalsWatcher | None = watcher  # until the sample is complete
        self._seen: _core._StepVitals | None = None
        self._shown: tuple[dict[str, LayerVitals], dict[str, ParameterVitals]] | None = None

    def __repr__(self) -> str:
        return f"<Sample of step {self.step:,}: {len(self.layers):,} layers, {len(self.parameters):,} parameters>"

    def complete(self, stepped: bool) -> None:
        """Keep the numbers that the core has measured; the watcher goes on to another sample."""
        self._seen, self._watcher, self.stepped = self._measured, None, stepped

    @property
    def _measured(self) -> _core._StepVitals:
        if self._watcher is not None:
            return self._watcher.vitals
        assert self._seen is not None
        return self._seen

    def _show(self) -> tuple[dict[str, LayerVitals], dict[str, ParameterVitals]]:
        # Made on demand: it takes longer to make these objects than to measure the step.
        shown = self._shown
        if shown is None:
            measured = self._measured
            layers = {vitals.name: vitals for vitals in map(self._names.layer, measured.layers)}
            rows = zip(self._names.parameters, measured.parameters, strict=True)
            shown = layers, {name: ParameterVitals(name, is_weight, *row) for (name, is_weight), row in rows if row}
            if self._watcher is None:
                self._shown = shown
        return shown

    @property
    def layers(self) -> dict[str, LayerVitals]:
        """The layers in forward order, by name."""
        return self._show()[0]

    @property
    def parameters(self) -> dict[str, ParameterVitals]:
        """The parameters that require a gradient, by name."""
        return self._show()[1]

    @property
    def has_gradients(self) -> bool:
        """True if a backward pass has reached a layer or a parameter."""
        if self.gradient_norm != 0:
            return True
        gradients = [*(p.gradient for p in self.parameters.values()), *(v.gradient for v in self.layers.values())]
        return any(gradient is not None for gradient in gradients)

    @property
    def gradient_norm(self) -> float:
        """The norm of all parameters' gradients as one vector."""
        return self._measured.gradient_norm


@dataclass(frozen=True, slots=True)
class Names:
    """The names and classes of the layers, and the names of the parameters and whether they are weights, in the core's order."""

    layers: list[tuple[str, str]]
    parameters: list[tuple[str, bool]]

    def layer(self, row: tuple[Any, ...]) -> LayerVitals:
        """The core's numbers of a layer, with its names."""
        layer, gate, after, count, units, output, quantiles, gradient, dead, saturated, is_output = row
        number = f" {count}" if count > 1 else ""
        place = f" after {self.layers[after][0]}" if after >= 0 else ""
        name, kind = self.layers[layer] if layer >= 0 else (f"{gate}{number}{place}", gate)
        return LayerVitals(
            name,
            kind,
            units,
            Distribution(output[0], output[1], output[2], quantiles),
            None if gradient is None else Distribution(gradient[0], gradient[1], gradient[2], ()),
            dead,
            saturated,
            is_output,
        )


def new_watcher() -> _core._VitalsWatcher:
    """The part of a watch that the core does."""
    (tanh_low, tanh_high), (sigmoid_low, sigmoid_high) = SATURATED["tanh"], SATURATED["sigmoid"]
    return _core._VitalsWatcher(tanh_low, tanh_high, sigmoid_low, sigmoid_high, DEAD_AFTER, COMPARED)
