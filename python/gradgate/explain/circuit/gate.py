"""Gates, the variables that feed them, and the edges between them: the parts of a circuit."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradgate._core import Tensor
from gradgate.explain.circuit.formula import filled
from gradgate.explain.circuit.jacobian import LinearRule, matrix_of
from gradgate.explain.lines import Line
from gradgate.explain.summary import number, shape_text


@dataclass(eq=False, repr=False, slots=True)
class Variable:
    """A tensor that the graph starts from: a leaf, or a constant, which has no gradient.

    `name` is the user's own name if there is one. Otherwise it is `leaf_1`, or for a constant the use that its gate makes of it:
    `mask_1`, `positions_1`, `target_1`, or `constant_1` where the use is not known. `named` is true for a name of the user's, `owned`
    for a parameter or buffer of the model. `value` and `gradient` have the same shape. `tensor` is the very object that the loss was
    made from, None for a number written in the program.
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
        """Either "leaf", or "constant" if no gradient flows."""
        return "constant" if self.gradient is None else "leaf"

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {shape_text(self.value)}>"


@dataclass(eq=False, repr=False, slots=True)
class Gate:
    """One operation: its value, the upstream gradient that reached it, and an edge for each input.

    `name` numbers the gates of a kind in forward order: `mul_2`. `called` gives for each output the name of the caller's variable that
    holds it, or None. `pattern` describes in a word or two what the gate does with the upstream gradient. `origin` is the source line
    that made the gate, None if it was not recorded. `values` and `upstreams` have an entry for each output. A copy gate has one value,
    and an upstream gradient from each place that uses it.
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
        """The source line that made the gate, `train.py:12 in step: loss = f(x)`; None if it was not recorded."""
        return None if self.origin is None else str(self.origin)

    @property
    def value(self) -> Tensor | tuple[Tensor | None, ...] | None:
        """The output; a tuple for a gate with several."""
        return self.values[0] if len(self.values) == 1 else self.values

    @property
    def upstream(self) -> Tensor | tuple[Tensor | None, ...] | None:
        """The gradient of the loss by the output, None if none flows; a tuple for several outputs, and for a copy gate."""
        return self.upstreams[0] if len(self.upstreams) == 1 else self.upstreams

    @property
    def formula(self) -> str | None:
        """The forward pass in NumPy with the inputs' names; None if NumPy cannot express it."""
        return None if self.text is None else "; ".join(filled(line, self.placeholders()) for line in self.text)

    def placeholders(self) -> dict[str, str]:
        """The text for each placeholder of this gate's formulas."""
        names = {str(edge.position): edge.name for edge in self.inputs}
        for key, constant in enumerate(self.constants):
            names[f"c{key}"] = number(constant.item(), 7) if constant.numel() == 1 else f"c{key}"
        return names

    def __repr__(self) -> str:
        shapes = ", ".join(shape_text(value) for value in self.values if value is not None)
        return f"<gate {self.name} {shapes}: {self.pattern}>"


@dataclass(eq=False, repr=False, slots=True)
class Edge:
    """A connection into a gate: the value that goes in, and the gradient that comes back, downstream = upstream x local.

    `source` is a Gate or a Variable and `output` the number of its output; `target` is the gate and `position` the number of its
    argument. `downstream` is the gradient that the target sends back, of the value's shape, None if none flows. `local` is the local
    gradient of an elementwise gate, an array of its output's shape, and None for other gates; `local_text` is its formula. For a vector
    or matrix gate `rule` says how the upstream gradient `dy` becomes the downstream one: `dy @ W.T`.
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
    def producer(self) -> tuple[Gate | Variable, int]:
        """The gate or variable that the value comes from, and the number of its output; copy gates are looked through."""
        edge = self
        while isinstance(edge.source, Gate) and edge.source.kind == "copy":
            edge = edge.source.inputs[0]
        return edge.source, edge.output

    @property
    def name(self) -> str:
        """The name of the gate or variable that the value comes from; a single unnamed number is written out."""
        source, _ = self.producer
        if isinstance(source, Variable) and not source.named and source.value.numel() == 1:
            text = number(source.value.item(), 7)
            return f"({text})" if text.startswith("-") else text
        return source.name

    @property
    def local_text(self) -> str | None:
        """The local gradient of an elementwise gate as a formula: `y * (1 - y)`."""
        return None if self.local_template is None else filled(self.local_template, self.target.placeholders())

    @property
    def rule(self) -> str | None:
        """NumPy code that turns the upstream gradient `dy` into the downstream one; None if no formula is known."""
        if self.template is None:
            return None
        return "; ".join(filled(line, self.target.placeholders()) for line in self.template)

    @property
    def rule_line(self) -> str:
        """The last line of the rule, after an ellipsis if others come before it, which define the parts `t0`, `t1` ..."""
        *before, last = (self.rule or "").split("; ")
        return f"…; {last}" if before else last

    def jacobian(self, max_elements: int = 1_000_000) -> Tensor:
        """The explicit matrix of derivatives, flattened as the lecture defines it.

        Its shape is `(m, n)` for an output of m elements and an input of n: row k holds the derivatives of output k, so that
        `downstream.flatten() == jacobian().T @ upstream.flatten()`. The rows of a gate with several outputs are stacked, output by
        output. Row k is computed by sending the k-th unit vector back through the edge's rule, so the rule runs m times.

        Raises RuntimeError if no gradient flows or NumPy cannot express the rule, and ValueError for more than `max_elements` entries:
        training never needs a Jacobian, since the rule gives its product with the upstream gradient.
        """
        gate = self.target
        where = f"jacobian of {gate.name} by {self.name}"
        if self.downstream is None:
            raise RuntimeError(f"{where}: no gradient flows along this edge")
        if self.template is None:
            raise RuntimeError(f"{where}: NumPy cannot express the rule of a {gate.kind} gate")
        values = gate.values if len(gate.values) == len(gate.upstreams) else gate.values * len(gate.upstreams)
        outputs = [value if value is not None and value.dtype.is_floating_point else None for value in values]
        rows, columns = sum(value.numel() for value in outputs if value is not None), self.value.numel()
        if rows * columns > max_elements:
            size = rows * columns * self.value.element_size()
            raise ValueError(
                f"{where}: the matrix would be {rows:,} x {columns:,} ({size / 1e6:,.1f} MB), more than "
                f"max_elements={max_elements:,}. Its product with the upstream gradient is edge.downstream, by edge.rule: {self.rule}"
            )
        inputs = {edge.position: edge.value for edge in gate.inputs}
        return matrix_of(
            LinearRule(self.template, gate.preamble, inputs, gate.values, gate.constants), outputs, self.value
        )

    def __repr__(self) -> str:
        return f"<edge {self.source.name} -> {self.target.name} {shape_text(self.value)}>"
