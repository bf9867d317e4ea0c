"""One matrix product by every library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradgate
from gradgate.bench.comparison import Comparison
from gradgate.bench.interleaved import Result

__all__ = ["race_product"]


def _by_jax(jax: Any, a: Any, b: Any) -> Callable[[], Any]:
    jax.config.update("jax_enable_x64", True)
    multiply = jax.jit(lambda x, y: x @ y)
    x, y = jax.numpy.asarray(a), jax.numpy.asarray(b)
    return lambda: multiply(x, y).block_until_ready()


def race_product(comparison: Comparison, case: str, a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> Result:
    """Race a @ b on the operands as they lie in memory, views among them (JAX copies those beforehand).

    Sums of k products, each rounded: the error grows as sqrt(k) units in the last place, so that 64 are enough to k = 4,096.
    """
    x, y = gradgate.from_numpy(a), gradgate.from_numpy(b)
    rivals: dict[str, Callable[[], Any]] = {"gradgate": lambda: x @ y, "NumPy": lambda: a @ b}
    if torch := comparison.libraries.get("PyTorch"):
        u, v = torch.from_numpy(a), torch.from_numpy(b)
        rivals["PyTorch"] = lambda: u @ v
    if jax := comparison.libraries.get("JAX"):
        rivals["JAX"] = _by_jax(jax, a, b)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    tolerance = 64 * float(np.finfo(a.dtype).eps)
    operations = 2.0 * exact.size * a.shape[-1]
    return comparison.verified(case, rivals, exact, tolerance, operations=operations, dtype=a.dtype.name)
