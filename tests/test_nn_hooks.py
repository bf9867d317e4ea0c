"""Hooks of modules: before and after forward, and around backward."""

from __future__ import annotations

from typing import NamedTuple

import pytest

import gradgate
from gradgate import nn


class Product(nn.Module):
    def forward(self, x, y, scale=1.0):
        return x * y * scale, x + y


def leaf(value: float) -> gradgate.Tensor:
    return gradgate.tensor([value], requires_grad=True)


def test_forward_hooks_see_and_replace():
    module = nn.Identity()
    seen = []
    module.register_forward_pre_hook(lambda m, args: seen.append(("pre", m, args)))
    module.register_forward_pre_hook(lambda m, args: args[0] * 2)
    module.register_forward_hook(lambda m, args, output: output + 1)
    module.register_forward_hook(lambda m, args, output: seen.append(("post", args, output)))
    assert module(3) == 7
    assert seen == [("pre", module, (3,)), ("post", (6,), 7)]


def test_hooks_with_keyword_arguments():
    module = Product()
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"scale": kwargs["scale"] + 1}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, output: (output[0], kwargs), with_kwargs=True)
    assert module(2, 3, scale=1.0) == (12.0, {"scale": 2.0})
    module.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"None or a tuple \(args, kwargs\)"):
        module(2, 3, 4, scale=1.0)


def test_prepend_and_remove():
    module, order = nn.Identity(), []
    first = module.register_forward_hook(lambda *_: order.append("a"))
    module.register_forward_hook(lambda *_: order.append("b"), prepend=True)
    module(0)
    first.remove()
    first.remove()
    module(0)
    with module.register_forward_hook(lambda *_: order.append("c")):
        module(0)
    module(0)
    assert order == ["b", "a", "b", "b", "c", "b"]


def test_a_hook_may_remove_itself():
    module, calls = nn.Identity(), []
    handle = module.register_forward_hook(lambda *_: (calls.append(1), handle.remove())[1])
    module(0)
    module(0)
    assert calls == [1]


def test_full_backward_hook_sees_the_gradients():
    module, seen = Product(), []
    module.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((m, grad_input, grad_output)))
    x, y = leaf(2.0), leaf(3.0)
    product, total = module(x, y)
    (product * 10 + total).backward()
    ((m, grad_input, grad_output),) = seen
    assert m is module
    assert [g.item() for g in grad_output] == [10.0, 1.0]
    assert [g.item() for g in grad_input] == [31.0, 21.0]
    assert (x.grad.item(), y.grad.item()) == (31.0, 21.0)


def test_full_backward_hook_replaces_only_this_path():
    layer = nn.Identity()
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 100,))
    x = leaf(1.0)
    (layer(x) + x).backward()
    assert x.grad.item() == 101.0


def test_full_backward_pre_hook_replaces_the_upstream_gradient():
    layer = nn.Linear(1, 1)
    layer.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 5,))
    layer(gradgate.ones(1, 1)).backward()
    assert layer.bias.grad.item() == 5.0


def test_full_backward_hook_without_input_gradients():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, grad_output)))
    layer(gradgate.ones(1, 2)).sum().backward()
    ((grad_input, grad_output),) = seen
    assert grad_input == (None,)
    assert grad_output[0].tolist() == [[1.0]]
    assert layer.weight.grad.tolist() == [[1.0, 1.0]]


def test_backward_hooks_are_quiet_without_a_graph():
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda *_: pytest.fail("no backward pass was run"))
    with gradgate.no_grad():
        assert not layer(gradgate.ones(1, 2)).requires_grad


def test_a_wrong_number_of_gradients():
    layer = nn.Identity()
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: (None, None))
    with pytest.raises(RuntimeError, match="1 gradients for grad_input, got 2"):
        layer(leaf(1.0)).backward()


class Parts(NamedTuple):
    double: gradgate.Tensor
    triple: gradgate.Tensor


class Returning(nn.Module):
    """Returns twice and three times its input, in a container of the given kind."""

    def __init__(self, container):
        super().__init__()
        self.container = container

    def forward(self, x):
        return self.container(x * 2, x * 3)


def test_a_named_tuple_of_outputs_stays_one_under_backward_hooks():
    module, seen = Returning(Parts), []
    module.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, grad_output)))
    x = leaf(1.0)
    output = module(x)
    assert type(output) is Parts
    (output.double * 10 + output.triple).backward()
    ((grad_input, grad_output),) = seen
    assert [g.item() for g in grad_output] == [10.0, 1.0]
    assert [g.item() for g in grad_input] == [23.0]


def test_the_result_of_a_reduction_stays_one_under_backward_hooks():
    class Largest(nn.Module):
        def forward(self, x):
            return x.max(0)

    module = Largest()
    module.register_full_backward_hook(lambda *_: None)
    output = module(gradgate.tensor([1.0, 5.0], requires_grad=True))
    assert (output.values.item(), output.indices.item()) == (5.0, 1)


def test_an_output_that_backward_hooks_cannot_see_is_told_of():
    module = Returning(lambda double, triple: {"double": double, "triple": triple})
    module.register_full_backward_hook(lambda *_: pytest.fail("no gradient of an output was seen"))
    x = leaf(1.0)
    with pytest.warns(UserWarning, match="Returning returned dict"):
        output = module(x)
    output["triple"].backward()
    assert x.grad.item() == 3.0
    with gradgate.no_grad():  # where nobody waits for a gradient
        module(x)


class Cube(nn.Module):
    def forward(self, x):
        return x**3


def test_a_full_backward_hook_is_called_once_a_pass_and_not_in_that_of_the_gradient():
    module, seen = Cube(), []
    module.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append(grad_input[0].item()))
    x = leaf(2.0)
    (dx,) = gradgate.autograd.grad(module(x), x, create_graph=True)
    assert seen == [12.0]
    dx.backward()  # comes to the module's input past its output
    assert seen == [12.0]
    assert x.grad.item() == 12.0


def test_a_full_backward_hook_is_called_in_every_pass_through_the_output():
    module, seen = Cube(), []
    module.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append(grad_output[0].item()))
    x = leaf(2.0)
    y = module(x)
    y.backward(retain_graph=True)
    (y * 2).backward(retain_graph=True)
    (dx,) = gradgate.autograd.grad(y, x, create_graph=True)
    (y * 3 + dx).backward()
    assert seen == [1.0, 2.0, 1.0, 3.0]
    assert x.grad.item() == 12.0 + 24.0 + 36.0 + 12.0
