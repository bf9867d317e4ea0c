"""The streams of random numbers as they are documented, in Python's integers and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradgate as gg

Array = np.ndarray[Any, Any]
SEED = 0x0123456789ABCDEF
UNIFORM32, UNIFORM64, NORMAL32, NORMAL64, EXPONENTIAL32, EXPONENTIAL64, COIN, INTEGER = range(8)


def generator(seed: int = SEED, position: int = 0) -> gg.Generator:
    g = gg.Generator()
    g.set_state(gg.tensor(np.frombuffer(seed.to_bytes(8, "little") + position.to_bytes(8, "little"), np.uint8).copy()))
    return g


def philox(key: int, counter: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10 as its authors define it, in Python's integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key % 2**32, key >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 % 2**32, (p0 >> 32) ^ c3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def words(kind: int, group: int, attempt: int = 0, seed: int = SEED) -> Array:
    """The 64 words of a group: word j of its block l at 16 j + l."""
    blocks = [philox(seed, (b % 2**32, b >> 32, attempt, kind)) for b in range(16 * group, 16 * group + 16)]
    return np.array(blocks, dtype=np.uint64).T.ravel()


def long_words(kind: int, group: int, attempt: int = 0) -> Array:
    """The 32 64-bit elements of a group."""
    w = words(kind, group, attempt).reshape(2, 2, 16)
    return ((w[:, 0] << np.uint64(32)) | w[:, 1]).ravel()


def expected_normals32(group: int) -> tuple[Array, Array]:
    """Float32 normal numbers of a group by Box and Muller's formulas in float64, and their radii."""
    w = words(NORMAL32, group).reshape(2, 2, 16)
    u = ((w[:, 0].astype(np.float64) + 0.5) * 2.0**-32).astype(np.float32)
    turn = ((w[:, 1] >> np.uint64(8)).astype(np.float64) + 0.5) * 2.0**-24
    radius = np.sqrt(-2 * np.log(u.astype(np.float64)))
    z = np.stack([radius * np.cos(2 * np.pi * turn), radius * np.sin(2 * np.pi * turn)], 1)
    return z.ravel(), np.stack([radius, radius], 1).ravel()


def expected_normals64(group: int) -> tuple[Array, Array]:
    """The same for float64, of which NumPy's functions have about the same errors."""
    long = long_words(NORMAL64, group).reshape(2, 16)
    u = ((long[0] >> np.uint64(11)).astype(np.float64) + 1) * 2.0**-53
    turn = ((long[1] >> np.uint64(10)).astype(np.float64) + 0.5) * 2.0**-54
    radius = np.sqrt(-2 * np.log(u))
    return np.concatenate([radius * np.cos(2 * np.pi * turn), radius * np.sin(2 * np.pi * turn)]), np.tile(radius, 2)
