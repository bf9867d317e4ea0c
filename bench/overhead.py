"""What a call from Python costs, in nanoseconds, on tensors of 16 numbers: against NumPy and PyTorch.

    python bench/overhead.py                        operators, methods, attributes, modules, and a chain of gates

The statements are timed themselves, without a function around them; an empty one takes about 10 ns of each figure.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradgate.bench.comparison import Comparison, parser, start
from gradgate.bench.overhead import CALLS, race_call, race_chain


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__).parse_args(arguments)
    comparison = Comparison("calls from Python on 16 numbers", start(given, ("PyTorch",)))
    for case in CALLS:
        race_call(comparison, case)
    race_chain(comparison)
    comparison.show()


if __name__ == "__main__":
    main()
