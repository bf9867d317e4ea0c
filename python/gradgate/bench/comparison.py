"""A benchmark's course: its options, its rivals, one race after another, and the table at the end."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import gradgate
from gradgate.bench import interleaved
from gradgate.bench.interleaved import Limits, Result, Statement
from gradgate.bench.report import OPTIONAL, header, optional_libraries, table

__all__ = ["Comparison", "add_arguments", "parser", "start", "wants"]


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that every benchmark has."""
    parser.add_argument("--threads", type=_positive, default=1, help="of every rival (default: %(default)s)")
    parser.add_argument(
        "--rivals",
        nargs="*",
        choices=sorted(OPTIONAL),
        default=list(OPTIONAL),
        help="those to compare with beside NumPy, where they are installed (default: all)",
    )
    parser.add_argument("--smoke", action="store_true", help="one short round, to see that everything runs")


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has, described by the program's docstring."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(made)
    return made


def start(options: argparse.Namespace, peers: Sequence[str]) -> dict[str, Any]:
    """Set threads and pace, and return the libraries to compare with: those of `peers` that are wanted and installed.

    The process may be started again, for libraries that read their number of threads once.
    """
    interleaved.use_threads(options.threads)
    interleaved.set_pace(interleaved.SMOKE if options.smoke else interleaved.Pace())
    return optional_libraries([name for name in peers if name in options.rivals], options.threads)


def wants(options: argparse.Namespace, group: str) -> bool:
    """Whether the user asked for a group of measurements; all are wanted unless some are named."""
    return not options.groups or group in options.groups


class Comparison:
    """One table: the races that it is made of, all of them in one run with the machine's limits."""

    def __init__(self, title: str, libraries: dict[str, Any]) -> None:
        self.title, self.libraries = title, libraries
        self.results: list[Result] = []
        self.limits = Limits()

    def race(
        self,
        case: str,
        rivals: Mapping[str, Statement],
        names: Mapping[str, Mapping[str, Any]] | None = None,
        moved: float = 0,
        **work: Any,
    ) -> Result:
        """Time the rivals, whose results the caller has compared; `work` is a Result's.

        With `moved`, the bytes that a call reads and writes, a copy of as many bytes is timed in the same rounds.
        """
        self.limits.sample()
        contestants, copied = dict(rivals), 0
        if moved:
            contestants["copy"], copied = interleaved.copy_rival(int(moved / 2))
        seconds = interleaved.race(contestants, names, rest_seconds=interleaved.rest_between_rivals())
        rate = copied / seconds.pop("copy") if moved else 0.0
        self.results.append(Result(case, seconds, moved=moved, copied=rate, **work))
        return self.results[-1]

    def verified(
        self,
        case: str,
        rivals: Mapping[str, Callable[[], Any]],
        exact: Any,
        tolerance: float,
        read: Callable[[Any], Any] = np.asarray,
        **work: Any,
    ) -> Result:
        """Compare every rival's result, as `read` gives it, with the exact one; then race."""
        for name, call in rivals.items():
            interleaved.verify(f"{case} by {name}", exact, read(call()), tolerance)
        return self.race(case, rivals, **work)

    def trained(self, case: str, steps: Mapping[str, Callable[[], Any]]) -> Result:
        """Compare the losses of the first training steps, which each call returns, with NumPy's; then race.

        They are float32 sums in another order, through a few steps of Adam.
        """

        def loss(step: Callable[[], Any]) -> float:
            value = step()
            return float(value.item() if hasattr(value, "item") else value)

        losses = {name: [loss(step) for _ in range(3)] for name, step in steps.items()}
        for name, values in losses.items():
            interleaved.verify(f"{case} by {name}", losses["NumPy"], values, 1e-4)
        return self.race(case, steps)

    def show_header(self) -> None:
        """Say what is measured on what."""
        header(self.title, self.libraries)

    def show(self) -> None:
        """Print the machine and the table."""
        self.show_header()
        if self.results:
            table(self.results, self.limits)
        else:
            print("Nothing was asked for.")

    def within(self) -> dict[str, Any]:
        """The libraries that have PyTorch's names, Gradgate first."""
        return {"gradgate": gradgate, **{k: v for k, v in self.libraries.items() if k == "PyTorch"}}
