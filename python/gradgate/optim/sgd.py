"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from gradgate.optim.optimizer import Optimizer, ParamsT, check_range


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    With gradient g (plus `weight_decay * p`; negated if `maximize`):

        buffer = momentum * buffer + (1 - dampening) * g        (g itself at the first step)
        p = p - lr * buffer                                     (nesterov: p - lr * (g + momentum * buffer))

    PyTorch's form: the rate multiplies the buffer, where the course notes of cs231n put it inside,
    `v = mu * v - lr * g`. The two agree while `lr` is constant.

    Every step is fused, so `foreach` and `fused` are accepted for the sake of existing scripts
    and change nothing. Steps are not recorded: `differentiable=True` raises ValueError.

    State: `momentum_buffer` when `momentum` is not 0.

    Raises ValueError for a negative `lr`, `momentum` or `weight_decay`, and for `nesterov` without momentum
    or with dampening.

    >>> from gradgate import tensor
    >>> w = tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [0.0, 0.0]
    """

    _rule = "sgd"

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults, differentiable)

    def _check_options(self, options: dict[str, Any]) -> None:
        check_range("learning rate", options["lr"])
        check_range("momentum value", options["momentum"])
        check_range("weight_decay value", options["weight_decay"])
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def _state_names(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("momentum_buffer" if group["momentum"] != 0 else None,)
