"""The reductions' two rules of order in plain NumPy, and other references of the reducing gates' tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray
Combine = Callable[[Array, Array], Array]


def row_rule(x: Array, combine: Combine, identity: float) -> Any:
    """64 lanes in ascending order within chunks of 4,096, halved to one; the chunks' results by the same rule."""
    results = []
    for start in range(0, len(x), 4096):
        chunk = x[start : start + 4096]
        padded = np.full(-(-len(chunk) // 64) * 64, identity, x.dtype)
        padded[: len(chunk)] = chunk
        lanes = np.full(64, identity, x.dtype)
        for block in padded.reshape(-1, 64):
            lanes = combine(lanes, block)
        while len(lanes) > 1:
            lanes = combine(lanes[: len(lanes) // 2], lanes[len(lanes) // 2 :])
        results.append(lanes[0])
    return results[0] if len(results) == 1 else row_rule(np.array(results), combine, identity)


def column_rule(x: Array, combine: Combine, identity: float) -> Array:
    """Blocks of 256 rows, each a chain in ascending order; the blocks combined in ascending order."""
    total = np.full(x.shape[1:], identity, x.dtype)
    for start in range(0, len(x), 256):
        chain = np.full(x.shape[1:], identity, x.dtype)
        for row in x[start : start + 256]:
            chain = combine(chain, row)
        total = combine(total, chain)
    return total


def wide(x: Array) -> Array:
    """The values in a wider type (where long double is float64, the bounds have room for its rounding, too)."""
    return x.astype(np.float64 if x.dtype == np.float32 else np.longdouble)


def additions(shape: Sequence[int], dims: Sequence[int]) -> int:
    """The most additions that one element passes through on its way into a sum over dims, by whichever rule."""
    count = int(np.prod([shape[d] for d in dims]))
    rows = 0
    while True:
        rows += min(-(-count // 64), 64) + 6
        if count <= 4096:
            break
        count = -(-count // 4096)
    columns = int(np.prod([shape[d] for d in dims]))
    return max(rows, min(columns, 256) + -(-columns // 256))


def centred_difference(f: Callable[[Array], Array], x: Array, dy: Array, step: float = 1e-5) -> Array:
    """The gradient of sum(f(x) * dy) in float64; its error is about step^2 |f'''| / 6 + 1e-16 |f| / step."""
    dx = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += step
        below[index] -= step
        dx[index] = np.sum((f(above) - f(below)) * dy) / (2 * step)
    return dx
