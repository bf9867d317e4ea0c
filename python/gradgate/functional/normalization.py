"""Batch and layer normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradgate import _core
from gradgate._core import Tensor


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias for each channel of `input` (N, C, *) (Ioffe and Szegedy, 2015).

    When `training`, the mean and the variance (divided by n) are the batch's, over all dimensions but C, and the
    running values move towards them: new = (1 - momentum) * old + momentum * batch, with the batch's variance
    divided by n - 1. The course notes of cs231n write the momentum the other way round (0.9 there is 0.1 here) and keep
    the variance divided by n. When not `training`, the running values are used.

    A batch without values gives an empty result, and leaves the running values as they are.

    Raises ValueError for a single value per channel or an `eps` of 0 while training, or a negative `eps`; RuntimeError if
    running values are missing when not training, or a tensor's length is not C.

    >>> import gradgate
    >>> x = gradgate.tensor([[1.0], [3.0]])
    >>> batch_norm(x, None, None, training=True, eps=3.0).tolist()
    [[-0.5], [0.5]]
    """
    if eps <= 0.0 and (training or eps < 0.0):
        bound = "positive when training" if training else "non-negative"
        raise ValueError(f"batch_norm: eps must be {bound}, but got {eps}")
    sizes = input.shape
    if len(sizes) < 2:
        raise ValueError(f"batch_norm: expected an input (N, C, *), got {tuple(sizes)}")
    channels = sizes[1]
    named = (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias))
    for name, tensor in named:
        if tensor is not None and tensor.numel() != channels:
            raise RuntimeError(f"batch_norm: {name} should contain {channels} elements not {tensor.numel()}")
    shape = (1, channels) + (1,) * (len(sizes) - 2)
    if training:
        centred, var = _batch_deviations(input, sizes, running_mean, running_var, momentum)
    elif running_mean is None or running_var is None:
        raise RuntimeError("batch_norm: running_mean and running_var are required when not training")
    else:
        centred, var = input - running_mean.reshape(shape), running_var.reshape(shape)
    normal = centred * (var + eps).rsqrt()
    if weight is not None:
        normal = normal * weight.reshape(shape)
    return normal if bias is None else normal + bias.reshape(shape)


def _batch_deviations(
    input: Tensor,
    sizes: Sequence[int],
    running_mean: Tensor | None,
    running_var: Tensor | None,
    momentum: float,
) -> tuple[Tensor, Tensor]:
    """Deviations from each channel's mean and its biased variance, (1, C, 1 ...); moves the running values."""
    dims = (0, *range(2, len(sizes)))
    count = input.numel() // sizes[1] if sizes[1] else sizes[0] * math.prod(sizes[2:])
    if count == 1:
        raise ValueError(
            f"batch_norm: expected more than 1 value per channel when training, got input size {tuple(sizes)}"
        )
    if count == 0:
        return input, _core.ones((1, sizes[1]) + (1,) * (len(sizes) - 2), dtype=input.dtype)
    mean = input.mean(dims, True)
    centred = input - mean
    var = centred.square().mean(dims, True)
    if running_mean is not None:
        running_mean.mul_(1.0 - momentum).add_(mean.detach().reshape(-1) * momentum)
    if running_var is not None:
        running_var.mul_(1.0 - momentum).add_(var.detach().reshape(-1) * (momentum * count / (count - 1)))
    return centred, var


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias over the last dimensions `normalized_shape` (Ba et al., 2016).

    The variance is divided by n. `weight` and `bias` have the shape `normalized_shape`.
    Raises RuntimeError if the input's last dimensions are not `normalized_shape`, or a shape differs from it.

    >>> import gradgate
    >>> layer_norm(gradgate.tensor([[1.0, 3.0]]), (2,), eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    return _core._layer_norm(input, tuple(normalized_shape), weight, bias, eps)
