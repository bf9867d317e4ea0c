"""Writes a scene that is laid out as SVG."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from gradgate.explain.circuit import Edge, Gate
from gradgate.explain.picture.boxes import Box, GateBox, NameBox, VariableBox, WireBox
from gradgate.explain.picture.scene import Scene, Wire
from gradgate.explain.picture.text import Text
from gradgate.explain.summary import sentence, shape_text

CORNER = 6.0


def template(name: str) -> str:
    """The text of a file in templates/."""
    return files("gradgate.explain.picture").joinpath("templates").joinpath(name).read_text(encoding="utf-8")


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: Text) -> str:
    # The baseline is half of a digit's height below the middle; digits of monospaced fonts are about 0.72 em tall.
    return (
        f'<text class="{text.role}" x="{_n(text.x)}" y="{_n(text.y + 0.36 * text.size)}" font-size="{_n(text.size)}">'
        f"{escape(text.string)}</text>"
    )


def _path(points: list[tuple[float, float]]) -> str:
    """Straight lines with rounded corners."""
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        before, after = abs(bx - ax) + abs(by - ay), abs(cx - bx) + abs(cy - by)
        radius = min(CORNER, before / 2, after / 2)
        if radius <= 0:
            continue
        sx, sy = bx + (ax - bx) * radius / before, by + (ay - by) * radius / before
        ex, ey = bx + (cx - bx) * radius / after, by + (cy - by) * radius / after
        parts.append(f"L{_n(sx)} {_n(sy)}Q{_n(bx)} {_n(by)} {_n(ex)} {_n(ey)}")
    parts.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(parts)


def _rect(box: Box, radius: float) -> str:
    return (
        f'<rect x="{_n(box.x - box.width / 2)}" y="{_n(box.y - box.height / 2)}" width="{_n(box.width)}" '
        f'height="{_n(box.height)}" rx="{_n(radius)}"/>'
    )


def _edge_title(edge: Edge) -> str:
    title = f"{edge.source.name} → {edge.target.name}  {shape_text(edge.value)}\nvalue: {sentence(edge.value)}"
    if edge.downstream is not None:
        title += f"\ngradient: {sentence(edge.downstream)}"
        title += f"\nlocal gradient: {edge.local_text}" if edge.local_text else ""
        title += f"\nrule: {edge.rule}" if edge.rule and not edge.local_text else ""
    return title


def _gate_title(gate: Gate) -> str:
    title = f"{gate.name}: {gate.pattern}" + (f"\n{gate.line}" if gate.line else "")
    return title + (f"\n{gate.formula}" if gate.formula else "")


def _variable_title(box: VariableBox) -> str:
    variable = box.variable
    title = f"{variable.name}  {shape_text(variable.value)}\nvalue: {sentence(variable.value)}"
    return title if variable.gradient is None else f"{title}\ngradient: {sentence(variable.gradient)}"


def _shape(box: Box) -> tuple[str, str, str]:
    """The attributes of a box's group, the shapes in it, and the text shown when the mouse points at it."""
    if isinstance(box, GateBox):
        drawn = (
            f'<circle cx="{_n(box.x)}" cy="{_n(box.y)}" r="{_n(box.width / 2)}"/>' if box.is_circle else _rect(box, 8)
        )
        return f'class="gate {escape(box.gate.kind)}" data-name="{escape(box.gate.name)}"', drawn, _gate_title(box.gate)
    if isinstance(box, VariableBox):
        bars = "".join(
            f'<rect class="bar" x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}"/>' for x, y, w, h in box.bars()
        )
        name = escape(box.variable.name)
        return f'class="variable {box.variable.kind}" data-name="{name}"', _rect(box, 4) + bars, _variable_title(box)
    if isinstance(box, WireBox):
        data = f'class="wire" data-source="{escape(box.source)}" data-target="{escape(box.target)}"'
        return data, _chip(box), "" if box.edge is None else _edge_title(box.edge)
    if isinstance(box, NameBox):
        return f'class="{box.role}" data-name="{escape(box.key)}"', _rect(box, 10), ""
    return f'class="frame" data-name="{escape(box.key)}"', _rect(box, 10), ""


def _chip(box: WireBox) -> str:
    """The piece of the wire inside its label, and the plate behind the local gradient."""
    left, right = box.x - box.width / 2, box.x + box.width / 2
    line = f'<path class="line" d="M{_n(left)} {_n(box.y)}L{_n(right)} {_n(box.y)}"/>'
    if not box.local:
        return line
    text = box.texts()[-1]
    return line + (
        f'<rect class="plate" x="{_n(right - box.chip + 2)}" y="{_n(text.y - text.height / 2 - 1)}" '
        f'width="{_n(box.chip - 4)}" height="{_n(text.height + 2)}" rx="4"/>'
    )


def _box(box: Box) -> str:
    attributes, drawn, title = _shape(box)
    told = f"<title>{escape(title)}</title>" if title else ""
    return f"<g {attributes}>{told}{drawn}{''.join(map(_text, box.texts()))}</g>"


def _wire(wire: Wire) -> str:
    arrow = "" if isinstance(wire.target, WireBox) else ' marker-end="url(#gradgate-arrow)"'
    return f'<path class="line" d="{_path(wire.points)}"{arrow}/>'


def svg_of(scene: Scene, title: str, alone: bool = True) -> str:
    """The picture as SVG text: `alone` with a style sheet of its own, otherwise for a page that has one."""
    width, height = _n(scene.width), _n(scene.height)
    css = f"<style>{template('picture.css')}</style>" if alone else ""
    space = 'xmlns="http://www.w3.org/2000/svg" ' if alone else ""
    return "\n".join(
        [
            f'<svg {space}class="gradgate-flow" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>{css}",
            '<defs><marker id="gradgate-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path d="M0 0.5L8 4L0 7.5z"/></marker></defs>',
            *map(_box, scene.frames.values()),
            *map(_wire, scene.wires),
            *map(_box, scene.boxes),
            "</svg>",
        ]
    )
