"""Rows that kernels work on together give the bits that each gives alone."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate
from gradgate.nn import functional as F

FUNCTIONS = {
    "sum": lambda x: x.sum(-1),
    "prod": lambda x: x.prod(-1),
    "norm": lambda x: x.norm(2, -1),
    "var": lambda x: x.var(-1, correction=0),
    "amax": lambda x: x.amax(-1),
    "amin": lambda x: x.amin(-1),
    "argmax": lambda x: x.argmax(-1),
    "argmin": lambda x: x.argmin(-1),
    "softmax": lambda x: gradgate.softmax(x, -1),
    "log_softmax": lambda x: gradgate.log_softmax(x, -1),
    "logsumexp": lambda x: x.logsumexp(-1),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[-1:]),
}


def matrix(rows, n, dtype):
    return np.random.default_rng(rows + n).standard_normal((rows, n)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_together_and_alone(name, dtype, isa):
    gradgate.set_num_threads(1)
    for rows in (2, 15, 16, 17, 37):
        for n in (1, 10, 16, 64, 100, 300, 5000):
            together = gradgate.from_numpy(matrix(rows, n, dtype)).requires_grad_(not name.startswith("arg"))
            y = FUNCTIONS[name](together)
            for i in range(rows):
                alone = together[i].detach().clone().requires_grad_(together.requires_grad)
                z = FUNCTIONS[name](alone)
                np.testing.assert_array_equal(y[i].detach().numpy(), z.detach().numpy(), f"{rows} rows of {n}")
                if i == rows - 1 and together.requires_grad:
                    weight = gradgate.from_numpy(matrix(1, z.numel(), dtype)).reshape(z.shape)
                    y.backward(weight.expand(y.shape))
                    z.backward(weight)
                    np.testing.assert_array_equal(together.grad[i].numpy(), alone.grad.numpy(), f"{rows} rows of {n}")


@pytest.mark.parametrize("n", [1, 5, 16, 64, 70, 200])
def test_nan_anywhere_in_a_row(n, isa):
    x = np.repeat(matrix(1, n, "float32"), n + 1, axis=0)
    x[range(n), range(n)] = np.nan  # and the last row is without
    t = gradgate.from_numpy(x)
    for name in ("amax", "amin", "sum", "logsumexp", "softmax", "log_softmax"):
        is_nan = np.isnan(FUNCTIONS[name](t).numpy())
        assert is_nan[:n].all(), name
        assert not is_nan[n].any(), name
    for name in ("argmax", "argmin"):
        assert FUNCTIONS[name](t)[:n].tolist() == list(range(n)), name


@pytest.mark.parametrize("n", [3, 16, 61, 64, 129])
def test_the_first_of_equal_extremes(n, isa):
    x = np.zeros((n, n), np.float32)
    for i in range(n):
        x[i, i:] = -1.0  # argmin is i
    assert gradgate.from_numpy(x).argmin(1).tolist() == list(range(n))
    assert gradgate.from_numpy(-x).argmax(1).tolist() == list(range(n))
    assert gradgate.from_numpy(np.full((n, n), -0.0, np.float32)).argmax(1).tolist() == [0] * n
