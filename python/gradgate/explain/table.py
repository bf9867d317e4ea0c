"""Writes a circuit as a table of text for a terminal."""

from __future__ import annotations

from gradgate._core import Tensor
from gradgate.explain.circuit import Circuit, Edge, Gate
from gradgate.explain.summary import is_small, lines, shape_text

HEADINGS = ("gate", "input", "value", "upstream", "local", "downstream")
WIDEST = 36
WIDEST_LINE = 72


def _cell(tensor: Tensor | None) -> str:
    if tensor is None:
        return "-"
    text = " ".join(lines(tensor))
    return text if is_small(tensor) else f"{shape_text(tensor)} {text}"


def _shortened(text: str, widest: int = WIDEST) -> str:
    return text if len(text) <= widest else text[: widest - 1] + "…"


def _local(edge: Edge) -> str:
    if edge.downstream is None:
        return "-"
    if edge.local is not None and is_small(edge.local):
        return _cell(edge.local)
    return edge.local_text or edge.rule_line or "-"


def _rows(gate: Gate) -> list[tuple[str, ...]]:
    """One row for the gate's output, and one for each of its inputs."""
    values = ", ".join(_cell(value) for value in gate.values)
    upstreams = ", ".join(_cell(upstream) for upstream in gate.upstreams)
    rows = [(gate.name, gate.pattern, values, upstreams, "", "")]
    rows += [("", edge.name, _cell(edge.value), "", _local(edge), _cell(edge.downstream)) for edge in gate.inputs]
    texts = [tuple(map(_shortened, row)) for row in rows]
    return [(*texts[0], _shortened(gate.line or "", WIDEST_LINE)), *((*row, "") for row in texts[1:])]


def table_of(circuit: Circuit) -> str:
    """The table that `Flow.table` documents: aligned columns, two spaces apart, without trailing spaces."""
    rows = [(*HEADINGS, "line"), *(row for gate in circuit.gates for row in _rows(gate))]
    if not any(row[-1] for row in rows[1:]):
        rows = [row[:-1] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([text[0], rule, *text[1:]])
