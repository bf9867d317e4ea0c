"""Lookup of vectors by integers: the rows of an embedding."""

from __future__ import annotations

from gradgate import _core
from gradgate._core import Tensor
from gradgate.autograd.grad_mode import no_grad


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of `weight` (count, features) chosen by the integers of `input`, any shape (*): the result is (*, features).

    The row `padding_idx` (negative counts from the end) gets no gradient. With `max_norm` the chosen rows whose norm of
    order `norm_type` is larger are first scaled down to it, in place. With `scale_grad_by_freq` a row's gradient is
    divided by the number of times it was chosen. `sparse` is accepted for the sake of existing scripts: gradients are
    dense. Raises IndexError for an index outside 0 .. count - 1, ValueError for a `padding_idx` outside the rows.

    >>> import gradgate
    >>> w = gradgate.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> embedding(gradgate.tensor([2, 1]), w).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    count = weight.shape[0]
    if padding_idx is not None and not -count <= padding_idx < count:
        raise ValueError(f"embedding: padding_idx {padding_idx} is outside the {count} rows of the weight")
    if max_norm is not None:
        _limit_rows(weight, input, max_norm, norm_type)
    rows = _core.embedding(weight, input, -1 if padding_idx is None else padding_idx % count)  # -1: no such row
    if scale_grad_by_freq and rows.requires_grad:
        rows.register_hook(lambda upstream: upstream / _times_chosen(input, weight).unsqueeze(-1))
    return rows


def _limit_rows(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    with no_grad():
        rows = _core.embedding(weight, input)
        norms = rows.norm(norm_type, -1, keepdim=True)
        # 1e-7 and the comparison are PyTorch's: a row within the limit keeps its bits.
        weight[input] = _core.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)


def _times_chosen(input: Tensor, weight: Tensor) -> Tensor:
    """How often each integer of `input` appears in it, in the shape of `input`."""
    with no_grad():
        flat = input.reshape(-1).long()
        counts = _core.zeros(weight.shape[0], dtype=weight.dtype)
        return counts.scatter_add(0, flat, _core.ones_like(flat, dtype=weight.dtype))[input]
