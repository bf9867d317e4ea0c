"""Modules that change the shape of their input."""

from __future__ import annotations

from collections.abc import Sequence

from gradgate._core import Tensor
from gradgate.nn.module import Module


class Flatten(Module):
    """Joins the dimensions `start_dim` to `end_dim`, by default all but the first.

    >>> import gradgate
    >>> tuple(Flatten()(gradgate.zeros(2, 3, 4)).shape)
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with fewer dimensions."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits the dimension `dim` into `unflattened_size`, of which one may be -1.

    >>> import gradgate
    >>> tuple(Unflatten(1, (3, -1))(gradgate.zeros(2, 12)).shape)
    (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if isinstance(unflattened_size, (int, str)) or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(f"unflattened_size must be a tuple of ints, got {unflattened_size!r}")
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with more dimensions; RuntimeError if the sizes do not multiply to the dimension's."""
        shape = tuple(input.shape)
        if not -len(shape) <= self.dim < len(shape):
            raise IndexError(f"Unflatten: dim {self.dim} is out of range for an input {shape}")
        dim = self.dim % len(shape)
        known = 1
        for size in self.unflattened_size:
            known *= size if size != -1 else 1
        whole = known == shape[dim] if -1 not in self.unflattened_size else known > 0 and shape[dim] % known == 0
        if not whole or self.unflattened_size.count(-1) > 1:
            raise RuntimeError(
                f"Unflatten: {self.unflattened_size} does not multiply to size {shape[dim]} of dim {dim}"
            )
        sizes = tuple(shape[dim] // known if size == -1 else size for size in self.unflattened_size)
        return input.reshape(shape[:dim] + sizes + shape[dim + 1 :])

    def extra_repr(self) -> str:
        """Return the dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
