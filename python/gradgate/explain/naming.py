"""What the tensors of a graph are called: as the user says, as the module says, or as the caller's variables do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gradgate import _core
from gradgate._core import Tensor
from gradgate.nn import Module


def given_names(names: Mapping[str, Tensor] | None) -> dict[int, str]:
    """The user's names by the identity of the tensors. Raises TypeError and ValueError for what is no name of a tensor."""
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
    """The dotted names of a module's parameters and buffers by their identity. Raises TypeError for another object."""
    if model is None:
        return {}
    if not isinstance(model, Module):
        raise TypeError(f"explain: model must be a Module, got {type(model).__name__}; names= takes a dict of tensors")
    return {id(tensor): name for name, tensor in [*model.named_buffers(), *model.named_parameters()]}


def scope_names(scopes: Iterable[Mapping[str, Any]], wanted: set[int]) -> dict[int, str]:
    """The variables of the caller that are the very tensors wanted; the innermost scope that knows a tensor decides.

    A tensor that has two names there gets none, since nobody could say which is meant.
    """
    found: dict[int, str] = {}
    for scope in scopes:
        candidates: dict[int, list[str]] = {}
        for name, value in list(scope.items()):
            if id(value) in wanted and id(value) not in found and name.isidentifier() and not name.startswith("_"):
                candidates.setdefault(id(value), []).append(name)
        found |= {key: names[0] if len(names) == 1 else "" for key, names in candidates.items()}
    return {key: name for key, name in found.items() if name}


def given_inside(names: Mapping[str, Tensor] | None, gates: set[int]) -> dict[tuple[int, int], str]:
    """Those of the user's names that are outputs of the graph's gates, by the number of the gate and of the output."""
    found: dict[tuple[int, int], str] = {}
    for name, tensor in names.items() if isinstance(names, Mapping) else ():
        place = _core._made_by(tensor) if isinstance(tensor, Tensor) else None
        if place is not None and place[0] in gates:
            found[place] = name
    return found


def made_names(scopes: Iterable[Mapping[str, Any]]) -> dict[tuple[int, int], str]:
    """The caller's variables that gates made, by the number of the gate and of the output."""
    tensors = {id(value): value for scope in scopes for value in list(scope.values()) if isinstance(value, Tensor)}
    made = {key: place for key, tensor in tensors.items() if (place := _core._made_by(tensor)) is not None}
    found: dict[tuple[int, int], list[str]] = {}
    for key, name in scope_names(scopes, set(made)).items():
        found.setdefault(made[key], []).append(name)
    return {place: names[0] for place, names in found.items() if len(names) == 1}


class Names:
    """The names of the tensors that a graph starts from, each used once."""

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
        self.taken = set(taken)

    def of(self, tensor: Tensor | None) -> str | None:
        """The name of the user's own tensor, None if it has none."""
        return None if tensor is None else self._names.get(id(tensor))

    def owns(self, tensor: Tensor | None) -> bool:
        """Whether the tensor is one of the module's."""
        return tensor is not None and id(tensor) in self._of_module

    def group_of(self, tensor: Tensor | None) -> tuple[str, ...]:
        """The path of the module that owns the tensor; () for one at the top or of no module."""
        return () if tensor is None else tuple(self._of_module.get(id(tensor), "").split(".")[:-1])

    def fresh(self, kind: str, counts: dict[str, int]) -> str:
        """The next name of a kind, `mul_2`, that no tensor of the user has."""
        while True:
            counts[kind] = counts.get(kind, 0) + 1
            name = f"{kind}_{counts[kind]}"
            if name not in self.taken:
                return name
