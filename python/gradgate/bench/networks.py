"""The networks that training is measured on, and their training step in NumPy by hand and in PyTorch's names.

This file needs no other of the package, so that a process that measures another library's memory can run it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

__all__ = [
    "BETA1",
    "BETA2",
    "CASES",
    "EPSILON",
    "FASTEST_ADAM",
    "LEARNING_RATE",
    "BufferedNumpyNetwork",
    "Case",
    "NumpyNetwork",
    "initial_parameters",
    "make_batch",
    "modular",
]

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8

# Options of the optimizer with which a library is measured where it is in one setting only.
FASTEST_ADAM: dict[str, dict[str, Any]] = {"PyTorch": {"fused": True}}


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
        self.activation = case.activation
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


class BufferedNumpyNetwork(NumpyNetwork):
    """The same step with every array made once: results go to buffers, and Adam over all parameters as one flat array."""

    BLOCK = 1 << 14  # numbers that Adam takes at a time: five arrays of them stay in a second-level cache

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.flat, self.parameters = self._flat(self.parameters)
        self.flat_gradient, self.gradients = self._flat(self.parameters)
        self.state = [np.zeros_like(self.flat), np.zeros_like(self.flat)]
        self.scratch = np.empty(self.BLOCK, np.float32)
        widths = case.sizes[1:]
        self.hidden = [self.x, *(np.empty((case.batch, n), np.float32) for n in widths)]
        self.deltas = [np.empty((case.batch, n), np.float32) for n in widths]

    @staticmethod
    def _flat(arrays: Arrays) -> tuple[Array, Arrays]:
        """A copy of all arrays in one, and the views of it that have their shapes."""
        flat = np.concatenate([a.ravel() for a in arrays])
        ends = np.cumsum([a.size for a in arrays])
        return flat, [flat[end - a.size : end].reshape(a.shape) for a, end in zip(arrays, ends, strict=True)]

    def step(self) -> float:
        """One training step; returns the loss before it."""
        layers = len(self.parameters) // 2
        for i in range(layers):
            z = np.matmul(self.hidden[i], self.parameters[2 * i], out=self.hidden[i + 1])
            z += self.parameters[2 * i + 1]
            if i + 1 < layers:
                self.activate(z)
        scores, p = self.hidden[-1], self.deltas[-1]
        scores -= scores.max(1, keepdims=True)
        np.exp(scores, out=p)
        total = p.sum(1, keepdims=True)
        loss = float((np.log(total[:, 0]) - scores[self.rows, self.y]).mean())
        p /= total
        p[self.rows, self.y] -= 1
        p *= np.float32(1 / len(p))
        self.backward(p, self.hidden)
        self.update(self.gradients)
        return loss

    def activate(self, z: Array) -> None:
        """Apply the activation where the numbers lie."""
        if self.activation == "Sigmoid":
            np.negative(z, out=z)
            np.exp(z, out=z)
            z += 1
            np.reciprocal(z, out=z)
        else:
            self.forward_gate(z)

    def backward(self, dy: Array, hidden: Arrays) -> Arrays:
        """The gradients of all parameters, written to their buffers."""
        for i in reversed(range(len(self.parameters) // 2)):
            np.matmul(hidden[i].T, dy, out=self.gradients[2 * i])
            dy.sum(0, out=self.gradients[2 * i + 1])
            if i:
                dy = np.matmul(dy, self.parameters[2 * i].T, out=self.deltas[i - 1])
                dy *= self.local(hidden[i])
        return self.gradients

    def update(self, gradients: Arrays) -> None:
        """Adam on blocks that stay in the cache."""
        self.steps += 1
        rate = np.float32(LEARNING_RATE / (1 - BETA1**self.steps))
        correction = np.float32((1 - BETA2**self.steps) ** -0.5)
        for start in range(0, self.flat.size, self.BLOCK):
            block = slice(start, start + self.BLOCK)
            p, g, m, v = (a[block] for a in (self.flat, self.flat_gradient, *self.state))
            t = self.scratch[: p.size]
            m *= np.float32(BETA1)
            m += np.multiply(g, np.float32(1 - BETA1), out=t)
            np.multiply(g, g, out=t)
            t *= np.float32(1 - BETA2)
            v *= np.float32(BETA2)
            v += t
            np.sqrt(v, out=t)
            t *= correction
            t += np.float32(EPSILON)
            np.divide(m, t, out=t)
            t *= rate
            p -= t


def modular(
    library: Any,
    case: Case,
    prepare: Callable[[Any], object] | None = None,
    compiled: Callable[[Any], Any] = lambda function: function,
    **adam: Any,
) -> Callable[[], Any]:
    """The training step in PyTorch's names, for PyTorch and Gradgate alike; it returns the loss before it.

    `prepare` is called with the model once, before the first step; `compiled` is applied to the function that gives the
    loss, and `adam` are further options of the optimizer.
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
    optimizer = library.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(BETA1, BETA2), eps=EPSILON, **adam)
    x, y = (library.from_numpy(a) for a in make_batch(case))
    cross_entropy = library.nn.functional.cross_entropy
    loss_of = compiled(lambda x, y: cross_entropy(model(x), y))

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss

    return step
