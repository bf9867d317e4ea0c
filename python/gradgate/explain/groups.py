"""The modules that gates belong to, by the dotted names of the parameters they use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradgate.explain.gate import Edge, Gate, Variable

Path = tuple[str, ...]


def _common(paths: Iterable[Path | None]) -> Path | None:
    """The longest common beginning of the paths that are known, None if none is."""
    result: Path | None = None
    for path in paths:
        if path is None:
            continue
        if result is None:
            result = path
        else:
            same = [a == b for a, b in zip(result, path, strict=False)]
            result = result[: same.index(False) if False in same else len(same)]
    return result


def _variable_behind(edge: Edge) -> Variable | None:
    """The variable that comes in along an edge, directly or through copy gates."""
    source = edge.source
    while isinstance(source, Gate) and source.kind == "copy":
        source = source.inputs[0].source
    return source if isinstance(source, Variable) else None


def assign_groups(gates: Sequence[Gate], variables: Sequence[Variable]) -> None:
    """Gives every gate and unnamed constant the path of the module that it lies in.

    A gate that uses a module's parameters lies in this module; a gate without parameters in the innermost module that holds
    both what it was computed from and what uses it. What comes before the first parameter or after the last lies in none.
    """
    owned: dict[Gate, Path] = {}
    before: dict[Gate, Path | None] = {}
    after: dict[Gate, Path | None] = {}
    for gate in gates:
        behind = [variable for edge in gate.inputs if (variable := _variable_behind(edge)) is not None]
        path = _common(v.group for v in behind if v.group) if gate.kind != "copy" else None
        if path:
            owned[gate] = path
        sources = [e.source for e in gate.inputs]
        before[gate] = owned.get(gate) or _common(
            before[s] if isinstance(s, Gate) else s.group or None for s in sources
        )
    for gate in reversed(gates):
        after[gate] = owned.get(gate) or _common(after[edge.target] for edge in gate.outputs)
    for gate in gates:
        path = owned.get(gate)
        if path is None and before[gate] is not None and after[gate] is not None:
            path = _common([before[gate], after[gate]])
        gate.group = path or ()
    for variable in variables:
        if not variable.group and not variable.named:
            variable.group = _common(edge.target.group for edge in variable.outputs) or ()
    _drop_small(gates, variables)


def _drop_small(gates: Sequence[Gate], variables: Sequence[Variable]) -> None:
    """Takes out of the paths what holds a single gate and nothing else: a box in its place would say less."""
    members: dict[Path, int] = {}
    items: list[Gate | Variable] = [*gates, *variables]
    for item in items:
        for depth in range(1, len(item.group) + 1):
            members[item.group[:depth]] = members.get(item.group[:depth], 0) + 1
    for item in items:
        while item.group and members[item.group] < 2:
            item.group = item.group[:-1]


def group_names(items: Iterable[Gate | Variable]) -> list[str]:
    """The dotted names of all groups, outer ones before those inside."""
    paths = dict.fromkeys(item.group[:d] for item in items for d in range(1, len(item.group) + 1))
    return [".".join(path) for path in sorted(paths, key=len)]
