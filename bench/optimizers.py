"""One step of every optimizer, and gradient clipping, against NumPy by hand and PyTorch (fused where it can).

    python bench/optimizers.py                      4,096 parameters, in cache; the parameters of a 784-256-128-10 network
    python bench/optimizers.py --largest 4194304    and one parameter beyond the caches

Told are cycles a parameter, and beyond the cache the share of a copy's bandwidth, where a step's bytes are those of the parameter,
the gradient and the state, and of what is written back of them. Clipping changes the gradients once: then their norm is small enough,
so that a call that scales has to be given them anew, in every rival alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gradgate.bench.comparison import Comparison, parser, start
from gradgate.bench.interleaved import verify

Array = np.ndarray
Arrays = list[Array]

CACHED_BYTES = 1 << 20
# Three steps of a handful of roundings each, relative to the largest parameter.
TOLERANCE = 32 * 2.0**-24
RATE = 1e-3
NETWORK = [(256, 784), (256,), (128, 256), (128,), (10, 128), (10,)]


def sgd(p: Array, g: Array, s: Arrays, t: int) -> None:
    p -= RATE * g


def momentum(p: Array, g: Array, s: Arrays, t: int) -> None:
    s[0] *= 0.9
    s[0] += g
    p -= RATE * s[0]


def nesterov(p: Array, g: Array, s: Arrays, t: int) -> None:
    s[0] *= 0.9
    s[0] += g
    p -= RATE * (g + 0.9 * s[0])


def adam(p: Array, g: Array, s: Arrays, t: int) -> None:
    s[0] *= 0.9
    s[0] += (1 - 0.9) * g
    s[1] *= 0.999
    s[1] += (1 - 0.999) * g * g
    second = s[1]
    if len(s) == 3:
        np.maximum(s[2], s[1], out=s[2])
        second = s[2]
    p -= RATE / (1 - 0.9**t) * s[0] / (np.sqrt(second) / (1 - 0.999**t) ** 0.5 + 1e-8)


def adamw(p: Array, g: Array, s: Arrays, t: int) -> None:
    p *= 1 - RATE * 1e-2
    adam(p, g, s, t)


def rmsprop(p: Array, g: Array, s: Arrays, t: int) -> None:
    s[0] *= 0.99
    s[0] += (1 - 0.99) * g * g
    mean_square = s[0]
    if len(s) == 2:
        s[1] *= 0.99
        s[1] += (1 - 0.99) * g
        mean_square = np.maximum(s[0] - s[1] * s[1], 0)  # rounding carries a steady gradient's below 0
    p -= RATE * g / (np.sqrt(mean_square) + 1e-8)


def adagrad(p: Array, g: Array, s: Arrays, t: int) -> None:
    s[0] += g * g
    p -= RATE * g / (np.sqrt(s[0]) + 1e-10)


@dataclass(frozen=True)
class Rule:
    """An optimizer by its class's name and options, in NumPy, and how many arrays of state it keeps."""

    name: str
    options: dict[str, Any]
    by_hand: Callable[[Array, Array, Arrays, int], None]
    states: int
    fused: bool = True  # whether PyTorch has it in one pass

    @property
    def arrays(self) -> int:
        """Arrays read and written: the gradient once, the parameter and the state twice."""
        return 3 + 2 * self.states


RULES = {
    "SGD": Rule("SGD", {}, sgd, 0),
    "SGD, momentum": Rule("SGD", {"momentum": 0.9}, momentum, 1),
    "SGD, Nesterov": Rule("SGD", {"momentum": 0.9, "nesterov": True}, nesterov, 1),
    "Adam": Rule("Adam", {}, adam, 2),
    "Adam, amsgrad": Rule("Adam", {"amsgrad": True}, adam, 3),
    "AdamW": Rule("AdamW", {}, adamw, 2),
    "RMSprop": Rule("RMSprop", {}, rmsprop, 1, fused=False),
    "RMSprop, centred": Rule("RMSprop", {"centered": True}, rmsprop, 2, fused=False),
    "Adagrad": Rule("Adagrad", {}, adagrad, 1),
}


def draw(shapes: Sequence[tuple[int, ...]], seed: int) -> Arrays:
    random = np.random.default_rng(seed)
    return [random.standard_normal(shape, dtype=np.float32) for shape in shapes]


def parameters_of(library: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """Parameters with gradients, in memory that the library chose itself."""
    made = [library.from_numpy(p).clone().requires_grad_() for p in draw(shapes, 0)]
    for p, g in zip(made, draw(shapes, 1), strict=True):
        p.grad = library.from_numpy(g).clone()
    return made


def by_hand(rule: Rule, shapes: Sequence[tuple[int, ...]]) -> tuple[Callable[[], None], Arrays]:
    parameters, gradients = draw(shapes, 0), draw(shapes, 1)
    state = [[np.zeros_like(p) for _ in range(rule.states)] for p in parameters]
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        for p, g, s in zip(parameters, gradients, state, strict=True):
            rule.by_hand(p, g, s, steps)

    return step, parameters


def size_of(shapes: Sequence[tuple[int, ...]]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes)


def work(shapes: Sequence[tuple[int, ...]], arrays: int) -> dict[str, float]:
    moved = 4 * arrays * size_of(shapes)
    # A whole network is calls and cache, too: it has no one limit.
    return {"elements": size_of(shapes), "moved": moved if moved > CACHED_BYTES and len(shapes) == 1 else 0}


def measure(comparison: Comparison, case: str, rule: Rule, shapes: Sequence[tuple[int, ...]]) -> None:
    rivals: dict[str, Callable[[], Any]] = {}
    trained: dict[str, list[Any]] = {}
    for name, library in comparison.within().items():
        trained[name] = parameters_of(library, shapes)
        options = {**rule.options, "fused": True} if name == "PyTorch" and rule.fused else rule.options
        rivals[name] = getattr(library.optim, rule.name)(trained[name], lr=RATE, **options).step
    rivals["NumPy"], trained["NumPy"] = by_hand(rule, shapes)
    verify_steps(case, rivals, trained)
    comparison.race(case, rivals, **work(shapes, rule.arrays))


def verify_steps(case: str, rivals: dict[str, Callable[[], Any]], trained: dict[str, list[Any]]) -> None:
    for _ in range(3):
        for step in rivals.values():
            step()
    for name, parameters in trained.items():
        for p, expected in zip(parameters, trained["NumPy"], strict=True):
            verify(f"{case} by {name}", expected, p.detach() if name != "NumPy" else p, TOLERANCE)


def clip(comparison: Comparison, case: str, shapes: Sequence[tuple[int, ...]], scales: bool) -> None:
    """Clip by the norm: measured alone (no scaling), or with the gradients written anew and scaled down."""
    most = 1.0 if scales else 1e9
    rivals: dict[str, Callable[[], Any]] = {}
    for name, library in comparison.within().items():
        parameters = parameters_of(library, shapes)
        fresh = [library.from_numpy(g) for g in draw(shapes, 1)]

        def run(library: Any = library, parameters: list[Any] = parameters, fresh: list[Any] = fresh) -> Any:
            if scales:
                for p, g in zip(parameters, fresh, strict=True):
                    p.grad.copy_(g)
            return library.nn.utils.clip_grad_norm_(parameters, most)

        rivals[name] = run
    gradients, fresh = draw(shapes, 1), draw(shapes, 1)

    def by_numpy() -> Any:
        if scales:
            for g, f in zip(gradients, fresh, strict=True):
                np.copyto(g, f)
        norm = np.sqrt(sum(np.dot(g.ravel(), g.ravel()) for g in gradients))
        if norm > most:
            for g in gradients:
                g *= most / (norm + 1e-6)
        return norm

    rivals["NumPy"] = by_numpy
    exact = np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in fresh))
    # A sum of n squares, each rounded: sqrt(n) units in the last place for n up to 2^22.
    comparison.verified(case, rivals, exact, 2.0**-13, **work(shapes, 5 if scales else 1))


def clip_values(comparison: Comparison, shapes: Sequence[tuple[int, ...]]) -> None:
    """Clip every element: after the first call nothing changes, and as much is read and written."""
    rivals: dict[str, Callable[[], Any]] = {}
    clipped: dict[str, list[Any]] = {}
    for name, library in comparison.within().items():
        parameters = parameters_of(library, shapes)
        rivals[name] = partial(library.nn.utils.clip_grad_value_, parameters, 1.0)
        clipped[name] = [p.grad for p in parameters]
    gradients = clipped["NumPy"] = draw(shapes, 1)

    def by_numpy() -> None:
        for g in gradients:
            np.clip(g, -1.0, 1.0, out=g)

    rivals["NumPy"] = by_numpy
    for name, call in rivals.items():
        call()
        for g, expected in zip(clipped[name], draw(shapes, 1), strict=True):
            verify(f"clip_grad_value_ by {name}", expected.clip(-1, 1), g, 0.0)
    comparison.race("clip_grad_value_", rivals, **work(shapes, 2))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--largest", type=int, help="add one parameter of so many numbers")
    options.add_argument("--network", action=argparse.BooleanOptionalAction, default=True, help="measure the network")
    given = options.parse_args(arguments)
    peers = start(given, ("PyTorch",))
    places: dict[str, list[tuple[int, ...]]] = {"4,096 parameters": [(4096,)]}
    if given.network:
        places["the parameters of 784-256-128-10"] = NETWORK
    if given.largest:
        places[f"{given.largest:,} parameters"] = [(given.largest,)]
    for place, shapes in places.items():
        comparison = Comparison(f"one optimizer step on {place}", peers)
        for name, rule in RULES.items():
            measure(comparison, name, rule, shapes)
        clip(comparison, "clip_grad_norm_, small", shapes, scales=False)
        clip(comparison, "copy, clip_grad_norm_", shapes, scales=True)
        clip_values(comparison, shapes)
        comparison.show()


if __name__ == "__main__":
    main()
