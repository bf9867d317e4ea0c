"""Timing rivals against each other in one run: their results compared first, their rounds interleaved.

What the machine can do at most is measured in the same rounds: fused multiply-adds, the clock, copies of memory.
"""

from __future__ import annotations

import math
import platform
import threading
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import gradgate
from gradgate import _core

__all__ = [
    "Limits",
    "Loop",
    "Pace",
    "Result",
    "Statement",
    "best_settings",
    "copy_rival",
    "is_smoke",
    "processor",
    "race",
    "rest_between_rivals",
    "set_pace",
    "verify",
]

# What is timed: a function, or the text of a statement, which costs no call of its own.
Statement = str | Callable[[], Any]


@dataclass(frozen=True)
class Loop:
    """Several pieces of the work by one call, as the library's own loop makes them; the call gives the mean of their results."""

    call: Callable[[], Any]
    steps: int

    def __call__(self) -> Any:
        """Run the loop once."""
        return self.call()


@dataclass(frozen=True)
class Pace:
    """How long to measure: a batch lasts at least `batch_seconds`, and a race has `rounds` of them unless it takes `race_seconds`."""

    batch_seconds: float = 2e-3  # a thousand times the clock's own cost
    rounds: int = 15
    race_seconds: float = 4.0
    least_rounds: int = 4
    rest_seconds: float = 0.05  # between rivals of several threads


SMOKE = Pace(1e-5, 1, 0.0, 1, 0.0)
_pace = Pace()


def set_pace(pace: Pace) -> None:
    """Choose how long the following races take."""
    global _pace
    _pace = pace


def rest_between_rivals() -> float:
    """Seconds to wait before another library's turn.

    With several threads the workers of the one before still spin for new work and hold a core: OpenBLAS's for 2^26 cycles,
    16 to 30 ms, in which a product of 512 cubed by two threads was measured to take twice its time.
    """
    return _pace.rest_seconds if gradgate.get_num_threads() > 1 else 0.0


def is_smoke() -> bool:
    """Whether the commands only show that they run, with figures that say nothing."""
    return _pace == SMOKE


@dataclass
class Result:
    """The best time of each rival, in seconds a call, and how much work a call is.

    A rival may have run in several settings, of which `settings` names the best, and `variants` holds the time of each.
    """

    case: str
    seconds: dict[str, float]
    operations: float = 0  # floating-point multiplications and additions
    dtype: str = "float32"
    elements: float = 0
    moved: float = 0  # bytes read and written, where that is the limit
    copied: float = 0  # bytes a second of a copy timed in the same rounds
    settings: dict[str, str] = field(default_factory=dict)
    variants: dict[str, float] = field(default_factory=dict)


class Limits:
    """The most that was seen of this machine in the course of a run: operations a second, and cycles a second of one core."""

    def __init__(self) -> None:
        self.threads = gradgate.get_num_threads()
        self.operations = {"float32": 0.0, "float64": 0.0}
        self.clock = 0.0

    def sample(self) -> None:
        """Measure for some milliseconds; called along with every race."""
        for name in self.operations:
            measure = partial(_core._fma_peak, getattr(_core, name))
            rate = sum(map(_rate, _on_every_thread(measure, self.threads)))
            self.operations[name] = max(self.operations[name], rate)
        self.clock = max(self.clock, _rate(_core._clock_cycles()))


def _rate(measured: tuple[float, float]) -> float:
    work, seconds = measured
    return work / seconds


def _on_every_thread(call: Callable[[], Any], threads: int) -> list[Any]:
    """Call a function that gives up the interpreter lock on several threads at once."""
    results: list[Any] = []
    others = [threading.Thread(target=lambda: results.append(call())) for _ in range(threads - 1)]
    for thread in others:
        thread.start()
    results.append(call())
    for thread in others:
        thread.join()
    return results


def copy_rival(count: int) -> tuple[Callable[[], Any], int]:
    """A copy of `count` bytes by all threads, and the bytes that it reads and writes."""
    threads = gradgate.get_num_threads()
    parts = [np.ones(max(1, count // threads), np.uint8) for _ in range(threads)]
    targets = [np.zeros_like(part) for part in parts]

    def copy() -> None:
        waiting = list(zip(targets, parts, strict=True))
        _on_every_thread(lambda: np.copyto(*waiting.pop()), threads)

    return copy, 2 * sum(part.nbytes for part in parts)


def _calls_per_batch(timer: timeit.Timer) -> int:
    calls = 1
    while True:
        elapsed = timer.timeit(calls)
        if elapsed >= _pace.batch_seconds:
            return calls
        calls = max(2 * calls, math.ceil(calls * _pace.batch_seconds / max(elapsed, 1e-9)))


def _warm_up(timer: timeit.Timer, seconds: float) -> None:
    """Call a rival for a while: a processor that rested wakes its threads slowly at first, a virtual one above all."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        timer.timeit(1)


def race(
    rivals: Mapping[str, Statement],
    names: Mapping[str, Mapping[str, Any]] | None = None,
    before: Mapping[str, Callable[[], Any]] | None = None,
    at_leisure: bool = False,
    rest_seconds: float = 0.0,
) -> dict[str, float]:
    """Return each rival's best seconds a call over interleaved rounds.

    The machine may be shared: what disturbs one round disturbs all rivals in it, and the best of many rounds is the one
    that was disturbed least. `names` are those in each rival's statement, `before` what a rival does ahead of every
    batch, `at_leisure` runs every round, however long that takes, and `rest_seconds` pass between two rivals.
    """
    timers = {}
    for name, statement in rivals.items():
        space = {**(names or {}).get(name, {}), "_before": (before or {}).get(name, lambda: None)}
        # timeit switches the garbage collection off; who makes garbage shall pay for it.
        timers[name] = timeit.Timer(statement, "import gc; gc.enable(); _before()", globals=space)
    counts = {name: _calls_per_batch(timer) for name, timer in timers.items()}
    best = dict.fromkeys(rivals, float("inf"))
    start = time.perf_counter()
    for i in range(_pace.rounds):
        if i >= _pace.least_rounds and not at_leisure and time.perf_counter() - start > _pace.race_seconds:
            break
        for name, timer in timers.items():
            if rest_seconds:
                time.sleep(rest_seconds)
                _warm_up(timer, rest_seconds)
            best[name] = min(best[name], timer.timeit(counts[name]) / counts[name])
    return best


def best_settings(seconds: Mapping[str, float]) -> tuple[dict[str, float], dict[str, str]]:
    """The time of each rival in its best setting, and the names of these settings.

    A contestant is called by the rival's name, or by that and a setting's, as in ``PyTorch: fused Adam``.
    """
    best: dict[str, float] = {}
    settings: dict[str, str] = {}
    for contestant, time_of_call in seconds.items():
        rival, _, setting = contestant.partition(": ")
        if time_of_call < best.get(rival, math.inf):
            best[rival], settings[rival] = time_of_call, setting
    return best, {rival: setting for rival, setting in settings.items() if setting}


def verify(case: str, reference: Any, result: Any, rtol: float) -> None:
    """Raise AssertionError unless a rival's result is the reference's within rtol of its largest element."""
    expected, actual = np.asarray(reference, dtype=np.float64), np.asarray(result, dtype=np.float64)
    scale = float(np.abs(expected).max(initial=0.0)) or 1.0
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=rtol, err_msg=case)


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
