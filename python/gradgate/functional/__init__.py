"""Stateless forms of the layers, activations and losses, in PyTorch's names; also `gradgate.nn.functional`."""

from gradgate._core import logsigmoid, one_hot, pad, sigmoid, softplus, tanh
from gradgate.functional.activation import (
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    log_softmax,
    mish,
    relu,
    selu,
    silu,
    softmax,
)
from gradgate.functional.affine import bilinear, linear
from gradgate.functional.classification_loss import cross_entropy, multi_margin_loss, nll_loss
from gradgate.functional.distance import cosine_similarity, normalize
from gradgate.functional.lookup import embedding
from gradgate.functional.noise import dropout
from gradgate.functional.normalization import batch_norm, layer_norm
from gradgate.functional.probability_loss import binary_cross_entropy, binary_cross_entropy_with_logits, kl_div
from gradgate.functional.regression_loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss

__all__ = [
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "gelu",
    "hardtanh",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]
