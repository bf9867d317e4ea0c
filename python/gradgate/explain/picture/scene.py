"""A scene: the boxes and wires that show a circuit, with some of its modules open and others closed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from gradgate.explain.circuit import Circuit, Edge, Gate, Variable
from gradgate.explain.circuit.groups import Path
from gradgate.explain.picture.boxes import Box, FrameBox, GateBox, NameBox, VariableBox, WireBox, local_label
from gradgate.explain.summary import is_small

# The modules that show their gates: "auto", "all" or their dotted names.
Open = Literal["auto", "all"] | Collection[str]

# "auto" opens modules level by level as long as the picture has at most COMFORTABLE boxes, which fit on a page. A picture of fewer
# than FEW boxes says nothing, so that the next level is opened however many boxes it has.
COMFORTABLE, FEW = 40, 8
# An open module with more gates than this has no frame: rows are not folded inside a frame, and six gates are as wide as a page.
FRAMED = 6
# With more boxes than this the layout takes seconds, and no number can be found in the picture.
MOST = 400


@dataclass(eq=False)
class Wire:
    """A line from box to box; `points` are its corners after the layout."""

    source: Box
    target: Box
    points: list[tuple[float, float]] = field(default_factory=list)


def _paths(circuit: Circuit) -> list[Path]:
    return [tuple(name.split(".")) for name in circuit.groups]


def _closed_around(group: Path, open_paths: Collection[Path]) -> Path | None:
    """The outermost closed module around the items of `group`, None if all modules around them are open."""
    return next((group[:d] for d in range(1, len(group) + 1) if group[:d] not in open_paths), None)


def _count(circuit: Circuit, open_paths: Collection[Path]) -> int:
    """The number of boxes that a picture would have, without labels and frames."""
    items = [(item, _closed_around(item.group, open_paths)) for item in circuit.items]
    return len({closed if closed is not None else item for item, closed in items})


def opened(circuit: Circuit, open: Open) -> set[Path]:
    """The paths of the modules that `open` selects, and of the modules around them. Raises KeyError for an unknown name."""
    paths = _paths(circuit)
    if open == "all":
        return set(paths)
    if open == "auto":
        chosen: set[Path] = set()
        for depth in range(1, max(map(len, paths), default=0) + 1):
            further = chosen | {path for path in paths if len(path) == depth}
            boxes = _count(circuit, further)
            if boxes > MOST or (boxes > COMFORTABLE and _count(circuit, chosen) >= FEW):
                break
            chosen = further
        return chosen
    if isinstance(open, str):
        raise ValueError(f'draw: open must be "auto", "all" or a list of module names, got {open!r}')
    for name in open:
        if name not in circuit.groups:
            raise KeyError(f"no module {name!r} in the picture; there are {', '.join(circuit.groups) or 'none'}")
    wanted = [tuple(name.split(".")) for name in open]
    return {path[:depth] for path in wanted for depth in range(1, len(path) + 1)}


class Scene:
    """The boxes and wires of a circuit with the modules of `open_paths` open. Raises ValueError for too many boxes."""

    def __init__(self, circuit: Circuit, open_paths: set[Path]) -> None:
        self.circuit = circuit
        self.open_paths = open_paths
        self.frames: dict[Path, FrameBox] = {}
        self.boxes: list[Box] = []
        self.wires: list[Wire] = []
        self.width = self.height = 0.0
        self._places: dict[object, Box] = {}
        self._drawn: set[tuple[int, int, int]] = set()
        self._check_size()
        for path in _paths(circuit):
            if path in open_paths and self._columns(path) <= FRAMED:
                self.frames[path] = FrameBox(".".join(path), path[:-1], title=self._module_title(path))
        self._shown: set[Gate | Variable] = set(circuit.items)
        for item in circuit.items:
            self._place(item)
        for gate in circuit.gates:
            for edge in gate.inputs:
                self._connect(edge)
            self._leave(gate)

    def _check_size(self) -> None:
        count = _count(self.circuit, self.open_paths)
        if count > MOST:
            example = self.circuit.groups[0] if self.circuit.groups else self.circuit.gates[0].name
            closing = "close modules with open=[...], or " if self.open_paths else ""
            raise ValueError(
                f"draw: the picture would have {count:,} boxes, more than the {MOST} that can be read; {closing}draw a part of "
                f"it with flow.around({example!r})"
            )

    def _columns(self, path: Path) -> int:
        """The number of gates and closed modules that an open module shows."""
        inside = [item for item in self.circuit.items if item.group[: len(path)] == path]
        shown = [(item, _closed_around(item.group, self.open_paths)) for item in inside]
        return len({closed or item for item, closed in shown if closed or isinstance(item, Gate)})

    def frame_around(self, group: Path) -> Path | None:
        """The innermost frame around the items of `group`, None if they stand on the page itself."""
        return next((group[:d] for d in range(len(group), 0, -1) if group[:d] in self.frames), None)

    def _module_title(self, path: Path) -> str:
        name = ".".join(path)
        kind = self.circuit.modules.get(name)
        return f"{name} {kind}" if kind else name

    def _place(self, item: Gate | Variable) -> Box:
        """The box that shows a gate or variable: its own box, or that of the closed module around it."""
        closed = _closed_around(item.group, self.open_paths)
        place: object = item if closed is None else closed
        if place not in self._places:
            if closed is not None:
                box: Box = self._module_box(closed)
            elif isinstance(item, Gate):
                box = GateBox(item.name, item.group, gate=item)
            else:
                box = VariableBox(item.name, item.group, variable=item)
            self._places[place] = box
            self.boxes.append(box)
        return self._places[place]

    def _module_box(self, path: Path) -> NameBox:
        inside = [item for item in self.circuit.items if item.group[: len(path)] == path]
        gates = sum(isinstance(item, Gate) and item.kind != "copy" for item in inside)
        numbers = sum(item.value.numel() for item in inside if isinstance(item, Variable) and item.gradient is not None)
        name = ".".join(path)
        notes = [self.circuit.modules[name]] if name in self.circuit.modules else []
        notes += [f"{gates} gate{'s' if gates != 1 else ''}"] + ([f"{numbers:,} parameters"] if numbers else [])
        return NameBox(name, path[:-1], title=name, notes=notes)

    def _outside(self, item: Gate | Variable, group: Path) -> Box:
        """A box for a gate outside of the part that is shown."""
        if item not in self._places:
            self._places[item] = NameBox(f"outside {item.name}", group, title=f"… {item.name}", role="outside")
            self.boxes.append(self._places[item])
        return self._places[item]

    def _connect(self, edge: Edge) -> None:
        target = self._place(edge.target)
        source = self._place(edge.source) if edge.source in self._shown else self._outside(edge.source, ())
        if source is target:
            return
        folded = isinstance(source, NameBox) or isinstance(target, NameBox)
        key = (id(source), id(edge.value), id(target) if folded else id(edge))
        if key not in self._drawn:
            self._drawn.add(key)
            self._wire(source, target, edge)

    def _wire(self, source: Box, target: Box, edge: Edge) -> None:
        """Add a wire with its label, or without one if the box of a variable shows the same numbers."""
        told = isinstance(edge.source, Variable) and (
            not is_small(edge.value) or (not edge.source.named and edge.value.numel() == 1)
        )
        value = None if told else edge.value
        local = local_label(edge) if isinstance(target, GateBox) else ""
        label = WireBox(
            f"wire {len(self.wires)}",
            _shared(source.group, target.group),
            value=value,
            gradient=edge.downstream,
            local=local,
            source=edge.source.name,
            target=edge.target.name,
            edge=edge,
        )
        self._run(source, target, label if label.width else None)

    def _run(self, source: Box, target: Box, label: WireBox | None) -> None:
        if label is None:
            self.wires.append(Wire(source, target))
            return
        self.boxes.append(label)
        self.wires.append(Wire(source, label))
        self.wires.append(Wire(label, target))

    def _leave(self, gate: Gate) -> None:
        """Add the wires that leave the picture: to the loss, and to gates outside of the part that is shown."""
        source = self._place(gate)
        if not gate.outputs:
            gradient = next(upstream for upstream in gate.upstreams if upstream is not None)
            label = WireBox(f"wire {len(self.wires)}", (), value=self.circuit.loss, gradient=gradient, source=gate.name)
            loss = NameBox("loss", (), title=self.circuit.name, role="loss")
            self.boxes.append(loss)
            self._run(source, loss, label)
        for edge in gate.outputs:
            if edge.target not in self._shown:
                self._wire(source, self._outside(edge.target, ()), edge)


def _shared(a: Path, b: Path) -> Path:
    """The path of the innermost module that holds both."""
    depth = 0
    while depth < min(len(a), len(b)) and a[depth] == b[depth]:
        depth += 1
    return a[:depth]
