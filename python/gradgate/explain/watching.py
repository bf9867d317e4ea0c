"""watch: the vital signs of a network, sampled while it trains."""

from __future__ import annotations

import math
import os
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from gradgate import _core
from gradgate._core import Tensor
from gradgate.explain.diagnosis import PERSISTENT, Finding, diagnose
from gradgate.explain.lines import PACKAGE
from gradgate.explain.vitals import (
    COMPARED,
    SATURATED,
    DeadUnits,
    Distribution,
    LayerVitals,
    ParameterVitals,
    Sample,
    saturated_share,
)
from gradgate.explain.vitals_table import table_of
from gradgate.nn import Module

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The gates whose outputs tell of dead or saturated units, wherever they are called.
ACTIVATIONS = {"relu", *SATURATED}
# Beyond so many samples every second one is dropped.
MAX_HISTORY = 1000
# To look for faults costs as much as a fifth of a sample: it is done after the first samples, and after so many more.
LOOK = 10


class TrainingWarning(UserWarning):
    """What watch has to say about a training: the layer, what is wrong with it, and what usually helps."""


class Watch:
    """The vital signs of a model that is being trained; `watch` makes it.

    `history` holds a Sample for every `every`-th training step, `warnings` what is wrong by the latest of them. `remove()` ends it,
    as does leaving a `with` block.
    """

    def __init__(self, model: Module, every: int, warn: bool) -> None:
        self.model = model
        self.every = every
        self.history: list[Sample] = []
        self.steps = 0
        self._warn = warn
        self._concluded = 0
        self._told: set[tuple[str, str]] = set()
        self._handles: list[Any] = []
        # Each parameter with its version and elements at the sample, until a step of the optimizer follows.
        self._before_update: dict[str, tuple[Tensor, int, Tensor]] = {}
        self._layers = _Layers(model)
        self._hook = model.register_forward_pre_hook(self._on_step)

    def __repr__(self) -> str:
        return f"<Watch of {type(self.model).__name__}: {self.steps:,} steps, {len(self.history):,} samples, {len(self.warnings)} warnings>"

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Take all hooks off the model, after a last look at the parameters; the history stays."""
        self._end_pass()
        self._measure_update()
        self._conclude(stepped=False)
        self._tell()
        self._hook.remove()
        self._layers.remove()

    @property
    def findings(self) -> list[Finding]:
        """What is wrong by the latest samples, each with its layer and kind."""
        return diagnose(self.history)

    @property
    def warnings(self) -> list[str]:
        """What is wrong by the latest samples, in words: the layer, the fault, and what usually helps."""
        return [finding.text for finding in self.findings]

    def table(self) -> str:
        """The latest sample as text: the layers, the parameters, and the warnings."""
        return table_of(self.history[-1] if self.history else None, self.warnings)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """The history as a picture: activations and gradients by layer, update-to-weight ratios, dead and saturated units.

        Returns matplotlib's Figure, and writes it to `path` if there is one. Raises ImportError without matplotlib (`pip install
        'gradgate[demo]'`), RuntimeError before the first sample.
        """
        if not self.history:
            raise RuntimeError("watch: there is nothing to plot before the first training step")
        from gradgate.explain.vitals_plot import plot

        return plot(self.history, path)

    # Steps. A step is known by the forward pass that begins it.

    def _on_step(self, module: Module, args: tuple[Any, ...]) -> None:
        if not (module.training and _core.is_grad_enabled()):
            return
        self._end_pass()
        self._measure_update()
        if self.steps % self.every == 0:
            self._conclude(stepped=False)
            self._begin_sample()
        self.steps += 1

    def _begin_sample(self) -> None:
        sample = Sample(self.steps)
        if len(self.history) >= MAX_HISTORY:
            del self.history[1::2]
        self.history.append(sample)
        self._layers.begin(sample)
        for name, parameter in self.model.named_parameters():
            if not (parameter.requires_grad and parameter.numel()):
                continue
            before = _core._spread_out(parameter, COMPARED)
            size = _core._norm(before) * math.sqrt(parameter.numel() / before.numel())
            sample.parameters[name] = vitals = ParameterVitals(name, parameter.ndim > 1, size)
            self._handles.append(parameter.register_hook(partial(_see_parameter_gradient, vitals)))
            self._before_update[name] = (parameter, parameter._version, before)

    def _end_pass(self) -> None:
        """Stop looking at the forward and backward pass of the sample."""
        self._layers.end()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _measure_update(self) -> None:
        """Compare the parameters with those of the sample, once a step of the optimizer has changed one."""
        entries = self._before_update.items()
        if all(parameter._version == version for _, (parameter, version, _) in entries):
            return
        for name, (parameter, _, before) in entries:
            now, size = _core._spread_out(parameter, COMPARED), _core._norm(before)
            if size and now.shape == before.shape:
                self.history[-1].parameters[name].update = _core._norm(now.sub_(before)) / size
        self._conclude(stepped=True)

    def _conclude(self, stepped: bool) -> None:
        """Complete the sample, unless it is, and tell what is wrong: a NaN at once, other faults now and then."""
        if not self._before_update:
            return
        self._before_update.clear()
        sample = self.history[-1]
        sample.stepped = stepped
        self._concluded += 1
        if self._concluded % LOOK == PERSISTENT or not math.isfinite(sample.gradient_norm):
            self._tell()

    def _tell(self) -> None:
        if not self._warn:
            return
        for finding in self.findings:
            if finding.key not in self._told:
                self._told.add(finding.key)
                warnings.warn(finding.text, TrainingWarning, stacklevel=_level_of_program())


def _level_of_program() -> int:
    """The stack level, seen from the caller, of the innermost frame outside of this package."""
    count, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        count, frame = count + 1, frame.f_back
    return count


def _see_parameter_gradient(vitals: ParameterVitals, gradient: Tensor) -> None:
    vitals.gradient = _core._norm(gradient)


def _see_gradient(vitals: LayerVitals, gradient: Tensor) -> None:
    vitals.gradient = Distribution.of(gradient)


class _Layers:
    """The layers of a model, and the activations that are called as functions between them, seen in the passes that are sampled."""

    def __init__(self, model: Module) -> None:
        self._sample: Sample | None = None
        self._watcher: _core._GateWatcher | None = None
        self._dead: dict[int, DeadUnits] = {}
        self._rows: list[tuple[LayerVitals, Any]] = []  # with the gate that made the output
        self._layer = ""  # the last that ended,
        self._since = 0  # and the activations seen since
        self._handles = [
            module.register_forward_hook(partial(self._on_layer, name or type(module).__name__))
            for name, module in model.named_modules()
            if next(module.named_children(), None) is None
        ]
        self._handles.append(model.register_forward_hook(self._on_end))

    def begin(self, sample: Sample) -> None:
        """See the next forward pass."""
        self._sample, self._layer, self._since = sample, "", 0
        self._watcher = _core._watch_gates(self._on_gate)

    def end(self) -> None:
        """Stop seeing gates and layers."""
        if self._watcher is not None:
            self._watcher.stop()
        self._sample = self._watcher = None
        self._rows.clear()

    def remove(self) -> None:
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()

    def _on_gate(self, kind: str, output: Tensor) -> None:
        if kind in ACTIVATIONS:
            self._since += 1
            number = f" {self._since}" if self._since > 1 else ""
            self._add(f"{kind}{number} after {self._layer}" if self._layer else f"{kind}{number}", kind, kind, output)

    def _on_layer(self, name: str, module: Module, args: tuple[Any, ...], output: Any) -> None:
        if self._sample is None:
            return
        self._layer, self._since = name, 0
        if not (isinstance(output, Tensor) and output.is_floating_point()):
            return
        maker = output.grad_fn
        if self._rows and maker is not None and self._rows[-1][1] == maker:  # an activation that is a layer of its own
            vitals = self._rows.pop()[0]
            del self._sample.layers[vitals.name]
            vitals.name, vitals.kind = name, type(module).__name__
            self._keep(self._sample, vitals, maker)
        else:
            self._add(name, type(module).__name__, "", output)

    def _add(self, name: str, kind: str, gate: str, output: Tensor) -> None:
        sample, units = self._sample, output.shape[-1] if output.ndim else 1
        if sample is None or name in sample.layers or not output.numel():
            return
        vitals = LayerVitals(name, kind, units, Distribution.of(output))
        vitals.saturated = saturated_share(output, gate)
        if gate == "relu":
            # By its place, since its layer ends later.
            vitals.dead = self._dead.setdefault(len(self._rows), DeadUnits()).share(output)
        if output.requires_grad:
            # Without its handle, which would keep the graph's memory until the next step: the hook goes with the graph.
            output.register_hook(partial(_see_gradient, vitals))
        self._keep(sample, vitals, output.grad_fn)

    def _keep(self, sample: Sample, vitals: LayerVitals, maker: Any) -> None:
        if vitals.name not in sample.layers:  # a layer that is called again shows its first call
            sample.layers[vitals.name] = vitals
            self._rows.append((vitals, maker))

    def _on_end(self, module: Module, args: tuple[Any, ...], output: Any) -> None:
        if self._sample is None:
            return
        outputs = output if isinstance(output, (tuple, list)) else [output]
        makers = [t.grad_fn for t in outputs if isinstance(t, Tensor)]
        for vitals, maker in self._rows:
            vitals.is_output = maker is not None and maker in makers
        self.end()


def watch(model: Module, every: int = 10, *, warn: bool = True) -> Watch:
    """Follow the training of a model: every `every`-th step its activations, gradients and updates are measured.

    Call it once before the training loop, which stays as it is. A forward pass in training mode with gradients on begins a step. Layers
    are the modules without submodules, and relu, sigmoid and tanh that are called as functions; one that is called several times shows
    its first call. The table, the picture and the warnings come from the samples. A fault that shows in several samples is told once
    as a TrainingWarning, unless `warn` is False. The norm and the update of a parameter are those of
    up to 2,048 of its elements.

    Raises TypeError for what is no Module, ValueError when `every` is below 1.

    >>> import gradgate
    >>> from gradgate import nn
    >>> _ = gradgate.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    >>> optimizer = gradgate.optim.SGD(model.parameters(), lr=0.1)
    >>> with gradgate.watch(model, every=5) as health:
    ...     for _ in range(20):
    ...         loss = (model(gradgate.ones(16, 2)) - 1).square().mean()
    ...         optimizer.zero_grad()
    ...         loss.backward()
    ...         optimizer.step()
    >>> [sample.step for sample in health.history]
    [0, 5, 10, 15]
    >>> list(health.history[-1].layers)
    ['0', '1', '2']
    """
    if not isinstance(model, Module):
        raise TypeError(f"watch: model must be a Module, got {type(model).__name__}")
    if isinstance(every, bool) or not isinstance(every, int):
        raise TypeError(f"watch: every must be a whole number of steps, got {every!r}")
    if every < 1:
        raise ValueError(f"watch: every must be at least 1, got {every}")
    return Watch(model, every, warn)
