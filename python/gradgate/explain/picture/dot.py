"""Writes a scene in DOT, the language of Graphviz."""

from __future__ import annotations

from gradgate.explain.circuit.groups import Path
from gradgate.explain.picture.boxes import Box, GateBox, VariableBox, WireBox
from gradgate.explain.picture.scene import Scene


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _node(box: Box) -> str:
    shape = "circle" if isinstance(box, GateBox) and box.is_circle else "box"
    style = ', style="rounded"' if shape == "box" and not isinstance(box, VariableBox) else ""
    label = "\n".join(text.string for text in box.texts())
    return f"{_quoted(box.key)} [label={_quoted(label)}, shape={shape}{style}];"


def _label(box: WireBox) -> str:
    """The label of an edge in Graphviz's HTML-like markup: values green, gradients red."""
    lines = []
    for text in box.texts():
        color = {"value": "#1a7f37", "gradient": "#cf222e"}.get(text.role, "#8250df")
        string = text.string.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        lines.append(f'<font color="{color}">{string}</font>')
    return f"<{'<br/>'.join(lines)}>"


def _cluster(scene: Scene, around: Path | None, indent: str) -> list[str]:
    """The lines for the boxes and frames inside a frame, or on the page itself for None."""
    boxes = [box for box in scene.boxes if not isinstance(box, WireBox)]
    lines = [indent + _node(box) for box in boxes if scene.frame_around(box.group) == around]
    for path, frame in scene.frames.items():
        if scene.frame_around(path[:-1]) == around:
            lines.append(f"{indent}subgraph {_quoted('cluster ' + frame.key)} {{")
            lines.append(f"{indent}  label={_quoted(frame.title)};")
            lines += [*_cluster(scene, path, indent + "  "), indent + "}"]
    return lines


def dot_of(scene: Scene) -> str:
    """The scene as a digraph from left to right: open modules are clusters, labels have value, gradient and local gradient."""
    lines = ["digraph flow {", "  rankdir=LR;", '  node [fontname="monospace"];', '  edge [fontname="monospace"];']
    lines += _cluster(scene, None, "  ")
    # In a scene, a wire with a label is two wires with the label between them.
    incoming = {id(wire.target): wire.source for wire in scene.wires if isinstance(wire.target, WireBox)}
    for wire in scene.wires:
        if isinstance(wire.source, WireBox):
            start = incoming[id(wire.source)]
            lines.append(f"  {_quoted(start.key)} -> {_quoted(wire.target.key)} [label={_label(wire.source)}];")
        elif not isinstance(wire.target, WireBox):
            lines.append(f"  {_quoted(wire.source.key)} -> {_quoted(wire.target.key)};")
    return "\n".join([*lines, "}", ""])
