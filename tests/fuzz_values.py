"""Random and hostile values, which arguments_fuzz.py gives to functions: tensors, odd arrays, sizes, and objects that misbehave."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

import gradgate as gg

SHAPES: list[tuple[int, ...]] = [
    (),
    (0,),
    (1,),
    (3,),
    (5,),
    (2, 3),
    (3, 3),
    (3, 3),
    (2, 3, 3),
    (0, 3),
    (2, 0),
    (1, 4),
    (4, 1, 2),
    (2, 3, 4),
    (1, 2, 3, 3),
]
DTYPES = [gg.bool, gg.uint8, gg.int32, gg.int64, gg.float32, gg.float64]
HUGE = [2**31, -(2**31), 2**62, 2**63 - 1, -(2**63), 2**63, 2**64, -(2**70)]


class HostileError(Exception):
    """What hostile objects raise, which may pass through."""


class Raising:
    def __index__(self) -> int:
        raise HostileError

    __int__ = __index__

    def __float__(self) -> float:
        raise HostileError

    def __len__(self) -> int:
        raise HostileError

    def __getitem__(self, i: int) -> int:
        raise HostileError


class Clearing:
    """Empties a list while it is read from it."""

    def __init__(self, owner: list[Any]) -> None:
        self.owner = owner

    def __index__(self) -> int:
        self.owner.clear()
        return 1

    def __float__(self) -> float:
        self.owner.clear()
        return 1.0

    @property
    def __array__(self) -> Any:
        self.owner.clear()
        raise AttributeError


class Fleeting:
    """A sequence whose items nobody else holds, and whose length may be a lie."""

    def __init__(self, length: int, items: int) -> None:
        self.length, self.items = length, items

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, i: int) -> Any:
        if i >= self.items:
            raise IndexError
        return Clearing([1000 + i])


def shrinking() -> list[Any]:
    items: list[Any] = []
    items.extend(Clearing(items) for _ in range(4))
    return items


class Theme:
    """What the tensors of one call have in common, so that many of them fit each other."""

    def __init__(self, rng: random.Random) -> None:
        self.shape, self.dtype = rng.choice(SHAPES), rng.choice([*DTYPES, gg.float32, gg.float64])

    def tensor(self, rng: random.Random, name: str = "") -> gg.Tensor:
        """A tensor for the argument of this name."""
        alike = rng.random()
        shape = self.shape if alike < 0.7 else rng.choice(SHAPES)
        if name in ("mask", "condition"):
            return tensor(rng, gg.bool, shape)
        if name in ("index", "indices", "target"):
            return tensor(rng, rng.choice([gg.int64, gg.int64, gg.int32]), rng.choice([shape, (2,), ()]))
        return tensor(rng, self.dtype if alike < 0.85 else rng.choice(DTYPES), shape)


def tensor(rng: random.Random, dtype: gg.dtype | None = None, shape: tuple[int, ...] | None = None) -> gg.Tensor:
    shape = rng.choice(SHAPES) if shape is None else shape
    dtype = dtype or rng.choice(DTYPES)
    count = math.prod(shape)
    special = [0.0, 1.0, -1.0, 2.0, 0.5, math.nan, math.inf, -math.inf, 1e30]
    if dtype.is_floating_point:
        odd = rng.choice([0.0, 0.3])
        values: list[Any] = [rng.choice(special) if rng.random() < odd else rng.random() for _ in range(count)]
    elif dtype == gg.bool:
        values = [rng.random() < 0.5 for _ in range(count)]
    else:
        values = [rng.choice([0, 0, 1, 1, 2]) for _ in range(count)]
        if rng.random() < 0.2:
            values = [rng.choice([-1, -5, 200, 2**31 - 1, -(2**31), v]) for v in values]
        if dtype == gg.uint8:
            values = [v % 256 for v in values]
    x = gg.tensor(values, dtype=dtype).reshape(shape)
    if dtype.is_floating_point and rng.random() < 0.4:
        x.requires_grad_()
        if rng.random() < 0.7:
            x = x * 1
    if rng.random() < 0.2 and x.ndim >= 2:
        x = x.transpose(0, 1).contiguous().transpose(0, 1)
    if rng.random() < 0.1:
        x = x[..., None].expand(*x.shape, 2)[..., 0]
    if rng.random() < 0.1:
        x = x.expand(2, *x.shape)[1] if rng.random() < 0.5 else x.detach()
    return x


def array(rng: random.Random) -> Any:
    odd: list[Callable[[], Any]] = [
        lambda: np.arange(6.0).reshape(2, 3),
        lambda: np.arange(4)[::-1],
        lambda: np.arange(3, dtype=np.float16),
        lambda: np.arange(3, dtype=">i4"),
        lambda: np.arange(3, dtype=np.uint64) + np.uint64(2**63),
        lambda: np.array([1, "a", None], dtype=object),
        lambda: np.array(["a", "b"]),
        lambda: np.zeros(2, dtype=[("a", "f4"), ("b", "i1")]),
        lambda: np.ones(3, dtype=complex),
        lambda: np.full(8, 255, np.uint8).view(np.bool_),
        lambda: np.broadcast_to(np.float32(1), (2, 3)),
        lambda: np.zeros((0, 3)),
        lambda: np.array(3),
        lambda: np.zeros((1,) * 20),
        lambda: rng.choice(
            [np.float32(1.5), np.int64(-1), np.uint8(1), np.bool_(True), np.float64("nan"), np.float16(1)]
        ),
        lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
        lambda: np.array(["2000-01-01"], dtype="datetime64[D]"),
    ]
    return rng.choice(odd)()


def integer(rng: random.Random) -> int:
    return rng.choice(HUGE) if rng.random() < 0.2 else rng.choice([0, 1, -1, 2, 3, -2, 4, -5, 7, 1000])


def sizes(rng: random.Random) -> Any:
    made: Any = [integer(rng) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 9]))]
    return rng.choice(
        [made, tuple(made), np.array([2, 3]), range(600, 602), shrinking(), Fleeting(2, 2), Fleeting(5, 2)]
    )


def hostile(rng: random.Random) -> Any:
    a: list[Any] = []
    a.append(a)
    return rng.choice(
        [None, True, False, "a", "", "cpu", b"bytes", 1.5, math.nan, -math.inf, 1e300, 2 + 1j, [], (), {}, {1: 2}, {1, 2}, object(), int,
         float, gg.float32, np.dtype("f4"), a, [[1, 2], [3]], [[slice(None)], 1], slice(None, None, -1), slice(2**70), ..., Raising(),
         [Raising()], shrinking(), [shrinking()], Fleeting(3, 3), Fleeting(2**62, 1), lambda *_: None, iter([1]), [None], ["a"],
         memoryview(b"abc"), gg, gg.Tensor, [gg.ones(2), 3], range(3), 10**400, -(10**400), [10**400], "\ud800", np]
    )  # fmt: skip


def anything(rng: random.Random) -> Any:
    kind = rng.random()
    if kind < 0.35:
        return tensor(rng)
    if kind < 0.5:
        return integer(rng)
    if kind < 0.6:
        return array(rng)
    if kind < 0.7:
        return sizes(rng)
    return hostile(rng)
