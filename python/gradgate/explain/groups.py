"""The modules that gates belong to, by the dotted names of the parameters they use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

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


def _owner(gate: Gate) -> Path:
    """The innermost module that holds the parameters a gate uses; () if it uses none."""
    behind = [] if gate.kind == "copy" else [_variable_behind(edge) for edge in gate.inputs]
    return _common(variable.group for variable in behind if variable is not None and variable.group) or ()


def _last_known(last: Path, path: Path) -> Path:
    return path or last


def assign_groups(gates: Sequence[Gate], variables: Sequence[Variable]) -> None:
    """Gives every gate and unnamed constant the path of the module that it lies in.

    A gate that uses a module's parameters lies in this module; a gate without parameters in the innermost module of both
    the gate with parameters that ran before it and the one that ran after it, since a module runs from its first gate to
    its last. What ran before the first such gate or after the last lies in none. So a module is a stretch of the forward
    pass, and closing it leaves no wire that runs back.
    """
    owners = [_owner(gate) for gate in gates]
    earlier = list(accumulate(owners, _last_known))
    later = list(accumulate(reversed(owners), _last_known))[::-1]
    for gate, owner, before, after in zip(gates, owners, earlier, later, strict=True):
        gate.group = owner or _common([before, after]) or ()
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
