"""Builds gates, variables and edges from the core's explanation of a graph, with a copy gate for each value that is used twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradgate._core import Tensor
from gradgate.explain.circuit.constants import use_of
from gradgate.explain.circuit.gate import Edge, Gate, Variable
from gradgate.explain.circuit.naming import Names, Place
from gradgate.explain.circuit.patterns import pattern_of
from gradgate.explain.lines import line_of

# What `_core._explain` returns, and each dictionary in it.
Explanation = dict[str, Any]

# A copy gate is one value used several times, as in the lecture, so the gate of `copy_` needs another name.
OTHER_NAMES = {"copy": "assign"}


class Builder:
    """The gates in forward order and the variables of one explanation, connected by edges."""

    def __init__(self, explanation: Explanation, names: Names, called: Mapping[Place, str]) -> None:
        self._explanation = explanation
        self._names = names
        # An opened gate's parts all have its sequence number; its value is that of the last one.
        last = {entry["sequence"]: key for key, entry in enumerate(explanation["gates"])}
        self._called = {(last[number], output): name for (number, output), name in called.items() if number in last}
        names.reserve(self._called.values())
        self._counts: dict[str, int] = {}
        self.gates: list[Gate] = []
        self.variables: list[Variable] = []
        uses = self._uses()
        # The gate or variable that each value comes from, with the number of the output; the copy gate once there is one.
        self._sources: dict[int, tuple[Gate | Variable, int]] = {}
        for number, entry in enumerate(explanation["gates"]):
            for position, value in enumerate(entry["inputs"]):
                if value is not None:
                    self._prepare(value, uses[value], entry["kind"], position)
            self._add_gate(number, entry)

    def _uses(self) -> dict[int, int]:
        uses: dict[int, int] = {}
        for entry in self._explanation["gates"]:
            for value in entry["inputs"]:
                if value is not None:
                    uses[value] = uses.get(value, 0) + 1
        return uses

    def _prepare(self, value: int, uses: int, kind: str, position: int) -> None:
        """Make a variable for a value that has no source yet, and a copy gate if the value has several uses and a gradient.

        `kind` and `position` are the gate that uses the value now and the number of its input.
        """
        entry = self._explanation["values"][value]
        if value not in self._sources:
            use = use_of(kind, position, entry["tensor"]) if entry["gradient"] is None else "leaf"
            self._sources[value] = (self._add_variable(entry, use), 0)
        source = self._sources[value][0]
        copied = isinstance(source, Gate) and source.kind == "copy"
        if uses > 1 and entry["gradient"] is not None and not copied:
            self._sources[value] = (self._add_copy(value, entry, uses), 0)

    def _add_variable(self, entry: Explanation, use: str) -> Variable:
        own: Tensor | None = entry["leaf"]
        name = self._names.of(own)
        variable = Variable(
            name=name or self._names.fresh(use, self._counts),
            value=entry["tensor"],
            gradient=entry["gradient"],
            tensor=own,
            named=name is not None,
            owned=self._names.owns(own),
            group=self._names.group_of(own),
        )
        self.variables.append(variable)
        return variable

    def _add_copy(self, value: int, entry: Explanation, uses: int) -> Gate:
        gate = Gate(
            name=self._names.fresh("copy", self._counts),
            kind="copy",
            pattern=pattern_of("copy", elementwise=False),
            values=(entry["tensor"],),
            upstreams=(),
            text=("{0}",),
        )
        self.gates.append(gate)
        total = " + ".join("{dy}" if k == 0 else f"{{dy{k}}}" for k in range(uses))
        self._connect(value, gate, 0, entry["tensor"], {"downstream": entry["gradient"], "rule": [total]})
        return gate

    def _add_gate(self, number: int, entry: Explanation) -> None:
        own_kind: str = entry["kind"]
        kind = OTHER_NAMES.get(own_kind, own_kind)
        elementwise = any(edge is not None and edge["local"] is not None for edge in entry["edges"])
        gate = Gate(
            name=self._names.fresh(kind, self._counts),
            kind=kind,
            pattern=pattern_of(kind, elementwise),
            values=tuple(self._explanation["values"][value]["tensor"] for value in entry["outputs"]),
            upstreams=tuple(entry["upstream"]),
            called=tuple(self._called.get((number, k)) for k in range(len(entry["outputs"]))),
            origin=line_of(entry["line"]),
            text=_lines(entry["text"]),
            constants=tuple(entry["constants"]),
            preamble=tuple(entry["preamble"]),
        )
        self.gates.append(gate)
        for position, (value, edge) in enumerate(zip(entry["inputs"], entry["edges"], strict=True)):
            if value is not None:
                self._connect(value, gate, position, self._explanation["values"][value]["tensor"], edge or {})
        for output, value in enumerate(entry["outputs"]):
            self._sources[value] = (gate, output)

    def _connect(self, value: int, gate: Gate, position: int, tensor: Tensor, entry: Explanation) -> None:
        source, output = self._sources[value]
        edge = Edge(
            source=source,
            output=output,
            target=gate,
            position=position,
            value=tensor,
            downstream=entry.get("downstream"),
            local=entry.get("local"),
            local_template=entry.get("local_text"),
            template=_lines(entry.get("rule")),
        )
        source.outputs.append(edge)
        gate.inputs.append(edge)
        if isinstance(source, Gate) and source.kind == "copy":
            source.upstreams = (*source.upstreams, edge.downstream)


def _lines(text: list[str] | None) -> tuple[str, ...] | None:
    """A formula as lines, each of which except the last defines a part."""
    return None if text is None else tuple(text)
