"""Limits on the gradients of parameters."""

from __future__ import annotations

from collections.abc import Iterable

from gradgate import _core
from gradgate._core import Tensor


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
    return _core._clip_grad_norm(parameters, max_norm, norm_type, error_if_nonfinite)


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Returns the norm, (), of order `norm_type` of all tensors as one vector, off the graph; 0 for none.

    Raises RuntimeError for a norm that is NaN or infinite if `error_if_nonfinite`. `foreach` is accepted for the sake
    of existing scripts.

    >>> import gradgate
    >>> get_total_norm([gradgate.tensor([3.0]), gradgate.tensor([0.0, 4.0])]).item()
    5.0
    """
    return _core._total_norm(tensors, norm_type, error_if_nonfinite)


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scales the gradients, in place, by max_norm / (total_norm + 1e-6) where that is below 1.

    `total_norm`, (), is what `get_total_norm` gave for them. `foreach` is accepted for the sake of existing scripts.
    Raises RuntimeError for a `total_norm` of more or fewer elements than one.

    >>> import gradgate
    >>> w = gradgate.zeros(2, requires_grad=True)
    >>> w.grad = gradgate.tensor([3.0, 4.0])
    >>> clip_grads_with_norm_(w, 10.0, get_total_norm(w.grad))
    >>> w.grad.tolist()
    [3.0, 4.0]
    """
    if isinstance(total_norm, Tensor):
        if total_norm.numel() != 1:
            raise RuntimeError(
                f"clip_grads_with_norm_: total_norm should have one element, got shape {tuple(total_norm.shape)}; "
                "use get_total_norm(gradients)"
            )
        if not total_norm.is_floating_point():
            total_norm = total_norm.to(_core.float64)
    _core._clip_grads_with_norm(parameters, max_norm, total_norm)


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
    _core._clip_grad_value(parameters, clip_value)
