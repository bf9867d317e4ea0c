"""Timing rivals against each other in one run: their results compared first, their rounds interleaved."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gradgate

# A timed batch lasts at least this long, a thousand times the clock's own cost.
BATCH_SECONDS = 2e-3
ROUNDS = 15


@dataclass
class Result:
    """The best time of each rival, in seconds a call."""

    case: str
    seconds: dict[str, float]
    extra: dict[str, str] = field(default_factory=dict)


def _calls_per_batch(call: Callable[[], Any]) -> int:
    calls = 1
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        elapsed = time.perf_counter() - start
        if elapsed >= BATCH_SECONDS:
            return calls
        calls = max(2 * calls, int(calls * BATCH_SECONDS / max(elapsed, 1e-9)))


def race(rivals: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Return each rival's best seconds a call over interleaved rounds.

    The machine may be shared: what disturbs one round disturbs all rivals in it, and the best of many rounds is the one that was
    disturbed least.
    """
    counts = {name: _calls_per_batch(call) for name, call in rivals.items()}
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(ROUNDS):
        for name, call in rivals.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / counts[name])
    return best


def verify(case: str, reference: Any, result: Any, rtol: float) -> None:
    """Raise AssertionError unless a rival's result is the reference's within rtol of its largest element."""
    expected, actual = np.asarray(reference, dtype=np.float64), np.asarray(result, dtype=np.float64)
    scale = float(np.abs(expected).max(initial=0.0)) or 1.0
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=rtol, err_msg=case)


def use_threads(threads: int) -> None:
    """Give Gradgate and NumPy's BLAS this many threads.

    A BLAS reads its number when it is loaded: where the environment says another, the program is started again.
    """
    variables = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), str(threads))
    if any(os.environ.get(name) != value for name, value in variables.items()):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **variables})
    gradgate.set_num_threads(threads)


def torch_or_none(threads: int) -> Any:
    """PyTorch with as many threads, or None, with a word, where it is not installed."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: its column is left out.")
        return None
    torch.set_num_threads(threads)
    return torch


def header(title: str) -> None:
    """Say what is measured on what."""
    print(f"\n{title}")
    print(
        f"gradgate {gradgate.__version__}, {gradgate.active_isa()}, threads: {gradgate.get_num_threads()}; "
        f"NumPy {np.__version__}; {platform.machine()}, Python {platform.python_version()}"
    )


def _time(seconds: float) -> str:
    return (
        f"{seconds * 1e9:.0f} ns"
        if seconds < 1e-6
        else f"{seconds * 1e6:.1f} us"
        if seconds < 1e-3
        else f"{seconds * 1e3:.2f} ms"
    )


def table(results: list[Result]) -> None:
    """Print times and, for each rival, how many times faster Gradgate is."""
    rivals = list(results[0].seconds)
    extras = list(results[0].extra)
    others = [r for r in rivals if r != "gradgate"]
    width = max(len(r.case) for r in results)
    print(
        f"{'':{width}}"
        + "".join(f"{r:>12}" for r in rivals)
        + "".join(f"{'vs ' + r:>12}" for r in others)
        + "".join(f"{e:>12}" for e in extras)
    )
    for r in results:
        times = "".join(f"{_time(r.seconds[name]):>12}" for name in rivals)
        ratios = "".join(f"{r.seconds[name] / r.seconds['gradgate']:>11.2f}x" for name in others)
        print(f"{r.case:{width}}" + times + ratios + "".join(f"{r.extra[e]:>12}" for e in extras))
    means = "".join(
        f"{np.exp(np.mean([np.log(r.seconds[n] / r.seconds['gradgate']) for r in results])):>11.2f}x" for n in others
    )
    print(f"{'geometric mean':{width}}" + " " * 12 * len(rivals) + means)
