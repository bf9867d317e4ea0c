"""Whole training steps against NumPy by hand, PyTorch (eager), JAX (jit) and scikit-learn.

    python bench/training_step.py                   seven fully connected networks, one thread
    python bench/training_step.py --threads 2 --largest 100000

A step is forward, cross-entropy, backward and Adam on one batch. Every rival starts from the same parameters, and its first
losses are compared before the race.
"""

from __future__ import annotations

from collections.abc import Sequence

from training_peers import by_jax, by_sklearn

from gradgate.bench.comparison import Comparison, parser, start
from gradgate.bench.networks import CASES, Case, step_rivals


def measure(comparison: Comparison, case: Case) -> None:
    rivals = step_rivals(comparison.within(), case)
    if jax := comparison.libraries.get("JAX"):
        rivals["JAX"] = by_jax(jax, case)
    if "scikit-learn" in comparison.libraries and (step := by_sklearn(case)):
        rivals["scikit-learn"] = step
    comparison.trained(case.name, rivals)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--largest", type=int, help="leave out the networks of more parameters")
    given = options.parse_args(arguments)
    libraries = start(given, ("PyTorch", "JAX", "scikit-learn"))
    comparison = Comparison("one training step: forward, cross-entropy, backward, Adam", libraries)
    for case in CASES:
        if given.largest is None or case.parameters <= given.largest:
            measure(comparison, case)
    comparison.show()


if __name__ == "__main__":
    main()
