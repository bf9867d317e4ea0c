"""What a call from Python costs: statements on tensors so small that the arithmetic is nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradgate
from gradgate.bench.comparison import Comparison
from gradgate.bench.interleaved import verify

__all__ = ["CALLS", "race_call", "race_chain"]

# What each is called, the statement for Gradgate and PyTorch, and NumPy's where it has one. The names are those of `_names`.
CALLS: dict[str, tuple[str, str | None]] = {
    "x + y": ("x + y", "x + y"),
    "x + y with graph": ("w + y", None),
    "x * 2": ("x * 2", "x * 2"),
    "relu": ("x.relu()", "maximum(x, 0)"),
    "relu with graph": ("w.relu()", None),
    "tanh": ("x.tanh()", "tanh(x)"),
    "4 x 4 product": ("m @ m", "m @ m"),
    "4 x 4 product with graph": ("v @ m", None),
    "sum": ("x.sum()", "x.sum()"),
    "x[3]": ("x[3]", "x[3]"),
    "x[2:5]": ("x[2:5]", "x[2:5]"),
    "x.reshape(4, 4)": ("x.reshape(4, 4)", "x.reshape(4, 4)"),
    "m.T": ("m.T", "m.T"),
    "x.item() of one": ("one.item()", "one.item()"),
    "x.shape": ("x.shape", "x.shape"),
    "x.dtype": ("x.dtype", "x.dtype"),
    "x.requires_grad": ("x.requires_grad", None),
    "x.grad": ("w.grad", None),
    "no_grad()": ("with no_grad(): pass", None),
    "Linear(4, 4)(m)": ("linear(m)", "m @ weight + bias"),
    "Linear, ReLU, Linear": ("three(m)", "maximum(m @ weight + bias, 0) @ weight + bias"),
    "ReLU()(x)": ("activation(x)", None),
}


def _arrays() -> dict[str, Any]:
    random = np.random.default_rng(0)
    sizes: dict[str, int | tuple[int, ...]] = {"x": 16, "y": 16, "m": (4, 4), "weight": (4, 4), "bias": 4, "one": 1}
    return {name: random.standard_normal(size).astype(np.float32) for name, size in sizes.items()}


def _names(library: Any) -> dict[str, Any]:
    """What the statements name: tensors x, y (16), m (4, 4), one (1); w and v as x and m with graph; modules."""
    arrays = _arrays()
    if library is np:
        return {**arrays, "maximum": np.maximum, "tanh": np.tanh}
    names = {name: library.from_numpy(array) for name, array in arrays.items()}
    linear, activation = library.nn.Linear(4, 4), library.nn.ReLU()
    with library.no_grad():
        linear.weight.copy_(names["weight"].T)
        linear.bias.copy_(names["bias"])
    return {
        **names,
        "w": names["x"].clone().requires_grad_(),
        "v": names["m"].clone().requires_grad_(),
        "linear": linear,
        "activation": activation,
        "three": library.nn.Sequential(linear, activation, linear),
        "no_grad": library.no_grad,
    }


def race_call(comparison: Comparison, case: str) -> None:
    """Race one of CALLS; results that are numbers are compared first."""
    text, by_numpy = CALLS[case]
    libraries = {"gradgate": gradgate, "NumPy": np, **comparison.within()}
    if by_numpy is None:
        del libraries["NumPy"]
    statements = {name: text if name != "NumPy" else str(by_numpy) for name in libraries}
    names = {name: _names(library) for name, library in libraries.items()}
    results = {name: _number(statement, names[name]) for name, statement in statements.items()}
    for name, result in results.items():
        if result is not None:
            verify(f"{case} by {name}", results.get("NumPy", results["gradgate"]), result, 8 * 2.0**-23)
    comparison.race(case, statements, names)


def _number(statement: str, names: dict[str, Any]) -> Any:
    """What an expression gives, without its graph; None for what is not a number or an array of them."""
    if statement.startswith("with"):
        return None
    value = eval(statement, dict(names))
    value = value.detach() if hasattr(value, "detach") else value
    array = np.asarray(value) if not isinstance(value, tuple) else np.array(value)
    return array if array.dtype.kind == "f" else None


def race_chain(comparison: Comparison, length: int = 50) -> None:
    """Race forward and backward of a chain of tanh and scaling on 16 numbers; the time is that of one gate."""

    def chain(library: Any) -> Any:
        x = library.from_numpy(np.full(16, 0.5, np.float32)).requires_grad_()

        def run() -> Any:
            x.grad = None
            z = x
            for _ in range(length):
                z = (z * 0.9).tanh()
            z.sum().backward()
            return x.grad

        return run

    rivals = {name: chain(library) for name, library in comparison.within().items()}
    exact = _chain_gradient(length)
    for name, run in rivals.items():
        verify(f"a chain of gates by {name}", exact, run(), 1e-4)
    result = comparison.race("tanh(z * 0.9), a gate forward and backward", rivals)
    result.seconds = {name: seconds / (2 * length) for name, seconds in result.seconds.items()}


def _chain_gradient(length: int) -> np.ndarray[Any, Any]:
    z, gradient = np.full(16, 0.5), np.ones(16)
    for _ in range(length):
        z = np.tanh(z * 0.9)
        gradient *= 0.9 * (1 - z * z)
    return gradient
