"""Hooks of a module: functions called before and after its forward pass, and around its backward pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from gradgate._core import Tensor
from gradgate.nn.backward_hooks import BackwardPass

_ids = itertools.count()


class RemovableHandle:
    """What a register_*_hook method returns: `remove()` takes the hook away, as does leaving a `with` block."""

    def __init__(self, hooks: dict[int, Any], hook: Any, prepend: bool = False) -> None:
        self.id = next(_ids)
        self._hooks = hooks
        later = dict(hooks) if prepend else {}
        if prepend:
            hooks.clear()
        hooks[self.id] = hook
        hooks.update(later)

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def stay_behind(self, hooks: Hooks) -> RemovableHandle:
        """Leave the hook, one of these, out of copies of the module."""
        hooks.uncopied.add(self.id)
        return self

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class Hooks:
    """The hooks of one module, in the order in which they are called."""

    def __init__(self) -> None:
        self.forward_pre: dict[int, tuple[Callable[..., Any], bool]] = {}  # with keyword arguments?
        self.forward: dict[int, tuple[Callable[..., Any], bool]] = {}
        self.backward_pre: dict[int, Callable[..., Any]] = {}
        self.backward: dict[int, Callable[..., Any]] = {}
        self.uncopied: set[int] = set()  # those that a copy of the module does without

    def __getstate__(self) -> dict[str, Any]:
        state = {
            name: {k: hook for k, hook in hooks.items() if k not in self.uncopied}
            for name, hooks in self.__dict__.items()
            if name != "uncopied"
        }
        return {**state, "uncopied": set()}

    def call(self, module: HookRegistration, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`module.forward(*args, **kwargs)` with the hooks around it."""
        if self.forward_pre:
            for hook, with_kwargs in list(self.forward_pre.values()):
                args, kwargs = _run_forward_pre(hook, with_kwargs, module, args, kwargs)
        backward = None
        if self.backward or self.backward_pre:
            backward = BackwardPass(module, list(self.backward_pre.values()), list(self.backward.values()))
            args = backward.watch_inputs(args)
        output = module.forward(*args, **kwargs)
        if self.forward:
            for hook, with_kwargs in list(self.forward.values()):
                changed = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
                if changed is not None:
                    output = changed
        return output if backward is None else backward.watch_output(output)


def _run_forward_pre(
    hook: Callable[..., Any], with_kwargs: bool, module: HookRegistration, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if with_kwargs:
        changed = hook(module, args, kwargs)
        if changed is None:
            return args, kwargs
        if not (isinstance(changed, tuple) and len(changed) == 2):
            raise RuntimeError(
                f"a forward pre-hook with kwargs must return None or a tuple (args, kwargs), got {changed!r}"
            )
        return changed
    changed = hook(module, args)
    if changed is None:
        return args, kwargs
    return (changed if isinstance(changed, tuple) else (changed,)), kwargs


class PassingHook:
    """A forward hook that comes and goes often; while it is away, a module without other hooks is called without a detour.

    A copy of the module does without it.
    """

    def __init__(self, module: HookRegistration, hook: Callable[..., Any]) -> None:
        self._module, self._hook = module, hook
        self._alone = self._only()
        self._handle: RemovableHandle | None = None

    def _only(self) -> Hooks:
        hooks = Hooks()
        RemovableHandle(hooks.forward, (self._hook, False)).stay_behind(hooks)
        return hooks

    def attach(self) -> None:
        """Register the hook."""
        # Past the module's __setattr__, which takes as long as the hook itself.
        if self._module._hooks is None:
            self._module.__dict__["_hooks"] = self._alone
        else:
            self._handle = self._module.register_forward_hook(self._hook).stay_behind(self._module._hooks)

    def detach(self) -> None:
        """Take the hook away, and leave those that came meanwhile."""
        hooks = self._module._hooks
        if self._handle is not None and hooks is not None:
            self._handle.remove()
            hooks.uncopied.discard(self._handle.id)
            self._handle = None
        elif hooks is self._alone:
            if len(hooks.forward) == 1 and not (hooks.forward_pre or hooks.backward_pre or hooks.backward):
                self._module.__dict__["_hooks"] = None
            else:
                hooks.forward.pop(next(iter(hooks.forward)))
                self._alone = self._only()


class HookRegistration:
    """Base of Module: the methods that register hooks. A module without hooks keeps `_hooks` at None."""

    forward: Callable[..., Any]
    _hooks: Hooks | None = None

    def _hook_lists(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each forward pass; what it returns, if not None, replaces the arguments.

        With `with_kwargs` it is called as `hook(module, args, kwargs)` and may return `(args, kwargs)`.
        """
        return RemovableHandle(self._hook_lists().forward_pre, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after each forward pass; what it returns, if not None, is the output.

        With `with_kwargs` it is called as `hook(module, args, kwargs, output)`.

        >>> import gradgate
        >>> from gradgate import nn
        >>> relu = nn.ReLU()
        >>> with relu.register_forward_hook(lambda module, args, output: print(output.tolist())):
        ...     _ = relu(gradgate.tensor([-1.0, 1.0]))
        [0.0, 1.0]
        """
        return RemovableHandle(self._hook_lists().forward, (hook, with_kwargs), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the outputs' gradients are known; a tuple it returns replaces them."""
        return RemovableHandle(self._hook_lists().backward_pre, hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[[Any, tuple[Tensor | None, ...], tuple[Tensor | None, ...]], Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the module's inputs are known.

        Each is a tuple with one gradient, or None, for each positional argument and each output. A tuple that the hook
        returns replaces grad_input. If no input needs a gradient, grad_input holds only None.
        """
        return RemovableHandle(self._hook_lists().backward, hook, prepend)
