"""Matrix products against NumPy and PyTorch: ``python bench/matmul.py [--threads N] [--dtype float64] [--largest N]``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from interleaved import Result, header, race, table, torch_or_none, use_threads, verify

import gradgate

SHAPES = [(n, n, n) for n in (32, 64, 128, 256, 512, 1024)] + [
    (64, 784, 128),
    (1, 784, 128),
    (4096, 64, 10),
    (128, 46, 46),
]

# Sums of k products, each rounded: the error grows as sqrt(k) units in the last place, and no k here passes 1,024.
TOLERANCE = {"float32": 32 * 2.0**-23, "float64": 32 * 2.0**-52}


def measure(shape: tuple[int, int, int], dtype: str, torch: object | None) -> Result:
    """Race the product of (m, k) by (k, n), one call each, results verified first."""
    m, k, n = shape
    random = np.random.default_rng(0)
    a, b = random.standard_normal((m, k)).astype(dtype), random.standard_normal((k, n)).astype(dtype)
    x, y = gradgate.from_numpy(a), gradgate.from_numpy(b)
    rivals = {"gradgate": lambda: x @ y, "NumPy": lambda: a @ b}
    if torch is not None:
        u, v = torch.from_numpy(a), torch.from_numpy(b)
        rivals["PyTorch"] = lambda: u @ v
    exact = a.astype(np.float64) @ b.astype(np.float64)
    for name, product in rivals.items():
        verify(f"{shape} by {name}", exact, product(), TOLERANCE[dtype])
    seconds = race(rivals)
    return Result(f"{m} x {k} x {n}", seconds, {"GF/s": f"{2e-9 * m * k * n / seconds['gradgate']:.1f}"})


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=sorted(TOLERANCE), default="float32")
    parser.add_argument("--largest", type=int, default=max(map(max, SHAPES)), help="leave out the shapes beyond")
    options = parser.parse_args(arguments)
    use_threads(options.threads)
    torch = torch_or_none(options.threads)
    header(f"{options.dtype} products, m x k x n")
    table([measure(shape, options.dtype, torch) for shape in SHAPES if max(shape) <= options.largest])


if __name__ == "__main__":
    main()
