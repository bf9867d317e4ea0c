"""Fixtures of the whole suite: each instruction set of the machine in turn, and settings put back after every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

import gradgate

# How long an example takes says nothing on a shared machine or under a sanitizer.
settings.register_profile("gradgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gradgate")


@pytest.fixture(params=gradgate.available_isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test with the kernels of each instruction set that the machine has."""
    before = gradgate.active_isa()
    gradgate.set_isa(request.param)
    yield request.param
    gradgate.set_isa(before)


@pytest.fixture(autouse=True)
def _settings_put_back() -> Iterator[None]:
    """A test that fails in the middle leaves the others the settings that they expect."""
    isa, threads, dtype = gradgate.active_isa(), gradgate.get_num_threads(), gradgate.get_default_dtype()
    grad = gradgate.is_grad_enabled()
    yield
    gradgate.set_isa(isa)
    gradgate.set_num_threads(threads)
    gradgate.set_default_dtype(dtype)
    gradgate.set_grad_enabled(grad)
