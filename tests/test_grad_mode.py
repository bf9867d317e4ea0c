"""Switching the recording of gates: as a context, as a decorator, in threads, in generators, after errors."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

import gradgate
from gradgate import Tensor


def leaf(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64, requires_grad=True)


def test_grad_modes_nest_and_are_per_thread() -> None:
    x = leaf(1.0)
    with gradgate.no_grad():
        assert not (x * 2).requires_grad
        with gradgate.enable_grad():
            assert (x * 2).requires_grad
        in_thread: list[bool] = []
        thread = threading.Thread(target=lambda: in_thread.append((x * 2).requires_grad))
        thread.start()
        thread.join()
        assert in_thread == [True]
    with gradgate.set_grad_enabled(False):
        assert not gradgate.is_grad_enabled()
    assert gradgate.is_grad_enabled()
    gradgate.set_grad_enabled(False)
    assert not gradgate.is_grad_enabled()
    gradgate.set_grad_enabled(True)

    @gradgate.no_grad()
    def called() -> bool:
        return gradgate.is_grad_enabled()

    @gradgate.no_grad
    def bare() -> bool:
        return gradgate.is_grad_enabled()

    assert not called() and not bare() and gradgate.is_grad_enabled()


def test_mode_is_restored_after_an_error() -> None:
    with pytest.raises(KeyError), gradgate.no_grad():
        raise KeyError
    assert gradgate.is_grad_enabled()
    x = leaf(1.0)
    y = x * 2

    def hook(g: Tensor) -> None:
        raise KeyError("from the hook")

    y.register_hook(hook)
    with pytest.raises(KeyError, match="from the hook"):
        y.backward()
    assert gradgate.is_grad_enabled()


def test_a_generator_keeps_its_mode_to_itself() -> None:
    closed: list[bool] = []

    @gradgate.no_grad()
    def values() -> Generator[bool, bool, str]:
        try:
            sent = yield gradgate.is_grad_enabled()
            assert sent and not gradgate.is_grad_enabled()
            try:
                yield gradgate.is_grad_enabled()
            except KeyError:
                yield gradgate.is_grad_enabled()
            return "returned"
        finally:
            closed.append(gradgate.is_grad_enabled())

    run = values()
    for found in (next(run), run.send(gradgate.is_grad_enabled()), run.throw(KeyError())):
        assert not found and gradgate.is_grad_enabled()
    with pytest.raises(StopIteration, match="returned"):
        next(run)
    abandoned = values()
    next(abandoned)
    abandoned.close()
    assert closed == [False, False]
    assert list(gradgate.enable_grad()(lambda: [gradgate.is_grad_enabled()])()) == [True]
