"""Gates defined by a user: a forward and a backward in Python."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

from gradgate import _core
from gradgate._core import Tensor
from gradgate.autograd.grad_mode import no_grad

__all__ = ["Function", "FunctionContext", "once_differentiable"]


class FunctionContext:
    """What forward hands to backward: saved tensors, and any attribute set on it."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._to_save: tuple[Tensor | None, ...] = ()
        self._saved: tuple[Tensor | None, ...] | None = None
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._materialize = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (inputs or outputs) for backward; changing one in place before then is an error."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(f"save_for_backward can only save tensors or None, got {type(tensor).__name__}")
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors that forward saved, in order."""
        return self._to_save if self._saved is None else self._saved

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Name the inputs that forward changed in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Name outputs through which no gradient flows."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs that got no gradient."""
        self._materialize = value


class Function:
    """Base class of custom gates.

    Subclasses define two static methods. ``forward(ctx, *args)`` computes the outputs (a tensor or a tuple of them), and
    ``backward(ctx, *grad_outputs)`` returns one gradient for each argument of forward, None for those without. Arguments that
    are no tensors are handed through, and so are outputs that are none. Written with differentiable operations, backward gives
    higher derivatives, too. A class that defines ``setup_context(ctx, inputs, output)`` has a ``forward(*args)`` without ctx;
    its inputs are all arguments of forward, the defaults of those that were left out among them.

    >>> import gradgate
    >>> class Cube(gradgate.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, dy):
    ...         (x,) = ctx.saved_tensors
    ...         return dy * 3 * x * x
    >>> x = gradgate.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad.item()
    12.0
    """

    @staticmethod
    def forward(ctx: FunctionContext, *args: Any) -> Any:
        """Compute the outputs from the arguments of ``apply``."""
        raise NotImplementedError("a Function needs a static method forward(ctx, *args)")

    # Overridden by a static method setup_context(ctx, inputs, output), to which forward leaves what backward needs.
    setup_context: Callable[[FunctionContext, tuple[Any, ...], Any], None] | None = None

    @staticmethod
    def backward(ctx: FunctionContext, *grad_outputs: Any) -> Any:
        """Compute the gradient of each argument of forward from those of its outputs."""
        raise NotImplementedError("a Function needs a static method backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on the arguments and record the gate.

        Raises RuntimeError when forward does not return a tensor that it marked as changed in place, TypeError for
        arguments that do not fit forward, or a tensor that needs a gradient and is given by its name.
        """
        if cls.setup_context is not None:
            args, kwargs = cls._bound(args, kwargs)
        for name, value in kwargs.items():
            if isinstance(value, Tensor) and value.requires_grad:
                raise TypeError(f"{cls.__name__}.apply: give {name}, a tensor that needs a gradient, by position")
        ctx = FunctionContext(tuple(isinstance(a, Tensor) and a.requires_grad for a in args))
        with no_grad():
            if cls.setup_context is None:
                result = cls.forward(ctx, *args, **kwargs)
            else:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, result)
        outputs = list(result) if isinstance(result, tuple) else [result]
        if not all(any(dirty is output for output in outputs) for dirty in ctx._dirty):
            raise RuntimeError(f"{cls.__name__}: forward must return the tensors that it gives to mark_dirty")
        places = [i for i, output in enumerate(outputs) if isinstance(output, Tensor)]
        recorded = cls._record(ctx, args, kwargs, [outputs[i] for i in places], places, len(outputs))
        for i, output in zip(places, recorded, strict=True):
            outputs[i] = output
        return tuple(outputs) if isinstance(result, tuple) else outputs[0]

    @classmethod
    def _bound(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """All arguments of a forward without ctx, by position where they can be."""
        code = getattr(inspect.unwrap(cls.forward), "__code__", None)
        if not kwargs and code is not None and len(args) >= code.co_argcount:
            return args, kwargs  # nothing was left out, and signatures take time
        bound = inspect.signature(cls.forward).bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    @classmethod
    def _record(
        cls,
        ctx: FunctionContext,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        outputs: list[Tensor],
        places: list[int],
        count: int,
    ) -> list[Tensor]:
        """The outputs that are tensors, at these places of all, as results of the gate."""
        shapes = [(output.shape, output.dtype) for output in outputs]
        saved, ctx._to_save = ctx._to_save, ()

        def backward(saved: list[Tensor | None], upstream: list[Tensor | None]) -> tuple[Tensor | None, ...]:
            ctx._saved = tuple(saved)
            if ctx._materialize:
                upstream = [
                    _core.zeros(shape, dtype=dtype) if grad is None else grad
                    for grad, (shape, dtype) in zip(upstream, shapes, strict=True)
                ]
            arriving: list[Tensor | None] = [None] * count
            for i, grad in zip(places, upstream, strict=True):
                arriving[i] = grad
            try:
                gradients = cls.backward(ctx, *arriving)
            finally:
                ctx._saved = None
            return gradients if isinstance(gradients, tuple) else (gradients,)

        others, changes = [None if isinstance(a, Tensor) else a for a in args], bool(ctx._dirty)

        def forward(inputs: list[Tensor | None]) -> list[Tensor]:
            # What forward changes in place is a copy, when the gate is run again.
            given = [
                other if x is None else x.clone() if changes else x for other, x in zip(others, inputs, strict=True)
            ]
            again = cls.apply(*given, **kwargs)
            results = again if isinstance(again, tuple) else (again,)
            return [results[i] for i in places]

        return _core._record_function(
            re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower(),
            f"{cls.__name__}Backward",
            forward,
            backward,
            [a if isinstance(a, Tensor) else None for a in args],
            outputs,
            list(saved),
            [not any(output is other for other in ctx._non_differentiable) for output in outputs],
            [any(output is other for other in ctx._dirty) for output in outputs],
        )


def once_differentiable(backward: Any) -> Any:
    """Decorate a Function's backward that is not written with differentiable operations.

    Its gradients then carry no graph, and a second derivative through them raises RuntimeError.
    """

    def run(ctx: FunctionContext, *grad_outputs: Any) -> Any:
        recording = _core.is_grad_enabled()
        with no_grad():
            gradients = backward(ctx, *grad_outputs)
        if not recording:
            return gradients
        several = isinstance(gradients, tuple)
        checked = tuple(
            _DifferentiatedTwice.apply(g, *(d for d in grad_outputs if d is not None)) if isinstance(g, Tensor) else g
            for g in (gradients if several else (gradients,))
        )
        return checked if several else checked[0]

    return staticmethod(run) if isinstance(backward, staticmethod) else run


class _DifferentiatedTwice(Function):
    """Passes a gradient on, and refuses to be differentiated."""

    @staticmethod
    def forward(ctx: FunctionContext, gradient: Tensor, *upstream: Tensor) -> Tensor:
        return gradient.detach()

    @staticmethod
    def backward(ctx: FunctionContext, *grad_outputs: Tensor) -> None:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
