"""Initial values of parameters, written in place without recording a graph.

Every random one takes a `generator`; without it the default generator is used.
"""

from __future__ import annotations

import math
import warnings

from gradgate import _core
from gradgate._core import Generator, Tensor, empty, eye, randperm
from gradgate.autograd.grad_mode import no_grad

_GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which a weight's standard deviation makes up for the activation that follows it.

    "linear", "sigmoid": 1; "tanh": 5/3; "relu": sqrt(2); "leaky_relu": sqrt(2 / (1 + param^2)), param 0.01 by default;
    "selu": 3/4. Raises ValueError for another name or a param that is not a number.

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {slope!r} not a valid number")
        return math.sqrt(2.0 / (1.0 + slope * slope))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}; use one of {', '.join([*_GAINS, 'leaky_relu'])}")
    return _GAINS[nonlinearity]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with the uniform distribution on [a, b).

    >>> import gradgate
    >>> w = uniform_(gradgate.empty(100), -0.5, 0.5)
    >>> bool((w >= -0.5).all() and (w < 0.5).all())
    True
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with the normal distribution of this mean and standard deviation."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def _erfinv(y: Tensor) -> Tensor:
    """Return the inverse of erf on (-1, 1), float64: Winitzki's formula (2008) and two steps of Halley's method."""
    a = 0.147
    log = (1.0 - y * y).clamp(min=1e-300).log()
    b = log * 0.5 + 2.0 / (math.pi * a)
    x = ((b * b - log / a).sqrt() - b).sqrt() * y.sign()
    for _ in range(2):
        step = (x.erf() - y) * (x * x).exp() * (0.5 * math.sqrt(math.pi))
        x = x - step / (step * x + 1.0)
    return x


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with the normal distribution of this mean and std, restricted to [a, b] (values, not multiples of std).

    The inverse of the distribution function is applied to uniform numbers, so that as many are drawn as there are
    elements. Warns if the mean is more than two std outside [a, b], where that loses precision.

    >>> import gradgate
    >>> w = trunc_normal_(gradgate.empty(1000), std=2.0, a=-1.0, b=1.0)
    >>> bool((w.abs() <= 1.0).all())
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_: the distribution of values may be incorrect",
            stacklevel=2,
        )
    with no_grad():
        limits = _core.tensor([(a - mean) / std, (b - mean) / std], dtype=_core.float64) * math.sqrt(0.5)
        low, high = limits.erf().tolist()
        uniform = empty(tuple(tensor.shape), dtype=_core.float64).uniform_(low, high, generator=generator)
        values = _erfinv(uniform) * (std * math.sqrt(2.0)) + mean
        return tensor.copy_(values.clamp(min=a, max=b))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with `val`."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def _require_matrix(operation: str, tensor: Tensor) -> None:
    if tensor.ndim != 2:
        raise ValueError(f"{operation}: only tensors with 2 dimensions are supported, got {tuple(tensor.shape)}")


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with ones on the diagonal, zeros elsewhere. Raises ValueError unless it has 2 dimensions."""
    _require_matrix("eye_", tensor)
    with no_grad():
        return tensor.copy_(eye(tensor.shape[0], tensor.shape[1], dtype=tensor.dtype))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Return the number of inputs and of outputs of a weight (out, in, *); layers of users call it by this name."""
    if tensor.ndim < 2:
        raise ValueError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got {tuple(tensor.shape)}"
        )
    receptive_field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of 'fan_in', 'fan_out'")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _is_empty(tensor: Tensor) -> bool:
    if tensor.numel() == 0:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers in +-gain * sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    Raises ValueError for fewer than 2 dimensions, as do the others that count inputs and outputs.
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    if _is_empty(tensor):
        return tensor
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers of std gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with uniform numbers in +-gain * sqrt(3 / fan) (He et al., 2015); `a` is the negative slope of "leaky_relu".

    `mode` "fan_in" keeps the variance forward, "fan_out" backward. Raises ValueError for another mode.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers of std gain / sqrt(fan) (He et al., 2015); arguments as for `kaiming_uniform_`."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _orthonormal_rows(rows: Tensor) -> Tensor:
    """Gram-Schmidt on the rows of a matrix with at least as many columns, each projection done twice.

    "Twice is enough" (Giraud et al., 2005) for rows orthogonal to working precision. The library's own products give
    the same bits everywhere, which a LAPACK's factorisation does not.
    """
    for i in range(rows.shape[0]):
        row = rows[i]
        if i > 0:
            done = rows[:i]
            for _ in range(2):
                row = row - done.t() @ (done @ row)
        rows[i] = row / row.norm()
    return rows


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with a random (semi-)orthogonal matrix times `gain` (Saxe et al., 2013), uniform among all such matrices.

    Dimensions after the first count as columns; the shorter side is orthonormal. Raises ValueError for fewer than 2
    dimensions.

    >>> import gradgate
    >>> q = orthogonal_(gradgate.empty(2, 3, dtype=gradgate.float64))
    >>> bool(((q @ q.t() - gradgate.eye(2, dtype=gradgate.float64)).abs() < 1e-14).all())
    True
    """
    if tensor.ndim < 2:
        raise ValueError(
            f"orthogonal_: only tensors with 2 or more dimensions are supported, got {tuple(tensor.shape)}"
        )
    if _is_empty(tensor):
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    with no_grad():
        shorter, longer = sorted((rows, columns))
        matrix = _orthonormal_rows(empty(shorter, longer, dtype=_core.float64).normal_(generator=generator))
        if rows > columns:
            matrix = matrix.t()
        return tensor.copy_((matrix * gain).reshape(tuple(tensor.shape)))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers of this std, and in each column a fraction `sparsity` (rounded up) of zeros.

    Martens (2010). Raises ValueError unless the tensor has 2 dimensions.

    >>> import gradgate
    >>> (sparse_(gradgate.empty(4, 3), sparsity=0.5) == 0.0).sum(0).tolist()
    [2, 2, 2]
    """
    _require_matrix("sparse_", tensor)
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0.0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows, generator=generator)[:zeros], column] = 0.0
    return tensor
