"""Throws random and hostile arguments at every public function of Gradgate and every method of Tensor.

Run as a program by test_arguments_fuzz.py, in a process of its own so that a crash is seen; for a long run:

    python tests/arguments_fuzz.py --seed 1 --calls 1000000
    python tests/arguments_fuzz.py --seed 1 --first 4711 --calls 1     that call alone, with what it was given

Every call has a random generator of its own, made of seed and number. Before it is made, it is written to the standard output, so that
the last line of a process that died names the culprit. Memory is limited, so that absurd sizes end in MemoryError.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import inspect
import io
import math
import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import gradgate as gg
from fuzz_values import DTYPES, HostileError, Theme, anything, integer, sizes, tensor
from gradgate.nn import functional

PROMISED = (TypeError, ValueError, IndexError, RuntimeError, OverflowError, MemoryError, BufferError)
INTERNAL = re.compile(r"pybind11|PYBIND11|C\+\+|incompatible function|std::|vector::|_M_|bad_alloc|basic_string")
# What they are given is no argument of a tensor's function: paths, settings of the whole process, models and callables.
LEFT_OUT = {
    "save", "load", "set_num_threads", "set_isa", "set_default_dtype", "set_printoptions", "show_config", "empty_cache", "watch",
    "precision_audit", "detect_anomaly", "explain", "set_grad_enabled", "no_grad", "enable_grad", "device", "finfo", "iinfo",
}  # fmt: skip
OPERATORS = [
    "__add__",
    "__radd__",
    "__iadd__",
    "__sub__",
    "__rsub__",
    "__isub__",
    "__mul__",
    "__rmul__",
    "__imul__",
    "__truediv__",
    "__rtruediv__",
    "__itruediv__",
    "__floordiv__",
    "__rfloordiv__",
    "__ifloordiv__",
    "__mod__",
    "__rmod__",
    "__imod__",
    "__pow__",
    "__rpow__",
    "__ipow__",
    "__matmul__",
    "__rmatmul__",
    "__and__",
    "__or__",
    "__xor__",
    "__iand__",
    "__ior__",
    "__ixor__",
    "__invert__",
    "__neg__",
    "__abs__",
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__getitem__",
    "__setitem__",
    "__contains__",
    "__iter__",
    "__len__",
    "__bool__",
    "__int__",
    "__float__",
    "__index__",
    "__array__",
    "__dlpack__",
    "__reversed__",
    "__format__",
    "__repr__",
]


def likely(rng: random.Random, theme: Theme, name: str, kind: str) -> Any:
    """A value of the type that a signature states."""
    if "Sequence[gradgate.Tensor" in kind or name == "tensors":
        return [theme.tensor(rng, name) for _ in range(rng.choice([0, 1, 2, 2, 3]))]
    if "Tensor" in kind:
        if "None" in kind and rng.random() < 0.3:
            return None
        numbers = 0.7 if name in ("value", "fill_value", "alpha", "beta", "min", "max", "exponent") else 0.1
        return rng.choice([1, 0.5, True, 0, -2]) if rng.random() < numbers else theme.tensor(rng, name)
    if "tuple[int" in kind or "Sequence[" in kind:
        choice = rng.random()
        return rng.choice([0, 1, -1, None]) if choice < 0.5 else list(theme.shape) if choice < 0.7 else sizes(rng)
    if "bool" in kind:
        return rng.random() < 0.5
    if "SupportsInt" in kind or kind == "int":
        return rng.choice([0, 1, -1]) if rng.random() < 0.6 else integer(rng)
    if "Float" in kind or "float" in kind:
        return rng.choice([0.0, 0.5, 1.0, 2.0, 0.1, -1.0, math.nan, math.inf, -math.inf, 1e300, 3])
    if "dtype" in kind:
        return rng.choice([*DTYPES, None, None, float, np.int64])
    if "Generator" in kind:
        return rng.choice([None, gg.Generator().manual_seed(rng.randrange(2**32))])
    if "Callable" in kind:
        return rng.choice([lambda *_: None, lambda x: x, lambda x: 3, lambda x: x * 2])
    if "str" in kind:
        return rng.choice(
            [
                "mean",
                "sum",
                "none",
                "mean",
                "sum",
                "none",
                "cpu",
                "floor",
                "trunc",
                "constant",
                "reflect",
                "circular",
                "replicate",
                "fro",
                "ij",
            ]
        )
    return anything(rng)


class Parameter(NamedTuple):
    name: str
    kind: str
    required: bool
    by_name: bool


def forms_of(function: Callable[..., Any]) -> list[list[Parameter]]:
    """The parameters of every form of a function, as its docstring or its code states them."""
    if hasattr(function, "__code__"):
        found = inspect.signature(function).parameters.values()
        kinds = {p.name: str(p.annotation) for p in found}
        return [
            [
                Parameter(p.name, kinds[p.name], p.default is p.empty, p.kind is p.KEYWORD_ONLY)
                for p in found
                if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            ]
        ]
    forms: list[list[Parameter]] = []
    for text in re.findall(r"^(?:\d+\. )?\w+\((.*)\) -> ", function.__doc__ or "", re.MULTILINE):
        if "*args, **kwargs" in text:
            continue
        named = text.find("*, ")
        forms.append(
            [
                Parameter(m[1], m[2], m[3] is None, -1 < named < m.start())
                for m in re.finditer(r"(\w+): ((?:[^,=\[\]]|\[[^\]]*\])*)(= )?", text)
                if m[1] != "self"
            ]
        )
    return forms or [[]]


def arguments(rng: random.Random, form: list[Parameter], theme: Theme) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments: mostly of the form's types, some anything."""
    chaos = rng.choice([0.0, 0.0, 0.1, 0.5])
    positional: list[Any] = []
    named: dict[str, Any] = {}
    gap = False
    for parameter in form:
        if rng.random() < (0.02 if parameter.required else 0.5):
            gap = True
            continue
        value = anything(rng) if rng.random() < chaos else likely(rng, theme, parameter.name, parameter.kind)
        if gap or parameter.by_name or rng.random() < 0.1:
            gap = True
            named[parameter.name] = value
        else:
            positional.append(value)
    if rng.random() < 0.03 or (not form and rng.random() < 0.7):
        positional.extend(
            anything(rng) if rng.random() < 0.3 else rng.choice([1, 2, 3, -1]) for _ in range(rng.randint(1, 3))
        )
    if rng.random() < 0.02:
        named["nonsense"] = anything(rng)
    return positional, named


def targets() -> list[tuple[str, Callable[..., Any], bool]]:
    """(name, function, whether it is a method of Tensor) of all that is tried."""
    found: list[tuple[str, Callable[..., Any], bool]] = []
    for name in sorted(set(gg.__all__) - LEFT_OUT):
        value = getattr(gg, name)
        if callable(value) and not isinstance(value, type):
            found.append((name, value, False))
    found.extend((f"nn.functional.{name}", getattr(functional, name), False) for name in sorted(functional.__all__))
    for name in [*sorted(n for n in dir(gg.Tensor) if not n.startswith("_")), *OPERATORS]:
        value = getattr(gg.Tensor, name)
        if callable(value):
            found.append((f"Tensor.{name}", value, True))
    return found


def setters() -> list[str]:
    return ["grad", "data", "requires_grad", "note", "__dict__", "shape", "T"]


def shown(value: Any) -> str:
    if isinstance(value, gg.Tensor):
        return f"tensor({value.dtype}, {tuple(value.shape)}, {tuple(value.stride())}, {value.requires_grad})"
    if isinstance(value, np.ndarray):
        return f"array({value.dtype}, {value.shape})"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(shown(v) for v in value[:6]) if value and value[0] is not value else '...'})"
    with contextlib.suppress(Exception):
        return repr(value)[:60]
    return type(value).__name__


def touch(result: Any) -> None:
    """Reads what a call returned, and sweeps back over its graph."""
    for part in result if isinstance(result, tuple | list) else [result]:
        if not isinstance(part, gg.Tensor) or part.numel() > 100_000:
            continue
        repr(part)
        part.detach().clone()
        if part.requires_grad and part.numel() > 0:
            part.sum().backward()


def check_error(error: BaseException, name: str) -> None:
    """Raises AssertionError for an error that users should not see."""
    promised = isinstance(error, (HostileError, *PROMISED))
    if isinstance(error, AttributeError):
        # Properties without a setter say so by this class, and functions written in Python of what is no tensor.
        promised = "not writable" in str(error) or (
            name.startswith("nn.functional") and "has no attribute" in str(error)
        )
    internal = INTERNAL.search(str(error)) if not isinstance(error, MemoryError) else None
    if not promised or internal:
        raise AssertionError(f"{type(error).__name__}: {str(error)[:500]}") from error


def attempt(rng: random.Random, say: Callable[[str], None]) -> None:
    """One random call. Raises AssertionError for an error that users should not see."""
    if rng.random() < 0.02:
        name, value = rng.choice(setters()), anything(rng) if rng.random() < 0.8 else {}
        owner = tensor(rng)
        say(f"setattr({shown(owner)}, {name!r}, {shown(value)})")
        function: Callable[..., Any] = setattr
        positional, named = [owner, name, value], {}
    else:
        name, function, is_method = rng.choice(TARGETS)
        theme = Theme(rng)
        positional, named = arguments(rng, rng.choice(FORMS[name]), theme)
        if is_method:
            positional.insert(0, theme.tensor(rng))
        given = [shown(v) for v in positional] + [f"{k}={shown(v)}" for k, v in named.items()]
        say(f"{name}({', '.join(given)})")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            touch(function(*positional, **named))
        except Exception as error:
            check_error(error, name)


@contextlib.contextmanager
def limited_memory(extra: int) -> Iterator[None]:
    """No more address space than now and `extra` bytes, where the system can limit it."""
    try:
        import resource
    except ImportError:
        yield
        return
    statm = Path("/proc/self/statm")
    pages = int(statm.read_text().split()[0]) if statm.exists() else 0
    before = resource.getrlimit(resource.RLIMIT_AS)
    # A sanitizer's shadow takes terabytes of addresses, and has a limit of its own.
    if 0 < pages * 4096 < 1 << 40:
        resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + extra, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


TARGETS = targets()
FORMS = {name: forms_of(function) for name, function, _ in TARGETS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first call")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--only", default="", help="only functions whose name holds this")
    parser.add_argument("--seconds", type=int, default=30, help="a call that takes longer hangs")
    options = parser.parse_args()
    TARGETS[:] = [target for target in TARGETS if options.only in target[0]]
    gg.set_num_threads(1)
    failures = 0
    with limited_memory(1 << 30):
        for number in range(options.first, options.first + options.calls):
            faulthandler.dump_traceback_later(options.seconds, exit=True)
            gg.manual_seed(number)
            line = [f"{number}: "]

            def say(text: str, line: list[str] = line) -> None:
                line[0] += text
                os.write(1, (line[0] + "\n").encode("utf-8", "replace"))

            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    attempt(random.Random(f"{options.seed}/{number}"), say)
            except AssertionError as error:
                failures += 1
                os.write(1, f"FAILED {line[0]}\n    {error}\n".encode("utf-8", "replace"))
    faulthandler.cancel_dump_traceback_later()
    return int(failures > 0)


if __name__ == "__main__":
    faulthandler.enable()
    sys.exit(main())
