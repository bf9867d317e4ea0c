"""Elementwise gates, forward and backward, against NumPy and PyTorch: cycles an element, and the share of a copy's bandwidth.

    python bench/gates.py                           4,096 elements, which stay in the first-level cache
    python bench/gates.py --size 16777216           beyond the caches: a copy of as many bytes is timed in the same rounds

Backward is the backward pass alone, of a graph that is kept, into a leaf without gradient; NumPy's is written by hand from what
the forward left. The bytes of a call are those of the operands and the result; backward reads the upstream gradient and
what was saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradgate.bench.comparison import Comparison, parser, start, wants

Array = np.ndarray

# PyTorch's and NumPy's functions are good to a few units in the last place.
TOLERANCE = 8 * 2.0**-23
# A copy is the limit of arrays that leave the second-level cache.
CACHED_BYTES = 1 << 20
VERIFIED = 4096  # elements, at least: as many as are spread over the array

erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def gelu(x: Array) -> Array:
    return 0.5 * x * (1 + erf(x * 0.5**0.5))


def gelu_local(x: Array, _: Array) -> Array:
    return 0.5 * (1 + erf(x * 0.5**0.5)) + x * np.exp(-0.5 * x * x) * (2 * np.pi) ** -0.5


@dataclass(frozen=True)
class Gate:
    """A gate in NumPy, and its local gradient from the input and the output; `races` unless NumPy has no such function."""

    forward: Callable[[Array], Array]
    local: Callable[[Array, Array], Array]
    races: bool = True


GATES: dict[str, Gate] = {
    "exp": Gate(np.exp, lambda x, y: y),
    "log": Gate(np.log, lambda x, y: 1 / x),
    "tanh": Gate(np.tanh, lambda x, y: 1 - y * y),
    "sigmoid": Gate(sigmoid, lambda x, y: y * (1 - y)),
    "relu": Gate(lambda x: np.maximum(x, 0), lambda x, y: y > 0),
    "silu": Gate(lambda x: x * sigmoid(x), lambda x, y: sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
    "gelu": Gate(gelu, gelu_local, races=False),
    "erf": Gate(erf, lambda x, y: 2 * np.pi**-0.5 * np.exp(-x * x), races=False),
    "sin": Gate(np.sin, lambda x, y: np.cos(x)),
    "sqrt": Gate(np.sqrt, lambda x, y: 0.5 / y),
    "square": Gate(np.square, lambda x, y: 2 * x),
}
BINARY: dict[str, Callable[[Array, Array], Array]] = {"add": np.add, "mul": np.multiply, "div": np.divide}


def some(values: Any) -> Array:
    """At least VERIFIED of the elements, spread evenly."""
    array = np.asarray(values)
    return array[:: max(1, len(array) // VERIFIED)]


def function(library: Any, name: str) -> Callable[..., Any]:
    return getattr(library, name, None) or getattr(library.nn.functional, name)


def race(comparison: Comparison, case: str, rivals: dict[str, Callable[[], Any]], exact: Array, arrays: int) -> None:
    """Verify and race; `arrays` is how many are read and written."""
    size = len(next(iter(rivals.values()))())
    moved = 4 * arrays * size
    comparison.verified(
        case,
        rivals,
        exact,
        TOLERANCE,
        read=some,
        elements=size,
        moved=moved if moved > CACHED_BYTES else 0,
    )


def forward(comparison: Comparison, name: str, x: Array) -> None:
    gate = GATES[name]
    rivals = {}
    for library_name, library in comparison.within().items():
        call, t = function(library, name), library.from_numpy(x)
        rivals[library_name] = lambda call=call, t=t: call(t)
    if gate.races:
        rivals["NumPy"] = lambda: gate.forward(x)
    race(comparison, name, rivals, gate.forward(some(x).astype(np.float64)), 2)


def backward(comparison: Comparison, name: str, x: Array) -> None:
    gate = GATES[name]
    dy = np.random.default_rng(1).standard_normal(x.shape, dtype=np.float32)

    def with_graph(library: Any) -> Callable[[], Array]:
        leaf, upstream = library.from_numpy(x.copy()).requires_grad_(), library.from_numpy(dy)
        y = function(library, name)(leaf)

        def run() -> Any:
            leaf.grad = None
            y.backward(upstream, retain_graph=True)
            return leaf.grad

        return run

    rivals = {library_name: with_graph(library) for library_name, library in comparison.within().items()}
    if gate.races:
        output = gate.forward(x)
        rivals["NumPy"] = lambda: dy * gate.local(x, output)
    few = some(x).astype(np.float64)
    race(comparison, f"{name} backward", rivals, some(dy) * gate.local(few, gate.forward(few)), 3)


def binary(comparison: Comparison, name: str, x: Array) -> None:
    y = np.random.default_rng(2).uniform(0.5, 2, len(x)).astype(np.float32)
    rivals = {}
    for library_name, library in comparison.within().items():
        call, a, b = getattr(library, name), library.from_numpy(x), library.from_numpy(y)
        rivals[library_name] = lambda call=call, a=a, b=b: call(a, b)
    rivals["NumPy"] = lambda: BINARY[name](x, y)
    exact = BINARY[name](some(x).astype(np.float64), some(y).astype(np.float64))
    race(comparison, name, rivals, exact, 3)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--size", type=int, default=4096, help="elements (default: %(default)s)")
    options.add_argument("--groups", nargs="*", choices=("binary", "forward", "backward"), help="default: all")
    given = options.parse_args(arguments)
    peers = start(given, ("PyTorch",))
    x = np.random.default_rng(0).uniform(0.1, 4, given.size).astype(np.float32)
    groups = {"binary": (binary, BINARY), "forward": (forward, GATES), "backward": (backward, GATES)}
    for group, (measure, names) in groups.items():
        if wants(given, group):
            comparison = Comparison(f"float32 gates on {given.size:,} elements: {group}", peers)
            for name in names:
                measure(comparison, name, x)
            comparison.show()


if __name__ == "__main__":
    main()
