"""The pattern of a gate in gradient flow: what it does, in a word or two, with the upstream gradient."""

from __future__ import annotations

# The lecture's four, and the others in its spirit. A kind that is not here is named after what its edges state.
PATTERNS = {
    "distributor": "add",
    "distributor, sign turned": "sub rsub",
    "sign turner": "neg",
    "swap multiplier": "mul dot mv mm bmm matmul addmm linear bilinear addcmul outer",
    "swap divider": "div true_divide addcdiv",
    "adder": "copy expand broadcast_to repeat repeat_interleave tile",
    "router": (
        "max min amax amin maximum minimum fmax fmin where masked_fill median kthvalue topk sort cummax cummin "
        "index select gather take take_along_dim index_select masked_select narrow slice pick diagonal"
    ),
    "switch": "relu relu6 leaky_relu threshold hardtanh clamp clip dropout abs hardshrink softshrink",
    "broadcaster": "sum cumsum nansum",
    "averaging broadcaster": "mean nanmean",
    "rearranger": (
        "view reshape permute transpose t flip roll unsqueeze squeeze contiguous clone flatten unflatten movedim as_strided to"
    ),
    "splitter": "cat stack concatenate hstack vstack dstack",
    "joiner": "split chunk unbind unstack",
    "scatterer": "index_put scatter scatter_add index_add slice_scatter masked_scatter put embedding",
    "squasher": "sigmoid tanh erf hardsigmoid softsign log_sigmoid",
    "class balancer": "softmax log_softmax cross_entropy nll_loss logsumexp",
    "normaliser": "layer_norm batch_norm group_norm instance_norm rms_norm norm var std variance normalize",
}

_BY_KIND = {kind: pattern for pattern, kinds in PATTERNS.items() for kind in kinds.split()}


def pattern_of(kind: str, elementwise: bool) -> str:
    """The pattern of a kind of gate: by name, else "scaler" where each element has its own factor, else "mixer"."""
    return _BY_KIND.get(kind, "scaler" if elementwise else "mixer")
