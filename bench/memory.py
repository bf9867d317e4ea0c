"""Resident memory of training a 1024-1024-1024-10 network with Adam, batch 256, each library in a fresh process.

    python bench/memory.py                          Gradgate, NumPy and PyTorch
    python bench/memory.py --rivals --steps 2000    Gradgate and NumPy, many steps

Told are the resident memory when the library is imported, the peak of the whole process, and by how much the process grew between
a tenth of the steps and the last. The figures are Linux's (/proc/self/status); elsewhere the program says so and stops.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from gradgate.bench import networks
from gradgate.bench.comparison import Comparison, parser, start

STATUS = Path("/proc/self/status")
MODULES = {"gradgate": "gradgate", "NumPy": "numpy", "PyTorch": "torch"}

# Run by a process of its own, which imports no library but the one that it measures (and NumPy, which all of them use).
CHILD = """
import importlib, json, re, runpy, sys
networks, name, library, sizes, batch, steps, threads = json.loads(sys.argv[1])
module = importlib.import_module(library)
def kilobytes(field):
    return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1])
imported = kilobytes("VmRSS")
import numpy
networks = runpy.run_path(networks, run_name="networks")
if library != "numpy":
    module.set_num_threads(threads)
case = networks["Case"](tuple(sizes), batch)
adam = networks["FASTEST_ADAM"].get(name, {})
step = networks["NumpyNetwork"](case).step if library == "numpy" else networks["modular"](module, case, **adam)
early = max(1, steps // 10)
for i in range(steps):
    step()
    if i + 1 == early:
        warm = kilobytes("VmRSS")
print(json.dumps({"imported": imported, "peak": kilobytes("VmHWM"), "growth": kilobytes("VmRSS") - warm}))
"""


def measure(name: str, sizes: Sequence[int], batch: int, steps: int, threads: int) -> dict[str, float]:
    """Megabytes of a fresh process that trains with the library."""
    arguments = json.dumps([networks.__file__, name, MODULES[name], list(sizes), batch, steps, threads])
    done = subprocess.run([sys.executable, "-c", CHILD, arguments], capture_output=True, text=True, check=True)
    return {name: kilobytes / 1024 for name, kilobytes in json.loads(done.stdout).items()}


def parameters_and_state(sizes: Sequence[int]) -> float:
    """Megabytes of parameters, gradients and Adam's two states: what no library can do without."""
    return 4 * 4 * sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes)) / 2**20


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--sizes", type=int, nargs="+", default=[1024, 1024, 1024, 10])
    options.add_argument("--batch", type=int, default=256)
    given = options.parse_args(arguments)
    if not STATUS.exists():
        print(f"{STATUS} is not on this system: nothing is measured.")
        return
    comparison = Comparison(
        f"resident memory of training {'-'.join(map(str, given.sizes))}, batch {given.batch}, {given.steps} steps, in MiB",
        start(given, ("PyTorch",)),
    )
    comparison.show_header()
    print(f"parameters, gradients and Adam's state: {parameters_and_state(given.sizes):.1f}")
    print(f"{'':10}{'imported':>10}{'peak':>10}{'training':>10}{'growth':>10}{'peak / gradgate':>18}")
    peaks: dict[str, float] = {}
    for name in ("gradgate", "NumPy", *comparison.libraries):
        told = measure(name, given.sizes, given.batch, 3 if given.smoke else given.steps, given.threads)
        peaks[name] = told["peak"]
        print(
            f"{name:10}{told['imported']:>10.1f}{told['peak']:>10.1f}{told['peak'] - told['imported']:>10.1f}"
            f"{told['growth']:>10.1f}{told['peak'] / peaks['gradgate']:>17.2f}x"
        )


if __name__ == "__main__":
    main()
