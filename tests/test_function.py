"""Custom gates: what forward hands to backward, and what backward may return."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import Tensor
from gradgate.autograd import Function, FunctionContext, grad, gradcheck, gradgradcheck, once_differentiable


def leaf(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64, requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx: FunctionContext, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: FunctionContext, dy: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x * x * dy


def gate(forward: Any, backward: Any) -> Any:
    """The apply of a Function made of two plain functions."""
    return type("Gate", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}).apply


def test_first_and_second_derivative() -> None:
    x = leaf([0.5, -1.5])
    assert gradcheck(Cube.apply, x)
    assert gradgradcheck(Cube.apply, x)
    assert Cube.apply(x).grad_fn.name() == "CubeBackward"


def test_forward_records_nothing_and_backward_as_the_sweep_says() -> None:
    seen: list[bool] = []

    def forward(ctx: FunctionContext, x: Tensor) -> Tensor:
        seen.append(gradgate.is_grad_enabled())
        return x * 2

    def backward(ctx: FunctionContext, dy: Tensor) -> Tensor:
        seen.append(gradgate.is_grad_enabled())
        return dy * 2

    x = leaf(1.0)
    y = gate(forward, backward)(x)
    grad(y, x, retain_graph=True)
    grad(y, x, create_graph=True)
    assert seen == [False, False, True]


def test_arguments_and_outputs_that_are_no_tensors() -> None:
    seen: list[object] = []

    def forward(ctx: FunctionContext, x: Tensor, factor: float, name: str = "x") -> tuple[Tensor, str, Tensor]:
        seen.append(ctx.needs_input_grad)
        ctx.factor = factor
        return x * factor, name, x * 0

    def backward(ctx: FunctionContext, dy: Tensor, of_name: None, dz: Tensor) -> tuple[Tensor, None, None]:
        seen.extend([of_name, dz.tolist()])
        return (
            dy * ctx.factor,
            None,
            None,
        )  # one None more than there are arguments: the default of `name` was not passed

    x = leaf(2.0)
    y, name, _ = gate(forward, backward)(x, 3.0)
    y.backward()
    assert (name, x.grad.item()) == ("x", 3)
    assert seen == [(True, False), None, 0.0]


def test_outputs_without_gradient_can_stay_none() -> None:
    seen: list[object] = []

    def forward(ctx: FunctionContext, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    def backward(ctx: FunctionContext, dy: Tensor | None, dz: Tensor | None) -> Tensor | None:
        seen.append(dy is None)
        return None if dz is None else 3 * dz

    x = leaf(1.0)
    gate(forward, backward)(x)[1].backward()
    assert seen == [True] and x.grad.item() == 3


def test_outputs_marked_as_not_differentiable() -> None:
    def forward(ctx: FunctionContext, x: Tensor) -> tuple[Tensor, Tensor]:
        value, where = x.max(0)
        doubled = x * 2
        ctx.mark_non_differentiable(doubled, where)
        ctx.save_for_backward(where)
        return value, doubled

    def backward(ctx: FunctionContext, dy: Tensor, _: Tensor) -> Tensor:
        return gradgate.zeros(3, dtype=dy.dtype).scatter(0, ctx.saved_tensors[0].reshape(1), dy.reshape(1))

    x = leaf([1.0, 3.0, 2.0])
    value, doubled = gate(forward, backward)(x)
    assert value.requires_grad and not doubled.requires_grad
    value.backward()
    assert x.grad.tolist() == [0, 1, 0]


def test_setup_context_takes_what_forward_leaves() -> None:
    class Scale(Function):
        @staticmethod
        def forward(x: Tensor, factor: float) -> Tensor:  # type: ignore[override]  # no ctx in this form
            return x * factor

        @staticmethod
        def setup_context(ctx: FunctionContext, inputs: tuple[Tensor, float], output: Tensor) -> None:
            ctx.factor = inputs[1]
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx: FunctionContext, dy: Tensor) -> tuple[Tensor, None]:
            assert ctx.saved_tensors[0].tolist() == [8]
            return dy * ctx.factor, None

    x = leaf([2.0])
    Scale.apply(x, 4.0).sum().backward()
    assert x.grad.tolist() == [4]


class Affine(Function):
    """factor * x + shift, with defaults, and a constant that is given by its name alone."""

    @staticmethod
    def forward(  # type: ignore[override]  # no ctx in this form
        x: Tensor, factor: float = 2.0, shift: Tensor | None = None, *, half: bool = False
    ) -> Tensor:
        y = x * factor if shift is None else x * factor + shift
        return y / 2 if half else y

    @staticmethod
    def setup_context(ctx: FunctionContext, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.factor, _ = inputs

    @staticmethod
    def backward(ctx: FunctionContext, dy: Tensor) -> tuple[Tensor | None, ...]:
        assert len(ctx.needs_input_grad) == 3
        return dy * ctx.factor, None, dy if ctx.needs_input_grad[2] else None


def test_setup_context_sees_the_defaults_of_forward() -> None:
    shift = leaf([1.0])
    for arguments, named, value, slope in (
        ((), {}, 6, 2),
        ((5.0,), {}, 15, 5),
        ((), {"factor": 4.0}, 12, 4),
        ((4.0, shift), {}, 13, 4),
        ((), {"shift": shift}, 7, 2),
    ):
        x = leaf([3.0])
        shift.grad = None
        y = Affine.apply(x, *arguments, **named)
        y.sum().backward()
        assert (y.tolist(), x.grad.tolist()) == ([value], [slope])
        assert (shift.grad is not None) == (shift in arguments or "shift" in named)
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        Affine.apply(factor=3.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'scale'"):
        Affine.apply(leaf([3.0]), scale=3.0)


def test_what_forward_gets_by_name_is_given_again_when_the_gate_is_run_again() -> None:
    x = leaf([3.0])
    flow = gradgate.explain(Affine.apply(x, half=True).sum())
    assert flow.gates[0].value.tolist() == [3]

    plain = gate(lambda ctx, x, power=1: x**power, lambda ctx, dy: dy * 0)
    assert gradgate.explain(plain(x, power=2).sum()).gates[0].value.tolist() == [9]
    with pytest.raises(TypeError, match="give power, a tensor that needs a gradient, by position"):
        plain(x, power=leaf([1.0]))


def doubles_in_place() -> Any:
    def forward(ctx: FunctionContext, x: Tensor) -> Tensor:
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    return gate(forward, lambda ctx, dy: dy * 2)


@pytest.mark.parametrize("part", [slice(None), slice(1, 3)], ids=["whole", "view"])
def test_an_input_changed_in_place_is_the_result(part: slice) -> None:
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1
    target = y if part == slice(None) else y[part]
    z = doubles_in_place()(target)
    assert z is target and z.grad_fn.name() == ("GateBackward" if target is y else z.grad_fn.name())
    y.sum().backward()
    expected = np.ones(3)
    expected[part] = 2
    assert x.grad.tolist() == expected.tolist()


def test_an_input_changed_in_place_must_be_writable_and_returned() -> None:
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        doubles_in_place()(leaf([1.0]))

    def forward(ctx: FunctionContext, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        return x * 2

    with pytest.raises(RuntimeError, match="must return the tensors that it gives to mark_dirty"):
        gate(forward, lambda ctx, dy: dy)(leaf([1.0]) * 1)


def test_an_input_returned_as_it_is_becomes_another_tensor() -> None:
    x = leaf(2.0)
    y = gate(lambda ctx, x: x, lambda ctx, dy: dy * 5)(x)
    y.backward()
    assert y is not x and x.grad.item() == 5


def test_gradients_are_fitted_to_the_inputs() -> None:
    # Broadcast over rows and in another type: summed and converted.
    x = leaf([[1.0, 2.0]])
    gate(lambda ctx, x: x.sum(0), lambda ctx, dy: dy.expand(3, 2).float())(x).sum().backward()
    assert x.grad.dtype == gradgate.float64 and x.grad.tolist() == [[3, 3]]


@pytest.mark.parametrize(
    ("backward", "error", "message"),
    [
        (lambda ctx, dy: (dy, dy), RuntimeError, "incorrect number of gradients (expected 1, got 2)"),
        (lambda ctx, dy: (), RuntimeError, "incorrect number of gradients (expected 1, got 0)"),
        (lambda ctx, dy: dy.sum(), RuntimeError, "returned a gradient of shape () for input 0 of shape (2,)"),
        (lambda ctx, dy: 1.0, TypeError, "must return Tensors or None, got float"),
    ],
)
def test_what_backward_may_not_return(backward: Any, error: type[Exception], message: str) -> None:
    y = gate(lambda ctx, x: x * 2, backward)(leaf([1.0, 2.0])).sum()
    with pytest.raises(error, match=re.escape(message)):
        y.backward()


def test_an_error_in_backward_comes_through_and_puts_the_mode_back() -> None:
    def backward(ctx: FunctionContext, dy: Tensor) -> Tensor:
        raise KeyError("from backward")

    y = gate(lambda ctx, x: x * 2, backward)(leaf(1.0))
    with pytest.raises(KeyError, match="from backward"):
        y.backward()
    assert gradgate.is_grad_enabled()


def test_saved_tensors_are_guarded() -> None:
    x = leaf(2.0)
    y = x * 1
    z = Cube.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"CubeBackward: .* is at version 1; expected version 0"):
        z.backward()
    z = Cube.apply(x)
    z.backward()
    with pytest.raises(RuntimeError, match=r"CubeBackward: .* a second time"):
        z.backward()
    with pytest.raises(TypeError, match="can only save tensors or None, got int"):
        gate(lambda ctx, x: ctx.save_for_backward(3), None)(x)


def test_a_saved_output_makes_no_cycle() -> None:
    def forward(ctx: FunctionContext, x: Tensor) -> Tensor:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    apply = gate(forward, lambda ctx, dy: dy * ctx.saved_tensors[0])
    x = leaf(np.ones(1000))
    assert gradgradcheck(apply, leaf([0.3]))
    before = gradgate._core.memory_statistics()["in_use"]
    for _ in range(3):
        apply(x)
    assert gradgate._core.memory_statistics()["in_use"] == before


def test_backward_without_a_graph_of_its_own() -> None:
    def forward(ctx: FunctionContext, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    apply = gate(forward, once_differentiable(lambda ctx, dy: 2 * ctx.saved_tensors[0] * dy))
    x = leaf(3.0)
    (dx,) = grad(apply(x), x, gradgate.tensor(1.0, dtype=gradgate.float64, requires_grad=True), create_graph=True)
    assert dx.item() == 6
    with pytest.raises(RuntimeError, match="differentiate twice"):
        dx.backward()


@pytest.mark.parametrize("keep", ["saved", "attribute"])
def test_a_long_chain_is_swept_and_destroyed_without_recursion(keep: str) -> None:
    def forward(ctx: FunctionContext, x: Tensor) -> Tensor:
        if keep == "saved":
            ctx.save_for_backward(x)
        else:
            ctx.x = x
        return x * 1

    apply = gate(forward, lambda ctx, dy: dy * 1)
    x = leaf(1.0)
    y = x
    for _ in range(50_000):
        y = apply(y)
    y.backward()
    assert x.grad.item() == 1
    del y
