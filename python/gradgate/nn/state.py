"""The state of a module as a dict of tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gradgate._core import Tensor
from gradgate.autograd.grad_mode import no_grad
from gradgate.nn.registry import Kind

if TYPE_CHECKING:
    from gradgate.nn.module import Module


class IncompatibleKeys(NamedTuple):
    """The keys that `load_state_dict` did not find in the state dict, and those that the module does not have."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        """PyTorch's words when all keys matched."""
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def collect_state(module: Module, prefix: str = "") -> dict[str, Tensor]:
    """Return the parameters and persistent buffers by dotted name; a shared one appears under each of its names."""
    state: dict[str, Tensor] = {}
    for name, member in module._own(Kind.PARAMETER):
        state[prefix + name] = member
    for name, member in module._own(Kind.BUFFER):
        state[prefix + name] = member
    for name, child in module._own(Kind.MODULE):
        state.update(collect_state(child, f"{prefix}{name}."))
    return state


def load_state(module: Module, state: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """Copy `state` into the module's tensors, or raise RuntimeError and change nothing."""
    if not isinstance(state, Mapping):
        raise TypeError(f"expected state_dict to be dict-like, got {type(state).__name__}")
    own = collect_state(module)
    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    problems = []
    if strict and missing:
        problems.append("Missing key(s) in state_dict: " + ", ".join(f'"{key}"' for key in missing) + ".")
    if strict and unexpected:
        problems.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{key}"' for key in unexpected) + ".")
    for key, tensor in own.items():
        if key not in state:
            continue
        value = state[key]
        if not isinstance(value, Tensor):
            problems.append(f"{key}: expected a Tensor in the state_dict, got {type(value).__name__}.")
        elif value.shape != tensor.shape:
            problems.append(
                f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from the state_dict, "
                f"the shape in the current model is {tuple(tensor.shape)}."
            )
    if problems:
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems))
    with no_grad():
        for key, tensor in own.items():
            if key in state:
                tensor.copy_(state[key])
    return IncompatibleKeys(missing, unexpected)
