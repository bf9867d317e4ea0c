"""detect_anomaly: stops at the first gate that makes a NaN or an infinity, and names its source line and operands."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, ClassVar

import numpy as np

from gradgate import _core
from gradgate._core import Tensor
from gradgate.explain.lines import current_line, line_of, user_frames
from gradgate.explain.summary import Array, Summary, array_of, element, is_small, shape_text, small_lines
from gradgate.nn import Module

Report = dict[str, Any]

# A message shows up to this many indices.
SHOWN = 3

# What usually helps, for each kind of gate.
MENDS = {
    "log": "log needs positive numbers: clamp the argument, x.clamp(min=1e-12), or use log_softmax, logsigmoid or log1p",
    "sqrt": "sqrt needs numbers that are not negative, and its gradient 1 / (2 sqrt(x)) is infinite at 0: add a small number, "
    "(x + 1e-12).sqrt()",
    "rsqrt": "1 / sqrt(x) needs positive numbers: add a small number, (x + 1e-5).rsqrt()",
    "norm": "the gradient of a norm is not finite where all is 0: add a small number within, or mask those rows",
    "div": "a division by 0: add a small number to the divisor, or mask those elements before they are divided",
    "reciprocal": "a division by 0: add a small number, or mask those elements first",
    "exp": "exp overflows above 88 in float32 and 709 in float64: subtract the largest number first, or use softmax, logsumexp or "
    "a loss that takes logits",
    "pow": "a power is not finite for 0 with a negative exponent or a negative number with a fraction: clamp the base",
}


class AnomalyError(RuntimeError):
    """A NaN or an infinity, and the gate that made it.

    `phase` is "forward" or "backward"; "input" if a leaf or a constant contained it; or "upstream" if finite gradients overflowed when
    they were added, or the gradient given to `backward` contained it. `gate` is the kind of gate, `line` the source line as text, and
    `indices` are those of the elements that are not finite.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.phase = ""
        self.gate: str | None = None
        self.line: str | None = None
        self.indices: list[tuple[int, ...]] = []


class detect_anomaly(contextlib.ContextDecorator):
    """Stop at the first gate that makes a NaN or an infinity, in the forward or in the backward pass.

    A context manager, and with parentheses a decorator. Inside it every recorded gate stores the line of the program that made it, and
    its output and the gradients that it sends back are checked. The first one that is not finite raises an AnomalyError, which names
    the gate, the line, the ranges of the operands and the indices. If a leaf, a parameter or a constant contained the NaN already, the
    error says so. The checks cost time: use them to find a fault, not to train.

    `check_nan` and `check_inf` choose what is checked. `check_inf=False` lets a mask hold -inf. With both off, nothing is checked and
    only the lines are stored, which `explain` shows with its gates. Gates that need no gradient are not recorded and not checked.

    Raises AnomalyError (a RuntimeError).

    >>> import gradgate
    >>> x = gradgate.tensor([4.0, -1.0], requires_grad=True)
    >>> with gradgate.detect_anomaly():
    ...     loss = x.log().sum()
    Traceback (most recent call last):
        ...
    gradgate.health.anomaly.AnomalyError: log made NaN in the forward pass
      line: <doctest gradgate.health.anomaly.detect_anomaly[2]>:2 in <module>: loss = x.log().sum()
      its output, shape (2,): 1 of 2 elements is NaN, at [1]
      input x, shape (2,): [4, -1]; at [1]: -1
      log needs positive numbers: clamp the argument, x.clamp(min=1e-12), or use log_softmax, logsigmoid or log1p
    """

    def __init__(self, check_nan: bool = True, check_inf: bool = True) -> None:
        self._kinds = (bool(check_nan), bool(check_inf))
        self._watchers: list[_core._AnomalyWatcher] = []

    def __enter__(self) -> detect_anomaly:
        self._watchers.append(_core._watch_anomalies(current_line, _raise, *self._kinds))
        return self

    def __exit__(self, *error: object) -> None:
        self._watchers.pop().stop()


class set_detect_anomaly:
    """Turn the checks of `detect_anomaly` on or off, from now on or, as a context manager, until the end of the block.

    `mode` turns them on or off; `check_nan` and `check_inf` choose what is checked. At the end of a `with` block the setting from before
    it returns. Blocks of `detect_anomaly` have checks of their own, which this does not change.
    """

    _running: ClassVar[detect_anomaly | None] = None

    def __init__(self, mode: bool, check_nan: bool = True, check_inf: bool = True) -> None:
        self._before = set_detect_anomaly._running
        self._run(detect_anomaly(check_nan, check_inf) if mode else None)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self._run(self._before)

    @staticmethod
    def _run(search: detect_anomaly | None) -> None:
        if set_detect_anomaly._running is not None:
            set_detect_anomaly._running.__exit__()
        set_detect_anomaly._running = search
        if search is not None:
            search.__enter__()


def _raise(report: Report) -> None:
    error = AnomalyError(_message(report))
    line = line_of(report["line"])
    error.phase = report["phase"]
    error.gate = report["kind"]
    error.line = None if line is None else str(line)
    error.indices = _indices(array_of(report["value"]))
    raise error


def _message(report: Report) -> str:
    parts = [_headline(report)]
    line = line_of(report["line"])
    if line is not None:
        parts.append(f"line: {line}")
    parts += _describe(report)
    mend = _mend(report)
    if mend:
        parts.append(mend)
    return "\n  ".join(parts)


def _headline(report: Report) -> str:
    what, kind, phase = _what(array_of(report["value"])), report["kind"], report["phase"]
    if phase == "forward":
        return f"{kind} made {what} in the forward pass"
    if phase == "backward":
        return f"{kind} made {what} in the backward pass, in the gradient of its input {report['input']}"
    if phase == "input":
        return f"{_name(report['source'], 'an input')} contained {what} already when {kind} used it"
    place = "the gradient of " + (_name(report["source"], "a leaf") if kind is None else f"the output of {kind}")
    return f"{place} has {what}, and no gate made it: finite gradients that overflow when they are added, or one that was given"


def _describe(report: Report) -> list[str]:
    value = array_of(report["value"])
    subject = {
        "forward": "its output",
        "input": "that tensor",
        "backward": "that gradient",
        "upstream": "that gradient",
    }
    found = [f"{subject[report['phase']]}, {_count(value)}"]
    if report["phase"] == "input":
        return found
    at = _indices(value)[:1]
    for position, (operand, source) in enumerate(report["operands"]):
        if operand is not None:
            name = _name(source, str(position))
            found.append(f"input {name}, {_range(operand)}{_element(operand, value, at, report['elementwise'])}")
    return found + [
        f"upstream gradient, {_range(upstream)}{_element(upstream, value, at, report['elementwise'])}"
        for upstream in report.get("upstream", [])
        if upstream is not None
    ]


def _mend(report: Report) -> str | None:
    if report["phase"] == "input":
        if isinstance(report["source"], _core.Tensor) and report["source"].requires_grad:
            return (
                "an optimizer step or an assignment made it: look at the gradients of the step before, lower the learning rate, or clip "
                "the gradients"
            )
        return "correct the data; if infinities are intended, as in a mask, use detect_anomaly(check_inf=False)"
    if report["phase"] == "upstream":
        return "scale the loss down, or look at the gradient given to backward() or returned by a hook"
    return MENDS.get(report["kind"])


def _what(value: Array) -> str:
    nan, inf = bool(np.isnan(value).any()), bool(np.isinf(value).any())
    return "NaN and infinity" if nan and inf else "NaN" if nan else "infinity"


def _indices(value: Array) -> list[tuple[int, ...]]:
    """The indices of the NaNs, or if there are none, of the infinities."""
    nan = np.isnan(value)
    return [tuple(map(int, index)) for index in np.argwhere(nan if nan.any() else np.isinf(value))]


def _count(value: Array) -> str:
    indices = _indices(value)
    name = "NaN" if np.isnan(value).any() else "infinite"
    shape = f"shape ({', '.join(map(str, value.shape))}{',' if value.ndim == 1 else ''})"
    if value.ndim == 0:
        return f"{shape}: {name}"
    shown = ", ".join(str(list(index)) for index in indices[:SHOWN]) + (" ..." if len(indices) > SHOWN else "")
    verb = "is" if len(indices) == 1 else "are"
    return f"{shape}: {len(indices):,} of {value.size:,} elements {verb} {name}, at {shown}"


def _range(tensor: Tensor) -> str:
    text = f"shape {shape_text(tensor)}: "
    if is_small(tensor):
        return text + " ".join(small_lines(tensor))
    summary = Summary.of(tensor)
    if summary is None:
        return text + ("empty" if not tensor.numel() else "no finite element")
    return text + summary.range_text() + (f", {summary.strange:,} × NaN or inf" if summary.strange else "")


def _element(operand: Tensor, value: Array, at: list[tuple[int, ...]], elementwise: bool) -> str:
    """The element of an operand that an elementwise gate combined into the first bad element of its result."""
    array = array_of(operand)
    if not at or not elementwise or array.ndim == 0:
        return ""
    try:
        return f"; at {list(at[0])}: {element(np.broadcast_to(array, value.shape)[at[0]].item())}"
    except ValueError:  # the gradient of an input that was broadcast has a smaller shape
        return ""


def _name(tensor: Tensor | None, default: str) -> str:
    """The program's name for a tensor: a parameter's dotted name in the outermost module, or a variable of the innermost function."""
    if tensor is None:
        return default
    frames = list(user_frames(sys._getframe(1)))
    for frame in reversed(frames):
        for name, value in list(frame.f_locals.items()):
            if isinstance(value, Module):
                for path, member in [*value.named_parameters(), *value.named_buffers()]:
                    if member is tensor:
                        return path if name == "self" else f"{name}.{path}"
    for frame in frames:
        for name, value in list(frame.f_locals.items()):
            if value is tensor and not name.startswith("_"):
                return name
    return default
