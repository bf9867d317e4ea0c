"""Noise while training: dropout."""

from __future__ import annotations

from gradgate import _core
from gradgate._core import Tensor


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes each element with probability `p` and divides the others by 1 - p; the identity if not `training`.

    `p` is the probability of dropping, as in PyTorch; the course notes of cs231n write p for the probability of
    keeping. Raises ValueError unless 0 <= p <= 1.

    >>> import gradgate
    >>> x = gradgate.ones(4)
    >>> dropout(x, p=0.5, training=False).tolist()
    [1.0, 1.0, 1.0, 1.0]
    >>> sorted(set(dropout(gradgate.ones(1000), p=0.75).tolist()))
    [0.0, 4.0]
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    mask = _core.empty_like(input).bernoulli_(1.0 - p)
    if p < 1.0:
        mask.mul_(1.0 / (1.0 - p))
    return input.mul_(mask) if inplace else input * mask
