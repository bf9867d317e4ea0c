"""Lengths and angles of vectors along a dimension."""

from __future__ import annotations

from gradgate import _core
from gradgate._core import Tensor


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """`input` divided by its p-norm along `dim`; norms below `eps` count as `eps`.

    >>> import gradgate
    >>> normalize(gradgate.tensor([[2.0, 0.0], [0.0, -0.5]])).tolist()
    [[1.0, 0.0], [0.0, -1.0]]
    """
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)) along `dim` of the shape to which the two broadcast; `dim` is removed.

    Raises RuntimeError for shapes that do not broadcast, IndexError for a `dim` that their common shape does not have.

    >>> import gradgate
    >>> a = gradgate.tensor([[3.0, 0.0]])
    >>> cosine_similarity(a, gradgate.tensor([[0.0, 2.0], [0.5, 0.0]])).tolist()
    [0.0, 1.0]
    """
    if x1.shape != x2.shape:
        shape = _core.broadcast_shapes(x1.shape, x2.shape)
        x1, x2 = _spread(x1, shape, dim), _spread(x2, shape, dim)
    if x1.dtype != x2.dtype:
        dtype = _core.promote_types(x1.dtype, x2.dtype)
        x1, x2 = x1.to(dtype), x2.to(dtype)
    lengths = x1.norm(2.0, dim).clamp(min=eps) * x2.norm(2.0, dim).clamp(min=eps)
    return (x1 * x2).sum(dim) / lengths


def _spread(x: Tensor, shape: tuple[int, ...], dim: int) -> Tensor:
    """`x` broadcast to the number of dimensions of `shape`, and to its size along `dim`: what a norm along it needs."""
    sizes = [1] * (len(shape) - x.ndim) + list(x.shape)
    if -len(shape) <= dim < len(shape):
        sizes[dim] = shape[dim]
    return x.broadcast_to(sizes)
