"""Writes vital signs as a table of text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from gradgate.explain.summary import number
from gradgate.health.vitals import LayerVitals, ParameterVitals, Sample

LAYER = ("layer", "kind", "mean", "std", "5 % ... 95 %", "dead", "saturated", "gradient rms")
PARAMETER = ("parameter", "norm", "gradient norm", "update / norm")


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two spaces apart: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        words = [
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(words).rstrip()

    return "\n".join([line(headings), line(["-" * w for w in widths]), *map(line, rows)])


def number_or_dash(value: float | None) -> str:
    """A number with three digits; `-` for None."""
    return "-" if value is None else number(value)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _layer(vitals: LayerVitals) -> tuple[str, ...]:
    a = vitals.activation
    spread = f"{number(a.quantiles[0])} ... {number(a.quantiles[-1])}"
    gradient = None if vitals.gradient is None else vitals.gradient.rms
    shares = (_share(vitals.dead), _share(vitals.saturated))
    return (vitals.name, vitals.kind, number(a.mean), number(a.std), spread, *shares, number_or_dash(gradient))


def _parameter(vitals: ParameterVitals) -> tuple[str, ...]:
    return (vitals.name, number(vitals.norm), number_or_dash(vitals.gradient), number_or_dash(vitals.update))


def table_of(sample: Sample | None, warnings: Sequence[str]) -> str:
    """The table that `Watch.table` documents."""
    if sample is None:
        return "no training step yet"
    parts = [
        f"step {sample.step:,}",
        text_table(LAYER, [_layer(layer) for layer in sample.layers.values()]),
        text_table(PARAMETER, [_parameter(p) for p in sample.parameters.values()]),
    ]
    parts += [textwrap.fill(text, 110, initial_indent="! ", subsequent_indent="  ") for text in warnings]
    return "\n\n".join(parts)
