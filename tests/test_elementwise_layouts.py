"""Elementwise gates on operands of any layout and size: broadcast, transposed, cut out, and too large for the caches."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate

# Around the lengths of runs: rows of up to 256 elements are joined, buffers hold 512 strided elements and 2,048 repeated ones.
SHAPES = [
    (3, 5),
    (70, 64),
    (9, 255),
    (9, 256),
    (9, 257),
    (2, 511),
    (2, 513),
    (2, 2049),
    (2050, 1),
    (2050, 2),
    (3, 50, 50),
    (7, 1, 300),
]


def values(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def layouts(shape):
    """Operands that broadcast to the shape, each with its name."""
    rest = shape[1:]
    yield "whole", values(shape, 1)
    yield "number", values((), 2)
    yield "row", values(rest, 3)
    yield "last", values(shape[-1:], 4)
    yield "column", values((*shape[:-1], 1), 5)
    yield "first", values((shape[0], *(1 for _ in rest)), 6)
    yield "transposed", values(shape[::-1], 7).T
    yield "cut", values([2 * n for n in shape], 8)[tuple(slice(n // 2, n // 2 + n) for n in shape)]
    yield "every other", values([2 * n for n in shape], 9)[tuple(slice(None, None, 2) for _ in shape)]
    yield "every other of a row", values((2 * shape[-1],), 10)[::2]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_layouts_of_operands(shape):
    operands = dict(layouts(shape))
    for left, a in operands.items():
        for right, b in operands.items():
            if np.broadcast_shapes(a.shape, b.shape) != shape:
                continue
            result = gradgate.from_numpy(a) - gradgate.from_numpy(b)
            np.testing.assert_array_equal(result.numpy(), a - b, err_msg=f"{left} - {right}")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_layouts_of_results(shape):
    for name, b in layouts(shape):
        for layout, make in {
            "whole": lambda: values(shape, 20),
            "transposed": lambda: values(shape[::-1], 20).T,
            "cut": lambda: values([2 * n for n in shape], 20)[tuple(slice(0, n) for n in shape)],
            "every other": lambda: values([2 * n for n in shape], 20)[tuple(slice(None, None, 2) for _ in shape)],
        }.items():
            expected, target = make(), make()
            expected += b
            gradgate.from_numpy(target).add_(gradgate.from_numpy(b))
            np.testing.assert_array_equal(target, expected, err_msg=f"{layout} += {name}")


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_share_joined_rows(threads):
    x, row, column = values((3000, 50), 11), values(50, 12), values((3000, 1), 13)
    gradgate.set_num_threads(threads)
    for other in (row, column):
        np.testing.assert_array_equal((gradgate.from_numpy(x) * gradgate.from_numpy(other)).numpy(), x * other)


# Results of 16 MB are written past the caches, by one thread, where they are not an operand, too.
LARGE = (16 << 20) // 4 + 5


def test_large_results(isa):
    x, y = values(LARGE, 14), values(LARGE, 15)
    gradgate.set_num_threads(1)
    a, b = gradgate.from_numpy(x).requires_grad_(), gradgate.from_numpy(y)
    positive = gradgate.relu(a)
    positive.backward(b)
    np.testing.assert_array_equal(positive.detach().numpy(), np.where(x <= 0, np.float32(0), x))
    np.testing.assert_array_equal(a.grad.numpy(), np.where(x <= 0, np.float32(0), np.float32(1)) * y)
    np.testing.assert_array_equal((a.detach() + b).numpy(), x + y)
    gradgate.nn.utils.clip_grad_value_(a, 0.5)
    np.testing.assert_array_equal(a.grad.numpy(), np.clip(np.where(x <= 0, 0, 1) * y, -0.5, 0.5).astype(np.float32))
