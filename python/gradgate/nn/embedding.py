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

    The weight starts normal(0, 1). The row `padding_idx` starts at zero and gets no gradient. `max_norm`, `norm_type`
    and `scale_grad_by_freq` are those of `functional.embedding`; `sparse` is accepted for the sake of existing scripts:
    gradients are dense. Raises IndexError for an index outside the rows.

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
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: str | None = None,
        dtype: _core.dtype | None = None,
    ) -> None:
        """Draws the weight from the default generator. Raises ValueError for a padding_idx outside the rows."""
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _row(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            weight = empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
            self.weight = Parameter(weight, requires_grad=not _freeze)
            self.reset_parameters()
        elif tuple(_weight.shape) != (num_embeddings, embedding_dim):
            raise ValueError(
                f"Embedding: a weight of shape {tuple(_weight.shape)} does not fit {(num_embeddings, embedding_dim)}"
            )
        else:
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Return a layer on the memory of `embeddings` (count, features), not trained if `freeze`.

        Raises ValueError unless `embeddings` has two dimensions.
        """
        if embeddings.ndim != 2:
            raise ValueError(f"Embedding: the embeddings must be (count, features), got {tuple(embeddings.shape)}")
        count, features = embeddings.shape
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        return cls(count, features, *options, _weight=embeddings, _freeze=freeze)

    def reset_parameters(self) -> None:
        """Draws the weight anew, as PyTorch does."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].zero_()

    def forward(self, input: Tensor) -> Tensor:
        """Return the vectors (*, embedding_dim) of indices (*)."""
        options = (self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)
        return F.embedding(input, self.weight, *options)

    def extra_repr(self) -> str:
        """Return the sizes, and the options that are not the defaults."""
        options = [
            f"{name}={getattr(self, name)}" for name, default in _DEFAULTS.items() if getattr(self, name) != default
        ]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *options])


_DEFAULTS = {"padding_idx": None, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False, "sparse": False}


def _row(padding_idx: int | None, count: int) -> int | None:
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise ValueError(f"Embedding: padding_idx {padding_idx} must be within num_embeddings ({count})")
    return padding_idx % count
