"""Switching the recording of gates on and off."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, TypeVar

from gradgate import _core

__all__ = ["enable_grad", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _GradMode:
    """A context manager and decorator that sets the mode of this thread and puts back the one before."""

    def __init__(self, mode: bool) -> None:
        self._mode = mode
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_core.is_grad_enabled())
        _core._set_grad_enabled(self._mode)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _core._set_grad_enabled(self._before.pop())

    def __call__(self, function: F) -> F:
        makes_generators = inspect.isgeneratorfunction(function)

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with _GradMode(self._mode):
                result = function(*args, **kwargs)
            return _ModalGenerator(result, self._mode) if makes_generators else result

        return decorated  # type: ignore[return-value]  # wraps() keeps the signature, which the checker cannot see


class _ModalGenerator(Generator[Any, Any, Any]):
    """A generator that runs in a mode, which is put back for the caller whenever it yields."""

    def __init__(self, generator: Generator[Any, Any, Any], mode: bool) -> None:
        self._generator = generator
        self._mode = mode

    def send(self, value: Any) -> Any:
        with _GradMode(self._mode):
            return self._generator.send(value)

    def throw(self, *error: Any) -> Any:
        with _GradMode(self._mode):
            return self._generator.throw(*error)


class _FixedMode(_GradMode):
    """A mode that is known from the class, so that it decorates with and without parentheses."""

    _fixed: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        made = super().__new__(cls)
        return made if function is None else _GradMode(cls._fixed)(function)

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        super().__init__(self._fixed)


class no_grad(_FixedMode):
    """Records no gates inside: results do not require gradients.

    >>> import gradgate
    >>> x = gradgate.tensor(1.0, requires_grad=True)
    >>> with gradgate.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    _fixed = False


class enable_grad(_FixedMode):
    """Records gates inside, also within no_grad."""

    _fixed = True


class set_grad_enabled(_GradMode):
    """Sets the recording of gates: at once, and until the end of the block when used as a context manager."""

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self._outer = _core.is_grad_enabled()
        _core._set_grad_enabled(mode)

    def __enter__(self) -> None:
        self._before.append(self._outer)
        _core._set_grad_enabled(self._mode)

    def __call__(self, function: F) -> F:
        """Decorate a function; the mode outside is not changed then."""
        _core._set_grad_enabled(self._outer)
        return super().__call__(function)
