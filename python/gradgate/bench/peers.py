"""The libraries that a benchmark compares with: which of them are installed, what they compute with, what speaks against a claim."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gradgate.bench import kernels
from gradgate.bench.kernels import Engine

__all__ = ["OPTIONAL", "Peers", "gather"]

# The rivals beside NumPy, by the module that makes one.
OPTIONAL = {"PyTorch": "torch", "JAX": "jax", "scikit-learn": "sklearn"}


@dataclass
class Peers:
    """The rivals beside NumPy by name, the engine of each and of NumPy, settings left out of the environment, and doubts."""

    libraries: dict[str, Any] = field(default_factory=dict)
    engines: dict[str, Engine] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def gather(wanted: Iterable[str], threads: int, left_out: list[str], still_set: list[str]) -> Peers:
    """Import those of the wanted rivals that are installed, each in its fastest mode, and ask all for their kernels.

    The absence of a rival is told, and a setting that still holds one down is a doubt.
    """
    engines = {"NumPy": kernels.by_numpy()}
    libraries: dict[str, Any] = {}
    for name in wanted:
        if importlib.util.find_spec(OPTIONAL[name]) is None:
            print(f"{name} is not installed: its column is left out.")
        else:
            libraries[name] = importlib.import_module(OPTIONAL[name])
    if torch := libraries.get("PyTorch"):
        torch.set_num_threads(threads)
        engines["PyTorch"] = kernels.by_pytorch(threads)
    if jax := libraries.get("JAX"):
        # A small program is done sooner in the thread that calls it: a training step of 2-16-16-2 in 40 instead of 55 us.
        jax.config.update("jax_cpu_enable_async_dispatch", False)
        engines["JAX"] = kernels.by_jax(jax)
    if sklearn := libraries.get("scikit-learn"):
        sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
        engines["scikit-learn"] = kernels.by_scikit_learn()
    doubts = kernels.doubts_of(engines, kernels.processor_isa(), threads)
    doubts += [f"{setting} is set, and holds a rival down" for setting in still_set]
    return Peers(libraries, engines, left_out, doubts)
