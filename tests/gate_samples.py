"""Inputs that try the registry's elementwise gates, and the measure of errors in units in the last place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradgate
from gate_references import REFERENCES, Array, Reference
from gradgate import _core

DTYPES = (np.float32, np.float64)


@dataclass(frozen=True)
class Gate:
    """An entry of the registry."""

    name: str
    summary: str
    arity: int
    scalars: dict[str, float]
    saves: str
    ulp: float
    integers: str

    @property
    def reference(self) -> Reference:
        return REFERENCES[self.name]

    def settings(self, dtype: Any = np.float64) -> Iterator[dict[str, float]]:
        """Values for the gate's scalars, which become numbers of the tensors' type."""
        for setting in self.reference.settings:
            yield {name: float(dtype(value)) for name, value in {**self.scalars, **setting}.items()}

    def __call__(self, *inputs: Any, **scalars: float) -> gradgate.Tensor:
        result: gradgate.Tensor = getattr(gradgate, self.name)(*inputs, **scalars)
        return result


GATES = {entry["name"]: Gate(**entry) for entry in _core._gates()}


def special_values(dtype: Any) -> Array:
    """Zeros, infinities, NaN, the ends of the normal and subnormal numbers, and some everyday ones."""
    f = np.finfo(dtype)
    positive = [
        0,
        f.smallest_subnormal,
        3 * f.smallest_subnormal,
        f.tiny - f.smallest_subnormal,
        f.tiny,
        f.eps,
        0.5,
        1,
        1 + f.eps,
    ]
    positive += [1 - f.epsneg, 1.5, 2, 3, np.pi, 10, 20, 88, 100, 710, 1e5, f.max, np.inf]
    values = np.array(positive, dtype)
    return np.concatenate([values, -values, np.array([np.nan], dtype)])


def any_values(count: int, dtype: Any, seed: int) -> Array:
    """Numbers of every size, half of them of everyday sizes, behind the special ones."""
    rng = np.random.default_rng(seed)
    f = np.finfo(dtype)
    exponents = rng.uniform(np.log2(float(f.tiny)), f.maxexp - 1, count // 2)
    wide = np.exp2(exponents) * rng.choice([-1.0, 1.0], count // 2)
    everyday = rng.uniform(-20, 20, count - count // 2)
    return np.concatenate([special_values(dtype), wide.astype(dtype), everyday.astype(dtype)])


def forward_inputs(gate: Gate, count: int, dtype: Any) -> list[Array]:
    """Inputs anywhere: all pairs (or triples of some) of the special values among them."""
    if gate.arity == 1:
        return [any_values(count, dtype, seed=1)]
    special = special_values(dtype)[:: 1 if gate.arity == 2 else 5]
    grids = [grid.reshape(-1) for grid in np.meshgrid(*[special] * gate.arity)]
    rng = np.random.default_rng(2)
    inside = [rng.uniform(low, high, count).astype(dtype) for low, high in gate.reference.domain]
    wide = [any_values(count, dtype, seed=3 + i) for i in range(gate.arity)]
    return [np.concatenate(parts) for parts in zip(grids, inside, wide, strict=True)]


def smooth_inputs(gate: Gate, count: int, dtype: Any, seed: int = 4) -> list[Array]:
    """Inputs in the gate's domain, away from its kinks."""
    rng = np.random.default_rng(seed)
    inputs = [rng.uniform(low, high, count) for low, high in gate.reference.domain]
    where = inputs[0] - inputs[1] if gate.arity > 1 else inputs[0]
    for kink in gate.reference.kinks:
        inputs[0] = np.where(np.abs(where - kink) < 0.01, inputs[0] + 0.02, inputs[0])
    return [x.astype(dtype) for x in inputs]


def wider_than(dtype: Any) -> Any:
    """A type with at least 11 bits more, which tells fractions of an ulp."""
    return np.float64 if dtype == np.float32 else np.longdouble


def reference_values(gate: Gate, inputs: list[Array], scalars: dict[str, float]) -> Array:
    """The gate in a wider type, or in the inputs' own where it is exact or correctly rounded."""
    dtype = inputs[0].dtype
    wider = dtype if gate.ulp == 0 else wider_than(dtype)
    with np.errstate(all="ignore"):
        return gate.reference.forward(*(x.astype(wider) for x in inputs), **scalars)


def ulp_errors(gate: Gate, inputs: list[Array], scalars: dict[str, float], values: Array) -> Array:
    """Errors in ulps of the reference, or of the magnitude that it names; infinities count as 2^emax."""
    dtype, reference = values.dtype, reference_values(gate, inputs, scalars)
    wider, f = wider_than(dtype), np.finfo(dtype)
    with np.errstate(all="ignore"):
        wide = [x.astype(wider) for x in inputs]
        limit = np.ldexp(wider(1), int(f.maxexp))
        scale = np.abs(reference)
        if gate.reference.magnitude:
            scale = np.maximum(scale, gate.reference.magnitude(*wide))
        unit = np.spacing(np.minimum(scale, f.max).astype(dtype)).astype(wider)
        y, r = (np.clip(v.astype(wider), -limit, limit) for v in (values, reference))
        difference = np.abs(y - r)
        if gate.reference.lost:
            difference = np.maximum(difference - gate.reference.lost(*wide) * f.tiny, 0)
        errors = difference / unit
    agree = (np.isnan(values) & np.isnan(reference)) | (y == r)
    return np.where(agree, 0, np.where(np.isnan(errors), np.inf, errors)).astype(np.float64)


def bits(values: Array) -> Array:
    """The values' bits, the same for every NaN."""
    integer = np.uint32 if values.dtype == np.float32 else np.uint64
    return np.where(np.isnan(values), integer(0), np.ascontiguousarray(values).view(integer))


def layouts(values: Array) -> Iterator[tuple[str, Array]]:
    """The same values behind other strides."""
    values = values[: len(values) // 6 * 6]
    yield "every other", np.repeat(values, 2)[::2]
    yield "every third", np.repeat(values, 3)[1::3]
    yield "rows", values.reshape(-1, 6)
    yield "columns", np.ascontiguousarray(values.reshape(-1, 6).T).T
    yield (
        "three dimensions, turned",
        np.ascontiguousarray(values.reshape(2, 3, -1).transpose(2, 0, 1)).transpose(1, 2, 0),
    )
