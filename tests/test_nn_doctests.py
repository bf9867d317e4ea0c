"""The examples in the docstrings of gradgate.nn and gradgate.functional."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from gradgate import functional, nn

MODULES = [
    name
    for package in (functional, nn)
    for name in [package.__name__, *(m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + "."))]
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
