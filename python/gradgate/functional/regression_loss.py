"""Losses of the difference between an input and a target of the same shape."""

from __future__ import annotations

from gradgate._core import Tensor
from gradgate.functional.loss_arguments import reduce, require_same_shape


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Squared error, (x - t)^2.

    `input` and `target` have the same shape (*), floating point; the result is a scalar, or (*) for
    `reduction="none"`. Raises ValueError if the shapes differ: PyTorch broadcasts them with a warning.

    >>> import gradgate
    >>> mse_loss(gradgate.tensor([1.0, 2.0]), gradgate.tensor([0.0, 4.0])).item()
    2.5
    """
    require_same_shape("mse_loss", input, target)
    return reduce((input - target).square(), reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Absolute error, |x - t|; the gradient at x = t is 0. Shapes and errors as for `mse_loss`.

    >>> import gradgate
    >>> l1_loss(gradgate.tensor([1.0, 2.0]), gradgate.tensor([0.0, 4.0])).item()
    1.5
    """
    require_same_shape("l1_loss", input, target)
    return reduce((input - target).abs(), reduction)


def _huber(distance: Tensor, delta: float) -> Tensor:
    """distance^2 / 2 up to delta, then the line delta * (distance - delta / 2), without a branch."""
    limited = distance.clamp(max=delta)
    return limited * (distance - limited * 0.5)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """(x - t)^2 / (2 beta) where |x - t| < beta, else |x - t| - beta / 2; `l1_loss` for beta = 0.

    Shapes and errors as for `mse_loss`; RuntimeError for a negative beta.

    >>> import gradgate
    >>> smooth_l1_loss(gradgate.tensor([0.5, 3.0]), gradgate.zeros(2), reduction="none").tolist()
    [0.125, 2.5]
    """
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    require_same_shape("smooth_l1_loss", input, target)
    distance = (input - target).abs()
    return reduce(distance if beta == 0 else _huber(distance, beta) / beta, reduction)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """(x - t)^2 / 2 where |x - t| <= delta, else delta * (|x - t| - delta / 2).

    Shapes and errors as for `mse_loss`; RuntimeError unless delta > 0.

    >>> import gradgate
    >>> huber_loss(gradgate.tensor([0.5, 3.0]), gradgate.zeros(2), reduction="none", delta=2.0).tolist()
    [0.125, 4.0]
    """
    if not delta > 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    require_same_shape("huber_loss", input, target)
    return reduce(_huber((input - target).abs(), delta), reduction)
