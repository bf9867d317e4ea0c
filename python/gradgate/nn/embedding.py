"""Embedding: a trained vector for each of a number of indices."""

from __future__ import annotations

from gradgate import _core
from gradgate import functional as F
from gradgate._core import Tensor, empty
from gradgate.autograd.grad_mode import no_grad
from gradgate.nn import init
from gradgate.nn.module import Module
from gradgate.nn.parameter import Parameter


class Embedding(Module):
    """Rows of `weight` (num_embeddings, embedding_dim) chosen by integers (*): the output is (*, embedding_dim).

    The weight starts normal(0, 1). The row `padding_idx` starts at zero and gets no gradient.
    Raises IndexError for an index outside the rows.

    >>> import gradgate
    >>> layer = Embedding(10, 3, padding_idx=0)
    >>> layer(gradgate.tensor([0])).tolist()
    [[0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        dtype: _core.dtype | None = None,
    ) -> None:
        """Draws the weight from the default generator. Raises ValueError for a padding_idx outside the rows."""
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _row(padding_idx, num_embeddings)
        self.weight = Parameter(empty(num_embeddings, embedding_dim, dtype=dtype))
        self.reset_parameters()

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """Return a layer on the memory of `embeddings` (count, features), not trained if `freeze`.

        Raises ValueError unless `embeddings` has two dimensions.
        """
        if embeddings.ndim != 2:
            raise ValueError(f"Embedding: the embeddings must be (count, features), got {tuple(embeddings.shape)}")
        layer = cls.__new__(cls)
        Module.__init__(layer)
        layer.num_embeddings, layer.embedding_dim = embeddings.shape
        layer.padding_idx = _row(padding_idx, layer.num_embeddings)
        layer.weight = Parameter(embeddings, requires_grad=not freeze)
        return layer

    def reset_parameters(self) -> None:
        """Draws the weight anew, as PyTorch does."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].zero_()

    def forward(self, input: Tensor) -> Tensor:
        """Return the vectors (*, embedding_dim) of indices (*)."""
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


def _row(padding_idx: int | None, count: int) -> int | None:
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise ValueError(f"Embedding: padding_idx {padding_idx} must be within num_embeddings ({count})")
    return padding_idx % count
