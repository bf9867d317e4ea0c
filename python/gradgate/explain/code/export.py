"""Finds the function to export in a circuit: its arguments, its output, and the gates between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradgate.explain.circuit import Circuit, Edge, Gate, Variable
from gradgate.nn import Buffer, Parameter


@dataclass(frozen=True)
class Function:
    """A function: its arguments, its gates in forward order, and the value that it returns, as a gate and the number of its output."""

    arguments: list[Variable]
    gates: list[Gate]
    output: tuple[Gate | Variable, int]


def function_of(circuit: Circuit, inputs: Sequence[str] | None, output: str | None) -> Function:
    """The function that `Flow.code(forward_only=True)` documents."""
    weights = _weights(circuit)
    free = [v for v in circuit.variables if v not in weights and v.named]
    arguments = free if inputs is None else [_argument(circuit, name) for name in _checked(inputs)]
    if not arguments:
        raise ValueError(
            "code: no tensor is known to be an input of the network. Name it with explain(loss, model, names={'x': x}). If the network "
            "changes it before it uses the first parameter, call x.requires_grad_() so that those gates are recorded. The loss was "
            f"computed from {', '.join(v.name for v in circuit.variables)}"
        )
    if inputs is None:
        _check_fixed([v for v in circuit.variables if v not in weights and not v.named])
    end = (
        _named_end(circuit, output)
        if output is not None
        else _end(circuit, arguments, [v for v in free if v not in arguments])
    )
    gates = _below(circuit, end[0])
    unused = [v.name for v in arguments if v is not end[0] and not any(e.target in gates for e in v.outputs)]
    if unused:
        raise ValueError(f"code: {end[0].name} is not computed from {', '.join(unused)}; give inputs= without it")
    return Function(arguments, gates, end)


def _checked(inputs: Sequence[str]) -> Sequence[str]:
    if isinstance(inputs, str) or not all(isinstance(name, str) for name in inputs):
        raise TypeError(f'code: inputs must be a list of names such as ["x"], got {inputs!r}')
    return inputs


def _argument(circuit: Circuit, name: str) -> Variable:
    try:
        found = circuit[name]
    except KeyError as error:
        hint = f"if the network changes it before it uses the first parameter, call {name}.requires_grad_() first"
        raise KeyError(f"code: {error.args[0]}; {hint}") from None
    if not isinstance(found, Variable):
        raise ValueError(f"code: {name!r} is a gate; inputs= names the tensors that the loss was computed from")
    return found


def _weights(circuit: Circuit) -> set[Variable]:
    """The network's own tensors: parameters and buffers, or if there are none, the tensors that require a gradient."""
    owned = {v for v in circuit.variables if v.owned or isinstance(v.tensor, (Parameter, Buffer))}
    return owned or {v for v in circuit.variables if v.kind == "leaf"}


def _check_fixed(constants: Sequence[Variable]) -> None:
    """Raise ValueError for arrays without a name: masks or positions that may have been computed from the inputs off the graph."""
    arrays = [v for v in constants if v.value.numel() != 1]
    if arrays:
        names = ", ".join(repr(v) for v in arrays)
        raise ValueError(
            f"code: these arrays have no name and belong to no module, and may have been computed from the inputs: {names}. To make "
            'them arguments, name them: explain(loss, model, names={"mask": mask}). To write them into the code as they are, list the '
            'arguments: inputs=["x"]'
        )


def _above(items: Sequence[Variable]) -> set[Gate]:
    """Every gate that depends on one of the variables."""
    found: set[Gate] = set()
    edges = [e for item in items for e in item.outputs]
    while edges:
        gate = edges.pop().target
        if gate not in found:
            found.add(gate)
            edges += gate.outputs
    return found


def _below(circuit: Circuit, end: Gate | Variable) -> list[Gate]:
    """Every gate that the end depends on, with itself, in forward order."""
    found: set[Gate] = set()
    stack: list[Gate | Variable] = [end]
    while stack:
        item = stack.pop()
        if isinstance(item, Gate) and item not in found:
            found.add(item)
            stack += [e.source for e in item.inputs]
    return [gate for gate in circuit.gates if gate in found]


def _through_copies(edges: Sequence[Edge]) -> Iterator[Edge]:
    for edge in edges:
        if edge.target.kind == "copy":
            yield from _through_copies(edge.target.outputs)
        else:
            yield edge


def _end(circuit: Circuit, arguments: Sequence[Variable], others: Sequence[Variable]) -> tuple[Gate | Variable, int]:
    """The last value that depends on the arguments and not on the user's other tensors."""
    inside = {gate for gate in _above(arguments) - _above(others) if gate.kind != "copy"}
    ends = [
        gate
        for gate in circuit.gates
        if gate in inside and not any(e.target in inside for e in _through_copies(gate.outputs))
    ]
    if len(ends) == 1 and len(ends[0].values) == 1:
        return ends[0], 0
    names = ", ".join(gate.name for gate in ends)
    raise ValueError(
        f"code: {'nothing is' if not ends else names + ' are'} computed from {', '.join(v.name for v in arguments)} alone; set "
        "output= to the name of the gate or of your variable that the function returns"
    )


def _named_end(circuit: Circuit, output: str) -> tuple[Gate | Variable, int]:
    """The value with this name: the user's own name, or that of a gate with one output."""
    if output == circuit.name and circuit.gates:
        return circuit.root, 0
    for gate in circuit.gates:
        if output in gate.called:
            return gate, gate.called.index(output)
    item = circuit[output]
    if isinstance(item, Gate) and len(item.values) > 1:
        raise ValueError(
            f"code: {output!r} has {len(item.values)} outputs; assign one of them to a variable and give its name"
        )
    return item, 0
