"""Writes the forward and the backward pass of a circuit as straight-line NumPy, one line for each gate."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from gradgate._core import Tensor, float64
from gradgate.explain.circuit import Circuit, Edge, Gate, Variable
from gradgate.explain.circuit.constants import use_of
from gradgate.explain.circuit.formula import filled
from gradgate.explain.code.identifiers import Identifiers
from gradgate.explain.code.literals import number_in_place
from gradgate.explain.summary import array_of, shape_text

# A variable or gate, with the number of its output; constants of a gate have the numbers -1, -2 and so on.
Value = tuple[Gate | Variable, int]

_CALL_OR_NAME = re.compile(r"[\w.]+(\([^()]*\))?")
_IN_PARENTHESES = re.compile(r"\((-?[\w.]+)\)")
# A method call on the upstream gradient, or on an expression in parentheses that contains it.
_CALLS_METHOD = re.compile(r"\{dy\}([^()]*\))?\.\w")
# A division by the number 0, which is an error for a Python float and infinity or NaN for NumPy.
_DIVIDES_BY_ZERO = re.compile(r"/ \(?-?0(\.0)?(?![\w.])")
# Names that the code itself uses; the last two are parameters of `np.savez`, which therefore takes no arrays of these names.
_RESERVED = {"np", "math", "Path", "arrays", "forward", "file", "allow_pickle"}
# Comments start in this column, or after a longer line of code.
_COMMENT_COLUMN = 56


class Listing:
    """The lines of code for gates of a circuit. Each line is run as it is written, to see which type and shape NumPy gives it.

    `arguments` are the variables that stay names even if they are constant numbers. Raises RuntimeError for a gate that NumPy cannot
    express.
    """

    def __init__(self, circuit: Circuit, gates: Sequence[Gate], arguments: Collection[Variable] = ()) -> None:
        self.circuit = circuit
        self.gates = [gate for gate in gates if gate.kind != "copy"]
        own = Variable(circuit.name, circuit.loss, circuit.loss, named=True)  # the root if the loss is a leaf
        self.root = circuit.root if circuit.gates else own
        self.preamble = list(dict.fromkeys(source for gate in self.gates for source in gate.preamble))
        self._check()
        functions = [source.removeprefix("def ").partition("(")[0] for source in self.preamble]
        self._identifiers = Identifiers({*_RESERVED, *functions})
        self._scope: dict[str, Any] = {"np": np, "math": math}
        for source in self.preamble:
            exec(source, self._scope)
        self._temporaries: dict[Gate, dict[str, str]] = {gate: {} for gate in self.gates}  # names by expression
        self.names: dict[Value, str] = {}
        inline = {v: number_in_place(v) for v in circuit.variables if v not in arguments}
        self._numbers: dict[Gate | Variable, str] = {v: text for v, text in inline.items() if text}
        # The user's own names come first, so that they stay unchanged.
        for variable in sorted(circuit.variables if circuit.gates else [own], key=lambda v: not v.named):
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
        gates = [gate for gate in self.circuit.gates if gate.kind != "copy"]
        outputs = [(gate, k) for gate in gates for k in range(len(gate.values))]
        called = {value: value[0].called[value[1]] for value in outputs}
        if isinstance(self.root, Gate):
            called[self.root, 0] = self.circuit.name
        for gate, k in sorted(outputs, key=lambda value: called[value] is None):
            own = f"{gate.name}_{k}" if len(gate.values) > 1 else gate.name
            self.names[gate, k] = self._identifiers.fresh(called[gate, k] or own)

    def evaluated(self, expression: str) -> Any:
        """The value of an expression in the scope of the lines so far."""
        with np.errstate(all="ignore"):
            return eval(expression, self._scope)

    def assign(self, name: str, expression: str) -> str:
        """An assignment as a line of code; it is run, too."""
        self._scope[name] = self.evaluated(expression)
        return f"{name} = {expression}"

    def fitted(self, expression: str, like: Tensor) -> str:
        """The expression, converted to the type and shape of a tensor if its own are different."""
        given, dtype = self.evaluated(expression), array_of(like).dtype
        value = np.asarray(given)
        if like.ndim == 0 and type(given) in (bool, int, float):
            # A Python number has no methods, and a division by 0 is an error. Multiples of the seed 1.0 may stay Python numbers.
            is_literal = set(compile(expression, "<line>", "eval").co_names) <= {"np", "inf", "nan"}
            number = _IN_PARENTHESES.sub(r"\1", expression)
            return f"np.{dtype.name}({number})" if is_literal or value.dtype != dtype else expression
        if value.shape != tuple(like.shape):
            expression = f"np.broadcast_to({expression}, {tuple(like.shape)})"
        if value.dtype != dtype:
            whole = expression if _CALL_OR_NAME.fullmatch(expression) else f"({expression})"
            expression = f"{whole}.astype(np.{dtype.name})"
        return expression

    def placeholders(self, gate: Gate) -> dict[str, str]:
        """The text for each placeholder of a gate's formulas."""
        names = {
            str(edge.position): self._numbers.get(edge.source) or self.names[edge.producer] for edge in gate.inputs
        }
        for k in range(len(gate.values)):
            names[f"y{k or ''}"] = self.names[gate, k]
            names[f"dy{k or ''}"] = f"grad_{self.names[gate, k]}"
        for k, constant in enumerate(gate.constants):
            if (gate, -1 - k) not in self.names:
                self._add((gate, -1 - k), f"{gate.name}_{use_of(gate.kind, -1, constant)}", constant)
            names[f"c{k}"] = self.names[gate, -1 - k]
        return names

    def lines(self, gate: Gate, template: Sequence[str], names: dict[str, str]) -> Iterator[str]:
        """The lines that define the parts of a template's last line; a part that has a name already is not computed again."""
        known = self._temporaries[gate]
        for line in template[:-1]:
            key, _, expression = line.partition(" = ")
            expression = self.expression(gate, expression, names)
            if expression not in known:
                known[expression] = self._identifiers.temporary()
                yield self.assign(known[expression], expression)
            names[key.strip("{}")] = known[expression]

    def expression(self, gate: Gate, template: str, names: dict[str, str]) -> str:
        """A formula of the gate with its placeholders filled in, and with names for the parts in parentheses that have one."""
        expression = filled(template, names)
        for part, name in self._temporaries[gate].items():
            expression = expression.replace(f"({part})", f"({name})")
            expression = re.sub(rf"(?<![\w\])])\({name}\)", name, expression)  # the parentheses of a call stay
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
        """The backward pass, in the reverse order of the gates."""
        known: set[str] = set()
        yield commented(self._seed(known), shape_text(self.circuit.loss))
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
        """The first line: the gradient of the loss by itself is 1."""
        name, loss = self.names[self.root, 0], self.circuit.loss
        known.add(f"grad_{name}")
        edges = [edge for gate in self.gates for edge in gate.inputs if edge.downstream is not None]
        is_float = loss.ndim == 0 and all(_defined(edge.downstream).dtype == float64 for edge in edges)
        is_float = is_float and all(map(self._takes_python_float, edges))
        return self.assign(f"grad_{name}", "1.0" if is_float else f"np.ones_like({name})")

    def _takes_python_float(self, edge: Edge) -> bool:
        """True if the rule of an edge gives the same for a Python float as upstream gradient as for a float64."""
        if any(value is not None and value.ndim > 0 for value in edge.target.values):
            return True  # the upstream gradient is an array
        names = self.placeholders(edge.target)
        return not any(
            _CALLS_METHOD.search(line) or _DIVIDES_BY_ZERO.search(filled(line, names)) for line in edge.template or ()
        )

    def _edge(self, edge: Edge, names: dict[str, str], known: set[str]) -> Iterator[str]:
        """The gradient that goes back along one edge, added to the gradients from other edges."""
        template = edge.template or ()
        yield from self.lines(edge.target, template, names)
        downstream = _defined(edge.downstream)
        expression = self.fitted(self.expression(edge.target, template[-1], names), downstream)
        name = f"grad_{self.names[edge.producer]}"
        if name in known:
            minus = expression.startswith("-")
            expression = f"{name} {'-' if minus else '+'} {expression.removeprefix('-')}"
        known.add(name)
        yield commented(self.assign(name, expression), shape_text(downstream))

    def arrays(self, lines: Iterable[str]) -> dict[str, Tensor]:
        """The arrays that the lines read: variables, and constants of gates, by name."""
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
    """A line followed by comments; the shape of a scalar is left out."""
    comment = ", ".join(comment for comment in comments if comment.strip("()"))
    return f"{line.ljust(_COMMENT_COLUMN)}  # {comment}" if comment else line
