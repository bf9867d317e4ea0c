"""Modules that hold other modules or parameters: Sequential, ModuleList, ModuleDict, ParameterList."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

from gradgate._core import Tensor
from gradgate.nn.module import Module, indented
from gradgate.nn.parameter import Parameter
from gradgate.nn.registry import Kind

Numbered = TypeVar("Numbered", bound="_Numbered")


def _position(index: int, length: int) -> int:
    """`index` counted from the start. Raises IndexError out of range."""
    index = operator.index(index)
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of range for {length} items")
    return index % length


class _Numbered(Module):
    """Modules by number: what Sequential and ModuleList share."""

    def _names(self) -> list[str]:
        return [name for name, kind in self._registry.items() if kind is Kind.MODULE]

    def _replace_all(self, modules: Iterable[Module]) -> None:
        modules = list(modules)
        for i, module in enumerate(modules):
            self._require_module(str(i), module)
        for name in self._names():
            delattr(self, name)
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[Module]:
        return iter([self.__dict__[name] for name in self._names()])

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._names()[_position(index, len(self))], module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index if isinstance(index, slice) else _position(index, len(modules))]
        self._replace_all(modules)

    def append(self: Numbered, module: Module) -> Numbered:
        """Add a module at the end and return self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: Numbered, modules: Iterable[Module]) -> Numbered:
        """Add modules at the end and return self."""
        for module in list(modules):
            self.append(module)
        return self

    def __iadd__(self: Numbered, modules: Iterable[Module]) -> Numbered:
        return self.extend(modules)

    def _insert(self, index: int, module: Module) -> None:
        modules = list(self)
        modules.insert(index, module)
        self._replace_all(modules)

    def pop(self, index: int | slice = -1) -> Module:
        """Remove a module, or a container of the modules of a slice, and return it."""
        removed: Module = self[index]
        del self[index]
        return removed


class Sequential(_Numbered):
    """Modules called one after the other, each with the output of the one before it.

    Takes modules, or one dict of names and modules.

    >>> import gradgate
    >>> from gradgate import nn
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> net[0]
    Linear(in_features=4, out_features=8, bias=True)
    >>> len(net[1:]), tuple(net(gradgate.zeros(2, 4)).shape)
    (2, (2, 3))
    """

    @overload
    def __init__(self, *args: Module) -> None: ...
    @overload
    def __init__(self, arg: Mapping[str, Module], /) -> None: ...

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...

    def __getitem__(self, index: int | slice) -> Module:
        names = self._names()
        if isinstance(index, slice):
            return Sequential({name: self.__dict__[name] for name in names[index]})
        return self.__dict__[names[_position(index, len(names))]]  # type: ignore[no-any-return]

    def insert(self, index: int, module: Module) -> Sequential:
        """Add a module before position `index` and return self. Raises IndexError for one outside -len .. len."""
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Sequential.insert: index {index} is out of range for {len(self)} modules")
        self._insert(index, module)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"only a Sequential can be added to a Sequential, got {type(other).__name__}; use append")
        return Sequential(*self, *other)

    def __mul__(self, count: int) -> Sequential:
        """The modules `count` times over: the same modules, with the same parameters."""
        return Sequential(*self._repeated(count))

    __rmul__ = __mul__

    def __imul__(self, count: int) -> Sequential:
        return self.extend(self._repeated(count)[len(self) :])

    def _repeated(self, count: int) -> list[Module]:
        if not isinstance(count, int):
            raise TypeError(f"a Sequential can be multiplied by an int, got {type(count).__name__}")
        if count <= 0:
            raise ValueError(f"a Sequential can be multiplied by 1 or more, got {count}")
        return list(self) * count

    def forward(self, input: Any) -> Any:
        """Return the output of the last module."""
        members = self.__dict__
        for name, kind in self._registry.items():
            if kind is Kind.MODULE:
                input = members[name](input)
        return input


class ModuleList(_Numbered):
    """A list of modules, registered, without a forward of its own.

    >>> from gradgate import nn
    >>> ModuleList([nn.Linear(2, 2) for _ in range(3)])
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...

    def __getitem__(self, index: int | slice) -> Module:
        modules = list(self)
        if isinstance(index, slice):
            return ModuleList(modules[index])
        return modules[_position(index, len(modules))]

    def insert(self, index: int, module: Module) -> None:
        """Add a module before position `index`, as list.insert does."""
        self._insert(index, module)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """One line for a run of modules that print the same."""
        runs: list[tuple[int, int, str]] = []
        for i, text in enumerate(repr(module) for module in self):
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], i, text)
            else:
                runs.append((i, i, text))
        lines = [
            f"({first}): {indented(text)}"
            if first == last
            else f"({first}-{last}): {last - first + 1} x {indented(text)}"
            for first, last, text in runs
        ]
        return f"{self._get_name()}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"


class ModuleDict(Module):
    """A dict of modules, registered, in the order of insertion, without a forward of its own.

    >>> from gradgate import nn
    >>> heads = ModuleDict({"a": nn.Linear(2, 1), "b": nn.Identity()})
    >>> list(heads.keys()), "a" in heads
    (['a', 'b'], True)
    """

    def __init__(self, modules: Mapping[str, Module] | ModuleDict | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update({} if modules is None else modules)

    def _names(self) -> list[str]:
        return [name for name, kind in self._registry.items() if kind is Kind.MODULE]

    def __getitem__(self, key: str) -> Module:
        """Return the module under `key`. Raises KeyError if there is none."""
        if self._registry.get(key) is not Kind.MODULE:
            raise KeyError(key)
        return self.__dict__[key]  # type: ignore[no-any-return]

    def __setitem__(self, key: str, module: Module) -> None:
        """Register or replace the module under `key`. Raises KeyError for a key that is an attribute's name."""
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        """Remove the module under `key`. Raises KeyError if there is none."""
        self[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __contains__(self, key: object) -> bool:
        """Whether there is a module under `key`."""
        return key in self._names()

    def keys(self) -> list[str]:
        """Return the keys."""
        return self._names()

    def values(self) -> list[Module]:
        """Return the modules."""
        return [self.__dict__[name] for name in self._names()]

    def items(self) -> list[tuple[str, Module]]:
        """Return the keys and modules."""
        return [(name, self.__dict__[name]) for name in self._names()]

    def update(self, modules: Mapping[str, Module] | ModuleDict | Iterable[tuple[str, Module]]) -> None:
        """Register the modules under their keys, replacing those that are there."""
        for key, module in modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules:
            self[key] = module

    def pop(self, key: str) -> Module:
        """Remove the module under `key` and return it. Raises KeyError if there is none."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Remove all modules."""
        for name in self._names():
            delattr(self, name)


class ParameterList(Module):
    """A list of parameters, registered; plain tensors become Parameters.

    >>> import gradgate
    >>> weights = ParameterList([gradgate.zeros(2), gradgate.zeros(3)])
    >>> [tuple(w.shape) for w in weights.parameters()]
    [(2,), (3,)]
    """

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        super().__init__()
        self.extend(values or ())

    def __len__(self) -> int:
        return len(self._registry)

    def __iter__(self) -> Iterator[Parameter]:
        return iter([self.__dict__[name] for name in self._registry])

    @overload
    def __getitem__(self, index: slice) -> ParameterList: ...
    @overload
    def __getitem__(self, index: int) -> Parameter: ...

    def __getitem__(self, index: int | slice) -> Parameter | ParameterList:
        parameters = list(self)
        if isinstance(index, slice):
            return ParameterList(parameters[index])
        return parameters[_position(index, len(parameters))]

    def __setitem__(self, index: int, value: Tensor) -> None:
        setattr(self, str(_position(index, len(self))), _as_parameter(value))

    def append(self, value: Tensor) -> ParameterList:
        """Add a parameter at the end and return self."""
        self.register_parameter(str(len(self)), _as_parameter(value))
        return self

    def extend(self, values: Iterable[Tensor]) -> ParameterList:
        """Add parameters at the end and return self."""
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Tensor]) -> ParameterList:
        return self.extend(values)

    def extra_repr(self) -> str:
        """Return the dtypes and sizes."""
        sizes = ("x".join(map(str, p.shape)) for p in self)
        return "\n".join(
            f"  ({i}): Parameter containing: [{p.dtype} of size {size}]"
            for i, (p, size) in enumerate(zip(self, sizes, strict=True))
        )


def _as_parameter(value: Tensor) -> Parameter:
    return value if isinstance(value, Parameter) else Parameter(value)
