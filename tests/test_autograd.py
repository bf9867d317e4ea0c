"""The backward engine: sweeps, sharing, depth, hooks, versions, errors and memory."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import gradgate
from gradgate import Tensor


def leaf(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64, requires_grad=True)


def grad_of(t: Tensor) -> object:
    assert t.grad is not None
    return t.grad.tolist()


def in_use() -> int:
    gc.collect()
    return gradgate._core.memory_statistics()["in_use"]


def test_chain_of_a_million_gates() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(1_000_000):
        y = y * 1.0
    y.backward()
    assert grad_of(x) == 1
    del y  # destroys the whole chain without recursion


def test_shared_subgraphs_take_linear_time() -> None:
    # 10,000 doublings: 2^10000 paths, 20,000 gates.
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = (y + y) * 0.5
    y.backward()
    assert grad_of(x) == 1


def test_long_chains_of_views_and_changes_in_place() -> None:
    x = leaf([1.0, 2.0])
    y = x
    for _ in range(100_000):
        y = y.view(2)
    z = y * 1
    part = z[:1]
    for _ in range(10_000):
        part.mul_(1.0)
    z.sum().backward()
    assert grad_of(x) == [1, 1]
    del y, z, part


def test_gradients_add_over_uses_and_calls() -> None:
    x = leaf([1.0, 2.0])
    (x * x + x).sum().backward()
    assert grad_of(x) == [3, 5]
    (3 * x).sum().backward()
    assert grad_of(x) == [6, 8]


def test_gradient_of_broadcast_operands() -> None:
    a, b = leaf(np.ones((3, 1, 2))), leaf(np.full((4, 1), 2.0))
    (a * b).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), np.full((3, 1, 2), 8.0))
    np.testing.assert_array_equal(b.grad.numpy(), np.full((4, 1), 6.0))


def test_accumulated_gradient_does_not_alias_another() -> None:
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (a + b).sum().backward()
    a.grad.mul_(5)
    assert grad_of(a) == [5, 5]
    assert grad_of(b) == [1, 1]


def test_a_gradient_whose_elements_share_memory_is_added_to_apart() -> None:
    w = gradgate.zeros(3, requires_grad=True)
    w.grad = gradgate.ones(1).expand(3)
    (w * gradgate.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert w.grad is not None and w.grad.tolist() == [2, 11, 101]


def test_second_backward_needs_retain_graph() -> None:
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert grad_of(x) == 8
    with pytest.raises(
        RuntimeError, match=r"MulBackward: trying to backward through the graph a second time.*retain_graph=True"
    ):
        y.backward()


def test_backward_wants_a_scalar_or_a_gradient() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    with pytest.raises(RuntimeError, match=r"only for scalar outputs, and this one has shape \(2,\)"):
        y.backward()
    with pytest.raises(RuntimeError, match=r"gradient has shape \(3,\) and the output has shape \(2,\)"):
        y.backward(gradgate.tensor([1.0, 1.0, 1.0]))
    y.backward(gradgate.tensor([1.0, 10.0], dtype=gradgate.float64))
    assert grad_of(x) == [2, 20]


def test_backward_off_the_graph() -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        gradgate.tensor(1.0).backward()
    x = leaf(1.0)
    with gradgate.no_grad():
        y = x * 2
    with pytest.raises(RuntimeError, match="does not require grad"):
        y.backward()


def test_backward_restricted_to_inputs() -> None:
    x, y = leaf(2.0), leaf(3.0)
    (x * y).backward(inputs=[x])
    assert grad_of(x) == 3
    assert y.grad is None
    for call in (lambda z: z.backward(inputs=[]), lambda z: gradgate.autograd.backward(z, inputs=[])):
        with pytest.raises(RuntimeError, match="inputs cannot be empty"):
            call(x * y)
    with pytest.raises(RuntimeError, match="inputs cannot be empty"):
        gradgate.autograd.grad(x * y, [])


def test_grad_of_intermediate_and_unused() -> None:
    x, z = leaf(3.0), leaf(1.0)
    y = x * x
    loss = y * y
    dy, dx = gradgate.autograd.grad(loss, (y, x), retain_graph=True)
    assert (dy.item(), dx.item()) == (18, 108)
    assert x.grad is None
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        gradgate.autograd.grad(loss, z, retain_graph=True)
    assert gradgate.autograd.grad(loss, z, retain_graph=True, allow_unused=True) == (None,)
    assert gradgate.autograd.grad(loss, z, materialize_grads=True)[0].item() == 0


def test_zeros_for_an_unused_input_are_on_a_graph_if_one_is_made() -> None:
    x, z = leaf(3.0), gradgate.ones(2, requires_grad=True)
    dx, dz = gradgate.autograd.grad(x * x, (x, z), create_graph=True, materialize_grads=True)
    assert (dz.tolist(), dz.requires_grad) == ([0, 0], True)
    penalty = dx * dx + (dz * dz).sum()
    assert gradgate.autograd.grad(dz.sum(), z, allow_unused=True, materialize_grads=True)[0].tolist() == [0, 0]
    penalty.backward()
    assert (x.grad.item(), z.grad) == (24, None)
    (dz,) = gradgate.autograd.grad(x * x, z, materialize_grads=True)
    assert not dz.requires_grad


def test_root_among_inputs() -> None:
    x = leaf(3.0)
    y = x * x
    dy, dx = gradgate.autograd.grad(y, (y, x))
    assert (dy.item(), dx.item()) == (1, 6)


def test_higher_derivatives() -> None:
    x = leaf(2.0)
    derivative = x**4
    for expected in (32.0, 48.0, 48.0, 24.0):
        (derivative,) = gradgate.autograd.grad(derivative, x, create_graph=True)
        assert derivative.item() == pytest.approx(expected, rel=1e-14)


def test_hooks_replace_and_come_off() -> None:
    x = leaf([1.0, 2.0])
    y = x * 3
    seen: list[object] = []
    first = y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    y.sum().backward(retain_graph=True)
    assert seen == [[1, 1]]
    assert grad_of(x) == [31, 31]
    first.remove()
    y.sum().backward()
    assert len(seen) == 1
    assert grad_of(x) == [62, 62]


def test_hooks_may_come_and_go_during_the_sweep() -> None:
    x = leaf(1.0)
    y = x * 2
    seen: list[str] = []

    def first(g: Tensor) -> None:
        seen.append("first")
        handle.remove()
        y.register_hook(lambda g: seen.append("later"))

    y.register_hook(first)
    handle = y.register_hook(lambda g: seen.append("removed"))
    y.backward(retain_graph=True)
    assert seen == ["first", "removed"]  # those of the moment when the gradient was complete
    y.backward()
    assert seen == ["first", "removed", "first", "later"]


def test_hook_sees_the_whole_gradient_once() -> None:
    x = leaf(1.0)
    y = x * 2
    seen: list[float] = []
    y.register_hook(lambda g: seen.append(g.item()))
    (y * 3 + y * 4).backward()
    assert seen == [7]


def test_a_hook_comes_off_after_its_with_block() -> None:
    x = gradgate.ones(1, requires_grad=True)
    with x.register_hook(lambda dx: dx * 5):
        (x * 2).backward()
    (x * 2).backward()
    assert x.grad is not None and x.grad.tolist() == [12]


def test_hook_errors() -> None:
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        gradgate.tensor(1.0).register_hook(lambda g: g)
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g.sum())
    with pytest.raises(RuntimeError, match=r"returned a gradient of shape \(\) for a tensor of shape \(2,\)"):
        (x * 2).sum().backward()
    y = x * 2
    y.register_hook(lambda g: g.float())
    with pytest.raises(RuntimeError, match=r"returned a gradient of float32 for a tensor of float64"):
        y.sum().backward()
    y.register_hook(lambda g: 1.0)
    with pytest.raises((TypeError, RuntimeError), match="a hook"):
        y.sum().backward()


def test_sweep_inside_a_hook_over_shared_gates() -> None:
    x = leaf(2.0)
    y = x * x
    other, z = y * 5, y * 3
    inner: list[float] = []
    z.register_hook(lambda g: inner.append(gradgate.autograd.grad(other, x, retain_graph=True)[0].item()))
    (z * 1).backward()
    assert inner == [20]
    assert grad_of(x) == 12


def test_retain_grad() -> None:
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    assert y.retains_grad
    (y * y).backward()
    assert grad_of(y) == 12
    with pytest.raises(RuntimeError, match="can't retain_grad"):
        gradgate.tensor(1.0).retain_grad()


def test_retained_tensor_may_die_first() -> None:
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    loss = y * 2
    del y
    loss.backward()
    assert grad_of(x) == 6


def test_leaf_flags() -> None:
    x = leaf(1.0)
    y = x * 2
    assert x.is_leaf and not y.is_leaf and y.requires_grad
    assert x.grad_fn is None and y.grad_fn.name() == "MulBackward"
    assert repr(y.grad_fn) == "<MulBackward>"
    assert y.grad_fn.next_functions[0][0].name() == "AccumulateGrad"
    assert not y.detach().requires_grad
    with pytest.raises(RuntimeError, match="requires_grad flags of leaf"):
        y.requires_grad_(False)
    with pytest.raises(RuntimeError, match="floating point"):
        gradgate.tensor([1, 2]).requires_grad_()


def test_saved_value_changed_in_place() -> None:
    x = leaf([1.0, 2.0])
    y = x * 1
    z = y * y
    y.add_(1)
    with pytest.raises(
        RuntimeError,
        match=r"MulBackward: .*inplace operation: an input.*shape \(2,\), is at version 1; expected version 0",
    ):
        z.sum().backward()


def test_saved_output_changed_in_place() -> None:
    x = leaf([1.0, 2.0])
    y = x.exp()
    y.mul_(2)
    with pytest.raises(
        RuntimeError,
        match=r"ExpBackward: .* the gate's output, float64 of shape .* is at version 1; expected version 0",
    ):
        y.sum().backward()


def test_what_no_gradient_needs_may_change_in_place() -> None:
    x, c = leaf([1.0, 2.0]), gradgate.tensor([3.0, 4.0], dtype=gradgate.float64)
    y = x * 3
    y.mul_(2)
    z = y * c
    y.add_(1)  # the gradient by y needs c alone
    (z.sum() + y.sum()).backward()
    assert grad_of(x) == [6 * 3 + 6, 6 * 4 + 6]


def test_in_place_on_a_leaf_is_refused() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf"):
        x[0] = 1
    assert x.tolist() == [1, 2]
    with gradgate.no_grad():
        x.add_(1)
    assert x.tolist() == [2, 3]


def test_graph_is_freed_with_its_output() -> None:
    x = leaf(np.ones(1000))
    before = in_use()
    y = x
    for _ in range(20):
        y = (y * y).tanh()
    assert in_use() > before
    del y
    assert in_use() == before


def test_in_place_gates_make_no_cycles() -> None:
    before = in_use()
    for _ in range(10):
        x = leaf(np.ones(1000))
        y = x * 2
        y.mul_(y)
        y[3] = y[2] * 3
        y.exp_()
        del x, y
    assert in_use() == before


def test_no_growth_over_training_steps() -> None:
    w = leaf(np.ones((20, 20)))
    x = gradgate.tensor(np.ones((5, 20)))
    sizes = []
    for step in range(2000):
        loss = (x @ w).tanh().sum()
        loss.backward()
        with gradgate.no_grad():
            w -= 0.01 * w.grad
        w.grad = None
        if step in (100, 1999):
            sizes.append(in_use())
    assert sizes[0] == sizes[1]


def test_object_identity_and_weak_references() -> None:
    x = leaf(1.0)
    (x * 2).backward()
    assert x.grad is x.grad
    reference = weakref.ref(x)
    assert reference() is x
    del x
    assert reference() is None


def test_gradient_must_fit() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"assigned grad .* shape \(3,\) to a tensor .* shape \(2,\)"):
        x.grad = gradgate.tensor([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match=r"Tensor.grad must be gradgate.Tensor \| None, got float"):
        x.grad = 3.0  # type: ignore[assignment]  # what is tested
    x.grad = gradgate.tensor([1.0, 2.0], dtype=gradgate.float64)
    assert grad_of(x) == [1, 2]
    x.grad = None
    assert x.grad is None
