"""Writes the page that steps through a circuit forward and backward: one HTML file that needs no network."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import numpy as np

from gradgate._core import Tensor
from gradgate.explain.circuit import Circuit, Edge, Gate, Variable
from gradgate.explain.circuit.groups import Path
from gradgate.explain.picture.layout import laid_out
from gradgate.explain.picture.scene import Open, Scene, opened
from gradgate.explain.picture.svg import svg_of, template
from gradgate.explain.summary import Summary, array_of, element, is_small, sentence, shape_text

# The page holds up to this many numbers of a tensor, about a kilobyte of text; of larger tensors the corners and a histogram.
NUMBERS = 100
# The page can open this many modules; each needs a picture of about 50 KB.
VIEWS = 64


class Tensors:
    """The texts of all tensors of a page, each stored once."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._places: dict[int, int] = {}

    def place(self, tensor: Tensor | None) -> int | None:
        """The number of a tensor's entry, which is made if there is none."""
        if tensor is None:
            return None
        if id(tensor) not in self._places:
            self._places[id(tensor)] = len(self.entries)
            self.entries.append(_tensor_entry(tensor))
        return self._places[id(tensor)]


def _tensor_entry(tensor: Tensor) -> dict[str, Any]:
    numbers = np.array2string(
        array_of(tensor),
        separator=", ",
        threshold=NUMBERS,
        max_line_width=100,
        formatter={"all": lambda value: element(value, 6)},
    )
    entry: dict[str, Any] = {"shape": shape_text(tensor), "short": sentence(tensor, 8), "numbers": numbers}
    summary = None if is_small(tensor) else Summary.of(tensor)
    if summary is not None:
        entry["summary"] = f"{summary.range_text(6)}, mean {element(summary.mean, 6)}"
        entry["histogram"] = summary.histogram
    return entry


def _edge_entry(edge: Edge, tensors: Tensors) -> dict[str, Any]:
    summed = edge.local is not None and edge.downstream is not None and edge.local.shape != edge.downstream.shape
    return {
        "source": edge.source.name,
        "name": edge.name,
        "position": edge.position,
        "value": tensors.place(edge.value),
        "downstream": tensors.place(edge.downstream),
        "local": tensors.place(edge.local),
        "formula": edge.local_text,
        "rule": edge.rule,
        "summed": summed,
    }


def _gate_entry(gate: Gate, tensors: Tensors) -> dict[str, Any]:
    return {
        "name": gate.name,
        "kind": gate.kind,
        "pattern": gate.pattern,
        "line": gate.line,
        "formula": gate.formula,
        "group": gate.group,
        "values": [tensors.place(value) for value in gate.values],
        "upstreams": [tensors.place(upstream) for upstream in gate.upstreams],
        "inputs": [_edge_entry(edge, tensors) for edge in gate.inputs],
    }


def _variable_entry(variable: Variable, tensors: Tensors) -> dict[str, Any]:
    value, gradient = tensors.place(variable.value), tensors.place(variable.gradient)
    return {"name": variable.name, "kind": variable.kind, "value": value, "gradient": gradient}


def _views(circuit: Circuit, first: set[Path]) -> list[dict[str, Any]]:
    """The pictures of the page: the first one, all modules closed, all open, and each module open with those around it."""
    paths = [tuple(name.split(".")) for name in circuit.groups]
    wanted = [first, set(), set(paths), *({path[:d] for d in range(1, len(path) + 1)} for path in paths[:VIEWS])]
    views = []
    for open_paths in {frozenset(paths): paths for paths in wanted}.values():
        try:
            scene = Scene(circuit, open_paths)
        except ValueError:
            if open_paths is first:
                raise
            continue  # too many gates for a picture: this module stays closed on the page
        names = sorted(".".join(path) for path in open_paths)
        views.append({"open": names, "svg": svg_of(laid_out(scene), f"Gates of {circuit.name}", alone=False)})
    return views


def page_of(circuit: Circuit, open: Open) -> str:
    """The page as HTML text; at first the modules of `open` are open. Raises as `Flow.draw` does."""
    tensors = Tensors()
    data = {
        "loss": circuit.name,
        "gates": [_gate_entry(gate, tensors) for gate in circuit.gates],
        "variables": [_variable_entry(variable, tensors) for variable in circuit.variables],
        "views": _views(circuit, opened(circuit, open)),
        "tensors": tensors.entries,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    page = template("page.html")
    parts = {
        "title": escape(f"{circuit.name}: forward and backward"),
        "style": template("picture.css") + template("page.css"),
        "script": template("page.js"),
        "data": text,
    }
    for key, part in parts.items():
        page = page.replace(f"<!--{key}-->", part)
    return page
