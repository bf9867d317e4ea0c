"""Flat code: the forward and the backward pass of a flow as straight-line NumPy, one line a gate."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gradgate._core import Tensor, float64
from gradgate.explain.formula import filled
from gradgate.explain.gate import Edge, Gate, Variable
from gradgate.explain.identifiers import Identifiers
from gradgate.explain.literals import literal, number_in_place
from gradgate.explain.roles import role_of
from gradgate.explain.shipping import Shipped, shipped
from gradgate.explain.summary import shape_text

if TYPE_CHECKING:
    from gradgate.explain.flow import Flow

Data = Literal["inline", "npz"] | None
Value = tuple[Gate | Variable, int]

_CALL_OR_NAME = re.compile(r"[\w.]+(\([^()]*\))?")
# A method of the upstream gradient, or of something in parentheses that is computed from it.
_CALLS_METHOD = re.compile(r"\{dy\}([^()]*\))?\.\w")
# What a listing calls by these names; `np.savez` takes no arrays of the last two.
_RESERVED = {"np", "math", "Path", "arrays", "forward", "file", "allow_pickle"}
# Where comments stand, if the code lets them.
_COMMENT_COLUMN = 56


def behind(edge: Edge) -> Value:
    """The value that comes in along an edge, seen through copy gates."""
    while isinstance(edge.source, Gate) and edge.source.kind == "copy":
        edge = edge.source.inputs[0]
    return edge.source, edge.output


class Listing:
    """Lines of code that are run while they are written, so that each has the type and shape that the gate gave."""

    def __init__(self, flow: Flow, gates: Sequence[Gate], arguments: Collection[Variable] = ()) -> None:
        self.flow = flow
        self.gates = [gate for gate in gates if gate.kind != "copy"]
        own = Variable(flow.name, flow.loss, flow.loss, named=True)  # for a loss that is a leaf
        self.root = flow.root if flow.gates else own
        self.preamble = list(dict.fromkeys(source for gate in self.gates for source in gate.preamble))
        self._check()
        functions = [source.removeprefix("def ").partition("(")[0] for source in self.preamble]
        self._identifiers = Identifiers({*_RESERVED, *functions})
        self._scope: dict[str, Any] = {"np": np, "math": math}
        for source in self.preamble:
            exec(source, self._scope)
        self._temporaries: dict[Gate, dict[str, str]] = {gate: {} for gate in self.gates}  # names by expression
        self.names: dict[Value, str] = {}
        inline = {v: number_in_place(v) for v in flow.variables if v not in arguments}
        self._numbers: dict[Gate | Variable, str] = {v: text for v, text in inline.items() if text}
        # The user's own names first, so that these stay as they are.
        for variable in sorted(flow.variables if flow.gates else [own], key=lambda v: not v.named):
            if variable not in self._numbers:
                self._add((variable, 0), variable.name, variable.value)
        self._name_outputs()

    def _check(self) -> None:
        for gate in self.gates:
            if gate.text is None:
                where = f" ({gate.line})" if gate.line else ""
                raise RuntimeError(
                    f"code: the gate {gate.name}{where} cannot be written in NumPy, since it is a Python Function whose "
                    "formula the library does not know; write it with the library's own operations"
                )

    def _add(self, value: Value, name: str, tensor: Tensor) -> None:
        self.names[value] = self._identifiers.fresh(name)
        self._scope[self.names[value]] = tensor.detach().numpy()[()]

    def _name_outputs(self) -> None:
        gates = [gate for gate in self.flow.gates if gate.kind != "copy"]
        outputs = [(gate, k) for gate in gates for k in range(len(gate.values))]
        called = {value: value[0].called[value[1]] for value in outputs}
        if isinstance(self.root, Gate):
            called[self.root, 0] = self.flow.name
        for gate, k in sorted(outputs, key=lambda value: called[value] is None):
            own = f"{gate.name}_{k}" if len(gate.values) > 1 else gate.name
            self.names[gate, k] = self._identifiers.fresh(called[gate, k] or own)

    def evaluated(self, expression: str) -> Any:
        """What an expression of the listing gives."""
        with np.errstate(all="ignore"):
            return eval(expression, self._scope)

    def assign(self, name: str, expression: str) -> str:
        """A line of code, which is run."""
        self._scope[name] = self.evaluated(expression)
        return f"{name} = {expression}"

    def fitted(self, expression: str, like: Tensor) -> str:
        """The expression with the type and the shape of a tensor, where NumPy alone would come to others."""
        value, dtype = np.asarray(self.evaluated(expression)), like.detach().numpy().dtype
        if value.shape != tuple(like.shape):
            expression = f"np.broadcast_to({expression}, {tuple(like.shape)})"
        if value.dtype != dtype:
            whole = expression if _CALL_OR_NAME.fullmatch(expression) else f"({expression})"
            expression = f"{whole}.astype(np.{dtype.name})"
        return expression

    def placeholders(self, gate: Gate) -> dict[str, str]:
        """What to write for the placeholders of a gate's formulas."""
        names = {str(edge.position): self._numbers.get(edge.source) or self.names[behind(edge)] for edge in gate.inputs}
        for k in range(len(gate.values)):
            names[f"y{k or ''}"] = self.names[gate, k]
            names[f"dy{k or ''}"] = f"grad_{self.names[gate, k]}"
        for k, constant in enumerate(gate.constants):
            if (gate, -1 - k) not in self.names:
                self._add((gate, -1 - k), f"{gate.name}_{role_of(gate.kind, -1, constant)}", constant)
            names[f"c{k}"] = self.names[gate, -1 - k]
        return names

    def lines(self, gate: Gate, template: Sequence[str], names: dict[str, str]) -> Iterator[str]:
        """The lines before the last, which name its parts; a part that has a name already is not computed again."""
        known = self._temporaries[gate]
        for line in template[:-1]:
            key, _, expression = line.partition(" = ")
            expression = self.expression(gate, expression, names)
            if expression not in known:
                known[expression] = self._identifiers.temporary()
                yield self.assign(known[expression], expression)
            names[key.strip("{}")] = known[expression]

    def expression(self, gate: Gate, template: str, names: dict[str, str]) -> str:
        """A formula of the gate with names for its placeholders, and for those parts in parentheses that have a name."""
        expression = filled(template, names)
        for part, name in self._temporaries[gate].items():
            expression = expression.replace(f"({part})", f"({name})")
            expression = re.sub(rf"(?<![\w\])])\({name}\)", name, expression)  # but for a call's
        return expression

    def forward(self) -> Iterator[str]:
        """The forward pass."""
        for gate in self.gates:
            template, names = gate.text or (), self.placeholders(gate)
            yield from self.lines(gate, template, names)
            expression = self.expression(gate, template[-1], names)
            outputs = [self.names[gate, k] for k in range(len(gate.values))]
            if len(outputs) == 1:
                expression = self.fitted(expression, _defined(gate.values[0]))
            self._scope.update(zip(outputs, _each(self.evaluated(expression), len(outputs)), strict=True))
            shapes = ", ".join(shape_text(value) for value in gate.values if value is not None)
            line = f"{', '.join(outputs)} = {expression}"
            yield commented(line, shapes, gate.origin.place if gate.origin else "")

    def backward(self) -> Iterator[str]:
        """The backward pass, the mirror image of the forward pass."""
        known: set[str] = set()
        yield commented(self._seed(known), shape_text(self.flow.loss))
        for gate in reversed(self.gates):
            names = self.placeholders(gate)
            edges = [edge for edge in gate.inputs if edge.downstream is not None and edge.template is not None]
            used = {f"{{dy{k or ''}}}" for k in range(len(gate.values))}
            used = {key for key in used if any(key in line for edge in edges for line in edge.template or ())}
            for k, y in enumerate(gate.values):
                if f"{{dy{k or ''}}}" in used and names[f"dy{k or ''}"] not in known and y is not None:
                    expression = self.fitted(f"np.zeros_like({self.names[gate, k]})", y)
                    yield commented(self.assign(names[f"dy{k or ''}"], expression), shape_text(y))
            for edge in edges:
                yield from self._edge(edge, names, known)

    def _seed(self, known: set[str]) -> str:
        """The gradient of the loss by itself."""
        name, loss = self.names[self.root, 0], self.flow.loss
        known.add(f"grad_{name}")
        edges = [edge for gate in self.gates for edge in gate.inputs if edge.downstream is not None]
        # A float of Python is a float64, and has no methods that a line could call.
        is_float = loss.ndim == 0 and all(_defined(edge.downstream).dtype == float64 for edge in edges)
        numbers = [edge for edge in edges if all(value is None or value.ndim == 0 for value in edge.target.values)]
        is_float = is_float and not any(_CALLS_METHOD.search(line) for edge in numbers for line in edge.template or ())
        return self.assign(f"grad_{name}", "1.0" if is_float else f"np.ones_like({name})")

    def _edge(self, edge: Edge, names: dict[str, str], known: set[str]) -> Iterator[str]:
        """The gradient that goes back along one edge, added to what came from other places."""
        template = edge.template or ()
        yield from self.lines(edge.target, template, names)
        downstream = _defined(edge.downstream)
        expression = self.fitted(self.expression(edge.target, template[-1], names), downstream)
        name = f"grad_{self.names[behind(edge)]}"
        if name in known:
            minus = expression.startswith("-")
            expression = f"{name} {'-' if minus else '+'} {expression.removeprefix('-')}"
        known.add(name)
        yield commented(self.assign(name, expression), shape_text(downstream))

    def arrays(self, lines: Iterable[str]) -> dict[str, Tensor]:
        """The arrays that lines start from: variables by name, and constants of gates."""
        words = set(re.findall(r"\w+", "\n".join(lines)))
        values: dict[str, Tensor] = {}
        for (item, k), name in self.names.items():
            if name in words and isinstance(item, Variable):
                values[name] = item.value
            elif name in words and isinstance(item, Gate) and k < 0:
                values[name] = item.constants[-1 - k]
        return values


def _defined(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor


def _each(value: Any, count: int) -> Iterable[Any]:
    return [value] if count == 1 else value


def commented(line: str, *comments: str) -> str:
    """A line with comments behind it; the shape of a scalar is none."""
    comment = ", ".join(comment for comment in comments if comment.strip("()"))
    return f"{line.ljust(_COMMENT_COLUMN)}  # {comment}" if comment else line


def code_of(
    flow: Flow,
    data: Data = None,
    forward_only: bool = False,
    inputs: Sequence[str] | None = None,
    output: str | None = None,
    file: str = "flow.npz",
) -> tuple[str, dict[str, Tensor]]:
    """The code that `Flow.code` documents, and the arrays that it needs by name."""
    if data not in (None, "inline", "npz"):
        raise ValueError(f"code: data must be None, 'inline' or 'npz', got {data!r}")
    if not forward_only and (inputs is not None or output is not None):
        raise ValueError("code: inputs and output are those of a function; they need forward_only=True")
    items = set(flow.items)
    if any(edge.source not in items for edge in flow.edges):
        raise ValueError("code: this is a part of a flow, whose wires go on outside; write the code of the whole flow")
    return _function(flow, data, inputs, output, file) if forward_only else _passes(flow, data, file)


def _passes(flow: Flow, data: Data, file: str) -> tuple[str, dict[str, Tensor]]:
    listing = Listing(flow, flow.gates)
    name = listing.names[listing.root, 0]
    body = ["# Forward", *listing.forward()]
    if isinstance(listing.root, Variable):
        body = []
    body += ["", "# Backward", *listing.backward()]
    arrays = listing.arrays([*body, name])
    head = _head(f"The forward and the backward pass of {name}.", listing, arrays, data, file)
    tail = ["", f'print("{name} =", {name})'] if data else []
    return "\n".join([*head, *body, *tail, ""]), arrays


def _function(
    flow: Flow, data: Data, inputs: Sequence[str] | None, output: str | None, file: str
) -> tuple[str, dict[str, Tensor]]:
    ship: Shipped = shipped(flow, inputs, output)
    listing = Listing(flow, ship.gates, ship.arguments)
    arguments = {listing.names[variable, 0]: variable.value for variable in ship.arguments}
    result = listing.names[ship.output]
    body = list(listing.forward())
    arrays = {name: value for name, value in listing.arrays([*body, result]).items() if name not in arguments}
    head = _head(f"The function that computes {result}.", listing, arrays, data, file)
    taken = "; ".join(f"{name}: {_described(value)}" for name, value in arguments.items())
    lines = [f"def forward({', '.join(arguments)}):", f'    """{taken}."""', *(f"    {line}" for line in body)]
    return "\n".join([*head, "", *lines, f"    return {result}", ""]), arrays


def _described(tensor: Tensor) -> str:
    return f"{shape_text(tensor)} {tensor.detach().numpy().dtype.name}"


def _head(title: str, listing: Listing, arrays: dict[str, Tensor], data: Data, file: str) -> list[str]:
    """What comes before the lines of the gates: imports, functions, and the arrays or a word on them."""
    imports = ["import math"] if any("math." in source for source in listing.preamble) else []
    imports += ["from pathlib import Path"] if data == "npz" and arrays else []
    lines = [f'"""{title}"""', "", *imports, *([""] if imports else []), "import numpy as np", ""]
    for source in listing.preamble:
        lines += ["", source, ""]
    lines += [""] if listing.preamble else []
    if data == "npz" and arrays:
        lines += [f"arrays = np.load(Path(__file__).with_name({file!r}))"]
        lines += [commented(f'{name} = arrays["{name}"]', shape_text(value)) for name, value in arrays.items()]
    elif data == "inline":
        lines += [commented(f"{name} = {literal(value)}", shape_text(value)) for name, value in arrays.items()]
    else:
        lines += [f"# {name}: {_described(value)}" for name, value in arrays.items()]
    return [*lines, ""] if arrays else lines
