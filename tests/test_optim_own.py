"""Optimizers that a user writes on the base class."""

from __future__ import annotations

from typing import Any

import pytest

import gradgate
from gradgate import no_grad, tensor
from gradgate.optim import SGD, Optimizer


class Momentum(Optimizer):
    """SGD with momentum, which counts its steps in a plain int and keeps the size of the last one."""

    def __init__(self, params: Any, lr: float = 0.1, momentum: float = 0.5) -> None:
        if lr < 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with gradgate.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(
                        step=0, size=tensor(0.0), buffers=[gradgate.zeros_like(p)], seen={"largest": tensor(0)}
                    )
                (buffer,) = state["buffers"]
                buffer.mul_(group["momentum"]).add_(p.grad)
                state["step"] += 1
                state["size"] = buffer.norm()
                p.add_(buffer, alpha=-group["lr"])
        return loss


def trained(make: Any, steps: int = 4, p: Any = None) -> Any:
    p = tensor([1.0, -2.0], requires_grad=True) if p is None else p
    optimizer = make([p])
    for _ in range(steps):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    return p, optimizer


def test_it_is_the_optimizer_that_its_step_makes_of_it() -> None:
    own, optimizer = trained(lambda params: Momentum(params, lr=0.125))
    known, _ = trained(lambda params: SGD(params, lr=0.125, momentum=0.5))
    assert own.tolist() == known.tolist()
    assert optimizer.state[own]["step"] == 4
    assert optimizer.defaults == {"lr": 0.125, "momentum": 0.5}
    assert repr(optimizer) == "Momentum (\nParameter Group 0\n    lr: 0.125\n    momentum: 0.5\n)"


def test_it_has_groups_and_a_closure() -> None:
    a, b = tensor([1.0], requires_grad=True), tensor([1.0], requires_grad=True)
    optimizer = Momentum([{"params": [a], "lr": 0.25}, {"params": [b], "weight": 7}], lr=0.5)
    optimizer.add_param_group({"params": [tensor([1.0], requires_grad=True)]})
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.5, 0.5]
    assert optimizer.param_groups[1]["weight"] == 7

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (a + b).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2.0
    assert (a.item(), b.item()) == (0.75, 0.5)


def test_its_state_is_saved_and_loaded_as_it_is(tmp_path: Any) -> None:
    p, optimizer = trained(Momentum, 2)
    gradgate.save(optimizer.state_dict(), tmp_path / "state.safetensors")
    again = tensor(p.tolist(), requires_grad=True)
    other = Momentum([again])
    other.load_state_dict(gradgate.load(tmp_path / "state.safetensors"))
    state = other.state[again]
    assert (state["step"], type(state["step"])) == (2, int)
    assert state["size"].shape == ()
    assert state["buffers"][0].tolist() == optimizer.state[p]["buffers"][0].tolist()
    trained(lambda _: optimizer, 2, p)
    trained(lambda _: other, 2, again)
    assert again.tolist() == p.tolist()


def test_its_loaded_state_is_a_copy_in_the_parameters_dtype() -> None:
    _, optimizer = trained(Momentum)
    saved = optimizer.state_dict()
    wide = tensor([1.0, -2.0], dtype=gradgate.float64, requires_grad=True)
    other = Momentum([wide])
    other.load_state_dict(saved)
    state, original = other.state[wide], saved["state"][0]
    assert state["buffers"][0].dtype == state["size"].dtype == gradgate.float64
    assert state["seen"]["largest"].dtype == gradgate.int64
    state["buffers"][0].zero_()
    state["seen"]["largest"].add_(1)
    assert original["buffers"][0].tolist() != [0.0, 0.0]
    assert original["seen"]["largest"].item() == 0


def test_it_needs_a_step() -> None:
    optimizer = Optimizer([tensor([1.0], requires_grad=True)], {"lr": 1.0})
    with pytest.raises(NotImplementedError, match=r"Optimizer should define step\(closure=None\)"):
        optimizer.step(lambda: pytest.fail("nothing can be done with the loss"))
