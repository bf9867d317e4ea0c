"""The gates and variables of a loss as one object, in which they are found by name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from gradgate._core import Tensor
from gradgate.explain.circuit.gate import Edge, Gate, Variable
from gradgate.explain.circuit.groups import group_names


class Circuit:
    """A loss and the gates that computed it.

    `gates` are in forward order, copy gates among them. `variables` are the tensors that the graph starts from; `items` are both.
    `loss` is the value that was explained, and `name` its name. `groups` are the dotted names of the modules that the picture can open
    and close. `circuit["mul_2"]`, `circuit["W1"]` and `circuit["fc1.weight"]` give a gate or variable by its name; a gate is also found
    by the name of the program's own variable that holds its output.
    """

    def __init__(
        self, gates: list[Gate], variables: list[Variable], loss: Tensor, name: str, modules: Mapping[str, str]
    ) -> None:
        self.gates = tuple(gates)
        self.variables = tuple(variables)
        self.loss = loss
        self.name = name
        self.modules = dict(modules)
        self.groups = tuple(group_names([*variables, *gates]))
        self.items: tuple[Gate | Variable, ...] = (*self.variables, *self.gates)
        self._by_name = {item.name: item for item in self.items}
        for gate in self.gates:
            # The loss is the output of the only gate that nothing follows.
            for called in gate.called if gate.outputs else (self.name, *gate.called):
                if called is not None:
                    self._by_name.setdefault(called, gate)

    def __len__(self) -> int:
        return len(self.gates)

    def __iter__(self) -> Iterator[Gate]:
        return iter(self.gates)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Gate | Variable:
        """The gate or variable of this name. Raises KeyError, which suggests the nearest names."""
        if name not in self._by_name:
            raise KeyError(self._unknown(name, self._by_name))
        return self._by_name[name]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge, in forward order of the gates they lead to."""
        return tuple(edge for gate in self.gates for edge in gate.inputs)

    @property
    def root(self) -> Gate:
        """The gate whose output is the loss; in a part of a circuit, its last gate."""
        return self.gates[-1]

    def near(self, name: str, radius: int) -> tuple[list[Gate], list[Variable]]:
        """The gates at most `radius` edges away from a gate, variable or module, in forward order, with all their variables.

        Raises KeyError for an unknown name.
        """
        if name not in self._by_name and name not in self.groups:
            raise KeyError(self._unknown(name, [*self._by_name, *self.groups]))
        if name in self._by_name:
            near: set[Gate | Variable] = {self._by_name[name]}
        else:
            path = tuple(name.split("."))
            near = {item for item in self.items if item.group[: len(path)] == path}
        border = near
        for _ in range(radius):
            border = {other for item in border for other in _neighbours(item)} - near
            near = near | border
        # A gate can only be read beside all of its variables.
        near |= {
            e.source for item in near if isinstance(item, Gate) for e in item.inputs if isinstance(e.source, Variable)
        }
        return [gate for gate in self.gates if gate in near], [v for v in self.variables if v in near]

    def _unknown(self, name: object, known: Collection[str]) -> str:
        similar = difflib.get_close_matches(str(name), known, 3)
        if similar:
            return f"no gate or variable is called {name!r}; did you mean {' or '.join(map(repr, similar))}?"
        shown = ", ".join(list(known)[:8])
        return f"no gate or variable is called {name!r}; there are {shown}{' ...' if len(known) > 8 else ''}"


def _neighbours(item: Gate | Variable) -> Iterator[Gate | Variable]:
    if isinstance(item, Gate):
        yield from (edge.source for edge in item.inputs)
    yield from (edge.target for edge in item.outputs)
