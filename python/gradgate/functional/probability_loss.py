"""Losses between probabilities: binary cross-entropy and the Kullback-Leibler divergence."""

from __future__ import annotations

import math

from gradgate import _core
from gradgate._core import Tensor
from gradgate.functional.loss_arguments import reduce, require_same_shape

_SMALLEST = math.ldexp(27, -149)  # the least float32 whose logarithm is above -100


def _bounded_log(x: Tensor) -> Tensor:
    """log(x), -100 where x is (nearly) zero: a wrong certainty costs much, and neither inf nor NaN."""
    vanishes = x < _SMALLEST
    return x.masked_fill(vanishes, 1.0).log().masked_fill(vanishes, -100.0)


def _bounded_log1m(x: Tensor) -> Tensor:
    """log(1 - x), -100 where x = 1."""
    vanishes = x >= 1.0
    return (-x.masked_fill(vanishes, 0.0)).log1p().masked_fill(vanishes, -100.0)


def _require_probabilities(name: str, tensor: Tensor, mend: str) -> None:
    if tensor.numel() == 0:
        return
    values = tensor.detach()
    lowest, highest = values.min().item(), values.max().item()
    if not (lowest >= 0.0 and highest <= 1.0):
        raise RuntimeError(
            f"binary_cross_entropy: all elements of {name} should be between 0 and 1, got {lowest} to {highest}; {mend}"
        )


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """-(t log(x) + (1 - t) log(1 - x)) of probabilities x; a logarithm below -100 counts as -100 and has no gradient.

    `input` and `target` have the same shape (*); `weight` broadcasts to it. Prefer
    `binary_cross_entropy_with_logits`, which does not lose the small probabilities.
    Raises ValueError if the shapes differ, RuntimeError for an input or a target outside [0, 1].

    >>> import gradgate
    >>> binary_cross_entropy(gradgate.tensor([0.0]), gradgate.tensor([1.0])).item()
    100.0
    """
    require_same_shape("binary_cross_entropy", input, target)
    _require_probabilities("input", input, "for raw scores use binary_cross_entropy_with_logits")
    _require_probabilities("target", target, "divide by its largest value, say 255 of an image")
    loss = (target - 1.0) * _bounded_log1m(input) - target * _bounded_log(input)
    return reduce(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of p = sigmoid(x), from the scores x: -(pos_weight t log(p) + (1 - t) log(1 - p)).

    `input` and `target` have the same shape (*); `weight` and `pos_weight` broadcast to it. The gradient without
    weights is sigmoid(x) - t. Raises ValueError if the shapes differ.

    >>> import gradgate
    >>> x = gradgate.tensor([0.0], requires_grad=True)
    >>> binary_cross_entropy_with_logits(x, gradgate.tensor([1.0])).backward()
    >>> x.grad.tolist()
    [-0.5]
    """
    require_same_shape("binary_cross_entropy_with_logits", input, target)
    log_p = _core.logsigmoid(input)  # log(1 - p) = log_p - x
    if pos_weight is not None:
        log_p = log_p * ((pos_weight - 1.0) * target + 1.0)
    loss = (1.0 - target) * input - log_p
    return reduce(loss if weight is None else loss * weight, reduction)


def kl_div(input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Kullback-Leibler divergence, t (log(t) - x), of log-probabilities x from probabilities t, 0 where t = 0.

    `input` and `target` have the same shape (N, *); with `log_target` the target holds log-probabilities too.
    `reduction="batchmean"` divides the sum by N, which is the divergence's definition; "mean" divides by the number
    of elements, as in PyTorch. Raises ValueError if the shapes differ.

    >>> import gradgate
    >>> log_q = gradgate.tensor([[0.5, 0.5]]).log()
    >>> round(kl_div(log_q, gradgate.tensor([[1.0, 0.0]]), reduction="batchmean").item(), 6)
    0.693147
    """
    require_same_shape("kl_div", input, target)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = target * target.masked_fill(target == 0.0, 1.0).log() - target * input
    if reduction == "batchmean":
        return loss.sum() / input.shape[0] if input.ndim else loss
    return reduce(loss, reduction)
