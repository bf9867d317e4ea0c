"""What a benchmark prints: the machine, its rivals, and a table of times and ratios."""

from __future__ import annotations

import importlib
import importlib.util
import platform
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import gradgate
from gradgate.bench.interleaved import Limits, Result, is_smoke, processor

__all__ = ["OPTIONAL", "best_peer", "duration", "header", "mean_ratio", "optional_libraries", "table"]

# The rivals beside NumPy, by the module that makes one.
OPTIONAL = {"PyTorch": "torch", "JAX": "jax", "scikit-learn": "sklearn"}


def optional_libraries(wanted: Iterable[str], threads: int) -> dict[str, Any]:
    """Those of the wanted rivals that are installed, by name; the absence of the others is told."""
    found: dict[str, Any] = {}
    for name in wanted:
        if importlib.util.find_spec(OPTIONAL[name]) is None:
            print(f"{name} is not installed: its column is left out.")
        else:
            found[name] = importlib.import_module(OPTIONAL[name])
    if "PyTorch" in found:
        found["PyTorch"].set_num_threads(threads)
    return found


def header(title: str, libraries: dict[str, Any]) -> None:
    """Say what is measured on what."""
    versions = "".join(f"; {name} {library.__version__}" for name, library in libraries.items())
    print(f"\n{title}")
    print(f"{processor()}, threads: {gradgate.get_num_threads()}; Python {platform.python_version()}")
    print(f"gradgate {gradgate.__version__} ({gradgate.active_isa()}); NumPy {np.__version__}{versions}")
    if is_smoke():
        print("One short round: it shows that the programs run; the times say nothing.")


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 1e-6:
        return f"{seconds * 1e9:.0f} ns"
    return f"{seconds * 1e6:.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def best_peer(result: Result) -> float:
    """The time of the fastest rival of Gradgate."""
    return min(seconds for name, seconds in result.seconds.items() if name != "gradgate")


def mean_ratio(results: Sequence[Result], rival: Callable[[Result], float | None]) -> float:
    """The geometric mean of how many times faster Gradgate is than what `rival` gives for a result."""
    ratios = [time / r.seconds["gradgate"] for r in results if (time := rival(r)) is not None]
    return float(np.exp(np.mean(np.log(ratios))))


def _columns(results: Sequence[Result], limits: Limits) -> dict[str, Callable[[Result], str]]:
    """What is told beside times and ratios: titles, and how each is written."""

    def rate(work: float, r: Result) -> float:
        return work / r.seconds["gradgate"]

    columns: dict[str, Callable[[Result], str]] = {}
    if any(r.operations for r in results):
        columns["GF/s"] = lambda r: f"{rate(r.operations, r) / 1e9:.1f}"
        columns["of peak"] = lambda r: f"{rate(r.operations, r) / limits.operations[r.dtype]:.0%}"
    if any(r.elements for r in results):
        columns["cycles/el."] = lambda r: f"{limits.clock / rate(r.elements, r):.2f}"
    if any(r.moved for r in results):
        columns["of copy"] = lambda r: f"{rate(r.moved, r) / r.copied:.0%}" if r.copied else "-"
    return columns


def table(results: Sequence[Result], limits: Limits) -> None:
    """Print times, and how many times faster Gradgate is than each rival and than the fastest of them.

    The last lines are the geometric mean and the least of these ratios, and the machine's limits.
    """
    present = {name for r in results for name in r.seconds}
    rivals = [name for name in ("gradgate", "NumPy", *OPTIONAL) if name in present]
    others = [name for name in rivals if name != "gradgate"]
    peers: dict[str, Callable[[Result], float | None]] = {
        f"vs {name}": lambda r, name=name: r.seconds.get(name)  # type: ignore[misc]
        for name in others
    }
    if len(others) > 1:
        peers["vs best"] = best_peer
    columns = _columns(results, limits)
    width = max(len("geometric mean"), *(len(r.case) for r in results))
    print(f"{'':{width}}" + "".join(f"{title:>{_wide(title)}}" for title in [*rivals, *peers, *columns]))
    for r in results:
        cells = [(name, duration(r.seconds[name]) if name in r.seconds else "-") for name in rivals]
        cells += [(name, _ratio(peer(r), r)) for name, peer in peers.items()]
        cells += [(name, write(r)) for name, write in columns.items()]
        print(f"{r.case:{width}}" + "".join(f"{cell:>{_wide(title)}}" for title, cell in cells))
    blank = "".join(" " * _wide(name) for name in rivals)
    means = "".join(f"{mean_ratio(results, peer):>{_wide(name) - 1}.2f}x" for name, peer in peers.items())
    print(f"{'geometric mean':{width}}{blank}{means}")
    print(f"{'least':{width}}{blank}" + "".join(f"{_least(results, p):>{_wide(n) - 1}.2f}x" for n, p in peers.items()))
    _limits(results, limits)


def _wide(title: str) -> int:
    return max(11, len(title) + 2)


def _ratio(time: float | None, result: Result) -> str:
    return "-" if time is None else f"{time / result.seconds['gradgate']:.2f}x"


def _least(results: Sequence[Result], peer: Callable[[Result], float | None]) -> float:
    return min(time / r.seconds["gradgate"] for r in results if (time := peer(r)) is not None)


def _limits(results: Sequence[Result], limits: Limits) -> None:
    peaks = ", ".join(f"{name} {rate / 1e9:.0f} GF/s" for name, rate in limits.operations.items())
    print(
        f"Limits measured in the same rounds: fused multiply-adds on registers {peaks} "
        f"({gradgate.active_isa()}, threads: {limits.threads}); clock {limits.clock / 1e9:.2f} GHz",
        end="",
    )
    copies = [r.copied for r in results if r.copied]
    print(f"; copy {min(copies) / 1e9:.1f} to {max(copies) / 1e9:.1f} GB/s" if copies else "")
