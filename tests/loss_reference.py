"""What the tests of the losses share: a check of a loss and its gradient against a NumPy reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradgate

# About 30 roundings of 2^-53 relative each, and a few ulp of exp and log in either library: below 100 * 2^-53.
RTOL = 1e-14 * 5
ATOL = 1e-14
# Centred differences with h = 1e-5 err by h^2 f'''/6 and 2^-53 |f| / h, both below 1e-9 for losses of order 1 to 10.
GRADIENT_TOL = 1e-8


def randn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def numerical_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    gradient = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        gradient[index] = (f(up) - f(down)) / (2 * h)
    return gradient


def reduced(losses: np.ndarray, reduction: str) -> np.ndarray:
    return {"none": lambda: losses, "mean": lambda: np.mean(losses), "sum": lambda: np.sum(losses)}[reduction]()


def assert_loss(loss: Callable[..., Any], reference: Callable[..., Any], x: np.ndarray) -> None:
    """The loss and its gradient on `x` (float64) equal the reference and its differences."""
    tensor = gradgate.tensor(x, requires_grad=True)
    value = loss(tensor)
    expected = reference(x)
    np.testing.assert_allclose(value.detach().numpy(), expected, rtol=RTOL, atol=ATOL)
    assert tuple(value.shape) == np.shape(expected)
    value.sum().backward()
    numerical = numerical_gradient(lambda z: float(np.sum(reference(z))), x)
    np.testing.assert_allclose(tensor.grad.numpy(), numerical, rtol=GRADIENT_TOL, atol=GRADIENT_TOL)
