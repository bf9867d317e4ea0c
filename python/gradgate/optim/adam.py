"""Adam and AdamW: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from typing import Any

from gradgate.optim.optimizer import Optimizer, ParamsT, check_range


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, https://arxiv.org/abs/1412.6980).

    With gradient g (plus `weight_decay * p`; negated if `maximize`) at the parameter's t-th step:

        exp_avg = beta1 * exp_avg + (1 - beta1) * g
        exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * g^2
        p = p - lr / (1 - beta1^t) * exp_avg / (sqrt(exp_avg_sq / (1 - beta2^t)) + eps)

    With `amsgrad` the root is taken of the largest `exp_avg_sq` so far (Reddi, Kale and Kumar, 2018,
    https://arxiv.org/abs/1904.09237); with `decoupled_weight_decay` it is AdamW.

    Every step is fused, so `foreach`, `fused` and `capturable` are accepted for the sake of existing scripts
    and change nothing. Steps are not recorded: `differentiable=True` raises ValueError.

    State: `step`, `exp_avg`, `exp_avg_sq`, and `max_exp_avg_sq` with `amsgrad`. The powers of the betas are
    products in float64, which have the same bits on every platform.

    Raises ValueError for a negative `lr`, `eps` or `weight_decay`, and for a beta outside [0, 1).

    >>> from gradgate import tensor
    >>> w = tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.5, eps=0.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()                # the first step has length lr whatever the gradient
    >>> w.tolist()
    [0.5, -1.5]
    """

    _rule = "adam"

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults, differentiable)

    def _check_options(self, options: dict[str, Any]) -> None:
        check_range("learning rate", options["lr"])
        check_range("epsilon value", options["eps"])
        check_range("beta parameter at index 0", options["betas"][0], upper=1)
        check_range("beta parameter at index 1", options["betas"][1], upper=1)
        check_range("weight_decay value", options["weight_decay"])

    def _rule_options(self, group: dict[str, Any]) -> dict[str, float]:
        options = super()._rule_options(group)
        options["beta1"], options["beta2"] = group["betas"]
        return options

    def _state_names(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq" if group["amsgrad"] else None)


class AdamW(Adam):
    """AdamW (Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101).

    Adam whose weight decay is apart from the gradient: before each step `p = (1 - lr * weight_decay) * p`.
    Arguments, state and errors are `Adam`'s.

    >>> from gradgate import tensor
    >>> w = tensor([4.0], requires_grad=True)
    >>> optimizer = AdamW([w], lr=0.5, eps=0.0, weight_decay=0.5)
    >>> w.sum().backward()
    >>> optimizer.step()                # 0.75 * 4 - 0.5
    >>> w.tolist()
    [2.5]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            differentiable=differentiable,
            decoupled_weight_decay=True,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True  # the state may be Adam's

    load_state_dict.__doc__ = Adam.load_state_dict.__doc__
