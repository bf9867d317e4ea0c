"""Encodings and paddings of tensors, as `torch.nn.functional` names them."""

from __future__ import annotations

from collections.abc import Sequence

from gradgate import _core
from gradgate._core import Tensor


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Integers (*) as rows of zeros with a one, (*, num_classes), int64.

    `num_classes=-1` takes the largest value plus one. Raises RuntimeError for a negative or too large class.

    >>> import gradgate
    >>> one_hot(gradgate.tensor([1, 0]), 3).tolist()
    [[0, 1, 0], [1, 0, 0]]
    """
    return _core.one_hot(tensor, num_classes)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """`input` with `value` (0 by default) around it.

    `pad` is (left, right) of the last dimension, then of the one before it, and so on; negative numbers cut.
    Raises NotImplementedError for a mode other than "constant".

    >>> import gradgate
    >>> pad(gradgate.tensor([[1.0, 2.0]]), (1, 0, 0, 1)).tolist()
    [[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]
    """
    if mode != "constant":
        raise NotImplementedError(f"pad: only mode='constant' is supported, got {mode!r}")
    return _core.pad(input, list(pad), 0.0 if value is None else value)
