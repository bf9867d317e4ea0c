"""No false sentence: the README's snippets and the docstrings' examples run, and everything public has a docstring."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gradgate
from gradgate import _core

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md")


def module_names() -> list[str]:
    found = pkgutil.walk_packages(gradgate.__path__, "gradgate.")
    return ["gradgate", *(info.name for info in found if info.name not in ("gradgate._core", "gradgate.__main__"))]


def snippets(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_readme_has_a_program_and_its_two_commands() -> None:
    assert len(snippets("README.md", "python")) >= 1
    commands = snippets("README.md", "sh")
    assert len(commands) == 2
    install_and_train, install_and_test = (command.strip() for command in commands)
    assert install_and_train.endswith("python -m gradgate demo")
    assert "pytest" in install_and_test
    assert install_and_test in (ROOT / ".ci" / "run").read_text(encoding="utf-8"), (
        "CI must run the README's test command"
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_snippets_run(document: str, tmp_path: Path) -> None:
    for program in snippets(document, "python"):
        subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, check=True, timeout=120)


@pytest.mark.parametrize("name", module_names())
def test_docstring_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def compiled() -> dict[str, Any]:
    """The public functions of the core and the methods of Tensor."""
    functions = {name: getattr(_core, name) for name in _core.__all__}
    methods = {f"Tensor.{name}": value for name, value in vars(_core.Tensor).items() if not name.startswith("_")}
    return {**functions, **methods}


def test_compiled_docstring_examples_run() -> None:
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for name, value in compiled().items():
        runner.run(parser.get_doctest(inspect.getdoc(value) or "", {"gradgate": gradgate}, name, None, None))
    assert runner.summarize().failed == 0


def test_everything_compiled_has_a_docstring() -> None:
    missing = []
    for name, value in compiled().items():
        if isinstance(value, (_core.dtype, property)):
            continue
        doc = (value.__doc__ or "").split("\n", 1)
        if not isinstance(value, type) and (len(doc) < 2 or not doc[1].strip()):
            missing.append(name)
    missing += [name for name, value in compiled().items() if isinstance(value, property) and not value.__doc__]
    assert not missing, "only a signature: " + ", ".join(missing)


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The functions and classes that a module defines, and the methods of those classes."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            yield name, value
            for member, method in vars(value).items():
                if not member.startswith("_") and (inspect.isroutine(method) or isinstance(method, property)):
                    yield f"{name}.{member}", getattr(value, member)
        elif inspect.isfunction(value):
            yield name, value


@pytest.mark.parametrize("name", module_names())
def test_everything_public_has_a_docstring(name: str) -> None:
    module = importlib.import_module(name)
    assert inspect.getdoc(module)
    # A method that overrides another may leave the description to it.
    missing = [member for member, value in public(module) if not inspect.getdoc(value)]
    assert not missing, f"{name}: {', '.join(missing)}"


@pytest.mark.parametrize("name", module_names())
def test_all_is_sorted_and_true(name: str) -> None:
    module = importlib.import_module(name)
    names = list(getattr(module, "__all__", []))
    assert len(set(names)) == len(names)
    assert all(hasattr(module, n) for n in names)
