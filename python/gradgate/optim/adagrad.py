"""Adagrad: steps scaled by the sum of all squared gradients."""

from __future__ import annotations

from typing import Any

from gradgate import _core
from gradgate.optim.optimizer import Optimizer, ParamsT, check_range


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011, https://jmlr.org/papers/v12/duchi11a.html).

    With gradient g (plus `weight_decay * p`; negated if `maximize`) at the parameter's t-th step:

        sum = sum + g^2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(sum) + eps)

    Every step is fused, so `foreach` and `fused` are accepted for the sake of existing scripts
    and change nothing. Steps are not recorded: `differentiable=True` raises ValueError.

    State: `step` and `sum`, which starts at `initial_accumulator_value` when the parameter is added.

    Raises ValueError for a negative option.

    >>> from gradgate import tensor
    >>> w = tensor([3.0], requires_grad=True)
    >>> optimizer = Adagrad([w], lr=1.0, eps=0.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [2.0]
    """

    _rule = "adagrad"

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults, differentiable)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for param in group["params"]:
            self.state[param] = {
                "step": _core.tensor(0.0, dtype=_core.float64),
                "sum": _core.full_like(param.detach(), group["initial_accumulator_value"]),
            }

    add_param_group.__doc__ = Optimizer.add_param_group.__doc__

    def _check_options(self, options: dict[str, Any]) -> None:
        check_range("learning rate", options["lr"])
        check_range("lr_decay value", options["lr_decay"])
        check_range("weight_decay value", options["weight_decay"])
        check_range("initial_accumulator_value value", options["initial_accumulator_value"])
        check_range("epsilon value", options["eps"])

    def _state_names(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("sum",)
