"""Reductions, softmax, normalisation and cross-entropy, forward and backward, against NumPy by hand and PyTorch.

    python bench/reductions.py                      64 x 64, which stays in the first-level cache
    python bench/reductions.py --shape 16384 1024   beyond the caches: a copy of as many bytes is timed in the same rounds

Backward is the backward pass alone, of a graph that is kept. Told are cycles an element of the input, and beyond the cache the
share of a copy's bandwidth, where a call's bytes are those of the input and of a result as large, and for backward the gradient's
and those of what was saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradgate.bench.comparison import Comparison, parser, start, wants

Array = np.ndarray

# Sums of up to 2^14 rounded terms, relative to the largest result; float32's rounding 2^-24 grows at most as sqrt(n) = 2^7.
TOLERANCE = 2.0**-16
CACHED_BYTES = 1 << 20
EPSILON = 1e-5


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def normalized(x: Array, axis: int) -> tuple[Array, Array]:
    """(x - mean) / std and 1 / std."""
    centred = x - x.mean(axis, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(axis, keepdims=True) + EPSILON)
    return centred * scale, scale


def normalized_backward(axis: int) -> Callable[[Array, Array, Array], Array]:
    def backward(x: Array, y: Array, dy: Array) -> Array:
        _, scale = normalized(x, axis)
        return scale * (dy - dy.mean(axis, keepdims=True) - y * (dy * y).mean(axis, keepdims=True))

    return backward


def cross_entropy(x: Array) -> Array:
    return -log_softmax(x)[np.arange(len(x)), classes(x)].mean()


def cross_entropy_backward(x: Array, _: Array, dy: Array) -> Array:
    p = softmax(x)
    p[np.arange(len(x)), classes(x)] -= 1
    return p * (dy / len(x))


def classes(x: Array) -> Array:
    return np.arange(len(x)) % x.shape[1]


@dataclass(frozen=True)
class Case:
    """What a library runs on x and classes, NumPy's forward of x and backward of (x, y, dy); arrays like x that each reads and writes."""

    run: Callable[[Any, Any, Any], Any]
    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array, Array], Array] | None = None
    forward_arrays: int = 1
    backward_arrays: int = 1


def spread(axis: int | None) -> Callable[[Array, Array, Array], Array]:
    def backward(x: Array, _: Array, dy: Array) -> Array:
        return np.broadcast_to(dy if axis is None else np.expand_dims(dy, axis), x.shape).copy()

    return backward


CASES: dict[str, Case] = {
    "sum": Case(lambda _, x, __: x.sum(), np.sum, spread(None)),
    "sum of columns": Case(lambda _, x, __: x.sum(0), lambda x: x.sum(0), spread(0)),
    "sum of rows": Case(lambda _, x, __: x.sum(1), lambda x: x.sum(1), spread(1)),
    "mean": Case(lambda _, x, __: x.mean(), np.mean, lambda x, y, dy: spread(None)(x, y, dy / x.size)),
    "amax of rows": Case(lambda _, x, __: x.amax(1), lambda x: x.max(1)),
    "argmax of rows": Case(lambda _, x, __: x.argmax(1), lambda x: x.argmax(1)),
    "var of rows": Case(
        lambda _, x, __: x.var(1),
        lambda x: x.var(1, ddof=1),
        lambda x, y, dy: (x - x.mean(1, keepdims=True)) * (2 * dy / (x.shape[1] - 1))[:, None],
        1,
        2,
    ),
    "softmax": Case(
        lambda lib, x, _: lib.softmax(x, 1), softmax, lambda x, y, dy: y * (dy - (dy * y).sum(1, keepdims=True)), 2, 3
    ),
    "log_softmax": Case(
        lambda lib, x, _: lib.log_softmax(x, 1),
        log_softmax,
        lambda x, y, dy: dy - np.exp(y) * dy.sum(1, keepdims=True),
        2,
        3,
    ),
    "layer_norm": Case(
        lambda lib, x, _: lib.nn.functional.layer_norm(x, x.shape[1:]),
        lambda x: normalized(x, 1)[0],
        normalized_backward(1),
        2,
        3,
    ),
    "batch_norm": Case(
        lambda lib, x, _: lib.nn.functional.batch_norm(x, None, None, training=True),
        lambda x: normalized(x, 0)[0],
        normalized_backward(0),
        2,
        3,
    ),
    "cross_entropy": Case(
        lambda lib, x, y: lib.nn.functional.cross_entropy(x, y),
        cross_entropy,
        cross_entropy_backward,
        2,
        2,
    ),
}


def work(x: Array, arrays: int) -> dict[str, float]:
    moved = arrays * x.nbytes
    return {"elements": x.size, "moved": moved if moved > CACHED_BYTES else 0}


def forward(comparison: Comparison, name: str, x: Array) -> None:
    case = CASES[name]
    rivals: dict[str, Callable[[], Any]] = {}
    for library_name, library in comparison.within().items():
        t, y = library.from_numpy(x), library.from_numpy(classes(x))
        rivals[library_name] = lambda library=library, t=t, y=y: case.run(library, t, y)
    rivals["NumPy"] = lambda: case.forward(x)
    comparison.verified(name, rivals, case.forward(x.astype(np.float64)), TOLERANCE, **work(x, case.forward_arrays))


def backward(comparison: Comparison, name: str, x: Array) -> None:
    case = CASES[name]
    if case.backward is None:
        return
    y = case.forward(x)
    dy = np.random.default_rng(1).standard_normal(np.shape(y)).astype(np.float32)

    def with_graph(library: Any) -> Callable[[], Any]:
        leaf, upstream = library.from_numpy(x.copy()).requires_grad_(), library.from_numpy(dy)
        result = case.run(library, leaf, library.from_numpy(classes(x)))

        def run() -> Any:
            leaf.grad = None
            result.backward(upstream, retain_graph=True)
            return leaf.grad

        return run

    rivals = {library_name: with_graph(library) for library_name, library in comparison.within().items()}
    rivals["NumPy"] = lambda: case.backward(x, y, dy)
    exact = x.astype(np.float64)
    gradient = case.backward(exact, case.forward(exact), dy.astype(np.float64))
    comparison.verified(f"{name} backward", rivals, gradient, TOLERANCE, **work(x, case.backward_arrays))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--shape", type=int, nargs=2, default=(64, 64), metavar=("ROWS", "COLUMNS"))
    options.add_argument("--groups", nargs="*", choices=("forward", "backward"), help="default: both")
    given = options.parse_args(arguments)
    peers = start(given, ("PyTorch",))
    x = np.random.default_rng(0).standard_normal(given.shape, dtype=np.float32)
    for group, measure in {"forward": forward, "backward": backward}.items():
        if wants(given, group):
            rows, columns = given.shape
            comparison = Comparison(f"{group} on {rows:,} rows of {columns:,}", peers)
            for name in CASES:
                measure(comparison, name, x)
            comparison.show()


if __name__ == "__main__":
    main()
