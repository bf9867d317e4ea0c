"""watch: samples the vital signs of a network while it trains."""

from __future__ import annotations

import math
import os
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from gradgate import _core
from gradgate._core import Tensor
from gradgate.explain.lines import PACKAGE
from gradgate.health.diagnosis import PERSISTENT, Finding, diagnose
from gradgate.health.table import table_of
from gradgate.health.vitals import Names, Sample, new_watcher
from gradgate.nn import Module
from gradgate.nn.hooks import PassingHook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# When the history has this many samples, every second one is dropped.
MAX_HISTORY = 1000
# Looking for faults costs as much as two samples. It is done after the first PERSISTENT samples and then each time their number has
# doubled, but at least LOOK and at most RARELY samples later.
LOOK, RARELY = 10, 50


class TrainingWarning(UserWarning):
    """A fault that watch has found in a training: the layer, what is wrong with it, and what usually helps."""


class Watch:
    """The vital signs of a model that is being trained; `watch` makes it.

    `history` has a Sample for every `every`-th training step, and `warnings` the faults that the latest samples show. `remove()` or the
    end of a `with` block stops it.
    """

    def __init__(self, model: Module, every: int, warn: bool) -> None:
        self.model = model
        self.every = every
        self.history: list[Sample] = []
        self.steps = 0
        self._warn = warn
        self._concluded, self._next_look = 0, PERSISTENT
        self._told: set[tuple[str, str]] = set()
        self._watcher = new_watcher()
        self._in_pass = self._is_open = False
        self._layers = _Layers(model, self._watcher)
        self._parameters = _Parameters(model, self._layers.names)
        self._hook = model.register_forward_pre_hook(self._on_step).stay_behind(model._hook_lists())

    def __repr__(self) -> str:
        return f"<Watch of {type(self.model).__name__}: {self.steps:,} steps, {len(self.history):,} samples, {len(self.warnings)} warnings>"

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Complete the latest sample and remove all hooks from the model; the history stays."""
        self._end_pass()
        self._conclude(stepped=self._watcher.measure_updates())
        self._tell()
        self._hook.remove()

    @property
    def findings(self) -> list[Finding]:
        """The faults that the latest samples show, each with its layer and kind."""
        return diagnose(self.history)

    @property
    def warnings(self) -> list[str]:
        """The faults that the latest samples show as sentences: the layer, the fault, and what usually helps."""
        return [finding.text for finding in self.findings]

    def table(self) -> str:
        """The latest sample as text: its layers, its parameters, and the warnings."""
        return table_of(self.history[-1] if self.history else None, self.warnings)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the history: activations and gradients of each layer, update-to-weight ratios, dead and saturated units.

        Returns matplotlib's Figure, and also writes it to `path` if one is given. Raises ImportError without matplotlib (`pip install
        'gradgate[demo]'`), RuntimeError before the first sample.
        """
        if not self.history:
            raise RuntimeError("watch: there is nothing to plot before the first training step")
        from gradgate.health.plot import plot

        return plot(self.history, path)

    # Each forward pass in training begins a new step.

    def _on_step(self, module: Module, args: tuple[Any, ...]) -> None:
        if not (module.training and _core.is_grad_enabled()):
            return
        if self._in_pass:
            self._end_pass()
        sampled = self.steps % self.every == 0
        if self._is_open:
            stepped = self._watcher.measure_updates()
            if stepped or sampled:
                self._conclude(stepped)
        if sampled:
            self._begin_sample()
        self.steps += 1

    def _begin_sample(self) -> None:
        if len(self.history) >= MAX_HISTORY:
            del self.history[1::2]
        self._parameters.find()
        self.history.append(Sample(self.steps, self._parameters.names, self._watcher))
        self._watcher.begin(self._parameters.tensors)
        self._layers.attach()
        self._in_pass = self._is_open = True

    def _end_pass(self) -> None:
        """Stop measuring the forward and backward pass of the sample."""
        if self._in_pass:
            self._in_pass = False
            self._watcher.end()
            self._layers.detach()

    def _conclude(self, stepped: bool) -> None:
        """Complete the sample if it is not complete, and warn of faults: of a NaN at once, of others from time to time."""
        if not self._is_open:
            return
        self._is_open = False
        sample = self.history[-1]
        sample.complete(stepped)
        self._concluded += 1
        if self._concluded >= self._next_look or not math.isfinite(sample.gradient_norm):
            self._next_look = self._concluded + min(max(LOOK, self._concluded), RARELY)
            self._tell()

    def _tell(self) -> None:
        if not self._warn:
            return
        for finding in self.findings:
            if finding.key not in self._told:
                self._told.add(finding.key)
                warnings.warn(finding.text, TrainingWarning, stacklevel=_level_of_program())


def _level_of_program() -> int:
    """The stack level of the innermost frame outside of this package, counted from the caller."""
    count, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        count, frame = count + 1, frame.f_back
    return count


class _Layers:
    """The layers of a model, with forward hooks that are attached only while a step is sampled."""

    def __init__(self, model: Module, watcher: _core._VitalsWatcher) -> None:
        layers = [(n, m) for n, m in model.named_modules() if next(m.named_children(), None) is None]
        self.names = [(name or type(module).__name__, type(module).__name__) for name, module in layers]
        self._hooks = [PassingHook(m, partial(watcher.see_layer, number)) for number, (_, m) in enumerate(layers)]
        self._hooks.append(PassingHook(model, watcher.end_forward))

    def attach(self) -> None:
        """Attach the hooks, which measure the next forward pass."""
        for hook in self._hooks:
            hook.attach()

    def detach(self) -> None:
        """Remove the hooks."""
        for hook in reversed(self._hooks):
            hook.detach()


class _Parameters:
    """The parameters of a model and where they are stored: finding them takes longer than measuring them."""

    def __init__(self, model: Module, layers: list[tuple[str, str]]) -> None:
        self._model = model
        self._places: list[tuple[dict[str, Any], str, Tensor]] = []
        self._calls = 0
        self.names = Names(layers, [])
        self.tensors: list[Tensor] = []

    def find(self) -> None:
        """Update `tensors`, and `names` with their names. A new parameter is found up to LOOK samples later."""
        if self._calls % LOOK == 0 or any(members.get(key) is not p for members, key, p in self._places):
            modules = dict(self._model.named_modules())
            named = list(self._model.named_parameters())
            paths = [(*name.rpartition(".")[::2], p) for name, p in named]
            self._places = [(modules[path].__dict__, key, p) for path, key, p in paths]
            self.names = Names(self.names.layers, [(name, p.ndim > 1) for name, p in named])
            self.tensors = [p for _, p in named]
        self._calls += 1


def watch(model: Module, every: int = 10, *, warn: bool = True) -> Watch:
    """Follow the training of a model: measure its activations, gradients and updates in every `every`-th step.

    Call it once before the training loop, which needs no change; copies of the model are not followed. A step begins with a forward
    pass in training mode with gradients enabled. Layers are the modules without submodules, and calls of relu, sigmoid and tanh as
    functions; a layer that is called several times shows its first call. The table, the picture and the warnings come from the samples.
    A fault that shows in several samples gives one TrainingWarning, unless `warn` is False. The norm and the update of a parameter are
    computed from up to 512 of its elements.

    A sample of a small network takes as long as two of its steps, so that with the default `every` steps of some ten microseconds are
    slowed down by 14 to 26 %, and those of 0.4 ms or more by less than 5 % (`bench/watch.py`). Choose a larger `every` for the smallest
    networks.

    Raises TypeError if `model` is no Module, ValueError if `every` is below 1.

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
