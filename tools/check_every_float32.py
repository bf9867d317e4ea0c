"""Runs elementwise gates of one input on every float32: errors in ulps, and the same bits on every instruction set.

    python tools/check_every_float32.py exp tanh     # 2^32 inputs each, minutes a gate
    python tools/check_every_float32.py --every 1021 # a sample of every gate

The suite does the same on samples. The references are those of the tests, in float64.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import gradgate

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from gate_samples import GATES, Gate, bits, ulp_errors

BLOCK = 1 << 22


def check(gate: Gate, every: int) -> bool:
    """Print the gate's largest error and whether it is within its bound everywhere, with equal bits."""
    start = time.perf_counter()
    (scalars, *_) = gate.settings(np.float32)
    worst, at, differing = 0.0, np.float32(0), 0
    for first in range(0, 1 << 32, BLOCK * every):
        x = (
            np.arange(first, min(first + BLOCK * every, 1 << 32), every, dtype=np.uint64)
            .astype(np.uint32)
            .view(np.float32)
        )
        results = []
        for isa in gradgate.available_isas():
            gradgate.set_isa(isa)
            results.append(gate(gradgate.from_numpy(x), **scalars).numpy())
        differing += sum(np.count_nonzero(bits(results[0]) != bits(other)) for other in results[1:])
        errors = ulp_errors(gate, [x], scalars, results[0])
        if errors.max() > worst:
            worst, at = float(errors.max()), x[errors.argmax()]
    good = worst <= gate.ulp and differing == 0
    print(
        f"{gate.name:12} {worst:.4f} ulp at {at!r}, bound {gate.ulp}; {differing} inputs whose bits differ between "
        f"{', '.join(gradgate.available_isas())}; {time.perf_counter() - start:.0f} s{'' if good else '  WRONG'}",
        flush=True,
    )
    return good


def main() -> None:
    """Check the gates that the command line names."""
    unary = [name for name, gate in GATES.items() if gate.arity == 1]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gates", nargs="*", metavar="gate", help="all of one input unless given")
    parser.add_argument("--every", type=int, default=1, help="take every n-th float32 only; an odd n meets all endings")
    arguments = parser.parse_args()
    for name in arguments.gates:
        if name not in unary:
            parser.error(f"{name} is no gate of one input; there are {', '.join(unary)}")
    results = [check(GATES[name], arguments.every) for name in arguments.gates or unary]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
