"""Stateful: the state of a module as a dict of tensors, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from gradgate._core import Tensor
from gradgate.autograd.grad_mode import no_grad
from gradgate.nn.registry import Kind, Registry

# The last part of the key under which a module's extra state is saved.
_EXTRA_STATE = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """The keys that `load_state_dict` did not find in the state dict, and those that the module does not have."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        """PyTorch's words when all keys matched."""
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Stateful(Registry):
    """Base of Module: saves and loads parameters, persistent buffers and extra state."""

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return the parameters and persistent buffers by dotted name, sharing the module's memory.

        They are detached from the graph unless `keep_vars`. A shared parameter appears under each of its names. What a
        module's `get_extra_state` gives appears under the key `_extra_state` behind the module's name. A `destination`
        is filled and returned.

        >>> from gradgate import nn
        >>> list(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).state_dict())
        ['0.weight', '0.bias', '2.weight', '2.bias']
        """
        state: dict[str, Any] = {} if destination is None else destination
        self._save_to_state_dict(state, prefix, keep_vars)
        for name, child in self._own(Kind.MODULE):
            child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy the tensors of `state_dict` into the module's, converting dtypes.

        Returns the missing and the unexpected keys. Raises RuntimeError that lists every difference in keys (if
        `strict`) and shapes; then nothing was changed. A module with a method `set_extra_state` gets the extra state
        that was saved for it, after its own tensors.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"expected state_dict to be dict-like, got {type(state_dict).__name__}")
        missing: list[str] = []
        unexpected: list[str] = []
        problems = _Problems()
        _load(self, dict(state_dict), "", missing, unexpected, problems)
        messages = list(problems)
        if strict and unexpected:
            messages.insert(0, "Unexpected key(s) in state_dict: " + ", ".join(f'"{key}"' for key in unexpected) + ".")
        if strict and missing:
            messages.insert(0, "Missing key(s) in state_dict: " + ", ".join(f'"{key}"' for key in missing) + ".")
        if messages:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(messages))
        for change in problems.changes_without:
            change()
        return IncompatibleKeys(missing, unexpected)

    def get_extra_state(self) -> Any:
        """Return what `state_dict` saves beside the tensors; a subclass with such a state defines this method."""
        raise RuntimeError(f"{type(self).__name__} has no extra state: define get_extra_state and set_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state` gave; a subclass that defines one of the two defines both."""
        raise RuntimeError(f"{type(self).__name__} has no extra state: define get_extra_state and set_extra_state")

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Put this module's own state, without that of its submodules, into `destination`."""
        for name, tensor in self._own_state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + _EXTRA_STATE] = self.get_extra_state()

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own state, without that of its submodules, and add what is wrong to the three lists.

        `state_dict` has the entries under `prefix`; an override may change it before it calls this method.
        `local_metadata` is empty: a state dict holds no versions. Tensors change when all modules were found without
        problems, or at once if `error_msgs` is not the list that `load_state_dict` gave.
        """
        own = self._own_state()
        wait = error_msgs.wait if isinstance(error_msgs, _Problems) else _run
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                misfit = _misfit(key, state_dict[key], tensor)
                if misfit is None:
                    wait(partial(_copy, state_dict[key], tensor))
                else:
                    error_msgs.append(misfit)
            elif strict:
                missing_keys.append(key)
        extra = prefix + _EXTRA_STATE
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if extra in state_dict:
                wait(partial(self.set_extra_state, state_dict[extra]))
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            children = dict(self._own(Kind.MODULE))
            for key, name, is_below in _names_under(prefix, state_dict):
                if key != extra and name not in (children if is_below else own):
                    unexpected_keys.append(key)

    def _own_state(self) -> dict[str, Tensor]:
        """The module's own parameters, then its persistent buffers, by name."""
        return {**dict(self._own(Kind.PARAMETER)), **dict(self._own(Kind.BUFFER))}


class _Problems(list[str]):
    """The problems found in a state dict, and the changes to be made if there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.changes_without: list[Callable[[], None]] = []

    def wait(self, change: Callable[[], None]) -> None:
        """Keep a change until every module was checked."""
        self.changes_without.append(change)


def _run(change: Callable[[], None]) -> None:
    change()


def _load(
    module: Stateful,
    state: dict[str, Any],
    prefix: str,
    missing: list[str],
    unexpected: list[str],
    problems: _Problems,
) -> None:
    """Hand the state to the module and then, as the module left it, to each submodule."""
    module._load_from_state_dict(state, prefix, {}, True, missing, unexpected, problems)
    below: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for key, name, is_below in _names_under(prefix, state):
        if is_below:
            below[name][key] = state[key]
    for name, child in module._own(Kind.MODULE):
        _load(child, below[name], f"{prefix}{name}.", missing, unexpected, problems)


def _names_under(prefix: str, state: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Every key under `prefix`, the name that follows the prefix in it, and whether a dot and more follow the name."""
    return [
        (key, key[len(prefix) :].split(".", 1)[0], "." in key[len(prefix) :]) for key in state if key.startswith(prefix)
    ]


def _misfit(key: str, value: Any, tensor: Tensor) -> str | None:
    """Return what keeps `value` from being copied into the tensor."""
    if not isinstance(value, Tensor):
        return f"{key}: expected a Tensor in the state_dict, got {type(value).__name__}."
    if value.shape != tensor.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from the state_dict, "
            f"the shape in the current model is {tuple(tensor.shape)}."
        )
    return None


def _copy(value: Tensor, tensor: Tensor) -> None:
    with no_grad():
        tensor.copy_(value)
