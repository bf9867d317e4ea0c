"""Gates, the variables that feed them, and the edges between: the parts that a Flow is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradgate._core import Tensor
from gradgate.explain.formula import filled
from gradgate.explain.jacobian import jacobian_of
from gradgate.explain.lines import Line
from gradgate.explain.summary import number, shape_text


@dataclass(eq=False, repr=False, slots=True)
class Variable:
    """A tensor that the graph starts from: a leaf, or a constant, which has no gradient.

    `name` is the user's own name, or `leaf_1`, and for a constant what its gate takes it for, `mask_1`, `positions_1`, `target_1`, or
    `constant_1` where that is not known; `named` tells which. `owned` tells whether it is the model's.
    `value` and `gradient` have the same shape; `tensor` is the very object that the loss was made from, None for a number in the code.
    """

    name: str
    value: Tensor
    gradient: Tensor | None
    tensor: Tensor | None = None
    named: bool = False
    owned: bool = False
    group: tuple[str, ...] = ()
    outputs: list[Edge] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Tells "leaf", or "constant" where no gradient flows."""
        return "constant" if self.gradient is None else "leaf"

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {shape_text(self.value)}>"


@dataclass(eq=False, repr=False, slots=True)
class Gate:
    """One operation: the value it gave, the upstream gradient that reached it, and an edge for each input.

    `name` numbers the gates of a kind in forward order, `mul_2`. `called` holds for each output the name of the caller's
    variable that is it, or None. `pattern` says in a word what the gate does with the
    upstream gradient. `origin` is the source line that made it, None where it was not recorded. `values` and `upstreams`
    have an entry for each output. A copy gate has one value, and an upstream gradient from each place that uses it.
    """

    name: str
    kind: str
    pattern: str
    values: tuple[Tensor | None, ...]
    upstreams: tuple[Tensor | None, ...]
    called: tuple[str | None, ...] = ()
    origin: Line | None = None
    text: tuple[str, ...] | None = None
    constants: tuple[Tensor, ...] = ()
    preamble: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    inputs: list[Edge] = field(default_factory=list)
    outputs: list[Edge] = field(default_factory=list)

    @property
    def line(self) -> str | None:
        """The source line that made the gate, `train.py:12 in step: loss = f(x)`; None where it was not recorded."""
        return None if self.origin is None else str(self.origin)

    @property
    def value(self) -> Tensor | tuple[Tensor | None, ...] | None:
        """The output; a tuple for a gate with several."""
        return self.values[0] if len(self.values) == 1 else self.values

    @property
    def upstream(self) -> Tensor | tuple[Tensor | None, ...] | None:
        """The gradient of the loss by the output, None where none flows; a tuple for several outputs, and for a copy gate."""
        return self.upstreams[0] if len(self.upstreams) == 1 else self.upstreams

    @property
    def formula(self) -> str | None:
        """The forward pass in NumPy, over the names of the inputs; None where NumPy cannot express it."""
        return None if self.text is None else "; ".join(filled(line, self.placeholders()) for line in self.text)

    def placeholders(self) -> dict[str, str]:
        """What to write for the placeholders of this gate's formulas."""
        names = {str(edge.position): edge.name for edge in self.inputs}
        for key, constant in enumerate(self.constants):
            names[f"c{key}"] = number(constant.item(), 7) if constant.numel() == 1 else f"c{key}"
        return names

    def __repr__(self) -> str:
        shapes = ", ".join(shape_text(value) for value in self.values if value is not None)
        return f"<gate {self.name} {shapes}: {self.pattern}>"


@dataclass(eq=False, repr=False, slots=True)
class Edge:
    """The way of a value into a gate, and of a gradient back: downstream = upstream x local.

    `source` is a Gate or a Variable, `output` the number of its output; `target` the gate, `position` the number of its
    argument. `downstream` is what the target sends back, of the value's shape, None where no gradient flows. `local` is the
    local gradient of an elementwise gate, an array of its output's shape, else None; `local_text` is its formula. For a
    vector or matrix gate `rule` says how the upstream gradient `dy` becomes the downstream one, `dy @ W.T`.
    """

    source: Gate | Variable
    output: int
    target: Gate
    position: int
    value: Tensor
    downstream: Tensor | None = None
    local: Tensor | None = None
    local_template: str | None = None
    template: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """The name of what comes in: a variable's or a gate's, seen through copy gates; a lone number itself."""
        source: Gate | Variable = self.source
        while isinstance(source, Gate) and source.kind == "copy":
            source = source.inputs[0].source
        if isinstance(source, Variable) and not source.named and source.value.numel() == 1:
            text = number(source.value.item(), 7)
            return f"({text})" if text.startswith("-") else text
        return source.name

    @property
    def local_text(self) -> str | None:
        """The local gradient of an elementwise gate as a formula, `y * (1 - y)`."""
        return None if self.local_template is None else filled(self.local_template, self.target.placeholders())

    @property
    def rule(self) -> str | None:
        """How the upstream gradient `dy` becomes the downstream one, in NumPy; None where no formula is known."""
        if self.template is None:
            return None
        return "; ".join(filled(line, self.target.placeholders()) for line in self.template)

    @property
    def rule_line(self) -> str:
        """The rule in a line: its last, after a sign that others come before it, which name the parts `t0`, `t1` and so on."""
        *before, last = (self.rule or "").split("; ")
        return f"…; {last}" if before else last

    def jacobian(self, max_elements: int = 1_000_000) -> Tensor:
        """The explicit matrix of derivatives, flattened as the lecture defines it.

        Shape `(m, n)` for an output of m elements and an input of n: row k holds the derivatives of output k, so that
        `downstream.flatten() == jacobian().T @ upstream.flatten()`. The outputs of a gate with several come one below the
        other. Row k is found by sending back the k-th unit vector as upstream gradient, through the edge's own rule: m runs.

        Raises RuntimeError where no gradient flows or NumPy cannot express the rule, ValueError for more than
        `max_elements` entries: a Jacobian is never needed to train, since the rule gives its product.
        """
        return jacobian_of(self, max_elements)

    def __repr__(self) -> str:
        return f"<edge {self.source.name} -> {self.target.name} {shape_text(self.value)}>"
