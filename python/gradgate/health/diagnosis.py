"""Finds faults in the vital signs of a training, and says in plain words which layer has them and what usually helps."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

from gradgate.explain.summary import number
from gradgate.health.vitals import DEAD_AFTER, LayerVitals, Sample

# A fault must show in this many samples in a row; a single batch may be unusual.
PERSISTENT = 3
DEAD = 0.4  # with too high a learning rate, as much as 40 % of a network can be dead (notes of cs231n)
SATURATED = 0.5
# The gradient or the signal vanishes or explodes if it changes by more than this factor between two layers.
SPREAD = 1e3
# Bounds of |update| / |weights|, which is about 1e-3 in a healthy training; Adam's first steps reach 5e-2.
FAST, HEALTHY, SLOW = 1e-1, 1e-3, 1e-6
# A gradient jumps if it is JUMP times as large as the median of the RECALLED samples before it.
JUMP, RECALLED = 100, 10


@dataclass(frozen=True)
class Finding:
    """A fault of a layer or a parameter, by its name; the name is "" for a fault of the whole network."""

    name: str
    fault: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """Equal for the same fault in different samples."""
        return self.name, self.fault


def diagnose(history: Sequence[Sample]) -> list[Finding]:
    """The faults that the latest samples show, the most serious first.

    A sample without a backward pass says nothing about gradients and updates: these are judged by the latest samples that have one.
    """
    if not history:
        return []
    swept = list(islice((sample for sample in reversed(history) if sample.has_gradients), RECALLED + 1))[::-1]
    found = [*_not_finite(history[-1], swept[-1:])]
    if found:
        return found
    found += _jump(swept)
    if len(swept) >= PERSISTENT:
        recent = swept[-PERSISTENT:]
        found += [*_no_updates(recent), *_gradients_of_parameters(recent), *_updates(recent), *_gradient_flow(recent)]
    if len(history) >= PERSISTENT:
        latest = history[-PERSISTENT:]
        found += [*_signal(latest), *_dead(latest), *_saturated(latest)]
    return found


def _not_finite(latest: Sample, swept: Sequence[Sample]) -> Iterator[Finding]:
    """Report the first layer in forward order, or else the first gradient: one NaN makes many, and the others say nothing new."""
    mend = "run one step within gradgate.detect_anomaly() to find the gate; often the learning rate is too high"
    for layer in latest.layers.values():
        if not layer.activation.finite:
            yield Finding(layer.name, "not finite", f"the output of {_called(layer)} has NaN or infinity: {mend}")
            return
    for p in (p for sample in swept for p in sample.parameters.values()):
        if p.gradient is not None and not math.isfinite(p.gradient):
            yield Finding(p.name, "not finite", f"the gradient of {p.name} is NaN or infinite: {mend}")
            return


def _called(layer: LayerVitals) -> str:
    """The layer as part of a sentence: "layer 1 (ReLU)", or "the relu after fc1" for a function."""
    called = layer.name.startswith(layer.kind)
    return f"the {layer.name}" if called else f"layer {layer.name} ({layer.kind})"


def _jump(recent: Sequence[Sample]) -> Iterator[Finding]:
    if len(recent) <= PERSISTENT:
        return
    now = recent[-1].gradient_norm
    # A gradient close to 0 may grow by a large factor.
    usual = max(median(sample.gradient_norm for sample in recent[:-1]), 1e-2)
    if now > JUMP * usual:
        yield Finding(
            "",
            "gradient jumps",
            f"the gradient of all parameters has the norm {number(now)}, {number(now / usual, 2)} times that of the steps "
            "before: it explodes. Clip it with nn.utils.clip_grad_norm_, or lower the learning rate",
        )


def _no_updates(recent: Sequence[Sample]) -> Iterator[Finding]:
    # The update of the latest sample is measured at the step after it.
    known = [sample for sample in recent if sample.stepped is not None]
    updates = [p.update for sample in known for p in sample.parameters.values()]
    if len(known) < PERSISTENT - 1 or any(updates) or not any(sample.gradient_norm for sample in known):
        return
    if any(sample.stepped for sample in known):
        text = (
            "the steps of the optimizer change no parameter, though there are gradients: the learning rate is 0, or too "
            "small to change a float32"
        )
    else:
        text = (
            "no parameter changes, though there are gradients: call optimizer.step() after backward(), and give the "
            "optimizer this model's parameters()"
        )
    yield Finding("", "no updates", text)


def _gradients_of_parameters(recent: Sequence[Sample]) -> Iterator[Finding]:
    for name in recent[-1].parameters:
        gradients = [sample.parameters[name].gradient for sample in recent if name in sample.parameters]
        if any(sample.gradient_norm for sample in recent) and all(g is None for g in gradients):
            yield Finding(
                name,
                "no gradient",
                f"{name} gets no gradient: the loss does not depend on it. Use its layer in forward(), do not "
                "detach() its output, or set requires_grad to False",
            )
        elif len(gradients) == PERSISTENT and all(g == 0 for g in gradients):
            yield Finding(
                name,
                "gradient zero",
                f"the gradient of {name} is exactly 0 in all its elements: it does not learn. Look for dead ReLUs "
                "after it, an input that is all 0, or weights that are 0",
            )


def _updates(recent: Sequence[Sample]) -> Iterator[Finding]:
    fast, slow = {}, {}
    for p in recent[-1].parameters.values():
        ratios = [s.parameters[p.name].update for s in recent if p.name in s.parameters]
        known = [ratio for ratio in ratios if ratio is not None]
        if not p.is_weight or len(known) < PERSISTENT - 1 or not any(known):
            continue
        if min(known) > FAST:
            fast[p.name] = median(known)
        elif max(known) < SLOW:
            slow[p.name] = median(known)
    if fast:
        worst = max(fast.values())
        yield Finding(
            next(iter(fast)),
            "fast",
            f"a step changes {_listed(fast)} by {number(worst, 2)} of its norm, and about {HEALTHY:g} is healthy: the "
            f"learning rate is too high here; try about 1/{number(worst / HEALTHY, 1)} of it, or a warm-up",
        )
    if slow:
        yield Finding(
            next(iter(slow)),
            "slow",
            f"a step changes {_listed(slow)} by {number(min(slow.values()), 2)} of its norm, and about {HEALTHY:g} is "
            "healthy: it hardly learns. Raise the learning rate, unless the training is almost done, or look for vanishing "
            "gradients",
        )


def _listed(names: Collection[str]) -> str:
    """The first three names, and the number of the others."""
    shown = ", ".join(list(names)[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _in_all(recent: Sequence[Sample], value: Callable[[LayerVitals], float | None]) -> dict[str, list[float]]:
    """The values of those layers that have one in every sample, in forward order."""
    values: dict[str, list[float]] = {}
    for name in recent[-1].layers:
        row = [value(sample.layers[name]) for sample in recent if name in sample.layers]
        known = [v for v in row if v is not None]
        if len(known) == len(recent):
            values[name] = known
    return values


def _signal(recent: Sequence[Sample]) -> Iterator[Finding]:
    """The forward pass: outputs that vanish or explode from layer to layer."""
    sizes = {name: median(row) for name, row in _in_all(recent, lambda layer: layer.activation.rms).items()}
    if not sizes:
        return
    (first, start), last = next(iter(sizes.items())), next(reversed(sizes))
    for name, size in sizes.items():
        layer = recent[-1].layers[name]
        if size * SPREAD < start and name != last:  # the outputs of the last layer may be small, as their targets are
            yield Finding(
                name,
                "signal vanishes",
                f"the output of {_called(layer)} is close to 0 (rms {number(size, 2)}, that of layer {first} "
                f"{number(start, 2)}): the signal vanishes on its way. Initialise the weights larger "
                "(nn.init.kaiming_normal_, xavier_normal_ for tanh), or normalise (nn.LayerNorm)",
            )
            return
        if size > start * SPREAD:
            yield Finding(
                name,
                "signal explodes",
                f"the output of {_called(layer)} has an rms of {number(size, 2)}, that of layer {first} {number(start, 2)}: the "
                "signal grows from layer to layer. Initialise the weights smaller (nn.init.kaiming_normal_), or "
                "normalise (nn.LayerNorm)",
            )
            return


def _gradient_flow(recent: Sequence[Sample]) -> Iterator[Finding]:
    """The backward pass: gradients that vanish or explode on the way from the last layer to the first."""
    sizes = {
        name: median(row)
        for name, row in _in_all(recent, lambda layer: None if layer.gradient is None else layer.gradient.rms).items()
    }
    if not sizes:
        return
    last, start = next(reversed(sizes.items()))
    for name, size in reversed(sizes.items()):
        layer = recent[-1].layers[name]
        if start and size * SPREAD < start:
            yield Finding(
                name,
                "gradient vanishes",
                f"the gradient vanishes on its way back: its rms is {number(start, 2)} at layer {last} and "
                f"{number(size, 2)} at {_called(layer)}, so that this layer and those before it hardly learn. Use "
                "ReLU rather than sigmoid or tanh, initialise the weights for it (nn.init.kaiming_normal_), normalise "
                "(nn.LayerNorm), or add connections that skip layers",
            )
            return
        if size > start * SPREAD:
            yield Finding(
                name,
                "gradient explodes",
                f"the gradient grows on its way back: its rms is {number(start, 2)} at layer {last} and "
                f"{number(size, 2)} at {_called(layer)}. Initialise the weights smaller, normalise (nn.LayerNorm), "
                "or clip with nn.utils.clip_grad_norm_",
            )
            return


def _dead(recent: Sequence[Sample]) -> Iterator[Finding]:
    for name, shares in _in_all(recent[-1:], lambda layer: layer.dead).items():
        layer = recent[-1].layers[name]
        if shares[-1] > DEAD:
            yield Finding(
                name,
                "dead",
                f"{shares[-1]:.0%} of the {layer.units} units of {_called(layer)} are dead: their output was 0 for at "
                f"least the last {DEAD_AFTER} sampled examples, and no gradient passes them. "
                "Lower the learning rate, initialise the layer before it with nn.init.kaiming_normal_ and bias 0, "
                "or use nn.LeakyReLU",
            )


def _saturated(recent: Sequence[Sample]) -> Iterator[Finding]:
    for name, shares in _in_all(recent, lambda layer: None if layer.is_output else layer.saturated).items():
        layer = recent[-1].layers[name]
        if min(shares) > SATURATED:
            yield Finding(
                name,
                "saturated",
                f"{median(shares):.0%} of the outputs of {_called(layer)} are saturated: their local gradient is "
                "close to 0, so that little gradient passes. Initialise the weights before it smaller "
                "(nn.init.xavier_normal_), scale the inputs to mean 0 and standard deviation 1, or use ReLU",
            )
