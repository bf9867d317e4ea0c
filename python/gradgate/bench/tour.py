"""The command ``python -m gradgate bench``: training steps, products and single calls against NumPy, as a table and a picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradgate.bench.comparison import Comparison, add_arguments, add_compile, start
from gradgate.bench.interleaved import Result, is_smoke, processor
from gradgate.bench.networks import CASES
from gradgate.bench.overhead import race_call
from gradgate.bench.peers import Peers
from gradgate.bench.products import race_product
from gradgate.bench.report import duration, mean_ratio, no_headline
from gradgate.bench.steps import step_rivals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DESCRIPTION", "TourError", "add_options", "run"]

DESCRIPTION = (
    "Measures training steps, matrix products and single calls against the same in NumPy, and in PyTorch if that is "
    "installed: half a minute, and one or two more where PyTorch's steps are compiled. All of them compute first and are "
    "compared, then their times are taken in turns; each is told with its best setting. Prints tables and draws a picture "
    '(threadpoolctl and matplotlib, in the extra "bench").'
)


class TourError(Exception):
    """Something the user can mend: a place that cannot be written, options that leave nothing to measure."""


PRODUCTS = [(32, 32, 32), (128, 128, 128), (512, 512, 512), (64, 784, 128), (1, 784, 128), (4096, 64, 10)]
SINGLE_CALLS = ("x + y", "relu", "tanh", "sum", "x[3]", "4 x 4 product")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to a parser."""
    add_arguments(parser)
    add_compile(parser)
    parser.add_argument(
        "--output", type=Path, default=Path("gradgate-bench.png"), help="where the picture goes (default: %(default)s)"
    )
    parser.add_argument(
        "--largest", type=int, help="leave out networks of more parameters, and products of longer rows or columns"
    )


def measure_all(options: argparse.Namespace, peers: Peers) -> list[Comparison]:
    """The three tables: training steps, products, single calls."""
    largest = float("inf") if options.largest is None else options.largest
    steps = Comparison("One training step: forward, cross-entropy, backward, Adam", peers)
    for case in CASES:
        if case.parameters <= largest:
            steps.trained(case.name, step_rivals(steps, case, options.compile))
    products = Comparison("Products, m x k by k x n, float32", peers)
    random = np.random.default_rng(0)
    for m, k, n in PRODUCTS:
        if max(m, k, n) <= largest:
            a, b = random.standard_normal((m, k), np.float32), random.standard_normal((k, n), np.float32)
            race_product(products, f"{m} x {k} x {n}", a, b)
    calls = Comparison("Single calls on 16 numbers", peers)
    for name in SINGLE_CALLS:
        race_call(calls, name)
    return [steps, products, calls]


def summary(comparison: Comparison, rival: str) -> str:
    """How many times faster Gradgate was, in the mean and at the extremes."""
    ratios = [r.seconds[rival] / r.seconds["gradgate"] for r in comparison.results]
    mean = mean_ratio(comparison.results, lambda r: r.seconds[rival])
    title = comparison.title.partition(":")[0].partition(",")[0]
    return (
        f"{title}: {mean:.2f} times as fast as {rival} in the geometric mean ({min(ratios):.2f} to {max(ratios):.2f})"
    )


COLOURS = {"gradgate": "tab:blue", "NumPy": "tab:gray", "PyTorch": "tab:orange"}


def draw(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Save a picture of every case: how many times as fast as NumPy each library was."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [len(c.results) for c in comparisons]
    figure = Figure(figsize=(10, 1.6 + 0.42 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(len(comparisons), 1, sharex=True, height_ratios=heights, squeeze=False)
    for axes, comparison in zip(panels.flat, comparisons, strict=True):
        _draw_panel(axes, comparison)
    threads = comparisons[0].limits.threads
    panels.flat[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.12), ncols=3, frameon=False)
    panels.flat[-1].set_xlabel("times as fast as NumPy; further right is better (logarithmic)")
    caution = "; one short round, no measurement" if is_smoke() else ""
    figure.suptitle(f"{processor()}, {threads} thread{'s' if threads > 1 else ''}{caution}")
    figure.savefig(path, dpi=120)


def _draw_panel(axes: Axes, comparison: Comparison) -> None:
    """Bars from NumPy's line at 1, the fastest case of the table first, with the time of each."""
    from matplotlib.ticker import LogLocator

    results = comparison.results
    drawn = [name for name in results[0].seconds if name != "NumPy"]
    thickness = 0.8 / len(drawn)
    for i, name in enumerate(drawn):
        ratios = [r.seconds["NumPy"] / r.seconds[name] for r in results]
        places = [row + (i - (len(drawn) - 1) / 2) * thickness for row in range(len(results))]
        bars = axes.barh(places, [x - 1 for x in ratios], thickness, left=1, label=name, color=COLOURS[name])
        texts = [f" {_told(r, name)} " for r in results]
        axes.bar_label(bars, texts, fontsize=8)
    axes.axvline(1, color=COLOURS["NumPy"], label="NumPy")
    axes.set(xscale="log", title=comparison.title, yticks=range(len(results)))
    axes.set_yticklabels([f"{r.case}  (NumPy {_told(r, 'NumPy')})" for r in results], fontsize=9)
    axes.xaxis.set_major_locator(LogLocator(base=2, numticks=9))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}" if x >= 1 else f"1/{1 / x:g}")
    axes.minorticks_off()
    axes.margins(x=0.12)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def _told(result: Result, name: str) -> str:
    """A library's time, and the setting that was its best where it has several."""
    return ", ".join(filter(None, (duration(result.seconds[name]), result.settings.get(name))))


def run(options: argparse.Namespace) -> None:
    """Measure, print the tables, and draw the picture where matplotlib is installed.

    Raises AssertionError for a library whose results are wrong, TourError for what the user can mend.
    """
    if not options.output.absolute().parent.is_dir():
        raise TourError(f"there is no folder {options.output.parent}; choose another with --output")
    peers = start(options, ("PyTorch",))
    comparisons = measure_all(options, peers)
    if not all(comparison.results for comparison in comparisons):
        raise TourError(
            f"--largest {options.largest} leaves nothing to measure; the smallest network has {CASES[0].parameters}"
        )
    for comparison in comparisons:
        comparison.show()
    print()
    if peers.doubts:
        print(f"{no_headline(peers.doubts)}. No picture.")
        return
    for comparison in comparisons:
        for rival in comparison.results[0].seconds:
            if rival != "gradgate":
                print(summary(comparison, rival))
    try:
        draw(options.output, comparisons)
    except OSError as error:
        raise TourError(f"cannot write {options.output}: {error.strerror}; choose another with --output") from error
    except ImportError:
        print('No picture: it needs matplotlib, pip install "gradgate[bench]"')
    else:
        print(f"Picture: {options.output}")
