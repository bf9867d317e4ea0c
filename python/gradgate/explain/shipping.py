"""What a network is as a function: which tensors are its arguments, where it ends, and the gates between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradgate.explain.gate import Edge, Gate, Variable
from gradgate.nn import Buffer, Parameter

if TYPE_CHECKING:
    from gradgate.explain.flow import Flow


@dataclass(frozen=True)
class Shipped:
    """A function: arguments, gates in forward order, and the gate and number of what it returns."""

    arguments: list[Variable]
    gates: list[Gate]
    output: tuple[Gate | Variable, int]


def shipped(flow: Flow, inputs: Sequence[str] | None, output: str | None) -> Shipped:
    """The function that `Flow.code(forward_only=True)` documents."""
    weights = _weights(flow)
    free = [v for v in flow.variables if v not in weights and v.named]
    arguments = free if inputs is None else [_argument(flow, name) for name in _checked(inputs)]
    if not arguments:
        raise ValueError(
            "code: no tensor is known to be an input of the network. Name it, explain(loss, model, names={'x': x}); if the network "
            "changes it before the first parameter is used, record that, too, with x.requires_grad_(). The loss was computed "
            f"from {', '.join(v.name for v in flow.variables)}"
        )
    if inputs is None:
        _check_fixed([v for v in flow.variables if v not in weights and not v.named])
    end = (
        _named_end(flow, output)
        if output is not None
        else _end(flow, arguments, [v for v in free if v not in arguments])
    )
    gates = _below(flow, end[0])
    unused = [v.name for v in arguments if v is not end[0] and not any(e.target in gates for e in v.outputs)]
    if unused:
        raise ValueError(f"code: {end[0].name} is not computed from {', '.join(unused)}; give inputs= without it")
    return Shipped(arguments, gates, end)


def _checked(inputs: Sequence[str]) -> Sequence[str]:
    if isinstance(inputs, str) or not all(isinstance(name, str) for name in inputs):
        raise TypeError(f'code: inputs must be a list of names such as ["x"], got {inputs!r}')
    return inputs


def _argument(flow: Flow, name: str) -> Variable:
    try:
        found = flow[name]
    except KeyError as error:
        hint = f"record what the network does before its first parameter, too, with {name}.requires_grad_()"
        raise KeyError(f"code: {error.args[0]}; {hint}") from None
    if not isinstance(found, Variable):
        raise ValueError(f"code: {name!r} is a gate; inputs= names the tensors that the loss was computed from")
    return found


def _weights(flow: Flow) -> set[Variable]:
    """What belongs to the network; without any Parameter, the tensors that want a gradient."""
    owned = {v for v in flow.variables if v.owned or isinstance(v.tensor, (Parameter, Buffer))}
    return owned or {v for v in flow.variables if v.kind == "leaf"}


def _check_fixed(constants: Sequence[Variable]) -> None:
    """Arrays without a name may have been computed from the inputs off the graph: masks, positions."""
    arrays = [v for v in constants if v.value.numel() != 1]
    if arrays:
        names = ", ".join(repr(v) for v in arrays)
        raise ValueError(
            f"code: {names}: no module's and no variable's, perhaps computed from the inputs off the graph. Name them to make "
            'them arguments, explain(loss, model, names={"mask": mask}), or list the arguments, inputs=["x"], to keep them as '
            "they are"
        )


def _above(items: Sequence[Variable]) -> set[Gate]:
    """Every gate that is computed from the variables."""
    found: set[Gate] = set()
    edges = [e for item in items for e in item.outputs]
    while edges:
        gate = edges.pop().target
        if gate not in found:
            found.add(gate)
            edges += gate.outputs
    return found


def _below(flow: Flow, end: Gate | Variable) -> list[Gate]:
    """Every gate that the end is computed by, in forward order."""
    found: set[Gate] = set()
    stack: list[Gate | Variable] = [end]
    while stack:
        item = stack.pop()
        if isinstance(item, Gate) and item not in found:
            found.add(item)
            stack += [e.source for e in item.inputs]
    return [gate for gate in flow.gates if gate in found]


def _through_copies(edges: Sequence[Edge]) -> Iterator[Edge]:
    for edge in edges:
        if edge.target.kind == "copy":
            yield from _through_copies(edge.target.outputs)
        else:
            yield edge


def _end(flow: Flow, arguments: Sequence[Variable], others: Sequence[Variable]) -> tuple[Gate | Variable, int]:
    """The last value that the arguments and the weights determine, without the other tensors of the user."""
    inside = {gate for gate in _above(arguments) - _above(others) if gate.kind != "copy"}
    ends = [
        gate
        for gate in flow.gates
        if gate in inside and not any(e.target in inside for e in _through_copies(gate.outputs))
    ]
    if len(ends) == 1 and len(ends[0].values) == 1:
        return ends[0], 0
    names = ", ".join(gate.name for gate in ends)
    raise ValueError(
        f"code: {'nothing is' if not ends else names + ' are'} computed from {', '.join(v.name for v in arguments)} alone; say "
        "which value the function returns, output=..., by the name of a gate or of your variable"
    )


def _named_end(flow: Flow, output: str) -> tuple[Gate | Variable, int]:
    """The value of this name: of the user's variable, or of a gate with one output."""
    if output == flow.name and flow.gates:
        return flow.root, 0
    for gate in flow.gates:
        if output in gate.called:
            return gate, gate.called.index(output)
    item = flow[output]
    if isinstance(item, Gate) and len(item.values) > 1:
        raise ValueError(f"code: {output!r} has {len(item.values)} outputs; give one of them a name as a variable")
    return item, 0
