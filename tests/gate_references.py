"""What every elementwise gate computes, in NumPy: its value, its local gradients, and where they are smooth.

The formulas are written for accuracy in the type they are given (float64, the C compiler's long double, and integers
for the gates that keep them), independently of the gates' own. A gate of the registry without an entry here fails the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Reference:
    """A gate in NumPy."""

    forward: Callable[..., Array]
    # The local gradient with respect to each input, by the inputs and the gate's scalars.
    gradient: Callable[..., tuple[Array, ...]]
    # An interval for each input in which the gate is differentiable, but for the kinks, and well conditioned.
    domain: tuple[tuple[float, float], ...] = ((-3.0, 3.0),)
    # Where the gradient jumps: values of the input (of the difference of the first two, for gates of several).
    kinks: tuple[float, ...] = ()
    # Settings of the gate's scalars to try; those not named keep the registry's defaults.
    settings: tuple[dict[str, float], ...] = ({},)
    # The largest number in the gate's formula, where cancellation leaves less of it; errors are counted in its ulps.
    magnitude: Callable[..., Array] | None = None
    # What may be lost where an intermediate result over- or underflows, in units of the smallest normal number.
    lost: Callable[..., Array] | None = None


PI = np.longdouble("3.14159265358979323846264338327950288")
SELU_ALPHA = np.longdouble("1.6732632423543772848170429916717")
SELU_SCALE = np.longdouble("1.0507009873554804934193349852946")


def like(x: Array, value: Any) -> Array:
    """Value in the type and shape of x."""
    return np.full_like(x, value)


def erfc(x: Array) -> Array:
    """1 - erf(x): by the Taylor series of erf where |x| < 2.5, by Laplace's continued fraction above."""
    near = np.clip(x, -2.5, 2.5)
    term, total = near, near
    for n in range(1, 80):
        term = -term * near * near / n
        total = total + term / (2 * n + 1)
    far = np.maximum(np.abs(x), 2.5)
    fraction = far
    for n in range(150, 0, -1):
        fraction = far + (n / x.dtype.type(2)) / fraction
    root_pi = np.sqrt(x.dtype.type(PI))
    tail = np.exp(-far * far) / (fraction * root_pi)
    result = np.where(x > 0, tail, 2 - tail)
    return np.where(np.isnan(x), x, np.where(np.abs(x) < 2.5, 1 - 2 / root_pi * total, result))


def erf(x: Array) -> Array:
    """The error function, accurate for small x, too."""
    near = np.clip(x, -1, 1)
    term, total = near, near
    for n in range(1, 40):
        term = -term * near * near / n
        total = total + term / (2 * n + 1)
    series = 2 / np.sqrt(x.dtype.type(PI)) * total
    return np.where(np.abs(x) < 1, series, 1 - erfc(x))


def normal_cdf(x: Array) -> Array:
    return erfc(-x / np.sqrt(x.dtype.type(2))) / 2


def normal_pdf(x: Array) -> Array:
    return np.exp(-x * x / 2) / np.sqrt(2 * x.dtype.type(PI))


def sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def silu(x: Array) -> Array:
    return np.where(x == -np.inf, like(x, np.nan), x * sigmoid(x))


def gelu_tanh_inner(x: Array) -> Array:
    return np.sqrt(2 / x.dtype.type(PI)) * (x + x.dtype.type(np.longdouble("0.044715")) * x**3)


def gelu_tanh_gradient(x: Array) -> tuple[Array]:
    u = gelu_tanh_inner(x)
    du = np.sqrt(2 / x.dtype.type(PI)) * (1 + 3 * x.dtype.type(np.longdouble("0.044715")) * x * x)
    return (sigmoid(2 * u) + 2 * x * sigmoid(2 * u) * sigmoid(-2 * u) * du,)


def mish_gradient(x: Array) -> tuple[Array]:
    t = np.tanh(softplus(x))
    return (t + x * (1 - t * t) * sigmoid(x),)


def selu(x: Array) -> Array:
    return x.dtype.type(SELU_SCALE) * np.where(x > 0, x, x.dtype.type(SELU_ALPHA) * np.expm1(np.minimum(x, 0)))


def selu_gradient(x: Array) -> tuple[Array]:
    return (x.dtype.type(SELU_SCALE) * np.where(x > 0, 1, x.dtype.type(SELU_ALPHA) * np.exp(np.minimum(x, 0))),)


def elu(x: Array, alpha: Any) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def scaled_softplus(x: Array, beta: Any, threshold: Any) -> Array:
    return np.where(beta * x > threshold, x, softplus(beta * x) / beta)


def power_gradient(a: Array, b: Array) -> tuple[Array, Array]:
    return np.where(b == 0, 0, b * a ** (b - 1)), np.where(a**b == 0, 0, a**b * np.log(a))


def half_at_tie(a: Array, b: Array) -> Array:
    """1 where a is chosen over a smaller b, 1/2 at a tie."""
    return np.where(a > b, 1, np.where(a == b, 0.5, 0)).astype(a.dtype)


ANY = ((-3.0, 3.0), (-3.0, 3.0))
POSITIVE = ((0.1, 5.0),)

REFERENCES: dict[str, Reference] = {
    "neg": Reference(lambda x: -x, lambda x: (like(x, -1),)),
    "abs": Reference(np.abs, lambda x: (np.sign(x),), kinks=(0,)),
    "sign": Reference(lambda x: np.where(np.isnan(x), 0, np.sign(x)), lambda x: (like(x, 0),), kinks=(0,)),
    "square": Reference(lambda x: x * x, lambda x: (2 * x,)),
    "reciprocal": Reference(lambda x: 1 / x, lambda x: (-1 / x**2,), POSITIVE),
    "sqrt": Reference(np.sqrt, lambda x: (0.5 / np.sqrt(x),), POSITIVE),
    "rsqrt": Reference(lambda x: 1 / np.sqrt(x), lambda x: (-0.5 / (x * np.sqrt(x)),), POSITIVE),
    "exp": Reference(np.exp, lambda x: (np.exp(x),)),
    "expm1": Reference(np.expm1, lambda x: (np.exp(x),)),
    "log": Reference(np.log, lambda x: (1 / x,), POSITIVE),
    "log1p": Reference(np.log1p, lambda x: (1 / (1 + x),), ((-0.9, 4.0),)),
    "sin": Reference(np.sin, lambda x: (np.cos(x),)),
    "cos": Reference(np.cos, lambda x: (-np.sin(x),)),
    "tan": Reference(np.tan, lambda x: (1 / np.cos(x) ** 2,), ((-1.3, 1.3),)),
    "sinh": Reference(np.sinh, lambda x: (np.cosh(x),)),
    "cosh": Reference(np.cosh, lambda x: (np.sinh(x),)),
    "asin": Reference(np.arcsin, lambda x: (1 / np.sqrt((1 - x) * (1 + x)),), ((-0.95, 0.95),)),
    "acos": Reference(np.arccos, lambda x: (-1 / np.sqrt((1 - x) * (1 + x)),), ((-0.95, 0.95),)),
    "atan": Reference(np.arctan, lambda x: (1 / (1 + x * x),)),
    "tanh": Reference(np.tanh, lambda x: (1 / np.cosh(x) ** 2,)),
    "sigmoid": Reference(sigmoid, lambda x: (sigmoid(x) * sigmoid(-x),), lost=lambda x: like(x, 1)),
    "erf": Reference(erf, lambda x: (2 / np.sqrt(x.dtype.type(PI)) * np.exp(-x * x),)),
    "relu": Reference(lambda x: np.where(x <= 0, 0, x), lambda x: (np.where(x > 0, 1.0, 0.0),), kinks=(0,)),
    "leaky_relu": Reference(
        lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
        lambda x, negative_slope: (np.where(x > 0, 1, negative_slope),),
        kinks=(0,),
        settings=({}, {"negative_slope": 0.3}),
    ),
    "elu": Reference(
        elu,
        lambda x, alpha: (np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))),),
        kinks=(0,),
        settings=({}, {"alpha": 1.7}),
    ),
    "selu": Reference(selu, selu_gradient, kinks=(0,)),
    "gelu": Reference(
        lambda x: x * normal_cdf(x),
        lambda x: (normal_cdf(x) + x * normal_pdf(x),),
        magnitude=np.abs,
    ),
    "gelu_tanh": Reference(lambda x: x * sigmoid(2 * gelu_tanh_inner(x)), gelu_tanh_gradient, magnitude=np.abs),
    "silu": Reference(silu, lambda x: (sigmoid(x) * (1 + x * sigmoid(-x)),), lost=np.abs),
    "softplus": Reference(
        scaled_softplus,
        lambda x, beta, threshold: (np.where(beta * x > threshold, 1, sigmoid(beta * x)),),
        settings=({}, {"beta": 2.0, "threshold": 10.0}),
    ),
    "logsigmoid": Reference(lambda x: -softplus(-x), lambda x: (sigmoid(-x),)),
    "mish": Reference(lambda x: x * np.tanh(softplus(x)), mish_gradient, lost=np.abs),
    "hardtanh": Reference(
        lambda x, min_val, max_val: np.clip(x, min_val, max_val),
        lambda x, min_val, max_val: (np.where((x > min_val) & (x < max_val), 1.0, 0.0),),
        kinks=(-1, 1, -0.5, 2),
        settings=({}, {"min_val": -0.5, "max_val": 2.0}),
    ),
    "clamp": Reference(
        lambda x, min, max: np.clip(x, min, max),
        lambda x, min, max: (np.where((x >= min) & (x <= max), 1.0, 0.0),),
        kinks=(-1, 1.5),
        settings=({"min": -1.0, "max": 1.5}, {"min": -1.0}, {"max": 1.5}),
    ),
    "floor": Reference(
        lambda x: np.floor(x) if x.dtype.kind == "f" else x, lambda x: (like(x, 0),), kinks=tuple(range(-3, 4))
    ),
    "ceil": Reference(
        lambda x: np.ceil(x) if x.dtype.kind == "f" else x, lambda x: (like(x, 0),), kinks=tuple(range(-3, 4))
    ),
    "trunc": Reference(
        lambda x: np.trunc(x) if x.dtype.kind == "f" else x, lambda x: (like(x, 0),), kinks=tuple(range(-3, 4))
    ),
    "round": Reference(
        lambda x: np.rint(x) if x.dtype.kind == "f" else x,
        lambda x: (like(x, 0),),
        kinks=tuple(i + 0.5 for i in range(-4, 4)),
    ),
    "add": Reference(lambda a, b: a + b, lambda a, b: (like(a, 1), like(a, 1)), ANY),
    "sub": Reference(lambda a, b: a - b, lambda a, b: (like(a, 1), like(a, -1)), ANY),
    "mul": Reference(lambda a, b: a * b, lambda a, b: (b, a), ANY),
    "div": Reference(lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2), ((-3.0, 3.0), (0.3, 3.0))),
    "pow": Reference(lambda a, b: a**b, power_gradient, ((0.3, 3.0), (-3.0, 3.0))),
    "maximum": Reference(np.maximum, lambda a, b: (half_at_tie(a, b), half_at_tie(b, a)), ANY, kinks=(0,)),
    "minimum": Reference(np.minimum, lambda a, b: (half_at_tie(b, a), half_at_tie(a, b)), ANY, kinks=(0,)),
    "lerp": Reference(
        lambda a, b, weight: a + weight * (b - a),
        lambda a, b, weight: (1 - weight, weight, b - a),
        ((-3.0, 3.0), (-3.0, 3.0), (-2.0, 2.0)),
        magnitude=lambda a, b, weight: np.maximum(np.abs(a), np.abs(weight) * (np.abs(a) + np.abs(b))),
    ),
}
