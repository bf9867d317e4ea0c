"""What a benchmark prints: the machine, its rivals, and a table of times and ratios."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from string import ascii_lowercase

import numpy as np

import gradgate
from gradgate.bench.interleaved import Limits, Result, is_smoke, processor
from gradgate.bench.peers import OPTIONAL, Peers

__all__ = [
    "best_peer",
    "duration",
    "engine_lines",
    "header",
    "mean_ratio",
    "no_headline",
    "setting_letters",
    "table",
    "time_of",
]


def header(title: str, peers: Peers) -> None:
    """Say what is measured on what: the machine, and every library with what it computes its products with."""
    print(f"\n{title}")
    print(f"{processor()}, threads: {gradgate.get_num_threads()}; Python {platform.python_version()}")
    print(f"gradgate {gradgate.__version__} ({gradgate.active_isa()})")
    for line in engine_lines(peers):
        print(line)
    if is_smoke():
        print("One short round: it shows that the programs run; the times say nothing.")


def engine_lines(peers: Peers) -> list[str]:
    """A line for each rival with its version and its engine, and one for the settings that it is measured without."""
    versions = {"NumPy": np.__version__, **{name: library.__version__ for name, library in peers.libraries.items()}}
    lines = [
        f"{name} {version}: {peers.engines[name].text}" if name in peers.engines else f"{name} {version}"
        for name, version in versions.items()
    ]
    if peers.left_out:
        lines.append(f"Left out of the environment, since they may hold a rival down: {', '.join(peers.left_out)}")
    return lines


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
        columns["best rival's"] = lambda r: f"{r.operations / best_peer(r) / limits.operations[r.dtype]:.0%}"
    if any(r.elements for r in results):
        columns["cycles/el."] = lambda r: f"{limits.clock / rate(r.elements, r):.2f}"
    if any(r.moved for r in results):
        columns["of copy"] = lambda r: f"{rate(r.moved, r) / r.copied:.0%}" if r.copied else "-"
    return columns


def table(results: Sequence[Result], limits: Limits, doubts: Sequence[str] = ()) -> None:
    """Print times, and how many times faster Gradgate is than each rival and than the fastest of them.

    The last lines are the geometric mean and the least of these ratios, which are withheld where there are doubts, and
    the machine's limits. A letter behind a time is the setting that was the rival's best.
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
    letters = setting_letters(results)
    columns = _columns(results, limits)
    width = max(len("geometric mean"), *(len(r.case) for r in results))
    print(f"{'':{width}}" + "".join(f"{title:>{_wide(title)}}" for title in [*rivals, *peers, *columns]))
    for r in results:
        cells = [(name, time_of(r, name, letters)) for name in rivals]
        cells += [(name, _ratio(peer(r), r)) for name, peer in peers.items()]
        cells += [(name, write(r)) for name, write in columns.items()]
        print(f"{r.case:{width}}" + "".join(f"{cell:>{_wide(title)}}" for title, cell in cells))
    if doubts:
        print(no_headline(doubts))
    else:
        blank = "".join(" " * _wide(name) for name in rivals)
        means = "".join(f"{mean_ratio(results, peer):>{_wide(name) - 1}.2f}x" for name, peer in peers.items())
        print(f"{'geometric mean':{width}}{blank}{means}")
        print(
            f"{'least':{width}}{blank}" + "".join(f"{_least(results, p):>{_wide(n) - 1}.2f}x" for n, p in peers.items())
        )
    for setting, letter in letters.items():
        print(f"{letter}: {setting}")
    _limits(results, limits)


def no_headline(doubts: Sequence[str]) -> str:
    """Why no mean is told and no picture drawn."""
    return "No headline, since the comparison is not fair: " + "; ".join(doubts)


def setting_letters(results: Sequence[Result]) -> dict[str, str]:
    """A letter for each setting that was a rival's best somewhere, by the rival's and the setting's name."""
    rivals = ("gradgate", "NumPy", *OPTIONAL)
    found = {(rivals.index(name), setting) for r in results for name, setting in r.settings.items()}
    return {
        f"{rivals[i]}, {setting}": letter for (i, setting), letter in zip(sorted(found), ascii_lowercase, strict=False)
    }


def time_of(result: Result, rival: str, letters: dict[str, str]) -> str:
    """A rival's time with the letter of its setting, or a dash."""
    if rival not in result.seconds:
        return "-"
    letter = letters.get(f"{rival}, {result.settings.get(rival)}")
    return duration(result.seconds[rival]) + (f" {letter}" if letter else "")


def _wide(title: str) -> int:
    return max(12, len(title) + 2)


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
    if any(r.operations / min(r.seconds.values()) > 1.05 * limits.operations[r.dtype] for r in results):
        print(
            "A result is above the multiply-adds measured: the machine was disturbed then, and the shares say nothing."
        )
