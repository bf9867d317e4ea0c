"""What gradgate.watch costs a training: steps with and without it, in interleaved rounds.

    python bench/watch.py                           seven fully connected networks, every tenth step sampled
    python bench/watch.py --every 1 --largest 100000

A step is forward, cross-entropy, backward and Adam on one batch. The time is the mean over as many steps as have each kind of
step in them: those that are sampled, and those after which faults are looked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import gradgate
from gradgate.bench.comparison import Comparison, parser, start
from gradgate.bench.interleaved import is_smoke, race, verify
from gradgate.bench.networks import CASES, Case, modular
from gradgate.bench.report import duration
from gradgate.health import TrainingWarning

# Samples until faults are looked for again, for networks whose step is so short that it counts.
SAMPLES, SHORT = 50, 1e-3


def steps(step: Callable[[], Any], count: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(count):
            step()

    return run


def measure(case: Case, every: int) -> tuple[float, float]:
    """The seconds of a step without and with watch, whose losses are the same to the bit."""
    plain, watched = modular(gradgate, case), modular(gradgate, case, partial(gradgate.watch, every=every))
    verify(case.name, *([step().item() for _ in range(2 * every)] for step in (plain, watched)), 0)
    best = race({"a step": plain})["a step"]
    count = every * (SAMPLES if best < SHORT else 1)
    best_of = [
        race({"plain": steps(plain, count), "watched": steps(watched, count)}) for _ in range(1 if is_smoke() else 3)
    ]
    return tuple(min(times[name] for times in best_of) / count for name in ("plain", "watched"))  # type: ignore[return-value]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--every", type=int, default=10, help="steps to a sample (default: %(default)s)")
    options.add_argument("--largest", type=int, help="leave out the networks of more parameters")
    given = options.parse_args(arguments)
    comparison = Comparison(f"a training step, watched: every {given.every} steps a sample", start(given, ()))
    warnings.simplefilter("ignore", TrainingWarning)  # a batch learned by heart has its faults
    cases = [case for case in CASES if given.largest is None or case.parameters <= given.largest]
    rows = [(case.name, *measure(case, given.every)) for case in cases]
    comparison.show_header()
    width = max(len(name) for name, *_ in rows)
    print(f"{'':{width}}{'step':>11}{'watched':>11}{'cost':>9}")
    for name, plain, watched in rows:
        print(f"{name:{width}}{duration(plain):>11}{duration(watched):>11}{watched / plain - 1:>9.1%}")
    mean = float(np.exp(np.mean([np.log(watched / plain) for _, plain, watched in rows])))
    print(f"{'geometric mean':{width}}{'':22}{mean - 1:>9.1%}")


if __name__ == "__main__":
    main()
