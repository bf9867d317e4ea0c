"""Elementwise gates, forward and backward, against NumPy and PyTorch: ``python bench/gates.py [--size N] [--threads N]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from interleaved import Result, header, race, table, torch_or_none, use_threads, verify

import gradgate

Array = np.ndarray

# Each gate with its forward and its gradient in NumPy.
GATES: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "exp": (np.exp, np.exp),
    "log": (np.log, lambda x: 1 / x),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(x.dtype)),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "square": (np.square, lambda x: 2 * x),
}

# PyTorch's and NumPy's functions are good to a few units in the last place.
TOLERANCE = 8 * 2.0**-23


def measure_forward(name: str, x: Array, torch: object | None) -> Result:
    """Race the gate's forward alone."""
    reference, _ = GATES[name]
    t, gate = gradgate.from_numpy(x), getattr(gradgate, name)
    rivals = {"gradgate": lambda: gate(t), "NumPy": lambda: reference(x)}
    if torch is not None:
        u, torch_gate = torch.from_numpy(x), getattr(torch, name)
        rivals["PyTorch"] = lambda: torch_gate(u)
    for rival, run in rivals.items():
        verify(f"{name} by {rival}", reference(x.astype(np.float64)), run(), TOLERANCE)
    return Result(name, race(rivals))


def measure_both(name: str, x: Array, torch: object | None) -> Result:
    """Race forward and backward together; NumPy's backward is the product written by hand."""
    reference, gradient = GATES[name]
    upstream = np.random.default_rng(1).standard_normal(x.shape).astype(np.float32)

    def with_graph(library: object) -> Callable[[], Array]:
        leaf, dy = library.from_numpy(x.copy()).requires_grad_(), library.from_numpy(upstream)
        gate = getattr(library, name)

        def run() -> Array:
            leaf.grad = None
            gate(leaf).backward(dy)
            return leaf.grad.numpy()

        return run

    def by_hand() -> Array:
        reference(x)
        return upstream * gradient(x)

    rivals = {"gradgate": with_graph(gradgate), "NumPy": by_hand}
    if torch is not None:
        rivals["PyTorch"] = with_graph(torch)
    exact = upstream * gradient(x.astype(np.float64))
    for rival, run in rivals.items():
        verify(f"{name} backward by {rival}", exact, run(), TOLERANCE)
    return Result(f"{name} + backward", race(rivals))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8192, help="elements; the default stays in the first-level cache")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    use_threads(options.threads)
    torch = torch_or_none(options.threads)
    x = np.random.default_rng(0).uniform(0.1, 4, options.size).astype(np.float32)
    header(f"float32 gates on {options.size:,} elements")
    table([measure_forward(name, x, torch) for name in GATES] + [measure_both(name, x, torch) for name in GATES])


if __name__ == "__main__":
    main()
