"""Activations of a tensor of any shape; `inplace` writes the result over the input."""

from __future__ import annotations

import warnings

from gradgate import _core
from gradgate._core import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Rectified linear unit, max(x, 0); the gradient at 0 is 0.

    >>> import gradgate
    >>> relu(gradgate.tensor([1.0, -2.0, 3.0, -1.0])).tolist()
    [1.0, 0.0, 3.0, 0.0]
    """
    return input.relu_() if inplace else _core.relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Leaky rectified linear unit, x where x > 0, else negative_slope * x.

    >>> import gradgate
    >>> leaky_relu(gradgate.tensor([2.0, -2.0]), 0.25).tolist()
    [2.0, -0.5]
    """
    return input.leaky_relu_(negative_slope) if inplace else _core.leaky_relu(input, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential linear unit, x where x > 0, else alpha * (exp(x) - 1)."""
    return input.elu_(alpha) if inplace else _core.elu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Scaled exponential linear unit, scale * elu(x, alpha), with the constants of Klambauer et al. (2017)."""
    return input.selu_() if inplace else _core.selu(input)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit (Hendrycks and Gimpel, 2016).

    `approximate="none"`: x * (1 + erf(x / sqrt(2))) / 2; `approximate="tanh"`: the usual tanh formula.
    Raises RuntimeError for any other value.

    >>> import gradgate
    >>> gelu(gradgate.tensor([0.0]), approximate="tanh").tolist()
    [0.0]
    """
    if approximate == "none":
        return _core.gelu(input)
    if approximate == "tanh":
        return _core.gelu_tanh(input)
    raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Sigmoid linear unit (swish), x * sigmoid(x)."""
    return input.silu_() if inplace else _core.silu(input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Limit x to [min_val, max_val]; the gradient at the limits is 0. Raises ValueError if min_val > max_val.

    >>> import gradgate
    >>> hardtanh(gradgate.tensor([-3.0, 0.5, 3.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val ({min_val}) must not be greater than max_val ({max_val})")
    return input.hardtanh_(min_val, max_val) if inplace else _core.hardtanh(input, min_val, max_val)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Mish, x * tanh(softplus(x)) (Misra, 2019)."""
    return input.mish_() if inplace else _core.mish(input)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: _core.dtype | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`, computed on x - max(x) so that nothing overflows.

    `dtype` converts the input first. Without `dim` it is PyTorch's choice, 0 for tensors of 0, 1 or 3 dimensions and 1 for
    others, with a UserWarning that points `_stacklevel` calls up.

    >>> import gradgate
    >>> softmax(gradgate.tensor([123.0, 456.0, 789.0]), dim=0).tolist()
    [0.0, 0.0, 1.0]
    """
    if dim is None:
        dim = _implicit_dim("softmax", input, _stacklevel)
    return _core.softmax(input if dtype is None else input.to(dtype), dim)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: _core.dtype | None = None
) -> Tensor:
    """log(softmax(x)) along `dim`, exact where softmax would underflow. Arguments and warning are those of `softmax`.

    >>> import gradgate
    >>> log_softmax(gradgate.tensor([0.0, 1000.0]), dim=0).tolist()
    [-1000.0, 0.0]
    """
    if dim is None:
        dim = _implicit_dim("log_softmax", input, _stacklevel)
    return _core.log_softmax(input if dtype is None else input.to(dtype), dim)


def _implicit_dim(operation: str, input: Tensor, stacklevel: int) -> int:
    dim = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(
        f"Implicit dimension choice for {operation} has been deprecated: it is {dim} for a tensor of {input.ndim} "
        f"dimensions; change the call to include dim={dim}, or the dimension that you mean",
        stacklevel=stacklevel,
    )
    return dim
