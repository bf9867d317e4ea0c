"""Whole training steps against NumPy by hand, PyTorch, JAX and scikit-learn, each in its best setting.

    python bench/training_step.py                   seven fully connected networks, one thread
    python bench/training_step.py --threads 2 --largest 100000 --no-compile

A step is forward, cross-entropy, backward and Adam on one batch. Every rival starts from the same parameters, and its first
losses are compared before the race. NumPy's step is written with new arrays and with buffers kept; PyTorch is eager, with its fused
Adam, with the loss under torch.compile, and with the whole step under torch.compile; JAX compiles the whole step, with donated
buffers and in the calling thread; scikit-learn is MLPClassifier.partial_fit on one batch or several a call, without its checks, and
has no such network for two classes. The best setting of each network is told and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training_peers import by_jax, by_sklearn

from gradgate.bench.comparison import Comparison, add_compile, parser, start
from gradgate.bench.networks import CASES, Case
from gradgate.bench.record import write
from gradgate.bench.steps import step_rivals


def measure(comparison: Comparison, case: Case, compiling: bool) -> None:
    rivals = step_rivals(comparison, case, compiling)
    if jax := comparison.libraries.get("JAX"):
        rivals["JAX"] = by_jax(jax, case)
    if "scikit-learn" in comparison.libraries:
        rivals |= by_sklearn(case)
    comparison.trained(case.name, rivals)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--largest", type=int, help="leave out the networks of more parameters")
    options.add_argument("--record", type=Path, help="write what was measured to this file, for bench/table.py")
    add_compile(options)
    given = options.parse_args(arguments)
    peers = start(given, ("PyTorch", "JAX", "scikit-learn"))
    comparison = Comparison("one training step: forward, cross-entropy, backward, Adam", peers)
    for case in CASES:
        if given.largest is None or case.parameters <= given.largest:
            measure(comparison, case, given.compile)
    comparison.show()
    if given.record:
        write(given.record, comparison)


if __name__ == "__main__":
    main()
