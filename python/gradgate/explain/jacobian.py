"""The explicit Jacobian of an edge, row by row from the edge's own rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradgate import _core
from gradgate._core import Tensor
from gradgate.explain.formula import filled
from gradgate.explain.summary import array_of

if TYPE_CHECKING:
    from gradgate.explain.gate import Edge


def _suffixed(name: str, position: int) -> str:
    """`y` for the first output, `y1` for the next."""
    return name if position == 0 else f"{name}{position}"


def _operands(edge: Edge) -> dict[str, Any]:
    """The arrays that a gate's rule speaks of, under the names of `_names`, and the functions it calls."""
    gate = edge.target
    scope: dict[str, Any] = {"np": np}
    exec("\n".join(gate.preamble), scope)
    scope |= {f"x{other.position}": array_of(other.value) for other in gate.inputs}
    scope |= {_suffixed("y", k): array_of(value) for k, value in enumerate(gate.values) if value is not None}
    return scope | {f"c{k}": array_of(constant) for k, constant in enumerate(gate.constants)}


def _unit(shape: tuple[int, ...], place: int, dtype: Any) -> np.ndarray[Any, Any]:
    unit = np.zeros(shape, dtype)
    unit.reshape(-1)[place] = 1
    return unit


def jacobian_of(edge: Edge, max_elements: int) -> Tensor:
    """The matrix that `Edge.jacobian` documents."""
    gate = edge.target
    where = f"jacobian of {gate.name} by {edge.name}"
    if edge.downstream is None:
        raise RuntimeError(f"{where}: no gradient flows along this edge")
    if edge.template is None:
        raise RuntimeError(f"{where}: NumPy cannot express the rule of a {gate.kind} gate")
    values = gate.values if len(gate.values) == len(gate.upstreams) else gate.values * len(gate.upstreams)
    outputs = [value if value is not None and value.dtype.is_floating_point else None for value in values]
    rows, columns = sum(value.numel() for value in outputs if value is not None), edge.value.numel()
    if rows * columns > max_elements:
        size = rows * columns * edge.value.element_size()
        raise ValueError(
            f"{where}: the matrix would be {rows:,} x {columns:,} ({size / 1e6:,.1f} MB), more than max_elements={max_elements:,}. "
            f"Its product with the upstream gradient is edge.downstream, by edge.rule: {edge.rule}"
        )
    *parts, result = edge.template
    names = {str(k): f"x{k}" for k in range(max(other.position for other in gate.inputs) + 1)}
    lines = [compile(filled(part, names), "<rule>", "exec") for part in parts]
    expression = compile(filled(result, names), "<rule>", "eval")
    scope = _operands(edge)
    zeros = {_suffixed("dy", k): np.zeros(v.shape, array_of(v).dtype) for k, v in enumerate(outputs) if v is not None}
    matrix = np.zeros((rows, columns), array_of(edge.value).dtype)
    row = 0
    for key, zero in zeros.items():
        for place in range(zero.size):
            scope |= zeros | {key: _unit(zero.shape, place, zero.dtype)}
            for line in lines:
                exec(line, scope)
            matrix[row] = np.broadcast_to(eval(expression, scope), tuple(edge.value.shape)).reshape(-1)
            row += 1
    return _core.tensor(matrix)
