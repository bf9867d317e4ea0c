"""BackwardPass: two identity gates around a module, through which its backward hooks see the gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from gradgate._core import Tensor, is_grad_enabled
from gradgate.autograd import Function

Gradients = tuple[Tensor | None, ...]


class _Watch(Function):
    """Identity of some tensors whose backward passes their gradients through a function."""

    @staticmethod
    def forward(ctx: Any, seen: Callable[[Gradients], Gradients], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.seen = seen
        return tuple(tensor.view_as(tensor) for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return (None, *ctx.seen(grads))


class BackwardPass:
    """The backward hooks of one call of a module.

    The gate behind the module collects grad_output, the gate before it grad_input; then the hooks are called.
    """

    def __init__(self, module: Any, pre_hooks: list[Callable[..., Any]], hooks: list[Callable[..., Any]]) -> None:
        self._module = module
        self._pre_hooks = pre_hooks
        self._hooks = hooks
        self._grad_output: Gradients | None = None  # known between the gate behind the module and that before it
        self._input_count = 0
        self._watches_inputs = False

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments, with the tensors that need gradients passed through a gate."""
        self._input_count = len(args)
        positions = [i for i, arg in enumerate(args) if isinstance(arg, Tensor) and arg.requires_grad]
        if not (positions and is_grad_enabled()):
            return args
        self._watches_inputs = True
        watched = list(args)
        outputs = _Watch.apply(lambda grads: self._see_input(positions, grads), *(args[i] for i in positions))
        for i, tensor in zip(positions, outputs, strict=True):
            watched[i] = tensor
        return tuple(watched)

    def watch_output(self, output: Any) -> Any:
        """Return the output, a tensor or a tuple or list of tensors and other things, passed through a gate."""
        if not isinstance(output, (Tensor, tuple, list)) and is_grad_enabled():
            warnings.warn(
                "backward hooks are called for modules that return a Tensor or a tuple or list of Tensors; "
                f"{type(self._module).__name__} returned {type(output).__name__}",
                stacklevel=4,
            )
            return output
        items = list(output) if isinstance(output, (tuple, list)) else [output]
        positions = [i for i, item in enumerate(items) if isinstance(item, Tensor) and item.requires_grad]
        if not (positions and is_grad_enabled()):
            return output
        count = len(items)
        outputs = _Watch.apply(lambda grads: self._see_output(positions, count, grads), *(items[i] for i in positions))
        for i, tensor in zip(positions, outputs, strict=True):
            items[i] = tensor
        if not isinstance(output, (tuple, list)):
            return items[0]
        return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)

    def _see_output(self, positions: list[int], count: int, grads: Gradients) -> Gradients:
        grad_output = _spread(positions, count, grads)
        for hook in self._pre_hooks:
            grad_output = _replaced(grad_output, hook(self._module, grad_output), "grad_output")
        if self._watches_inputs:
            self._grad_output = grad_output
        else:
            self._call_hooks((None,) * self._input_count, grad_output)
        return tuple(grad_output[i] for i in positions)

    def _see_input(self, positions: list[int], grads: Gradients) -> Gradients:
        grad_output, self._grad_output = self._grad_output, None
        if grad_output is None:
            # The gradients came past the module's output, from a graph that its backward pass left: it is no pass of its own.
            return grads
        grad_input = self._call_hooks(_spread(positions, self._input_count, grads), grad_output)
        return tuple(grad_input[i] for i in positions)

    def _call_hooks(self, grad_input: Gradients, grad_output: Gradients) -> Gradients:
        for hook in self._hooks:
            grad_input = _replaced(grad_input, hook(self._module, grad_input, grad_output), "grad_input")
        return grad_input


def _spread(positions: list[int], count: int, grads: Gradients) -> Gradients:
    """Return the gradients at their positions among `count`, None elsewhere."""
    spread: list[Tensor | None] = [None] * count
    for i, grad in zip(positions, grads, strict=True):
        spread[i] = grad
    return tuple(spread)


def _replaced(grads: Gradients, changed: Any, name: str) -> Gradients:
    if changed is None:
        return grads
    new = changed if isinstance(changed, tuple) else (changed,)
    if len(new) != len(grads):
        raise RuntimeError(f"a backward hook must return None or {len(grads)} gradients for {name}, got {len(new)}")
    return new
