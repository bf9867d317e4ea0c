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
import io
import math
import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import gradgate as gg
from gradgate.nn import functional

PROMISED = (TypeError, ValueError, IndexError, RuntimeError, OverflowError, MemoryError, BufferError)
INTERNAL = re.compile(r"pybind11|PYBIND11|C\+\+|incompatible function|std::|vector::|_M_|bad_alloc|basic_string")
# What they are given is no argument of a tensor's function: paths, settings of the whole process, models and callables.
LEFT_OUT = {
    "save", "load", "set_num_threads", "set_isa", "set_default_dtype", "set_printoptions", "show_config", "empty_cache", "watch",
    "precision_audit", "detect_anomaly", "explain", "set_grad_enabled", "no_grad", "enable_grad", "device", "finfo", "iinfo",
}  # fmt: skip
OPERATORS = """
    __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ __mul__ __rmul__ __imul__ __truediv__ __rtruediv__ __itruediv__ __floordiv__
    __rfloordiv__ __ifloordiv__ __mod__ __rmod__ __imod__ __pow__ __rpow__ __ipow__ __matmul__ __rmatmul__ __and__ __or__ __xor__
    __iand__ __ior__ __ixor__ __invert__ __neg__ __abs__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __getitem__ __setitem__
    __contains__ __iter__ __len__ __bool__ __int__ __float__ __index__ __array__ __dlpack__ __reversed__ __format__ __repr__
""".split()
SHAPES: list[tuple[int, ...]] = [(), (0,), (1,), (3,), (5,), (2, 3), (3, 3), (0, 3), (2, 0), (1, 4), (4, 1, 2), (2, 3, 4), (1, 2, 3, 3)]
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


def tensor(rng: random.Random, *, dtype: gg.dtype | None = None) -> gg.Tensor:
    shape = rng.choice(SHAPES)
    dtype = dtype or rng.choice(DTYPES)
    count = math.prod(shape)
    special = [0.0, 1.0, -1.0, 2.0, 0.5, math.nan, math.inf, -math.inf, 1e30]
    if dtype.is_floating_point:
        values: list[Any] = [rng.choice(special) if rng.random() < 0.3 else rng.gauss(0, 2) for _ in range(count)]
    else:
        values = [rng.choice([0, 1, 2, 3, 200]) if dtype != gg.bool else rng.random() < 0.5 for _ in range(count)]
        if dtype in (gg.int32, gg.int64) and rng.random() < 0.3:
            values = [rng.choice([-1, -5, 2**31 - 1, -(2**31), v]) for v in values]
    x = gg.tensor(values, dtype=dtype).reshape(shape)
    if dtype.is_floating_point and rng.random() < 0.4:
        x.requires_grad_()
        if rng.random() < 0.5:
            x = x * 1
    if rng.random() < 0.3 and x.ndim >= 2:
        x = x.transpose(0, 1)
    if rng.random() < 0.1:
        x = x.expand(2, *x.shape)
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
        lambda: rng.choice([np.float32(1.5), np.int64(-1), np.uint8(1), np.bool_(True), np.float64("nan"), np.float16(1)]),
        lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
        lambda: np.array(["2000-01-01"], dtype="datetime64[D]"),
    ]
    return rng.choice(odd)()


def integer(rng: random.Random) -> int:
    return rng.choice(HUGE) if rng.random() < 0.2 else rng.choice([0, 1, -1, 2, 3, -2, 4, -5, 7, 1000])


def sizes(rng: random.Random) -> Any:
    made: Any = [integer(rng) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 9]))]
    return rng.choice([made, tuple(made), np.array([2, 3]), range(600, 602), shrinking(), Fleeting(2, 2), Fleeting(5, 2)])


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


def likely(rng: random.Random, name: str, kind: str) -> Any:
    """A value of the type that a signature states."""
    if "Sequence[gradgate.Tensor" in kind or name == "tensors":
        return [tensor(rng, dtype=gg.float32) for _ in range(rng.choice([0, 1, 2, 3]))]
    if "Tensor" in kind:
        dtype = rng.choice([gg.bool, gg.int64]) if name in ("index", "indices", "mask", "condition", "target") else None
        return rng.choice([1, 0.5, True]) if rng.random() < 0.15 else tensor(rng, dtype=dtype)
    if "tuple[int" in kind or "Sequence[" in kind:
        return rng.choice([0, 1, -1, None]) if rng.random() < 0.5 else sizes(rng)
    if "bool" in kind:
        return rng.random() < 0.5
    if "SupportsInt" in kind or kind == "int":
        return integer(rng)
    if "Float" in kind or kind == "float":
        return rng.choice([0.0, 0.5, 1.0, 2.0, -1.0, math.nan, math.inf, -math.inf, 1e300, 3])
    if "dtype" in kind:
        return rng.choice([*DTYPES, None, float, np.int64])
    if "str" in kind:
        return rng.choice(["mean", "sum", "none", "cpu", "floor", "trunc", "constant", "reflect", "circular", "replicate", "fro", "ij"])
    return anything(rng)


def forms_of(function: Callable[..., Any]) -> list[list[tuple[str, str]]]:
    """The parameters of every form of a function, as its docstring states them."""
    found = re.findall(r"^(?:\d+\. )?\w+\((.*)\) -> ", function.__doc__ or "", re.MULTILINE)
    forms = [re.findall(r"(\w+): ((?:[^,\[\]]|\[[^\]]*\])*)", text) for text in found if "*args, **kwargs" not in text]
    if not forms and hasattr(function, "__code__"):
        code = function.__code__
        hints = getattr(function, "__annotations__", {})
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        forms = [[(name, str(hints.get(name, "object"))) for name in names]]
    return [[(name, kind.split(" = ")[0]) for name, kind in form if name != "self"] for form in forms] or [[]]


def arguments(rng: random.Random, form: list[tuple[str, str]]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments: mostly of the form's types, some anything."""
    chaos = rng.choice([0.0, 0.0, 0.1, 0.5])
    count = len(form) if rng.random() < 0.5 else rng.randint(0, len(form) + 1)
    chosen = form[:count]
    values = [anything(rng) if rng.random() < chaos else likely(rng, name, kind) for name, kind in chosen]
    if count > len(form):
        values.append(anything(rng))
    split = rng.choice([len(values), len(values), rng.randint(0, len(values))])
    named = {name: value for (name, _), value in list(zip(form, values, strict=False))[split:]}
    if rng.random() < 0.02:
        named["nonsense"] = anything(rng)
    return values[:split], named


Call = tuple[str, Callable[[random.Random], Any]]


def targets() -> list[tuple[str, Callable[..., Any], bool]]:
    """(name, function, whether it is a method of Tensor) of all that is tried."""
    found: list[tuple[str, Callable[..., Any], bool]] = []
    for name in sorted(set(gg.__all__) - LEFT_OUT):
        value = getattr(gg, name)
        if callable(value) and not isinstance(value, type):
            found.append((name, value, False))
    for name in sorted(functional.__all__):
        if callable(getattr(functional, name)):
            found.append((f"nn.functional.{name}", getattr(functional, name), False))
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


def check_error(error: BaseException) -> None:
    """Raises AssertionError for an error that users should not see."""
    promised = isinstance(error, HostileError | PROMISED) or (
        isinstance(error, AttributeError) and "Tensor." in str(error)  # a property without a setter
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
        positional, named = arguments(rng, rng.choice(FORMS[name]))
        if is_method:
            positional.insert(0, tensor(rng))
        given = [shown(v) for v in positional] + [f"{k}={shown(v)}" for k, v in named.items()]
        say(f"{name}({', '.join(given)})")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            touch(function(*positional, **named))
        except Exception as error:
            check_error(error)


@contextlib.contextmanager
def limited_memory(extra: int) -> Iterator[None]:
    """No more address space than now and `extra` bytes, where the system can limit it."""
    try:
        import resource
    except ImportError:
        yield
        return
    pages = int(open("/proc/self/statm").read().split()[0]) if os.path.exists("/proc/self/statm") else 0
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
