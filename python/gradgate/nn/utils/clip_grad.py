"""Limits on the gradients of parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gradgate._core import Tensor, stack, zeros
from gradgate.autograd.grad_mode import no_grad


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    tensors = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [tensor.grad for tensor in tensors if tensor.grad is not None]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales the gradients, in place, so that their common norm is at most `max_norm`; returns the norm before, ().

    The norm is that of all gradients as one vector, of order `norm_type` (`float("inf")`: the largest absolute value);
    the factor is max_norm / (norm + 1e-6) where that is below 1. Raises RuntimeError for a norm that is NaN or infinite
    if `error_if_nonfinite`; then the gradients are unchanged. `foreach` is accepted for the sake of existing scripts.

    >>> import gradgate
    >>> w = gradgate.zeros(2, requires_grad=True)
    >>> w.grad = gradgate.tensor([3.0, 4.0])
    >>> clip_grad_norm_(w, max_norm=1.0).item()
    5.0
    >>> round(w.grad.norm().item(), 4)
    1.0
    """
    gradients = _gradients(parameters)
    max_norm, norm_type = float(max_norm), float(norm_type)
    if not gradients:
        return zeros(())
    with no_grad():
        norms = [gradient.norm(norm_type) for gradient in gradients]
        total = norms[0] if len(norms) == 1 else stack(norms).norm(norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite ({total.item()}), "
                "so it cannot be clipped; with error_if_nonfinite=False they are scaled by it anyway"
            )
        factor = max_norm / (total + 1e-6)
        if not factor.item() >= 1.0:  # NaN scales too, as in PyTorch
            for gradient in gradients:
                gradient.mul_(factor.to(gradient.dtype))
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limits every element of the gradients, in place, to [-clip_value, clip_value].

    `foreach` is accepted for the sake of existing scripts.

    >>> import gradgate
    >>> w = gradgate.zeros(2, requires_grad=True)
    >>> w.grad = gradgate.tensor([3.0, -0.5])
    >>> clip_grad_value_(w, 1.0)
    >>> w.grad.tolist()
    [1.0, -0.5]
    """
    clip_value = float(clip_value)
    with no_grad():
        for gradient in _gradients(parameters):
            gradient.clamp_(min=-clip_value, max=clip_value)
