"""Losses as modules; formulas, shapes and errors are those of `gradgate.functional`."""

from __future__ import annotations

from gradgate import functional as F
from gradgate._core import Tensor
from gradgate.functional.loss_arguments import check_reduction
from gradgate.nn.module import Module


class _Loss(Module):
    """A loss with a reduction."""

    def __init__(self, reduction: str = "mean") -> None:
        """`reduction` is "none", "mean" or "sum"; ValueError otherwise."""
        super().__init__()
        check_reduction(reduction)
        self.reduction = reduction


class _WeightedLoss(_Loss):
    """A loss with a weight, which is a buffer."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """Squared error; see `functional.mse_loss`.

    >>> import gradgate
    >>> MSELoss()(gradgate.tensor([1.0, 2.0]), gradgate.tensor([0.0, 4.0])).item()
    2.5
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` (*) against `target` (*)."""
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """Absolute error; see `functional.l1_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` (*) against `target` (*)."""
        return F.l1_loss(input, target, self.reduction)


class SmoothL1Loss(_Loss):
    """Squared error below `beta`, absolute error above; see `functional.smooth_l1_loss`."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` (*) against `target` (*)."""
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """Squared error below `delta`, a line above; see `functional.huber_loss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` (*) against `target` (*)."""
        return F.huber_loss(input, target, self.reduction, self.delta)


class NLLLoss(_WeightedLoss):
    """Negative log-likelihood of log-probabilities; see `functional.nll_loss`."""

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` (N, C, ...) against class indices `target` (N, ...)."""
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    """Softmax cross-entropy of scores; see `functional.cross_entropy`.

    >>> import gradgate
    >>> loss = CrossEntropyLoss()(gradgate.zeros(1, 10), gradgate.tensor([3]))
    >>> round(loss.item(), 6)  # log(10): the first loss with ten classes and tiny weights
    2.302585
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` (N, C, ...) against class indices (N, ...) or probabilities (N, C, ...)."""
        return F.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class BCELoss(_WeightedLoss):
    """Binary cross-entropy of probabilities; see `functional.binary_cross_entropy`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` (*) against `target` (*)."""
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """Binary cross-entropy of scores; see `functional.binary_cross_entropy_with_logits`."""

    pos_weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` (*) against `target` (*)."""
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class KLDivLoss(Module):
    """Kullback-Leibler divergence from log-probabilities; see `functional.kl_div`."""

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        """`reduction` may also be "batchmean", the divergence's definition; ValueError for an unknown one."""
        super().__init__()
        if reduction != "batchmean":
            check_reduction(reduction)
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of log-probabilities `input` (N, *) against `target` (N, *)."""
        return F.kl_div(input, target, self.reduction, self.log_target)


class MultiMarginLoss(_WeightedLoss):
    """Multi-class hinge, the lecture's SVM loss divided by the number of classes; see `functional.multi_margin_loss`.

    >>> import gradgate
    >>> scores = gradgate.zeros(1, 10)  # nine margins of 1 over ten classes; the lecture, which does not divide, has 9
    >>> round(MultiMarginLoss()(scores, gradgate.tensor([3])).item(), 6)
    0.9
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, reduction: str = "mean") -> None:
        """`p` is 1 or 2, `weight` (C,); ValueError for another p."""
        super().__init__(weight, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: only p == 1 and p == 2 are supported, got {p}")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores `input` (N, C) against class indices `target` (N,)."""
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, self.reduction)
