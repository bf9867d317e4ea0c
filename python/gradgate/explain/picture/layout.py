"""Lays out a scene with graphlay: places the boxes and routes the wires."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from gradgate.explain.picture.boxes import Box, FrameBox, GateBox, WireBox
from gradgate.explain.picture.rows import open_channels
from gradgate.explain.picture.scene import Scene, Wire

MARGIN = 16.0
STUB = 8.0  # half of the gap between layers, room for a bend
# Rows are folded so that the picture is about this many times as wide as it is high, like a page.
ASPECT = 2.2
OPTIONS: dict[str, Any] = {
    "spacing": {
        "layer_gap": 16.0,
        "node_gap": 14.0,
        "dummy_gap": 12.0,
        "port_gap": 12.0,
        # Room for the frame's name; graphlay's own option for headings leaves none in some nested frames.
        "compound_padding": FrameBox.HEADING,
    },
    "routing": {"style": "orthogonal"},
    "wrap": {"viewport_aspect": ASPECT},
    "tuning": {"wrap": {"max_rows": 16}, "routing": {"endpoint_snap": 0.0}},
}
MIDDLE = {"left": {"offset": {"side": "left", "t": 0.0}}, "right": {"offset": {"side": "right", "t": 0.0}}}


def _library() -> ModuleType:
    try:
        import graphlay
    except ImportError as error:
        raise ImportError("drawing needs the layout library graphlay: pip install 'gradgate[draw]'") from error
    return graphlay


def _request(scene: Scene) -> tuple[dict[str, Any], list[Box]]:
    """The graph in the form that graphlay takes, and the boxes in the order of its nodes: frames come first."""
    frames = list(scene.frames.values())
    index: dict[int, int] = {id(box): k for k, box in enumerate([*frames, *scene.boxes])}
    frame_of = {path: k for k, path in enumerate(scene.frames)}
    nodes: list[dict[str, Any]] = []
    for box in [*frames, *scene.boxes]:
        node: dict[str, Any] = {
            "key": box.key,
            "size": {"width": max(box.width, 1.0), "height": max(box.height, 1.0)},
            "shape": "ellipse" if isinstance(box, GateBox) and box.is_circle else "box",
        }
        around = scene.frame_around(box.group)
        if around is not None:
            node["parent"] = frame_of[around]
        nodes.append(node)
    edges: list[dict[str, Any]] = []
    for wire in scene.wires:
        edge: dict[str, Any] = {"source": index[id(wire.source)], "target": index[id(wire.target)], "weight": 1.0}
        if isinstance(wire.target, WireBox):
            edge["target_port"] = MIDDLE["left"]
        if isinstance(wire.source, WireBox):
            edge["source_port"] = MIDDLE["right"]
        edges.append(edge)
    return {"nodes": nodes, "edges": edges}, [*frames, *scene.boxes]


def laid_out(scene: Scene) -> Scene:
    """Set the place of every box of a scene and the corners of every wire. Raises ImportError without graphlay."""
    graph, boxes = _request(scene)
    result = _library().layout(graph, options=OPTIONS)
    for box, node in zip(boxes, result.nodes, strict=True):
        box.x, box.y = node["center"]["x"], node["center"]["y"]
        box.width, box.height = node["size"]["width"], node["size"]["height"]
    for wire, edge in zip(scene.wires, result.edges, strict=True):
        wire.points = [(point["x"], point["y"]) for point in edge["points"]]
    open_channels(scene)
    for wire in scene.wires:
        _meet_label(wire)
    _move_to_corner(scene, boxes)
    return scene


def _meet_label(wire: Wire) -> None:
    """Move the ends of a wire to the lines of its labels: graphlay shifts some ends in frames and between rows."""
    if isinstance(wire.source, WireBox):
        wire.points = _moved_end(wire.points[::-1], wire.source.y)[::-1]
    if isinstance(wire.target, WireBox):
        wire.points = _moved_end(wire.points, wire.target.y)


def _moved_end(points: list[tuple[float, float]], y: float) -> list[tuple[float, float]]:
    """The points with the last one moved to height y: a short last piece moves with it, a long one gets a bend."""
    (ax, ay), (bx, by) = points[-2:]
    if by == y:
        return points
    if len(points) > 2 and ay == by and abs(ax - bx) < 4 * STUB:
        return [*points[:-2], (ax, y), (bx, y)]
    bend = bx + max(-STUB, min(STUB, (ax - bx) / 2))
    return [*points[:-1], (bend, by), (bend, y), (bx, y)]


def _move_to_corner(scene: Scene, boxes: list[Box]) -> None:
    """Shift everything so that the picture begins at its margin, and set its width and height."""
    lefts = [box.x - box.width / 2 for box in boxes] + [x for wire in scene.wires for x, _ in wire.points]
    tops = [box.y - box.height / 2 for box in boxes] + [y for wire in scene.wires for _, y in wire.points]
    rights = [box.x + box.width / 2 for box in boxes] + [x for wire in scene.wires for x, _ in wire.points]
    bottoms = [box.y + box.height / 2 for box in boxes] + [y for wire in scene.wires for _, y in wire.points]
    dx, dy = MARGIN - min(lefts), MARGIN - min(tops)
    for box in boxes:
        box.x, box.y = box.x + dx, box.y + dy
    for wire in scene.wires:
        wire.points = [(x + dx, y + dy) for x, y in wire.points]
    scene.width, scene.height = max(rights) + dx + MARGIN, max(bottoms) + dy + MARGIN
