"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from gradgate._core import Tensor, cat
from gradgate.autograd.grad_mode import no_grad


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return the elements of all parameters, one after the other, (total,). Gradients flow through it.

    >>> import gradgate
    >>> parameters_to_vector([gradgate.zeros(1, 2), gradgate.ones(1)]).tolist()
    [0.0, 0.0, 1.0]
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy the elements of `vec` (total,) into the parameters, in order.

    Raises TypeError if `vec` is not a Tensor, ValueError if it has another number of elements than the parameters;
    then nothing is changed.

    >>> import gradgate
    >>> a, b = gradgate.zeros(2), gradgate.zeros(1, 1)
    >>> vector_to_parameters(gradgate.tensor([1.0, 2.0, 3.0]), [a, b])
    >>> a.tolist(), b.tolist()
    ([1.0, 2.0], [[3.0]])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a Tensor, got {type(vec).__name__}")
    tensors = list(parameters)
    total = sum(tensor.numel() for tensor in tensors)
    if tuple(vec.shape) != (total,):
        raise ValueError(
            f"vector_to_parameters: the parameters need a vector of shape ({total},), got {tuple(vec.shape)}"
        )
    start = 0
    with no_grad():
        for tensor in tensors:
            count = tensor.numel()
            tensor.copy_(vec[start : start + count].reshape(tuple(tensor.shape)))
            start += count
