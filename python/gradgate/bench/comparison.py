"""A benchmark's course: its options, its rivals, one race after another, and the table at the end."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import gradgate
from gradgate.bench import environment, interleaved, peers
from gradgate.bench.interleaved import Limits, Loop, Result, Statement
from gradgate.bench.peers import OPTIONAL, Peers
from gradgate.bench.report import header, table

__all__ = ["Comparison", "add_arguments", "add_compile", "parser", "start", "wants"]


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return value


def add_arguments(parser: argparse.ArgumentParser, threads: int | list[int] = 1) -> None:
    """Add the options that every benchmark has; one that measures by several numbers of threads gives a list."""
    several = "+" if isinstance(threads, list) else None
    parser.add_argument(
        "--threads", type=_positive, nargs=several, default=threads, help="of every rival (default: %(default)s)"
    )
    parser.add_argument(
        "--rivals",
        nargs="*",
        choices=sorted(OPTIONAL),
        default=list(OPTIONAL),
        help="those to compare with beside NumPy, where they are installed (default: all)",
    )
    parser.add_argument("--smoke", action="store_true", help="one short round, to see that everything runs")


def add_compile(parser: argparse.ArgumentParser) -> None:
    """Add the option of those that measure training steps."""
    parser.add_argument(
        "--compile",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure PyTorch under torch.compile, too, which takes a minute or two (default: yes)",
    )


def parser(description: str | None, threads: int | list[int] = 1) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has, described by the program's docstring."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(made, threads)
    return made


def start(options: argparse.Namespace, against: Sequence[str]) -> Peers:
    """Set threads, environment and pace, and gather the rivals: those of `against` that are wanted and installed.

    The process is started again where its environment holds a rival down or says another number of threads.
    """
    left_out = environment.start_clean(options.threads)
    interleaved.set_pace(interleaved.SMOKE if options.smoke else interleaved.Pace())
    wanted = [name for name in against if name in options.rivals]
    return peers.gather(wanted, options.threads, left_out, environment.still_set())


def wants(options: argparse.Namespace, group: str) -> bool:
    """Whether the user asked for a group of measurements; all are wanted unless some are named."""
    return not options.groups or group in options.groups


class Comparison:
    """One table: the races that it is made of, all of them in one run with the machine's limits."""

    def __init__(self, title: str, peers: Peers) -> None:
        self.title, self.peers, self.libraries = title, peers, peers.libraries
        self.results: list[Result] = []
        self.notes: list[str] = []  # what is told below the table
        self.limits = Limits()

    def race(
        self,
        case: str,
        rivals: Mapping[str, Statement],
        names: Mapping[str, Mapping[str, Any]] | None = None,
        moved: float = 0,
        per_call: Mapping[str, int] | None = None,
        **work: Any,
    ) -> Result:
        """Time the rivals, whose results the caller has compared; `work` is a Result's.

        With `moved`, the bytes that a call reads and writes, a copy of as many bytes is timed in the same rounds. A rival
        that runs in several settings (``PyTorch: fused Adam``) is told with the best of them. `per_call` is how often a
        contestant does the work in a call, where that is not once.
        """
        self.limits.sample()
        contestants, copied = dict(rivals), 0
        if moved:
            contestants["copy"], copied = interleaved.copy_rival(int(moved / 2))
        seconds = interleaved.race(contestants, names, rest_seconds=interleaved.rest_between_rivals())
        rate = copied / seconds.pop("copy") if moved else 0.0
        seconds = {name: time_of_call / (per_call or {}).get(name, 1) for name, time_of_call in seconds.items()}
        best, settings = interleaved.best_settings(seconds)
        self.results.append(Result(case, best, moved=moved, copied=rate, settings=settings, variants=seconds, **work))
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

    def trained(self, case: str, steps: Mapping[str, Callable[[], Any] | Loop]) -> Result:
        """Compare the losses of the first training steps, which each call returns, with NumPy's; then race.

        They are float32 sums in another order, through a few steps of Adam. A Loop makes several steps in a call, whose mean
        is compared and whose time is that of one step.
        """

        def losses(step: Callable[[], Any] | Loop, count: int) -> list[float]:
            values = [step() for _ in range(count)]
            return [float(value.detach() if hasattr(value, "detach") else value) for value in values]

        longest = max([3, *(step.steps for step in steps.values() if isinstance(step, Loop))])
        reference = next(name for name in steps if name.partition(": ")[0] == "NumPy")
        expected = losses(steps[reference], longest)
        for name, step in steps.items():
            if isinstance(step, Loop):
                interleaved.verify(f"{case} by {name}", np.mean(expected[: step.steps]), losses(step, 1), 1e-4)
            elif name != reference:
                interleaved.verify(f"{case} by {name}", expected[:3], losses(step, 3), 1e-4)
        return self.race(case, steps, per_call={n: s.steps for n, s in steps.items() if isinstance(s, Loop)})

    def show_header(self) -> None:
        """Say what is measured on what."""
        header(self.title, self.peers)

    def show(self) -> None:
        """Print the machine and the table."""
        self.show_header()
        if self.results:
            table(self.results, self.limits, self.peers.doubts)
            for note in self.notes:
                print(note)
        else:
            print("Nothing was asked for.")

    def within(self) -> dict[str, Any]:
        """The libraries that have PyTorch's names, Gradgate first."""
        return {"gradgate": gradgate, **{k: v for k, v in self.libraries.items() if k == "PyTorch"}}
