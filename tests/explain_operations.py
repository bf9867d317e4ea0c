"""Every structural operation of the package on sample inputs, for the tests of what explains gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import gradgate as g
from gradgate import Tensor
from gradgate.nn import functional as F


@dataclass(frozen=True)
class Operation:
    """A function of tensors, and the shapes of those that it is tried on."""

    function: Callable[..., Tensor]
    shapes: tuple[tuple[int, ...], ...]
    # Values that an element of the inputs may take; by default any of the normal distribution.
    positive: bool = False

    def inputs(self, dtype: object = np.float64, seed: int = 0) -> list[Tensor]:
        rng = np.random.default_rng(seed)
        arrays = [rng.standard_normal(shape) for shape in self.shapes]
        if self.positive:
            arrays = [np.abs(a) + 0.5 for a in arrays]
        return [g.from_numpy(np.asarray(a.astype(dtype))).requires_grad_() for a in arrays]


def op(function: Callable[..., Tensor], *shapes: tuple[int, ...], positive: bool = False) -> Operation:
    return Operation(function, shapes, positive)


def written(x: Tensor, write: Callable[[Tensor], object]) -> Tensor:
    """A copy of x after an in-place operation."""
    y = x.clone()
    write(y)
    return y


def mask(*shape: int) -> Tensor:
    return g.from_numpy(np.random.default_rng(1).random(shape) > 0.5)


def several(parts: object) -> Tensor:
    """One tensor of all elements of several, each part scaled otherwise."""
    return g.cat([(i + 1) * part.reshape(-1) for i, part in enumerate(parts)])  # type: ignore[arg-type, var-annotated]


def slope(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The gradient of a function, whose graph has the gates of backward passes."""

    def gradient(x: Tensor) -> Tensor:
        (dx,) = g.autograd.grad((function(x) ** 2).sum(), [x], create_graph=True)
        return dx

    return gradient


COLUMN, ROWS, PLACES = g.tensor([2, 0]), g.tensor([0, 2, 2]), g.tensor([[0, 2, 1], [1, 1, 0]])
CLASSES = g.tensor([3, 0, 1])

OPERATIONS: dict[str, Operation] = {
    # sums and products
    "sum": op(lambda x: x.sum(), (2, 3)),
    "sum over rows": op(lambda x: x.sum(0), (2, 3)),
    "sum over columns": op(lambda x: x.sum(1), (2, 3)),
    "sum over two, kept": op(lambda x: x.sum((0, 2), keepdim=True), (2, 3, 4)),
    "sum of a number": op(lambda x: x.sum(), ()),
    "mean": op(lambda x: x.mean(), (2, 3)),
    "mean over columns": op(lambda x: x.mean(1, keepdim=True), (2, 3)),
    "prod": op(lambda x: x.prod(), (2, 3)),
    "prod over columns": op(lambda x: x.prod(1), (2, 3)),
    "prod with a zero": op(lambda x: (x * g.tensor([1.0, 0.0, 1.0], dtype=x.dtype)).prod(1, keepdim=True), (2, 3)),
    "cumsum": op(lambda x: x.cumsum(1), (2, 3)),
    "cumsum of a number": op(lambda x: x.cumsum(0), ()),
    "cumprod": op(lambda x: x.cumprod(0), (4, 2)),
    # extremes and order
    "max": op(lambda x: x.max(), (2, 3)),
    "max along": op(lambda x: x.max(1).values, (2, 3)),
    "max along, kept": op(lambda x: x.max(0, keepdim=True).values, (2, 3)),
    "min along": op(lambda x: x.min(-1).values, (2, 3)),
    "amax": op(lambda x: x.amax(1), (2, 3)),
    "amax of equals": op(lambda x: (x * 0 + 1).amax(0), (3, 2)),
    "amin": op(lambda x: x.amin((0, 1), keepdim=True), (2, 3)),
    "median": op(lambda x: x.median(), (2, 4)),
    "median along": op(lambda x: x.median(1).values, (2, 4)),
    "median along, kept": op(lambda x: x.median(0, keepdim=True).values, (5, 2)),
    "sort": op(lambda x: x.sort(1).values, (2, 5)),
    "sort descending": op(lambda x: x.sort(0, descending=True).values, (5, 2)),
    "topk": op(lambda x: x.topk(2, 1).values, (2, 5)),
    "topk smallest": op(lambda x: x.topk(3, 0, largest=False).values, (5, 2)),
    # statistics
    "var": op(lambda x: x.var(), (2, 3)),
    "var over rows": op(lambda x: x.var(0, correction=0, keepdim=True), (4, 3)),
    "std": op(lambda x: x.std(1), (2, 4)),
    "norm": op(lambda x: x.norm(), (2, 3)),
    "norm over columns": op(lambda x: x.norm(2, 1, keepdim=True), (2, 3)),
    "norm 1": op(lambda x: x.norm(1, 0), (2, 3)),
    "norm 3": op(lambda x: x.norm(3, 1), (2, 3)),
    "norm inf": op(lambda x: x.norm(float("inf"), 1), (2, 3)),
    "norm of zeros": op(lambda x: (x * 0).norm(2, 1), (2, 3)),
    "logsumexp": op(lambda x: x.logsumexp(1), (2, 3)),
    "logsumexp kept": op(lambda x: x.logsumexp((0, 1), keepdim=True), (2, 3)),
    "softmax": op(lambda x: x.softmax(1), (2, 3)),
    "softmax over rows": op(lambda x: x.softmax(0), (4, 3)),
    "log_softmax": op(lambda x: x.log_softmax(-1), (2, 3)),
    # products of matrices
    "mm": op(lambda a, b: a @ b, (2, 3), (3, 4)),
    "bmm": op(g.bmm, (2, 3, 4), (2, 4, 5)),
    "matmul broadcast": op(lambda a, b: a @ b, (2, 1, 3, 4), (5, 4, 2)),
    "matmul tall": op(lambda a, b: a @ b, (2, 3, 4), (4, 2)),
    "mv": op(lambda a, b: a @ b, (2, 3), (3,)),
    "vm": op(lambda a, b: a @ b, (2,), (2, 3)),
    "rows by a vector": op(lambda a, b: a @ b, (2, 3, 4), (4,)),
    "a vector by batches": op(lambda a, b: a @ b, (4,), (2, 4, 3)),
    "dot": op(lambda a, b: a @ b, (3,), (3,)),
    "outer": op(g.outer, (2,), (3,)),
    "addmm": op(g.addmm, (2, 4), (2, 3), (3, 4)),
    "einsum": op(lambda a, b: g.einsum("ij,kj->ik", a, b), (2, 3), (4, 3)),
    "linear": op(F.linear, (2, 3), (4, 3), (4,)),
    "linear without bias": op(F.linear, (5, 2, 3), (4, 3)),
    "linear of a vector": op(F.linear, (3,), (4, 3), (4,)),
    "linear of batches": op(F.linear, (5, 2, 3), (4, 3), (4,)),
    "bilinear": op(F.bilinear, (2, 3), (2, 4), (5, 3, 4), (5,)),
    # shapes
    "reshape": op(lambda x: x.reshape(3, 2), (2, 3)),
    "reshape of a transpose": op(lambda x: x.T.reshape(6), (2, 3)),
    "permute": op(lambda x: x.permute(2, 0, 1), (2, 3, 4)),
    "transpose": op(lambda x: x.transpose(1, 2), (2, 3, 4)),
    "T": op(lambda x: x.T, (2, 3)),
    "squeeze": op(lambda x: x.squeeze(1), (2, 1, 3)),
    "unsqueeze": op(lambda x: x.unsqueeze(0), (2, 3)),
    "flatten": op(lambda x: x.flatten(1), (2, 3, 4)),
    "unflatten": op(lambda x: x.unflatten(1, (2, 3)), (2, 6)),
    "expand": op(lambda x: x.expand(4, 2, 3), (2, 1)),
    "broadcast_to": op(lambda x: x.broadcast_to((2, 3)), ()),
    "repeat": op(lambda x: x.repeat(2, 1, 3), (2, 3)),
    "tile": op(lambda x: x.tile(2), (2, 3)),
    "cat": op(lambda a, b: g.cat([a, b], 1), (2, 3), (2, 1)),
    "cat with nothing": op(lambda a, b: g.cat([a, g.tensor([], dtype=a.dtype), b]), (2, 3), (1, 3)),
    "cat of types": op(lambda a, b: g.cat([a, b.to(g.float32)]), (2,), (3,)),
    "stack": op(lambda a, b: g.stack([a, b], 1), (2, 3), (2, 3)),
    "split": op(lambda x: several(x.split([2, 1, 2], 1)), (2, 5)),
    "split, one used": op(lambda x: x.split(2, 0)[1], (5, 2)),
    "unbind": op(lambda x: several(x.unbind(1)), (2, 3)),
    "flip": op(lambda x: x.flip((0, 1)), (2, 3)),
    "roll": op(lambda x: x.roll(1, 0), (3, 2)),
    "pad": op(lambda x: F.pad(x, (1, 2, 0, 1), value=3.0), (2, 3)),
    "pad and crop": op(lambda x: F.pad(x, (-1, 2)), (2, 3)),
    "tril": op(lambda x: x.tril(-1), (3, 3)),
    "triu": op(lambda x: x.triu(), (2, 3, 3)),
    "diagonal": op(lambda x: x.diagonal(1), (3, 4)),
    "diagonal of many": op(lambda x: x.diagonal(0, 0, 2), (3, 2, 3)),
    "diag": op(lambda x: x.diag(), (3,)),
    "movedim": op(lambda x: x.movedim(0, 2), (2, 3, 4)),
    "clone": op(lambda x: x.clone(), (2, 3)),
    "to float32 and back": op(lambda x: x.to(g.float32).to(g.float64), (2, 3)),
    # indexing
    "integer": op(lambda x: x[1], (2, 3)),
    "slice": op(lambda x: x[:, 1:], (2, 3)),
    "steps": op(lambda x: x[1::2, ::3], (5, 7)),
    "new axis": op(lambda x: x[:, None, 1], (2, 3)),
    "one element": op(lambda x: x[1, 2], (2, 3)),
    "nothing": op(lambda x: x[:0].sum() + x.sum(), (2, 3)),
    "positions": op(lambda x: x[ROWS], (3, 2)),
    "positions and slice": op(lambda x: x[1:, COLUMN], (3, 3)),
    "positions apart": op(lambda x: x[COLUMN, :, COLUMN], (3, 2, 3)),
    "positions together": op(lambda x: x[:, ROWS, PLACES[:1]], (2, 3, 3)),
    "mask": op(lambda x: x[mask(3, 2)], (3, 2, 2)),
    "gather": op(lambda x: x.gather(1, PLACES), (2, 3)),
    "gather from corner": op(lambda x: x.gather(0, PLACES[:1, :2]), (3, 4)),
    "take_along_dim": op(lambda x: x.take_along_dim(PLACES, 1), (2, 3)),
    "index_select": op(lambda x: x.index_select(1, ROWS), (2, 3)),
    "take": op(lambda x: x.take(PLACES), (2, 3)),
    "masked_select": op(lambda x: x.masked_select(mask(2, 3)), (2, 3)),
    "embedding": op(lambda w: F.embedding(PLACES, w), (3, 2)),
    "embedding with padding": op(lambda w: F.embedding(PLACES, w, padding_idx=1), (3, 2)),
    # assigning
    "remainder": op(lambda a, b: g.remainder(a, b), (2, 3), (3,)),
    "fmod": op(lambda a, b: g.fmod(a, b), (3,), (2, 3)),
    "where": op(lambda a, b: g.where(mask(2, 3), a, b), (2, 3), (3,)),
    "masked_fill": op(lambda x: x.masked_fill(mask(2, 3), 7.0), (2, 3)),
    "masked_scatter": op(lambda x, y: x.masked_scatter(mask(2, 3), y), (2, 3), (6,)),
    "scatter": op(lambda x, y: x.scatter(1, PLACES, y), (2, 3), (2, 3)),
    "scatter_add": op(lambda x, y: x.scatter_add(1, PLACES, y), (2, 3), (2, 3)),
    "index_add": op(lambda x, y: x.index_add(0, ROWS, y, alpha=2), (3, 2), (3, 2)),
    "index_copy": op(lambda x, y: x.index_copy(0, COLUMN, y), (3, 2), (2, 2)),
    "index_fill": op(lambda x: x.index_fill(0, COLUMN, 5.0), (3, 2)),
    "index_put": op(lambda x, y: x.index_put((COLUMN, COLUMN), y), (3, 3), (2,)),
    "slice assigned": op(lambda x, y: written(x, lambda z: z.__setitem__((slice(None), 1), y)), (2, 3), (2,)),
    "positions assigned": op(lambda x, y: written(x, lambda z: z.__setitem__(COLUMN, y)), (3, 2), (2, 2)),
    "number assigned": op(lambda x: written(x, lambda z: z.__setitem__(0, 4.0)), (3, 2)),
    "zeroed": op(lambda x: written(x, lambda z: z[0].zero_()), (3, 2)),
    "filled": op(lambda x: written(x, lambda z: z.fill_(2.0)) + x, (3, 2)),
    "copied": op(lambda x, y: written(x, lambda z: z.copy_(y)), (3, 2), (3, 2)),
    "in place": op(lambda x, y: written(x, lambda z: z.mul_(y).exp_().add_(1)), (3, 2), (2,)),
    "view of a changed base": op(lambda x: viewed(x), (3, 2)),
    # losses and normalisations
    "cross_entropy": op(lambda x: F.cross_entropy(x, CLASSES), (3, 4)),
    "cross_entropy none": op(lambda x: F.cross_entropy(x, CLASSES, reduction="none"), (3, 4)),
    "cross_entropy of images": op(lambda x: F.cross_entropy(x, PLACES.unsqueeze(0), reduction="sum"), (1, 4, 2, 3)),
    "cross_entropy of one": op(lambda x: F.cross_entropy(x, g.tensor(2)), (4,)),
    "cross_entropy weighted": op(lambda x: F.cross_entropy(x, CLASSES, weight=weights(x)), (3, 4)),
    "cross_entropy ignoring": op(lambda x: F.cross_entropy(x, CLASSES, ignore_index=0), (3, 4)),
    "cross_entropy weighted and ignoring": op(
        lambda x: F.cross_entropy(x, CLASSES, weight=weights(x), ignore_index=0, reduction="none"), (3, 4)
    ),
    "cross_entropy smoothed": op(lambda x: F.cross_entropy(x, CLASSES, label_smoothing=0.1), (3, 4)),
    "cross_entropy of probabilities": op(lambda x, p: F.cross_entropy(x, p.softmax(1)), (3, 4), (3, 4)),
    "nll_loss": op(lambda x: F.nll_loss(x.log_softmax(1), CLASSES), (3, 4)),
    "mse_loss": op(F.mse_loss, (3, 2), (3, 2)),
    "l1_loss": op(F.l1_loss, (3, 2), (3, 2)),
    "smooth_l1_loss": op(F.smooth_l1_loss, (3, 2), (3, 2)),
    "huber_loss": op(lambda a, b: F.huber_loss(a, b, delta=0.7), (3, 2), (3, 2)),
    "binary_cross_entropy": op(lambda x, t: F.binary_cross_entropy(x.sigmoid(), t.sigmoid()), (3, 2), (3, 2)),
    "binary_cross_entropy_with_logits": op(
        lambda x, t: F.binary_cross_entropy_with_logits(x, t.sigmoid()), (3, 2), (3, 2)
    ),
    "kl_div": op(lambda x, t: F.kl_div(x.log_softmax(1), t.softmax(1), reduction="batchmean"), (3, 4), (3, 4)),
    "multi_margin_loss": op(lambda x: F.multi_margin_loss(x, CLASSES), (3, 4)),
    "layer_norm": op(lambda x, w, b: F.layer_norm(x, (3,), w, b), (2, 3), (3,), (3,)),
    "layer_norm plain": op(lambda x: F.layer_norm(x, (2, 3)), (4, 2, 3)),
    "batch_norm": op(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), (4, 3), (3,), (3,)),
    # gates of backward passes
    "slope of a slice": op(slope(lambda x: x[1:, ::2]), (3, 4)),
    "slope of windows": op(slope(lambda x: x.diagonal().expand(2, 3)), (3, 3)),
    "slope of positions": op(slope(lambda x: x[ROWS]), (3, 2)),
    "slope of an extreme": op(slope(lambda x: x.max(1).values), (3, 4)),
    "slope of a sort": op(slope(slope(lambda x: x.sort(1).values)), (3, 4)),
    "slope of an assignment": op(slope(lambda x: written(x, lambda z: z.__setitem__(0, 4.0))), (3, 2)),
    "slope of a product": op(slope(lambda x: x @ x[0]), (3, 3)),
    "slope of a fill": op(slope(lambda x: written(x, lambda z: z.fill_(4.0)) + x), (3, 2)),
    "normalize": op(lambda x: F.normalize(x), (2, 3)),
    "cosine_similarity": op(lambda a, b: F.cosine_similarity(a, b), (2, 3), (2, 3)),
}


def weights(x: Tensor) -> Tensor:
    return g.tensor([0.5, 1.0, 2.0, 0.25], dtype=x.dtype)


def viewed(x: Tensor) -> Tensor:
    """A transposed view of a tensor that changes afterwards."""
    y = x * 1
    view = y.T
    y[0] = 3.0
    return view * 2
