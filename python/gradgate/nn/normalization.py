"""Batch and layer normalisation as modules."""

from __future__ import annotations

from collections.abc import Sequence

from gradgate import _core
from gradgate import functional as F
from gradgate._core import Tensor, empty, tensor
from gradgate.autograd.grad_mode import no_grad
from gradgate.nn import init
from gradgate.nn.module import Module
from gradgate.nn.parameter import Parameter


class BatchNorm1d(Module):
    """Batch normalisation of (N, C) or (N, C, L) for each of C channels (Ioffe and Szegedy, 2015).

    In training mode the batch's mean and variance (divided by n) are used, and the buffers `running_mean` and
    `running_var` move: new = (1 - momentum) * old + momentum * batch, with the variance divided by n - 1; with
    `momentum=None` they are the averages over all batches. In evaluation mode the buffers are used. The course notes of
    cs231n write the momentum the other way round (their 0.9 is 0.1 here) and keep the variance divided by n. The scale
    `weight` starts at 1, the shift `bias` and the running mean at 0, the running variance at 1.

    >>> import gradgate
    >>> layer = BatchNorm1d(1, eps=3.0)
    >>> layer(gradgate.tensor([[1.0], [3.0]])).tolist()
    [[-0.5], [0.5]]
    """

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | None = None,
        dtype: _core.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        """`affine=False` leaves out scale and shift, `bias=False` only the shift."""
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats

        def made() -> Tensor:
            return empty(num_features, device=device, dtype=dtype)

        self.register_parameter("weight", Parameter(made()) if affine else None)
        self.register_parameter("bias", Parameter(made()) if affine and bias else None)
        self.register_buffer("running_mean", made() if track_running_stats else None)
        self.register_buffer("running_var", made() if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forgets the batches seen."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with no_grad():
                self.running_mean.zero_()
                self.running_var.fill_(1.0)
                self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forgets the batches seen; scale 1, shift 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return a tensor of the input's shape.

        Raises ValueError unless the input is (N, C) or (N, C, L), and as `functional.batch_norm` does.
        """
        if input.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.ndim}D input)")
        momentum = 0.0 if self.momentum is None else self.momentum
        moves = self.training and self.track_running_stats  # which may have been changed since construction
        if moves and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1.0 / self.num_batches_tracked.item()
        use_batch = self.training or self.running_mean is None
        mean, var = (self.running_mean, self.running_var) if moves or not self.training else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, use_batch, momentum, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class LayerNorm(Module):
    """Layer normalisation over the last dimensions `normalized_shape` (Ba et al., 2016), the variance divided by n.

    The scale `weight` starts at 1, the shift `bias` at 0; `bias=False` leaves the shift out.

    >>> import gradgate
    >>> LayerNorm(2, eps=0.0)(gradgate.tensor([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | None = None,
        dtype: _core.dtype | None = None,
    ) -> None:
        """`elementwise_affine=False` leaves out scale and shift."""
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine

        def made() -> Parameter:
            return Parameter(empty(shape, device=device, dtype=dtype))

        self.register_parameter("weight", made() if elementwise_affine else None)
        self.register_parameter("bias", made() if elementwise_affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments."""
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"
