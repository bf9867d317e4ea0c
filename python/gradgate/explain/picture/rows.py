"""Adds space between rows for module frames: the layout leaves space for the boxes, but not for the frames around them."""

from __future__ import annotations

from collections.abc import Callable

from gradgate.explain.picture.boxes import Box, FrameBox
from gradgate.explain.picture.scene import Scene

CLEARANCE = 12.0


def _channels(scene: Scene) -> dict[int, list[float]]:
    """The heights of wires that run back to the left between rows, grouped by the number of boxes above: a group for each gap."""
    heights: dict[int, list[float]] = {}
    for wire in scene.wires:
        for (ax, ay), (bx, by) in zip(wire.points, wire.points[1:], strict=False):
            if ay == by and bx < ax and not any(abs(box.y - ay) < box.height / 2 for box in scene.boxes):
                above = sum(box.y < ay for box in scene.boxes)
                heights.setdefault(above, []).append(ay)
    return heights


def _inside(scene: Scene, frame: FrameBox) -> list[Box]:
    path = next(path for path, other in scene.frames.items() if other is frame)
    return [box for box in scene.boxes if box.group[: len(path)] == path]


def open_channels(scene: Scene) -> None:
    """Move rows apart until every wire between two rows is clear of the frames above and below it."""
    spans: list[tuple[Box, float, float]] = [(box, box.y, box.y) for box in scene.boxes]
    for frame in scene.frames.values():
        centres = [box.y for box in _inside(scene, frame)]
        spans.append((frame, min(centres), max(centres)))
    shifts: list[tuple[float, float]] = []
    for heights in _channels(scene).values():
        first, last = min(heights), max(heights)
        over = max((b.y + b.height / 2 for b, _, low in spans if low < first), default=first - CLEARANCE)
        under = min((b.y - b.height / 2 for b, high, _ in spans if high > last), default=last + CLEARANCE)
        shifts += [(first, max(0.0, over + CLEARANCE - first)), (last + 1e-3, max(0.0, last + CLEARANCE - under))]

    def moved(y: float) -> float:
        return y + sum(shift for start, shift in shifts if y >= start)

    _apply(scene, spans, moved)


def _apply(scene: Scene, spans: list[tuple[Box, float, float]], moved: Callable[[float], float]) -> None:
    for wire in scene.wires:
        wire.points = [(x, moved(y)) for x, y in wire.points]
    for box, high, low in spans:
        top, bottom = box.y - box.height / 2 + moved(high) - high, box.y + box.height / 2 + moved(low) - low
        box.y, box.height = (top + bottom) / 2, bottom - top
