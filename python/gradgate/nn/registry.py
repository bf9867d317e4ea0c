"""Registry: the parameters, buffers and submodules of a module, by name.

An attribute lives in the instance's `__dict__` alone, where Python finds it without a detour through `__getattr__`;
the registry beside it records which names are parameters, buffers or modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, NoReturn

from gradgate._core import Tensor
from gradgate.nn.parameter import Buffer, Parameter


class Kind(Enum):
    """What a registered attribute is."""

    PARAMETER = "parameter"
    BUFFER = "buffer"
    TRANSIENT = "non-persistent buffer"
    MODULE = "module"


BUFFERS = (Kind.BUFFER, Kind.TRANSIENT)


class Registry:
    """Base of Module: registration by assignment and by name."""

    _registry: dict[str, Kind]

    def __setattr__(self, name: str, value: Any) -> None:
        """Register a Parameter, Buffer or Module; keep anything else as a plain attribute.

        Raises AttributeError before Module.__init__() was called, TypeError for a value that does not fit the name.
        """
        kind = _kind_of(value)
        registry = self.__dict__.get("_registry")
        if kind is not None:
            if registry is None:
                raise AttributeError(
                    f"cannot assign {kind.value} '{name}' before Module.__init__() call; "
                    f"call super().__init__() first in {type(self).__name__}.__init__"
                )
            if kind not in _REPLACED_BY.get(registry.get(name), (kind,)):
                self._refuse(name, value)
            registry[name] = kind
            self.__dict__[name] = value
        elif registry and name in registry:
            if value is not None and not (registry[name] in BUFFERS and isinstance(value, Tensor)):
                self._refuse(name, value)
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def _refuse(self, name: str, value: Any) -> NoReturn:
        kind = self._registry[name]
        raise TypeError(
            f"cannot assign a {type(value).__name__} as {kind.value} '{name}' of {type(self).__name__}; "
            f"use None or {_EXPECTED[kind]}, or delete the attribute first"
        )

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._registry.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        """Give a copy (`copy.copy`, pickle) a registry of its own, so that what it registers is not the original's."""
        state = dict(self.__dict__)
        if "_registry" in state:
            state["_registry"] = dict(state["_registry"])
        return state

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if name.isidentifier())

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None keeps its place without a value.

        Raises KeyError for a name that is empty, has a dot or belongs to an attribute that is no parameter, TypeError if
        `param` is not a Parameter.
        """
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign a {type(param).__name__} as parameter '{name}'; use gradgate.nn.Parameter or None"
            )
        self._register(name, param, Kind.PARAMETER)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a buffer, saved in the state dict if `persistent`; None keeps its place without a value.

        Raises KeyError for a name that is empty, has a dot or belongs to an attribute that is no buffer, TypeError if
        `tensor` is not a Tensor.

        >>> import gradgate
        >>> from gradgate.nn import Module
        >>> m = Module()
        >>> m.register_buffer("mean", gradgate.zeros(2))
        >>> list(m.state_dict())
        ['mean']
        """
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign a {type(tensor).__name__} as buffer '{name}'; use a Tensor or None")
        self._register(name, tensor, Kind.BUFFER if persistent else Kind.TRANSIENT)

    def register_module(self, name: str, module: Registry | None) -> None:
        """Another name of `add_module`."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Registry | None) -> None:
        """Add a submodule; None keeps its place without a value.

        Raises KeyError for a name that is empty, has a dot or belongs to an attribute that is no module, TypeError if
        `module` is not a Module.
        """
        if module is not None:
            self._require_module(name, module)
        self._register(name, module, Kind.MODULE)

    def _require_module(self, name: str, value: object) -> None:
        if not isinstance(value, Registry):
            raise TypeError(f"{type(value).__name__} is not a Module: cannot add it as submodule '{name}'")

    def _register(self, name: str, value: Any, kind: Kind) -> None:
        if "_registry" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind.value} '{name}' before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind.value} name should be a string, got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind.value} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind.value} name can\'t be empty string ""')
        taken = self._registry.get(name)
        if taken is not kind and not (taken in BUFFERS and kind in BUFFERS) and hasattr(self, name):
            kept = f" as a {taken.value}; delete it first, or give the {kind.value} another name" if taken else ""
            raise KeyError(f"attribute '{name}' already exists{kept}")
        self._registry[name] = kind
        self.__dict__[name] = value

    def _own(self, *kinds: Kind) -> Iterator[tuple[str, Any]]:
        """Yield this module's own registered attributes of these kinds, but None, in the order of registration."""
        members = self.__dict__
        for name, kind in list(self._registry.items()):
            if kind in kinds and members[name] is not None:
                yield name, members[name]


_EXPECTED = {
    Kind.PARAMETER: "a gradgate.nn.Parameter",
    Kind.BUFFER: "a Tensor",
    Kind.TRANSIENT: "a Tensor",
    Kind.MODULE: "a gradgate.nn.Module",
}

# The kinds that may take the place of another by assignment; a buffer gives way to all.
_REPLACED_BY: dict[Kind | None, tuple[Kind, ...]] = {
    Kind.PARAMETER: (Kind.PARAMETER,),
    Kind.MODULE: (Kind.PARAMETER, Kind.MODULE),
}


def _kind_of(value: Any) -> Kind | None:
    if isinstance(value, Parameter):
        return Kind.PARAMETER
    if isinstance(value, Registry):
        return Kind.MODULE
    if isinstance(value, Buffer):
        return Kind.BUFFER if value.persistent else Kind.TRANSIENT
    return None
