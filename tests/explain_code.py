"""Runs the texts of explanations with NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import gradgate
from gradgate import Tensor, _core

Array = np.ndarray[Any, Any]


def array(tensor: Tensor | None) -> Array | None:
    return None if tensor is None else tensor.numpy()


def run(lines: list[str], values: dict[str, Array], preamble: list[str]) -> Any:
    """The last line's value, after the others have named its parts."""
    scope: dict[str, Any] = {"np": np, "math": math}
    for function in preamble:
        exec(function, scope)
    names = {name: f"v_{name}" for name in values} | {f"t{i}": f"t_{i}" for i in range(100)}
    scope.update({names[name]: value for name, value in values.items()})
    code = [line.format(*(f"v_{i}" for i in range(50)), **names) for line in lines]
    with np.errstate(all="ignore"):
        for line in code[:-1]:
            exec(line, scope)
        return eval(code[-1], scope)


def gate_values(explanation: dict[str, Any], gate: dict[str, Any]) -> dict[str, Array]:
    """What the placeholders of a gate's texts stand for."""
    values = explanation["values"]
    named = {f"{i}": array(values[v]["tensor"]) for i, v in enumerate(gate["inputs"]) if v is not None}
    for i, (v, upstream) in enumerate(zip(gate["outputs"], gate["upstream"], strict=True)):
        y = values[v]["tensor"]
        named[f"y{i or ''}"] = array(y)
        named[f"dy{i or ''}"] = np.zeros(y.shape) if upstream is None else array(upstream)
    named |= {f"c{i}": array(c) for i, c in enumerate(gate["constants"])}
    return {name: value for name, value in named.items() if value is not None}


def explain(loss: Tensor, **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = _core._explain(loss, **options)
    return result


def scalar(output: Tensor) -> Tensor:
    """A loss of an output in which every element counts otherwise."""
    weights = np.cos(np.arange(max(output.numel(), 1)))[: output.numel()].reshape(tuple(output.shape))
    return (output * gradgate.from_numpy(np.asarray(weights)).to(output.dtype)).sum()


def leaf_gradient(explanation: dict[str, Any], leaf: Tensor) -> Tensor | None:
    found = [v["gradient"] for v in explanation["values"] if v["leaf"] is leaf]
    return found[0] if found else None


def ran(code: str, **known: Any) -> dict[str, Any]:
    """The variables of a listing that was run."""
    scope: dict[str, Any] = {"__name__": "listing", **known}
    with np.errstate(all="ignore"):
        exec(compile(code, "listing", "exec"), scope)
    return scope


def close(actual: Any, expected: Tensor, tolerance: float) -> None:
    wanted = expected.detach().numpy()
    assert np.asarray(actual).dtype == wanted.dtype
    assert np.shape(actual) == wanted.shape
    size = np.abs(wanted[np.isfinite(wanted)]).max(initial=1)
    np.testing.assert_allclose(actual, wanted, rtol=tolerance, atol=tolerance * size)
