"""The parts of a picture: boxes that know their size and, after the layout, where their texts stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gradgate._core import Tensor
from gradgate.explain.circuit import Edge, Gate, Variable
from gradgate.explain.picture.text import LINE, Text, shortened, stacked, widest, width_of
from gradgate.explain.summary import BINS, Summary, is_small, lines, shape_text

SYMBOLS = {
    "add": "+",
    "sub": "−",
    "mul": "×",
    "div": "÷",
    "mm": "@",
    "mv": "@",
    "vm": "@",
    "dot": "·",
    "outer": "⊗",
    "bmm": "@",
    "matmul": "@",
    "sum": "Σ",
    "neg": "−x",
    "reciprocal": "1/x",
    "exp": "exp",
    "log": "log",
    "sqrt": "√",
    "square": "x²",
    "pow": "xⁿ",
    "abs": "|x|",
    "max": "max",
    "maximum": "max",
    "minimum": "min",
    "sigmoid": "σ",
    "tanh": "tanh",
    "relu": "relu",
    "copy": "copy",
    "mean": "mean",
}
NAME, SMALL_NAME, NUMBER, NOTE = 12.0, 8.5, 11.0, 9.5
CIRCLE = 52.0
HISTOGRAM = (4.0 * BINS, 18.0)
NAME_PLACES, RULE_PLACES = 28, 26


@dataclass(eq=False)
class Box:
    """A part of the picture with a size; `x` and `y` are its centre after the layout."""

    key: str
    group: tuple[str, ...]
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0

    def texts(self) -> list[Text]:
        """The texts in the box, at its present place."""
        raise NotImplementedError


@dataclass(eq=False)
class GateBox(Box):
    """A gate: a circle with its symbol as the lecture draws it, or a box with its name."""

    gate: Gate = field(kw_only=True)

    def __post_init__(self) -> None:
        self.symbol = SYMBOLS.get(self.gate.kind, "")
        self.is_circle = bool(self.symbol) and width_of(self.gate.name, SMALL_NAME) <= CIRCLE - 14
        self.width = self.height = CIRCLE
        if not self.is_circle:
            self.width = max(CIRCLE, 16 + width_of(self._title(), NAME), 16 + width_of(self.gate.pattern, NOTE))
            self.height = 40.0

    def _title(self) -> str:
        return shortened(self.gate.name, NAME_PLACES)

    def texts(self) -> list[Text]:
        if self.is_circle:
            size = 18.0 if len(self.symbol) == 1 else NAME
            return [
                Text(self.x, self.y - 7, self.symbol, "symbol", size),
                Text(self.x, self.y + 11, self.gate.name, "note", SMALL_NAME),
            ]
        return [
            Text(self.x, self.y - 7, self._title(), "name", NAME),
            Text(self.x, self.y + 9, self.gate.pattern, "note", NOTE),
        ]


@dataclass(eq=False)
class VariableBox(Box):
    """A tensor that the graph starts from: its name and shape, and for a large tensor its range and histogram."""

    variable: Variable = field(kw_only=True)

    def __post_init__(self) -> None:
        value = self.variable.value
        lone = not self.variable.named and value.numel() == 1
        self.title = lines(value)[0] if lone else shortened(self.variable.name, NAME_PLACES)
        self.summary = None if is_small(value) else Summary.of(value)
        self.notes = [shape_text(value)] if value.ndim else []
        if self.summary is not None:
            self.notes += [self.summary.range_text(), f"mean {self.summary.mean:.3g}"]
        bars = HISTOGRAM[0] if self.summary is not None else 0.0
        self.width = 18 + max(width_of(self.title, NAME), widest(self.notes, NOTE), bars)
        self.height = 12 + LINE * NAME + LINE * NOTE * len(self.notes) + (HISTOGRAM[1] + 4 if bars else 0)

    def texts(self) -> list[Text]:
        top = self.y - self.height / 2 + 6
        title = stacked(self.x, top, [self.title], "name", NAME)
        return title + stacked(self.x, top + LINE * NAME, self.notes, "note", NOTE)

    def bars(self) -> list[tuple[float, float, float, float]]:
        """The left, top, width and height of each bar of the histogram that is not empty."""
        if self.summary is None:
            return []
        wide, tall = HISTOGRAM[0] / BINS, HISTOGRAM[1]
        left, bottom = self.x - HISTOGRAM[0] / 2, self.y + self.height / 2 - 6
        most = max(self.summary.histogram)
        heights = [tall * count / most for count in self.summary.histogram]
        return [(left + k * wide, bottom - h, wide - 0.5, h) for k, h in enumerate(heights) if h > 0]


@dataclass(eq=False)
class NameBox(Box):
    """A box with a title and notes: a closed module, the loss, or a gate outside of the part that is shown."""

    title: str = field(kw_only=True)
    notes: list[str] = field(default_factory=list)
    role: str = "module"

    def __post_init__(self) -> None:
        self.title = shortened(self.title, NAME_PLACES)
        self.width = 20 + max(width_of(self.title, NAME), widest(self.notes, NOTE))
        self.height = 14 + LINE * NAME + LINE * NOTE * len(self.notes)

    def texts(self) -> list[Text]:
        top = self.y - self.height / 2 + 7
        title = stacked(self.x, top, [self.title], "name", NAME)
        return title + stacked(self.x, top + LINE * NAME, self.notes, "note", NOTE)


@dataclass(eq=False)
class FrameBox(Box):
    """An open module: a frame around its gates, with its name at the top. The layout sets its size."""

    title: str = field(kw_only=True)
    HEADING = 22.0

    def texts(self) -> list[Text]:
        left, top = self.x - self.width / 2, self.y - self.height / 2
        room = int((self.width - 16) / width_of("m", NAME))
        string = shortened(self.title, max(room, 1))
        return [Text(left + 8 + width_of(string, NAME) / 2, top + 12, string, "name", NAME)]


def _tensor_lines(tensor: Tensor | None, with_shape: bool) -> list[str]:
    if tensor is None:
        return []
    return ([shape_text(tensor)] if with_shape and not is_small(tensor) else []) + lines(tensor)


@dataclass(eq=False)
class WireBox(Box):
    """The label of a wire: the value above the wire, the gradient below, and the local gradient at the right."""

    value: Tensor | None = field(kw_only=True)
    gradient: Tensor | None = field(kw_only=True)
    local: str = ""
    source: str = ""  # the names of the gates at both ends, "" for the loss itself
    target: str = ""
    edge: Edge | None = None
    PAD = 4.0

    def __post_init__(self) -> None:
        self.above = _tensor_lines(self.value, True)
        self.below = _tensor_lines(self.gradient, False)
        numbers = max(widest(self.above, NUMBER), widest(self.below, NUMBER))
        self.numbers = numbers + 2 * self.PAD if numbers else 0.0
        self.chip = width_of(self.local, NOTE) + 2 * self.PAD + 4 if self.local else 0.0
        self.width = self.numbers + self.chip
        half = max(LINE * NUMBER * max(len(self.above), len(self.below)) + 3, LINE * NOTE / 2 + 3)
        self.height = 2 * half

    def texts(self) -> list[Text]:
        centre = self.x - self.width / 2 + self.numbers / 2
        above = stacked(centre, self.y - 3 - LINE * NUMBER * len(self.above), self.above, "value", NUMBER)
        below = stacked(centre, self.y + 3, self.below, "gradient", NUMBER)
        right = self.x + self.width / 2
        chip = [Text(right - self.chip / 2, self.y, self.local, "local", NOTE)] if self.local else []
        return above + below + chip


def local_label(edge: Edge) -> str:
    """The local gradient as text for a wire: a number, or else its formula or rule, shortened."""
    if edge.downstream is None or edge.target.kind == "copy":
        return ""
    if edge.local is not None and edge.local.numel() == 1:
        return "×" + lines(edge.local)[0]
    if edge.local_text is not None:
        outside = re.sub(r"\([^()]*\)", "", edge.local_text)
        is_sum = " + " in outside or " - " in outside
        return shortened(f"×({edge.local_text})" if is_sum else f"×{edge.local_text}", RULE_PLACES)
    return shortened(edge.rule_line, RULE_PLACES)
