"""Dropout as a module."""

from __future__ import annotations

from gradgate import functional as F
from gradgate._core import Tensor
from gradgate.nn.module import Module


class Dropout(Module):
    """Zeroes each element with probability `p` in training mode and divides the others by 1 - p.

    `p` is the probability of dropping, as in PyTorch; the course notes of cs231n write p for the probability of
    keeping. Raises ValueError unless 0 <= p <= 1.

    >>> import gradgate
    >>> Dropout(0.5).eval()(gradgate.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return a tensor of the input's shape; the input itself in evaluation mode."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"p={self.p}, inplace={self.inplace}"
