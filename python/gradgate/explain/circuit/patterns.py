"""Describes in a word or two what a gate does with the upstream gradient: its pattern in gradient flow."""

from __future__ import annotations

# The lecture's four patterns, and more of the same kind. Unlisted kinds are scalers or mixers.
PATTERNS = {
    "distributor": "add",
    "distributor, sign turned": "sub",
    "sign turner": "neg",
    "swap multiplier": "mul dot mv vm mm bmm matmul outer linear",
    "swap divider": "div",
    "adder": "copy expand repeat spread",
    "router": (
        "max maximum minimum where index select slice gather take index_select masked_select diagonal embedding "
        "tril triu"
    ),
    "switch": "relu leaky_relu hardtanh clamp abs",
    "broadcaster": "sum cumsum",
    "averaging broadcaster": "mean",
    "rearranger": "view permute transpose flip unsqueeze squeeze clone as_strided to_copy constant_pad_nd",
    "splitter": "cat stack",
    "joiner": "split unbind",
    "scatterer": "assign copy_slices index_put index_copy index_add scatter scatter_add masked_scatter place",
    "squasher": "sigmoid tanh erf logsigmoid",
    "balancer": "softmax log_softmax cross_entropy logsumexp",
    "normaliser": "layer_norm norm var std",
    "blocker": "fill clear index_fill sign floor ceil",
}

_BY_KIND = {kind: pattern for pattern, kinds in PATTERNS.items() for kind in kinds.split()}


def pattern_of(kind: str, elementwise: bool) -> str:
    """The pattern of a kind of gate. Unlisted kinds are "scaler" if each element has its own factor, and "mixer" otherwise."""
    return _BY_KIND.get(kind, "scaler" if elementwise else "mixer")
