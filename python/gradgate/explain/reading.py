"""From the core's account of a graph to gates, variables and edges, with a copy gate where a value is used twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradgate._core import Tensor
from gradgate.explain.gate import Edge, Gate, Variable
from gradgate.explain.lines import line_of
from gradgate.explain.naming import Names
from gradgate.explain.patterns import pattern_of
from gradgate.explain.roles import role_of

Record = dict[str, Any]

# A copy gate is one value used several times, as in the lecture; `copy_` into a tensor is called something else.
OTHER_NAMES = {"copy": "assign"}


class Reading:
    """The gates in forward order and the variables of one account, connected by edges."""

    def __init__(self, record: Record, names: Names, made: Mapping[tuple[int, int], str]) -> None:
        self._record = record
        self._names = names
        # The parts of an opened gate have its number; the last of them gives its value.
        last = {entry["sequence"]: key for key, entry in enumerate(record["gates"])}
        self._called = {(last[number], output): name for (number, output), name in made.items() if number in last}
        self._counts: dict[str, int] = {}
        self.gates: list[Gate] = []
        self.variables: list[Variable] = []
        uses = self._uses()
        # Where each value comes from: its gate or variable and the number of the output; later the copy gate, if it has one.
        self._sources: dict[int, tuple[Gate | Variable, int]] = {}
        for number, entry in enumerate(record["gates"]):
            for position, value in enumerate(entry["inputs"]):
                if value is not None:
                    self._prepare(value, uses[value], entry["kind"], position)
            self._add_gate(number, entry)

    def _uses(self) -> dict[int, int]:
        uses: dict[int, int] = {}
        for entry in self._record["gates"]:
            for value in entry["inputs"]:
                if value is not None:
                    uses[value] = uses.get(value, 0) + 1
        return uses

    def _prepare(self, value: int, uses: int, kind: str, position: int) -> None:
        """Make the variable of a value at its first use, and its copy gate if it is used again and has a gradient.

        The use is that of a gate of this kind, as its input of this number.
        """
        entry = self._record["values"][value]
        if value not in self._sources:
            role = role_of(kind, position, entry["tensor"]) if entry["gradient"] is None else "leaf"
            self._sources[value] = (self._add_variable(entry, role), 0)
        source = self._sources[value][0]
        copied = isinstance(source, Gate) and source.kind == "copy"
        if uses > 1 and entry["gradient"] is not None and not copied:
            self._sources[value] = (self._add_copy(value, entry, uses), 0)

    def _add_variable(self, entry: Record, role: str) -> Variable:
        own: Tensor | None = entry["leaf"]
        name = self._names.of(own)
        variable = Variable(
            name=name or self._names.fresh(role, self._counts),
            value=entry["tensor"],
            gradient=entry["gradient"],
            tensor=own,
            named=name is not None,
            owned=self._names.owns(own),
            group=self._names.group_of(own),
        )
        self.variables.append(variable)
        return variable

    def _add_copy(self, value: int, entry: Record, uses: int) -> Gate:
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

    def _add_gate(self, number: int, entry: Record) -> None:
        recorded: str = entry["kind"]
        kind = OTHER_NAMES.get(recorded, recorded)
        elementwise = any(edge is not None and edge["local"] is not None for edge in entry["edges"])
        gate = Gate(
            name=self._names.fresh(kind, self._counts),
            kind=kind,
            pattern=pattern_of(kind, elementwise),
            values=tuple(self._record["values"][value]["tensor"] for value in entry["outputs"]),
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
                self._connect(value, gate, position, self._record["values"][value]["tensor"], edge or {})
        for output, value in enumerate(entry["outputs"]):
            self._sources[value] = (gate, output)

    def _connect(self, value: int, gate: Gate, position: int, tensor: Tensor, account: Record) -> None:
        source, output = self._sources[value]
        edge = Edge(
            source=source,
            output=output,
            target=gate,
            position=position,
            value=tensor,
            downstream=account.get("downstream"),
            local=account.get("local"),
            local_template=account.get("local_text"),
            template=_lines(account.get("rule")),
        )
        source.outputs.append(edge)
        gate.inputs.append(edge)
        if isinstance(source, Gate) and source.kind == "copy":
            source.upstreams = (*source.upstreams, edge.downstream)


def _lines(text: list[str] | str | None) -> tuple[str, ...] | None:
    """A formula as lines, all but the last of which name a part."""
    if text is None:
        return None
    return (text,) if isinstance(text, str) else tuple(text)
