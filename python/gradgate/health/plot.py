"""Draws the history of a watch as a figure of four panels."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gradgate.health.diagnosis import HEALTHY
from gradgate.health.vitals import LayerVitals, Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The legend names all lines if there are at most this many, and otherwise only the first and the last.
MAX_NAMES = 8


def plot(history: Sequence[Sample], path: str | os.PathLike[str] | None) -> Figure:
    """The figure that `Watch.plot` documents."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("watch: the picture needs matplotlib: pip install 'gradgate[demo]'") from error
    figure = Figure(figsize=(13, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(2, 2)
    _distributions(panels[0, 0], history[-1])
    _gradients(panels[0, 1], history)
    _updates(panels[1, 0], history)
    _shares(panels[1, 1], history)
    if path is not None:
        figure.savefig(path, dpi=120)
    return figure


def _distributions(axes: Axes, sample: Sample) -> None:
    layers = [layer for layer in sample.layers.values() if layer.activation.finite]
    boxes = [
        dict(zip(("whislo", "q1", "med", "q3", "whishi"), layer.activation.quantiles, strict=True), label=layer.name)
        for layer in layers
    ]
    if boxes:
        axes.bxp(boxes, showfliers=False, widths=0.6)
        axes.tick_params(axis="x", rotation=30 if sum(len(layer.name) for layer in layers) > 40 else 0)
    axes.set(title=f"activations at step {sample.step:,} (5, 25, 50, 75, 95 %)", ylabel="output")
    axes.grid(axis="y", alpha=0.3)


def _curves(axes: Axes, curves: dict[str, tuple[list[int], list[float]]]) -> None:
    """Lines coloured from dark for the first layer to bright for the last, and a legend."""
    from matplotlib import colormaps

    count = len(curves)
    for k, (name, (steps, values)) in enumerate(curves.items()):
        named = count <= MAX_NAMES or k in (0, count - 1)
        colour = colormaps["viridis"](0.9 * k / max(count - 1, 1))
        marker = "." if len(steps) < 40 else ""
        axes.plot(steps, values, marker=marker, color=colour, label=name if named else f"_{name}", linewidth=1.3)
    if curves:
        axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)


def _layer_curves(
    history: Sequence[Sample], value: Callable[[LayerVitals], float | None]
) -> dict[str, tuple[list[int], list[float]]]:
    curves: dict[str, tuple[list[int], list[float]]] = {name: ([], []) for name in history[-1].layers}
    for sample in history:
        for name, layer in sample.layers.items():
            number = value(layer)
            if number is not None and name in curves:
                curves[name][0].append(sample.step)
                curves[name][1].append(number)
    return {name: curve for name, curve in curves.items() if curve[0]}


def _log(axes: Axes, curves: dict[str, tuple[list[int], list[float]]]) -> None:
    if any(value > 0 for _, values in curves.values() for value in values):
        axes.set_yscale("log")


def _gradients(axes: Axes, history: Sequence[Sample]) -> None:
    curves = _layer_curves(history, lambda layer: None if layer.gradient is None else layer.gradient.rms)
    _curves(axes, curves)
    _log(axes, curves)
    axes.set(title="gradient by each layer's output", ylabel="root mean square")


def _updates(axes: Axes, history: Sequence[Sample]) -> None:
    curves: dict[str, tuple[list[int], list[float]]] = {}
    for sample in history:
        for p in sample.parameters.values():
            if p.is_weight and p.update is not None:
                steps, values = curves.setdefault(p.name, ([], []))
                steps.append(sample.step)
                values.append(p.update)
    _curves(axes, curves)
    _log(axes, curves)
    axes.axhline(HEALTHY, color="gray", linestyle="--", linewidth=1)
    axes.annotate("healthy", (1, HEALTHY), xycoords=("axes fraction", "data"), ha="right", va="bottom", color="gray")
    axes.set(title="update of a step / weights", ylabel="ratio of norms")


def _shares(axes: Axes, history: Sequence[Sample]) -> None:
    dead = _layer_curves(history, lambda layer: layer.dead)
    saturated = _layer_curves(history, lambda layer: layer.saturated)
    curves = {f"{name}, dead": curve for name, curve in dead.items()}
    curves |= {f"{name}, saturated": curve for name, curve in saturated.items()}
    _curves(axes, curves)
    axes.set(title="dead relu units, saturated sigmoid and tanh outputs", ylabel="share", ylim=(-0.03, 1.03))
    if not curves:
        axes.text(0.5, 0.5, "no relu, sigmoid or tanh", transform=axes.transAxes, ha="center", color="gray")
