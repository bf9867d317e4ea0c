"""Losses of a classifier: negative log-likelihood, softmax cross-entropy and the multi-class hinge."""

from __future__ import annotations

from gradgate import _core
from gradgate._core import Tensor
from gradgate.functional.loss_arguments import (
    check_class_range,
    check_reduction,
    class_dim,
    class_weights,
    reduce,
    require_same_shape,
)


def _along(vector: Tensor, dim: int, ndim: int) -> Tensor:
    """`vector` (C,) shaped to broadcast along dimension `dim` of `ndim`."""
    return vector.reshape([-1 if d == dim else 1 for d in range(ndim)])


def _index_loss(
    operation: str,
    log_p: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log_p at the target classes; the mean is weighted by the targets' weights and leaves ignored targets out."""
    check_reduction(reduction)
    dim = class_dim(operation, log_p, target)
    classes = log_p.shape[dim]
    weight = class_weights(operation, weight, classes, log_p.dtype)
    if target.dtype != _core.int64:
        target = target.to(_core.int64)
    ignored = target == ignore_index
    has_ignored = bool(ignored.any())
    if has_ignored:
        target = target.masked_fill(ignored, 0)
    check_class_range(operation, target, classes)

    loss = -log_p.gather(dim, target.unsqueeze(dim)).squeeze(dim)
    item_weight = None if weight is None else weight[target]
    if item_weight is not None:
        loss = loss * item_weight
    if label_smoothing > 0.0:
        spread = log_p if weight is None else log_p * _along(weight, dim, log_p.ndim)
        loss = loss * (1.0 - label_smoothing) - spread.sum(dim) * (label_smoothing / classes)
    if has_ignored:
        loss = loss.masked_fill(ignored, 0.0)
        present = ignored.logical_not().to(log_p.dtype)
        item_weight = present if item_weight is None else item_weight * present
    if reduction == "mean" and item_weight is not None:
        return loss.sum() / item_weight.sum()
    return reduce(loss, reduction)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood, -weight[t] * x[t], of log-probabilities x.

    `input` is (N, C), (C,) or (N, C, d1, ...); `target` holds class indices, integers, (N,), () or (N, d1, ...);
    `weight` is (C,). Targets equal to `ignore_index` add nothing. The mean is the sum divided by the sum of the
    targets' weights. Raises ValueError if the shapes do not fit, IndexError for a class outside 0 .. C - 1,
    RuntimeError for a weight of another type than the input's.

    >>> import gradgate
    >>> nll_loss(gradgate.tensor([[-1.0, -2.0], [-3.0, -4.0]]), gradgate.tensor([0, 1])).item()
    2.5
    """
    return _index_loss("nll_loss", input, target, weight, ignore_index, reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Softmax cross-entropy of scores x: -weight[t] * log(softmax(x)[t]).

    `input` is (N, C), (C,) or (N, C, d1, ...). `target` holds class indices, integers, (N,), () or (N, d1, ...); or
    class probabilities, floating point, of the input's shape: then the loss is
    -sum_c weight[c] t[c] log(softmax(x)[c]), and the mean divides by N d1 .... `label_smoothing` mixes the target
    with 1 / C for every class. Class indices equal to `ignore_index` add nothing, and the mean over class indices divides
    by the sum of the targets' weights.
    The gradient of one item is softmax(x) - onehot(t).

    Raises ValueError if the shapes do not fit, IndexError for a class outside 0 .. C - 1, RuntimeError for a
    label_smoothing outside [0, 1], for an `ignore_index` of 0 or more with class probabilities, where it has no meaning, or
    with class indices for a weight of another type than the input's.

    >>> import gradgate
    >>> x = gradgate.zeros(1, 4, requires_grad=True)
    >>> cross_entropy(x, gradgate.tensor([2])).backward()
    >>> x.grad.tolist()
    [[0.25, 0.25, -0.75, 0.25]]
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}")
    by_index = not target.is_floating_point()
    if by_index and label_smoothing == 0.0:
        return _core._cross_entropy(input, target, weight, ignore_index, reduction)
    if input.ndim == 0:
        raise ValueError("cross_entropy: expected an input (C,) or (N, C, *), got a tensor without dimensions")
    dim = 1 if input.ndim > 1 else 0
    log_p = _core.log_softmax(input, dim)
    if not by_index:
        if ignore_index >= 0:
            raise RuntimeError(
                f"cross_entropy: ignore_index={ignore_index} is not supported for class probabilities (a floating point "
                "target); give the items to be ignored probabilities of 0"
            )
        return _probability_loss(log_p, target, weight, reduction, label_smoothing, dim)
    return _index_loss("cross_entropy", log_p, target, weight, ignore_index, reduction, label_smoothing)


def _probability_loss(
    log_p: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float, dim: int
) -> Tensor:
    require_same_shape("cross_entropy with class probabilities", log_p, target)
    classes = log_p.shape[dim]
    weight = class_weights("cross_entropy", weight, classes)
    if label_smoothing > 0.0:
        target = target * (1.0 - label_smoothing) + label_smoothing / classes
    terms = log_p * target
    if weight is not None:
        terms = terms * _along(weight, dim, log_p.ndim)
    return reduce(-terms.sum(dim), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Multi-class hinge of scores x: sum over j != t of weight[t] * max(0, margin - x[t] + x[j])^p, divided by C.

    PyTorch divides by the number of classes C and so does this; the lecture (cs231n) does not: multiply by C for its
    figures. `input` is (N, C) or (C,), `target` (N,) or (), `weight` (C,), p is 1 or 2.
    Raises ValueError for another p or shapes that do not fit, IndexError for a class outside 0 .. C - 1, RuntimeError
    for a weight of another type than the input's.

    >>> import gradgate
    >>> scores = gradgate.tensor([[3.0, 5.0, -2.0]])  # max(0, 1 - 3 + 5) + max(0, 1 - 3 - 2) = 3, over 3 classes
    >>> multi_margin_loss(scores, gradgate.tensor([0])).item()
    1.0
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: only p == 1 and p == 2 are supported, got {p}")
    if input.ndim > 2:
        raise ValueError(f"multi_margin_loss: expected an input (N, C) or (C,), got {tuple(input.shape)}")
    dim = class_dim("multi_margin_loss", input, target)
    classes = input.shape[dim]
    weight = class_weights("multi_margin_loss", weight, classes, input.dtype)
    if target.dtype != _core.int64:
        target = target.to(_core.int64)
    check_class_range("multi_margin_loss", target, classes)

    index = target.unsqueeze(dim)
    excess = (input - input.gather(dim, index) + margin).relu()
    if p == 2:
        excess = excess.square()
    excess = excess.masked_fill(_core.arange(classes) == index, 0.0)
    loss = excess.sum(dim) / classes
    return reduce(loss if weight is None else loss * weight[target], reduction)
