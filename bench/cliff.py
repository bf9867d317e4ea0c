"""Whether any width of a network is a cliff: the training step of 10-w-w-10 at batch 128 for every w, by one and two threads.

    python bench/cliff.py                           w = 16 ... 256, about a minute
    python bench/cliff.py --rivals --widths 40 50   Gradgate alone, a few widths

All widths and threads are one race, so that a disturbance meets neighbours alike. Told are the largest ratio of a width's time
to its slower neighbour's, the largest step from a width to the next, and the ratio of the times with two threads and with one.
PyTorch has its fused Adam.
PyTorch's issue 144633 is such a cliff: w = 46 took 9 s on 16 CPUs, w = 45 took 1 s on one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradgate.bench.comparison import Comparison, parser, start
from gradgate.bench.interleaved import race
from gradgate.bench.networks import FASTEST_ADAM, Case, modular
from gradgate.bench.report import duration


def time_all(
    libraries: dict[str, Any], widths: Sequence[int], threads: Sequence[int]
) -> dict[str, dict[int, list[float]]]:
    """For each library and number of threads the time of every width."""
    steps: dict[str, Callable[[], Any]] = {}
    before: dict[str, Callable[[], Any]] = {}
    for library_name, library in libraries.items():
        for width in widths:
            step = modular(library, Case((10, width, width, 10), 128), **FASTEST_ADAM.get(library_name, {}))
            for n in threads:
                key = f"{library_name} {n} {width}"
                steps[key] = step

                def prepare(library: Any = library, n: int = n, step: Callable[[], Any] = step) -> None:
                    library.set_num_threads(n)
                    step()  # the threads start

                before[key] = prepare
    best = race(steps, before=before, at_leisure=True)
    return {name: {n: [best[f"{name} {n} {width}"] for width in widths] for n in threads} for name in libraries}


def tell(name: str, widths: Sequence[int], times: dict[int, list[float]]) -> None:
    """Print a table of some widths, and the extremes of all."""
    print(f"\n{name}")
    print("    w" + "".join(f"{f'{n} thread' + 's' * (n > 1):>12}" for n in times) + f"{'ratio':>9}")
    first, *_, last = times
    for i, width in enumerate(widths):
        if i % 16 == 0 or i + 1 == len(widths):
            row = "".join(f"{duration(values[i]):>12}" for values in times.values())
            print(f"{width:>5}{row}{times[last][i] / times[first][i]:>9.2f}")
    for n, values in times.items():
        spikes = [(values[i] / max(values[i - 1], values[i + 1]), widths[i]) for i in range(1, len(widths) - 1)]
        jumps = [(values[i + 1] / values[i], widths[i + 1]) for i in range(len(widths) - 1)]
        (spike, at), (jump, to) = max(spikes), max(jumps)
        print(
            f"threads {n}: largest against the slower neighbour {spike:.2f}x, at w = {at}; "
            f"largest step to the next width {jump:.2f}x, to w = {to}"
        )
    ratio, at = max((two / one, w) for one, two, w in zip(times[first], times[last], widths, strict=True))
    slower = sum(two > 1.05 * one for one, two in zip(times[first], times[last], strict=True))
    print(
        f"threads {last} / threads {first}: at most {ratio:.2f}, at w = {at}; "
        f"slower by more than 5% at {slower} of {len(widths)} widths"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.set_defaults(threads=2)
    options.add_argument("--widths", type=int, nargs=2, default=(16, 256), metavar=("FIRST", "LAST"))
    given = options.parse_args(arguments)
    first, last = given.widths
    if last - first < 2 or first < 1 or given.threads < 2:
        options.error("three widths and two threads are needed at least")
    comparison = Comparison("one training step of 10-w-w-10, batch 128, Adam", start(given, ("PyTorch",)))
    widths = range(first, last + 1)
    comparison.show_header()
    for name, times in time_all(comparison.within(), widths, (1, given.threads)).items():
        tell(name, widths, times)


if __name__ == "__main__":
    main()
