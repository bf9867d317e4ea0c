"""The matrix of a linear rule, row by row: each unit vector is sent through the rule as the upstream gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradgate import _core
from gradgate._core import Tensor
from gradgate.explain.circuit.formula import filled
from gradgate.explain.summary import array_of


class LinearRule(NamedTuple):
    """The rule of an edge with all that it reads: `template` over the placeholders of a gate, and the gate's arrays.

    `inputs` are the gate's inputs by their position; `preamble` are the functions that the rule calls.
    """

    template: tuple[str, ...]
    preamble: tuple[str, ...]
    inputs: Mapping[int, Tensor]
    values: tuple[Tensor | None, ...]
    constants: tuple[Tensor, ...]


def _suffixed(name: str, position: int) -> str:
    """`y` for the first output, `y1` for the next."""
    return name if position == 0 else f"{name}{position}"


def _operands(rule: LinearRule) -> dict[str, Any]:
    """The arrays of the rule and the functions it calls, by name."""
    scope: dict[str, Any] = {"np": np}
    exec("\n".join(rule.preamble), scope)
    scope |= {f"x{position}": array_of(value) for position, value in rule.inputs.items()}
    scope |= {_suffixed("y", k): array_of(value) for k, value in enumerate(rule.values) if value is not None}
    return scope | {f"c{k}": array_of(constant) for k, constant in enumerate(rule.constants)}


def _unit(shape: tuple[int, ...], place: int, dtype: Any) -> np.ndarray[Any, Any]:
    unit = np.zeros(shape, dtype)
    unit.reshape(-1)[place] = 1
    return unit


def matrix_of(rule: LinearRule, outputs: Sequence[Tensor | None], value: Tensor) -> Tensor:
    """The matrix with a row for each element of the outputs and a column for each element of the input `value`.

    `outputs` has None for an output whose upstream gradient the rule does not read.
    """
    *parts, result = rule.template
    names = {str(k): f"x{k}" for k in rule.inputs}
    lines = [compile(filled(part, names), "<rule>", "exec") for part in parts]
    expression = compile(filled(result, names), "<rule>", "eval")
    scope = _operands(rule)
    zeros = {_suffixed("dy", k): np.zeros(y.shape, array_of(y).dtype) for k, y in enumerate(outputs) if y is not None}
    matrix = np.zeros((sum(zero.size for zero in zeros.values()), value.numel()), array_of(value).dtype)
    row = 0
    for key, zero in zeros.items():
        for place in range(zero.size):
            scope |= zeros | {key: _unit(zero.shape, place, zero.dtype)}
            for line in lines:
                exec(line, scope)
            matrix[row] = np.broadcast_to(eval(expression, scope), tuple(value.shape)).reshape(-1)
            row += 1
    return _core.tensor(matrix)
