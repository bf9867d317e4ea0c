"""The command line: ``python -m gradgate demo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import gradgate
from gradgate import demo


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m gradgate", description="Neural networks trained on a CPU.")
    parser.add_argument("--version", action="version", version=f"gradgate {gradgate.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo.add_arguments(
        commands.add_parser("demo", help="train a classifier on real handwritten digits", description=demo.DESCRIPTION)
    )
    commands.add_parser("config", help="print how this installation computes")
    options = parser.parse_args(arguments)
    if options.command == "config":
        gradgate.show_config()
        return 0
    try:
        demo.run(options)
    except demo.DemoError as error:
        print(f"python -m gradgate demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("python -m gradgate demo: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
