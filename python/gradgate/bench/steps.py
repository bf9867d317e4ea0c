"""The training step of Gradgate, of NumPy and of PyTorch, of the rivals in every setting that may be their best."""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradgate
from gradgate.bench.comparison import Comparison
from gradgate.bench.networks import (
    BETA1,
    BETA2,
    EPSILON,
    LEARNING_RATE,
    BufferedNumpyNetwork,
    Case,
    NumpyNetwork,
    initial_parameters,
    make_batch,
    modular,
)

__all__ = ["COMPILE_SECONDS", "step_rivals", "time_limit"]

# To compile one step: 20 layers were measured to take 20 s.
COMPILE_SECONDS = 120.0

Step = Callable[[], Any]


def step_rivals(comparison: Comparison, case: Case, compiling: bool) -> dict[str, Step]:
    """The steps of Gradgate, of NumPy by hand, and of PyTorch if it takes part.

    NumPy's is written with new arrays, as most people would, and with buffers kept; PyTorch's is eager, and with the fused
    Adam. With `compiling` PyTorch's loss and its whole step are compiled, too; what cannot be is told below the table.
    """
    steps: dict[str, Step] = {
        "gradgate": modular(gradgate, case),
        "NumPy: new arrays": NumpyNetwork(case).step,
        "NumPy: buffers kept": BufferedNumpyNetwork(case).step,
    }
    if torch := comparison.libraries.get("PyTorch"):
        steps["PyTorch: eager"] = modular(torch, case)
        steps["PyTorch: fused Adam"] = modular(torch, case, fused=True)
        if compiling:
            steps |= _compiled(comparison, torch, case)
    return steps


def _compiled(comparison: Comparison, torch: Any, case: Case) -> dict[str, Step]:
    """The steps under torch.compile, those that can be compiled in time."""
    config: Any = importlib.import_module("torch._inductor.config")
    config.compile_threads = 1  # no workers, which would stay and disturb the race
    torch._dynamo.reset()
    builders: dict[str, Callable[[], Step]] = {
        "PyTorch: loss compiled, fused Adam": lambda: modular(torch, case, compiled=torch.compile, fused=True),
        "PyTorch: whole step compiled": lambda: whole_step(torch, case),
    }
    steps = {}
    for name, build in builders.items():
        step = _within_time(build)
        if isinstance(step, str):
            comparison.notes.append(f"{name} is left out of {case.name}: {step}")
            print(comparison.notes[-1])
        else:
            steps[name] = step
    return steps


def _within_time(build: Callable[[], Step]) -> Step | str:
    """A step that is compiled when it is first called, or why it cannot be.

    Tried is a network that is thrown away: the next finds its code, and starts from the first parameters.
    """
    try:
        with time_limit(COMPILE_SECONDS):
            build()()
        return build()
    except Exception as error:  # whatever a compiler's driver raises
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"[:240]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after so many seconds, where the system has an alarm and this is the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"not done within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def whole_step(torch: Any, case: Case) -> Step:
    """Forward, backward and Adam as one compiled function of PyTorch's, without its autograd engine and optimizer."""
    activation = {"ReLU": torch.relu, "Tanh": torch.tanh, "Sigmoid": torch.sigmoid}[case.activation]
    start = [torch.from_numpy(p.T.copy() if p.ndim == 2 else p) for p in initial_parameters(case)]
    state = (start, [torch.zeros_like(p) for p in start], [torch.zeros_like(p) for p in start], torch.zeros(()))
    x, y = (torch.from_numpy(a) for a in make_batch(case))
    functional = torch.nn.functional

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        h = x
        for i in range(0, len(parameters), 2):
            z = functional.linear(h, parameters[i], parameters[i + 1])
            h = activation(z) if i + 2 < len(parameters) else z
        return functional.cross_entropy(h, y)

    def update(parameters: Any, first: Any, second: Any, steps: Any, x: Any, y: Any) -> Any:
        gradients, loss = torch.func.grad_and_value(loss_of)(parameters, x, y)
        steps.add_(1)
        rate = LEARNING_RATE / (1 - BETA1**steps)
        correction = (1 - BETA2**steps).sqrt()
        for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
            m.mul_(BETA1).add_(g, alpha=1 - BETA1)
            v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
            p.sub_(rate * m / (v.sqrt() / correction + EPSILON))
        return loss

    # The wrapper in C++ takes 10 us off each call.
    compiled = torch.compile(update, fullgraph=True, options={"cpp_wrapper": True})
    return lambda: compiled(*state, x, y)
