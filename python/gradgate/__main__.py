"""The command line: ``python -m gradgate demo``, ``bench`` and ``config``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import gradgate
from gradgate import demo
from gradgate.bench import tour


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m gradgate", description="Neural networks trained on a CPU.")
    parser.add_argument("--version", action="version", version=f"gradgate {gradgate.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo.add_arguments(
        commands.add_parser("demo", help="train a classifier on real handwritten digits", description=demo.DESCRIPTION)
    )
    tour.add_options(
        commands.add_parser(
            "bench", help="measure this machine against NumPy, and PyTorch if installed", description=tour.DESCRIPTION
        )
    )
    commands.add_parser("config", help="print how this installation computes")
    options = parser.parse_args(arguments)
    if options.command == "config":
        gradgate.show_config()
        return 0
    try:
        {"demo": demo.run, "bench": tour.run}[options.command](options)
    except (demo.DemoError, tour.TourError) as error:
        print(f"python -m gradgate {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"python -m gradgate {options.command}: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
