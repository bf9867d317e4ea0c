"""RMSprop: steps scaled by a running mean of the squared gradient."""

from __future__ import annotations

from typing import Any

from gradgate.optim.optimizer import Optimizer, ParamsT, check_range


class RMSprop(Optimizer):
    """RMSprop (Hinton, lecture 6e of Neural Networks for Machine Learning, 2012).

    With gradient g (plus `weight_decay * p`; negated if `maximize`):

        square_avg = alpha * square_avg + (1 - alpha) * g^2
        change = g / (sqrt(square_avg) + eps)
        momentum_buffer = momentum * momentum_buffer + change   (when momentum is not 0)
        p = p - lr * momentum_buffer                            (else p - lr * change)

    `centered` divides by the running standard deviation, sqrt(square_avg - grad_avg^2) (Graves, 2013,
    https://arxiv.org/abs/1308.0850); a difference that rounding has made negative counts as 0.

    Every step is fused, so `foreach`, `fused` and `capturable` are accepted for the sake of existing scripts
    and change nothing. Steps are not recorded: `differentiable=True` raises ValueError.

    State: `step`, `square_avg`, `momentum_buffer` when `momentum` is not 0, `grad_avg` when `centered`.

    Raises ValueError for a negative option.

    >>> from gradgate import tensor
    >>> w = tensor([3.0], requires_grad=True)
    >>> optimizer = RMSprop([w], lr=0.25, alpha=0.75, eps=0.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()                # the first step is lr / sqrt(1 - alpha)
    >>> w.tolist()
    [2.5]
    """

    _rule = "rmsprop"

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults, differentiable)

    def _check_options(self, options: dict[str, Any]) -> None:
        check_range("learning rate", options["lr"])
        check_range("epsilon value", options["eps"])
        check_range("momentum value", options["momentum"])
        check_range("weight_decay value", options["weight_decay"])
        check_range("alpha value", options["alpha"])

    def _state_names(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        buffer = "momentum_buffer" if group["momentum"] != 0 else None
        return ("square_avg", buffer, "grad_avg" if group["centered"] else None)
