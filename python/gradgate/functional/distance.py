"""Lengths and angles of vectors along a dimension."""

from __future__ import annotations

from gradgate._core import Tensor


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """`input` divided by its p-norm along `dim`; norms below `eps` count as `eps`.

    >>> import gradgate
    >>> normalize(gradgate.tensor([[2.0, 0.0], [0.0, -0.5]])).tolist()
    [[1.0, 0.0], [0.0, -1.0]]
    """
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)) along `dim`, which is removed; the two shapes broadcast.

    >>> import gradgate
    >>> a = gradgate.tensor([[3.0, 0.0]])
    >>> cosine_similarity(a, gradgate.tensor([[0.0, 2.0], [0.5, 0.0]])).tolist()
    [0.0, 1.0]
    """
    lengths = x1.norm(2.0, dim).clamp(min=eps) * x2.norm(2.0, dim).clamp(min=eps)
    return (x1 * x2).sum(dim) / lengths
