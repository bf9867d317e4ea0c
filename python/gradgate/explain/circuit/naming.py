"""Chooses the names of a graph's tensors: those the user gives, else those of the model, else those of the caller's variables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gradgate import _core
from gradgate._core import Tensor
from gradgate.nn import Module

# The sequence number of a gate, and the number of its output.
Place = tuple[int, int]


def given_names(names: Mapping[str, Tensor] | None) -> dict[int, str]:
    """The user's names by the identity of the tensors. Raises TypeError and ValueError if `names` does not map names to tensors."""
    found: dict[int, str] = {}
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(f'explain: names must be a dict like {{"W1": W1}}, got {type(names).__name__}')
    for name, tensor in (names or {}).items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise TypeError(f"explain: names must map strings to Tensors, got {name!r}: {type(tensor).__name__}")
        if not name.strip():
            raise ValueError("explain: a name must have a letter in it")
        if id(tensor) in found:
            raise ValueError(f"explain: names gives one tensor two names, {found[id(tensor)]!r} and {name!r}")
        found[id(tensor)] = name
    return found


def module_names(model: Module | None) -> dict[int, str]:
    """The dotted names of a module's parameters and buffers by their identity. Raises TypeError for any other object."""
    if model is None:
        return {}
    if not isinstance(model, Module):
        raise TypeError(f"explain: model must be a Module, got {type(model).__name__}; names= takes a dict of tensors")
    return {id(tensor): name for name, tensor in [*model.named_buffers(), *model.named_parameters()]}


def scope_names(scopes: Iterable[Mapping[str, Any]], wanted: Collection[int]) -> dict[int, str]:
    """The names of the caller's variables that hold the wanted tensors, from the innermost scope that holds each.

    A tensor that two variables of a scope hold gets no name, since either could be meant.
    """
    found: dict[int, str] = {}
    for scope in scopes:
        candidates: dict[int, list[str]] = {}
        for name, value in list(scope.items()):
            if id(value) in wanted and id(value) not in found and name.isidentifier() and not name.startswith("_"):
                candidates.setdefault(id(value), []).append(name)
        found |= {key: names[0] if len(names) == 1 else "" for key, names in candidates.items()}
    return {key: name for key, name in found.items() if name}


def given_to_gates(names: Mapping[str, Tensor] | None, gates: Collection[int]) -> dict[Place, str]:
    """Those of the user's names that stand for outputs of the graph's gates, which have these sequence numbers."""
    found: dict[Place, str] = {}
    for name, tensor in names.items() if isinstance(names, Mapping) else ():
        place = _core._made_by(tensor) if isinstance(tensor, Tensor) else None
        if place is not None and place[0] in gates:
            found[place] = name
    return found


def output_names(
    scopes: Iterable[Mapping[str, Any]], given: Mapping[Place, str], gates: Collection[int]
) -> dict[Place, str]:
    """The names of the outputs of the graph's gates: the `given` ones, and those of the caller's variables, each used once."""
    scopes = list(scopes)
    tensors = {id(value): value for scope in scopes for value in list(scope.values()) if isinstance(value, Tensor)}
    places = {key: _core._made_by(tensor) for key, tensor in tensors.items()}
    made = {key: place for key, place in places.items() if place is not None and place[0] in gates}
    found: dict[Place, list[str]] = {}
    for key, name in scope_names(scopes, made).items():
        found.setdefault(made[key], []).append(name)
    names = dict(given)
    used = set(given.values())
    for place, candidates in found.items():
        if place not in names and len(candidates) == 1 and candidates[0] not in used:
            names[place] = candidates[0]
            used.add(candidates[0])
    return names


class Names:
    """The names of the tensors that a graph starts from, each used once.

    Raises TypeError and ValueError if `names` has anything but leaves and constants of the graph under names of their own.
    """

    def __init__(
        self,
        leaves: Iterable[Tensor],
        names: Mapping[str, Tensor] | None,
        model: Module | None,
        scopes: Iterable[Mapping[str, Any]],
    ) -> None:
        self._of_module = module_names(model)
        wanted = {id(leaf) for leaf in leaves}
        given = given_names(names)
        for key, name in given.items():
            if key not in wanted:
                raise ValueError(
                    f"explain: names has {name!r}, which the loss was not computed from; a name is for a leaf or a constant "
                    "of the graph, the very object that was used"
                )
        self._names = self._of_module | given
        taken: dict[str, int] = {}
        for key in wanted & self._names.keys():
            if taken.setdefault(self._names[key], key) != key:
                raise ValueError(f"explain: two tensors would be called {self._names[key]!r}; choose another name")
        for key, name in scope_names(scopes, wanted - self._names.keys()).items():
            if name not in taken:
                self._names[key] = name
                taken[name] = key
        self._taken = set(taken)

    def reserve(self, names: Iterable[str]) -> None:
        """Keep these names from being given by `fresh`."""
        self._taken.update(names)

    def of(self, tensor: Tensor | None) -> str | None:
        """The name of the user's own tensor, None if it has none."""
        return None if tensor is None else self._names.get(id(tensor))

    def owns(self, tensor: Tensor | None) -> bool:
        """True if the tensor is a parameter or buffer of the model."""
        return tensor is not None and id(tensor) in self._of_module

    def group_of(self, tensor: Tensor | None) -> tuple[str, ...]:
        """The path of the module that owns the tensor; () for a tensor of the model itself or of no module."""
        return () if tensor is None else tuple(self._of_module.get(id(tensor), "").split(".")[:-1])

    def fresh(self, kind: str, counts: dict[str, int]) -> str:
        """The next name of a kind, such as `mul_2`, that no tensor of the user has."""
        while True:
            counts[kind] = counts.get(kind, 0) + 1
            name = f"{kind}_{counts[kind]}"
            if name not in self._taken:
                return name
