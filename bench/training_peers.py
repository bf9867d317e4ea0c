"""The training step of bench/training_step.py in JAX and in scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from gradgate.bench.interleaved import Loop
from gradgate.bench.networks import BETA1, BETA2, EPSILON, LEARNING_RATE, Case, initial_parameters, make_batch


def by_jax(jax: Any, case: Case) -> Callable[[], Any]:
    """One compiled function for forward, backward and Adam; parameters and state are donated, and so updated where they lie."""
    numpy = jax.numpy
    activation = {"ReLU": jax.nn.relu, "Tanh": numpy.tanh, "Sigmoid": jax.nn.sigmoid}[case.activation]
    x, y = (numpy.asarray(a) for a in make_batch(case))

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        h = x
        for i in range(0, len(parameters), 2):
            z = h @ parameters[i] + parameters[i + 1]
            h = activation(z) if i + 2 < len(parameters) else z
        return -numpy.take_along_axis(jax.nn.log_softmax(h), y[:, None], 1).mean()

    def update(parameters: Any, first: Any, second: Any, steps: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, y)
        steps = steps + 1
        rate = LEARNING_RATE / (1 - BETA1**steps)
        correction = numpy.sqrt(1 - BETA2**steps)
        first = [BETA1 * m + (1 - BETA1) * g for m, g in zip(first, gradients, strict=True)]
        second = [BETA2 * v + (1 - BETA2) * g * g for v, g in zip(second, gradients, strict=True)]
        parameters = [
            p - rate * m / (numpy.sqrt(v) / correction + EPSILON)
            for p, m, v in zip(parameters, first, second, strict=True)
        ]
        return parameters, first, second, steps, loss

    compiled = jax.jit(update, donate_argnums=(0, 1, 2, 3))
    start = initial_parameters(case)
    state = [
        [numpy.asarray(p) for p in start],
        [numpy.zeros_like(p) for p in start],
        [numpy.zeros_like(p) for p in start],
        numpy.float32(0),
    ]

    def step() -> Any:
        *state[:], loss = compiled(*state, x, y)
        return loss.block_until_ready()  # all results of a compiled function are ready at once

    return step


BATCHES = 8


def by_sklearn(case: Case) -> dict[str, Callable[[], Any]]:
    """`MLPClassifier.partial_fit` on the batch, and on several like it, which spares most of what a call checks.

    Nothing for two classes, which it trains with one output and another loss.
    """
    if case.sizes[-1] == 2:
        return {}
    one, several = (_partial_fit(case, count) for count in (1, BATCHES))
    return {"scikit-learn: a batch a call": one, f"scikit-learn: {BATCHES} batches a call": Loop(several, BATCHES)}


def _partial_fit(case: Case, count: int) -> Callable[[], Any]:
    """A call of partial_fit on `count` batches, one after the other, which returns the mean of their losses."""
    from sklearn.neural_network import MLPClassifier

    x, y = make_batch(case)
    model = MLPClassifier(
        case.sizes[1:-1],
        activation={"ReLU": "relu", "Tanh": "tanh", "Sigmoid": "logistic"}[case.activation],
        alpha=0.0,
        batch_size=case.batch,
        learning_rate_init=LEARNING_RATE,
        beta_1=BETA1,
        beta_2=BETA2,
        # scikit-learn adds epsilon before the correction 1 / sqrt(1 - beta2^t): the others' at the first step.
        epsilon=EPSILON * (1 - BETA2) ** 0.5,
        shuffle=False,
    )
    batches, classes = np.tile(x, (count, 1)), np.tile(y, count)

    def step() -> Any:
        model.partial_fit(batches, classes)
        return model.loss_

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a batch may lack a class
        model.partial_fit(x, y, classes=np.arange(case.sizes[-1]))
    del model._optimizer  # the next call makes one, for the parameters that every rival starts from
    parameters = initial_parameters(case)
    model.coefs_, model.intercepts_ = parameters[0::2], parameters[1::2]
    return step
