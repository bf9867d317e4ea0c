"""The networks that training is measured on, and their training step in NumPy by hand and in PyTorch's names.

This file needs no other of the package, so that a process that measures another library's memory can run it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

__all__ = [
    "BETA1",
    "BETA2",
    "CASES",
    "EPSILON",
    "LEARNING_RATE",
    "Case",
    "NumpyNetwork",
    "initial_parameters",
    "make_batch",
    "modular",
    "step_rivals",
]

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Case:
    """A fully connected classifier and its batch."""

    sizes: tuple[int, ...]
    batch: int
    activation: str = "ReLU"

    @property
    def name(self) -> str:
        """Its sizes, batch and activation."""
        shape = (
            "-".join(map(str, self.sizes))
            if len(self.sizes) < 8
            else f"{len(self.sizes) - 1} layers of {self.sizes[0]}"
        )
        return f"{shape}, batch {self.batch}" + ("" if self.activation == "ReLU" else f", {self.activation.lower()}")

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum((n_in + 1) * n_out for n_in, n_out in zip(self.sizes[:-1], self.sizes[1:], strict=True))


CASES = [
    Case((2, 16, 16, 2), 32),
    Case((8, 64, 64, 4), 64, "Tanh"),
    Case((64, 128, 10), 32),
    Case((64,) * 21, 128),
    Case((784, 256, 128, 10), 64),
    Case((784, 256, 128, 10), 512, "Sigmoid"),
    Case((1024, 1024, 1024, 10), 256),
]

Array = np.ndarray[Any, Any]
Arrays = list[Array]


def initial_parameters(case: Case) -> Arrays:
    """Weights [in][out] and biases, the same for every rival."""
    random = np.random.default_rng(0)
    parameters: Arrays = []
    for n_in, n_out in zip(case.sizes[:-1], case.sizes[1:], strict=True):
        bound = n_in**-0.5
        parameters.append(random.uniform(-bound, bound, (n_in, n_out)).astype(np.float32))
        parameters.append(random.uniform(-bound, bound, n_out).astype(np.float32))
    return parameters


def make_batch(case: Case) -> tuple[Array, Array]:
    """Inputs and the classes to learn, the same for every rival."""
    random = np.random.default_rng(1)
    x = random.standard_normal((case.batch, case.sizes[0])).astype(np.float32)
    return x, random.integers(0, case.sizes[-1], case.batch)


class NumpyNetwork:
    """Forward, backward and Adam written by hand, in place where NumPy allows it."""

    ACTIVATIONS: ClassVar[dict[str, tuple[Callable[..., Any], Callable[..., Any]]]] = {
        "ReLU": (lambda z: np.maximum(z, 0, out=z), lambda h: h > 0),
        "Tanh": (lambda z: np.tanh(z, out=z), lambda h: 1 - h * h),
        "Sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda h: h * (1 - h)),
    }

    def __init__(self, case: Case) -> None:
        self.parameters = initial_parameters(case)
        self.first = [np.zeros_like(p) for p in self.parameters]
        self.second = [np.zeros_like(p) for p in self.parameters]
        self.forward_gate, self.local = self.ACTIVATIONS[case.activation]
        self.x, self.y = make_batch(case)
        self.rows = np.arange(case.batch)
        self.steps = 0

    def step(self) -> float:
        """One training step; returns the loss before it."""
        layers = len(self.parameters) // 2
        hidden = [self.x]
        for i in range(layers):
            z = hidden[-1] @ self.parameters[2 * i] + self.parameters[2 * i + 1]
            hidden.append(self.forward_gate(z) if i + 1 < layers else z)
        scores = hidden[-1] - hidden[-1].max(1, keepdims=True)
        p = np.exp(scores)
        total = p.sum(1, keepdims=True)
        loss = float((np.log(total[:, 0]) - scores[self.rows, self.y]).mean())
        p /= total
        p[self.rows, self.y] -= 1
        p /= len(p)
        self.update(self.backward(p, hidden))
        return loss

    def backward(self, dy: Array, hidden: Arrays) -> Arrays:
        """The gradients of all parameters, from that of the scores and the layers' inputs."""
        gradients: Arrays = []
        for i in reversed(range(len(self.parameters) // 2)):
            gradients += [dy.sum(0), hidden[i].T @ dy]
            if i:
                dy = dy @ self.parameters[2 * i].T
                dy *= self.local(hidden[i])
        return gradients[::-1]

    def update(self, gradients: Arrays) -> None:
        """Adam, as its paper has it."""
        self.steps += 1
        rate = LEARNING_RATE / (1 - BETA1**self.steps)
        correction = (1 - BETA2**self.steps) ** 0.5
        for p, g, m, v in zip(self.parameters, gradients, self.first, self.second, strict=True):
            m *= BETA1
            m += (1 - BETA1) * g
            v *= BETA2
            v += (1 - BETA2) * g * g
            p -= rate * m / (np.sqrt(v) / correction + EPSILON)


def modular(library: Any, case: Case, prepare: Callable[[Any], object] | None = None) -> Callable[[], Any]:
    """The training step in PyTorch's names, for PyTorch and Gradgate alike; it returns the loss before it.

    `prepare` is called with the model once, before the first step.
    """
    layers: list[Any] = []
    for n_in, n_out in zip(case.sizes[:-1], case.sizes[1:], strict=True):
        layers += [library.nn.Linear(n_in, n_out), getattr(library.nn, case.activation)()]
    model = library.nn.Sequential(*layers[:-1])
    with library.no_grad():
        for p, value in zip(model.parameters(), initial_parameters(case), strict=True):
            p.copy_(library.from_numpy(value.T.copy() if value.ndim == 2 else value))
    if prepare is not None:
        prepare(model)
    optimizer = library.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(BETA1, BETA2), eps=EPSILON)
    x, y = (library.from_numpy(a) for a in make_batch(case))
    cross_entropy = library.nn.functional.cross_entropy

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def step_rivals(libraries: Mapping[str, Any], case: Case) -> dict[str, Callable[[], Any]]:
    """The steps of Gradgate, of NumPy by hand, and of the other libraries that have PyTorch's names."""
    steps = {name: modular(library, case) for name, library in libraries.items()}
    return {"gradgate": steps.pop("gradgate"), "NumPy": NumpyNetwork(case).step, **steps}
