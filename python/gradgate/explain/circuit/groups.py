"""Assigns gates to the modules of the model, by the dotted names of the parameters that they use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from gradgate.explain.circuit.gate import Gate, Variable

Path = tuple[str, ...]


def _common(paths: Iterable[Path | None]) -> Path | None:
    """The longest common beginning of the known paths; None if no path is known."""
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


def _owner(gate: Gate) -> Path:
    """The innermost module that holds all the parameters a gate uses; () if it uses none."""
    sources = [] if gate.kind == "copy" else [edge.producer[0] for edge in gate.inputs]
    return _common(source.group for source in sources if isinstance(source, Variable) and source.group) or ()


def _last_known(last: Path, path: Path) -> Path:
    return path or last


def assign_groups(gates: Sequence[Gate], variables: Sequence[Variable]) -> None:
    """Set the group of every gate and unnamed constant: the path of the module that it belongs to.

    A gate that uses parameters of a module belongs to that module. A gate without parameters belongs to the innermost module that
    holds both the nearest gate with parameters before it and the nearest one after it, since a module runs from its first gate to its
    last. Gates before the first gate with parameters or after the last belong to no module. So each module is one stretch of the
    forward pass, and closing it in the picture leaves no wire that runs back.
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
    """Remove groups that hold one item: a closed box would say less than the item itself."""
    members: dict[Path, int] = {}
    items: list[Gate | Variable] = [*gates, *variables]
    for item in items:
        for depth in range(1, len(item.group) + 1):
            members[item.group[:depth]] = members.get(item.group[:depth], 0) + 1
    for item in items:
        while item.group and members[item.group] < 2:
            item.group = item.group[:-1]


def group_names(items: Iterable[Gate | Variable]) -> list[str]:
    """The dotted names of all groups, outer groups before those inside them."""
    paths = dict.fromkeys(item.group[:d] for item in items for d in range(1, len(item.group) + 1))
    return [".".join(path) for path in sorted(paths, key=len)]
