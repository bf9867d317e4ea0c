"""precision_audit: replays a training step in float64 and compares the loss and the gradients."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradgate import _core
from gradgate._core import Tensor
from gradgate.explain.circuit.build import OTHER_NAMES, Explanation
from gradgate.explain.circuit.naming import Names
from gradgate.explain.summary import Array, array_of, number
from gradgate.health.table import text_table
from gradgate.nn import Module

# The table lists this many gates: those that add the largest errors.
WORST = 5


def relative_error(value: Array, exact: Array) -> float:
    """|value - exact| / |exact| as vectors: 0 if all elements are equal, else NaN if any element is not finite."""
    exact = exact.astype(np.float64)
    same = (value == exact) | (np.isnan(value) & np.isnan(exact))
    if same.all():
        return 0.0
    if not (np.isfinite(value).all() and np.isfinite(exact).all()):
        return math.nan
    size = float(np.linalg.norm(exact))
    return float(np.linalg.norm(value - exact)) / size if size else math.inf


@dataclass(frozen=True, slots=True)
class AuditedGradient:
    """The gradient of a leaf: `norm` is that of the replay in float64, and `error` the relative error of the step's own gradient."""

    name: str
    layer: str
    shape: tuple[int, ...]
    norm: float
    error: float


@dataclass(frozen=True, slots=True)
class AuditedGate:
    """The output of a gate: `error` is its relative error, and `own_error` what the gate added to the largest error of its inputs."""

    name: str
    shape: tuple[int, ...]
    error: float
    own_error: float


class PrecisionAudit:
    """The errors of a step compared with the same step in float64; `precision_audit` makes it.

    `loss` is the step's and `exact_loss` the replay's. `gradients` has an entry for every leaf that gets a gradient, `layers` the
    error of each layer's gradients together, and `gates` an entry for every gate in forward order.
    """

    def __init__(
        self, loss: float, exact_loss: float, gradients: list[AuditedGradient], gates: list[AuditedGate]
    ) -> None:
        self.loss = loss
        self.exact_loss = exact_loss
        self.gradients = tuple(gradients)
        self.gates = tuple(gates)

    @property
    def loss_error(self) -> float:
        """|loss - exact loss| / |exact loss|."""
        return relative_error(np.asarray(self.loss), np.asarray(self.exact_loss))

    @property
    def layers(self) -> dict[str, float]:
        """The relative error of all gradients of each layer as one vector; leaves outside of a model are in the layer ""."""
        names = dict.fromkeys(g.layer for g in self.gradients)
        return {name: _together([g for g in self.gradients if g.layer == name]) for name in names}

    @property
    def worst(self) -> AuditedGradient | None:
        """The gradient with the largest error; None if there are no gradients."""
        return max(self.gradients, key=lambda g: _order(g.error), default=None)

    def __repr__(self) -> str:
        worst = "" if self.worst is None else f", gradients within {_error(self.worst.error)} ({self.worst.name})"
        return f"<PrecisionAudit: loss within {_error(self.loss_error)}{worst}>"

    def table(self) -> str:
        """A table of the loss, the gradients of each layer, and the gates that lose most."""
        rows = [("loss", "", number(self.exact_loss, 6), _error(self.loss_error), _digits(self.loss_error))]
        for layer, error in self.layers.items():
            members = [g for g in self.gradients if g.layer == layer]
            if layer and len(members) > 1:
                rows.append((layer, "", "", _error(error), _digits(error)))
            rows += [(g.name, _shape(g.shape), number(g.norm), _error(g.error), _digits(g.error)) for g in members]
        parts = [text_table(("gradient of the loss by", "shape", "norm", "relative error", "digits"), rows)]
        losing = sorted((g for g in self.gates if _order(g.own_error) > 0), key=lambda g: -_order(g.own_error))[:WORST]
        if losing:
            lines = [(g.name, _shape(g.shape), _error(g.error), _error(g.own_error)) for g in losing]
            parts.append(text_table(("gates that lose most", "shape", "relative error", "of its own"), lines))
        return "\n\n".join(parts)


def _together(gradients: list[AuditedGradient]) -> float:
    size = math.hypot(*(g.norm for g in gradients))
    off = math.hypot(*(g.error * g.norm for g in gradients if g.error))
    return off / size if off else 0.0


def _order(error: float) -> float:
    return math.inf if math.isnan(error) else error


def _error(error: float) -> str:
    return "not finite" if math.isnan(error) else f"{error:.1e}" if error else "0"


def _digits(error: float) -> str:
    """The number of correct decimal digits."""
    return "all" if error == 0 else "0" if not error < 1 else f"{-math.log10(error):.1f}"


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def precision_audit(fn: Callable[[], Tensor], model: Module | None = None) -> PrecisionAudit:
    """Replay in float64 the step that `fn` computes, and compare the loss and all gradients.

    `fn()` returns the loss, a tensor of one element, and does not call `backward()`; it is called once. The replay converts the leaves
    and constants to float64 and runs the same gates with the same dropout masks, so that any difference comes from rounding. No `.grad`
    changes. Parameters of `model` have their dotted names, other leaves those of the caller's variables.

    Expect a relative error of about 1e-7 times the square root of the number of added terms in float32. A gradient with fewer than two
    correct digits is mostly noise; the gates that lose most show where it comes from.

    Raises TypeError if `fn` returns no Tensor; RuntimeError for a loss that requires no gradient, has several elements, or whose graph
    was freed; ValueError if everything is in float64 already.

    >>> import gradgate
    >>> x = gradgate.tensor([10000.0, 10000.5, 10001.0], requires_grad=True)
    >>> audit = gradgate.precision_audit(lambda: (x.square().mean() - x.mean().square()))
    >>> audit.loss, round(audit.exact_loss, 4)
    (8.0, 0.1667)
    >>> round(audit.loss_error)
    47
    >>> max(audit.gates, key=lambda gate: gate.own_error).name
    'sub_1'
    """
    if model is not None and not isinstance(model, Module):
        raise TypeError(f"precision_audit: model must be a Module, got {type(model).__name__}")
    loss = fn()
    if not isinstance(loss, Tensor):
        raise TypeError(f"precision_audit: fn must return the loss, a Tensor, got {type(loss).__name__}")
    own: Explanation = _core._explain(loss, texts=False)
    exact: Explanation = _core._explain(loss, dtype=_core.float64, texts=False)
    values = [value["tensor"] for value in own["values"] if value["tensor"] is not None]
    if all(value.dtype == _core.float64 or not value.is_floating_point() for value in values):
        raise ValueError(
            "precision_audit: the loss is in float64 already; compute it in float32, e.g. with model.float()"
        )
    names = _names(own, model, fn)
    counts: dict[str, int] = {}
    gradients = [
        AuditedGradient(
            name=names.of(a["leaf"]) or names.fresh("leaf", counts),
            layer=".".join(names.group_of(a["leaf"])),
            shape=tuple(a["tensor"].shape),
            norm=_core._norm(b["gradient"]),
            error=relative_error(array_of(a["gradient"]), array_of(b["gradient"])),
        )
        for a, b in zip(own["values"], exact["values"], strict=True)
        if a["gate"] is None and a["gradient"] is not None
    ]
    return PrecisionAudit(loss.item(), _loss_of(exact), gradients, _gates(own, exact, names))


def _names(explanation: Explanation, model: Module | None, fn: Callable[[], Tensor]) -> Names:
    """Names from the model, the variables that fn closes over, and the caller's variables."""
    frame = sys._getframe(2)
    code, cells = getattr(fn, "__code__", None), getattr(fn, "__closure__", None) or ()
    closed = dict(zip(code.co_freevars, (cell.cell_contents for cell in cells), strict=True)) if code and cells else {}
    scopes = [closed, frame.f_locals, frame.f_globals]
    leaves = [value["leaf"] for value in explanation["values"] if value["leaf"] is not None]
    return Names(leaves, None, model, scopes)


def _loss_of(explanation: Explanation) -> float:
    outputs = explanation["gates"][-1]["outputs"] if explanation["gates"] else [0]
    return float(explanation["values"][outputs[0]]["tensor"].item())


def _gates(own: Explanation, exact: Explanation, names: Names) -> list[AuditedGate]:
    errors = [
        0.0 if a["tensor"] is None else relative_error(array_of(a["tensor"]), array_of(b["tensor"]))
        for a, b in zip(own["values"], exact["values"], strict=True)
    ]
    counts: dict[str, int] = {}
    gates = []
    for entry in own["gates"]:
        kind = OTHER_NAMES.get(entry["kind"], entry["kind"])
        output = max(entry["outputs"], key=lambda value: _order(errors[value]))
        before = max((_order(errors[value]) for value in entry["inputs"] if value is not None), default=0.0)
        added = 0.0 if _order(errors[output]) <= before else errors[output] - before
        tensor = own["values"][output]["tensor"]
        shape = () if tensor is None else tuple(tensor.shape)
        gates.append(AuditedGate(names.fresh(kind, counts), shape, errors[output], added))
    return gates
