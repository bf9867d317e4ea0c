"""Products of an input with weights: linear and bilinear maps."""

from __future__ import annotations

from gradgate import _core
from gradgate._core import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map, y = x W^T + b.

    `input` is (*, in), `weight` (out, in) or (in,), `bias` (out,) or (); the result is (*, out) or (*).
    With the upstream gradient dy: dx = dy W, dW = dy^T x, db = dy summed over the rows.
    Raises RuntimeError if the sizes do not match.

    >>> import gradgate
    >>> x = gradgate.tensor([[1.0, 2.0]])
    >>> linear(x, gradgate.tensor([[3.0, 4.0], [5.0, 6.0], [0.0, 1.0]]), gradgate.tensor([1.0, 1.0, 1.0])).tolist()
    [[12.0, 18.0, 3.0]]
    """
    if weight.ndim == 2:
        return _core.linear(input, weight, bias)
    product = input.matmul(weight)
    return product if bias is None else product + bias


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Bilinear map, y_o = x1^T W_o x2 + b_o.

    `input1` is (*, in1), `input2` (*, in2) with the same leading dimensions, `weight` (out, in1, in2),
    `bias` (out,); the result is (*, out). Raises RuntimeError if the sizes do not match.

    >>> import gradgate
    >>> w = gradgate.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # one output: the dot product
    >>> bilinear(gradgate.tensor([[1.0, 2.0]]), gradgate.tensor([[3.0, 4.0]]), w).tolist()
    [[11.0]]
    """
    rows = tuple(input1.shape[:-1])
    if weight.ndim != 3 or (*rows, weight.shape[2]) != tuple(input2.shape) or input1.shape[-1] != weight.shape[1]:
        raise RuntimeError(
            f"bilinear: expected inputs (*, in1) and (*, in2) for a weight (out, in1, in2), got "
            f"{tuple(input1.shape)}, {tuple(input2.shape)} and weight {tuple(weight.shape)}"
        )
    # One product over k = in1 * in2 keeps the work in the blocked matmul.
    out, in1, in2 = weight.shape
    pairs = (input1.unsqueeze(-1) * input2.unsqueeze(-2)).reshape(*rows, in1 * in2)
    return linear(pairs, weight.reshape(out, in1 * in2), bias)
