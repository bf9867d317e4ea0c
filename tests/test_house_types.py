"""The types that editors and mypy see: the stub is the module's, the package and a program that uses it are clean."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import gradgate

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = Path(gradgate.__file__).parent


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_stubs", ROOT / "tools" / "generate_stubs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stub_is_the_module_s(generator: ModuleType) -> None:
    committed = generator.STUB.read_text(encoding="utf-8")
    assert generator.stub_text() == committed, "run `python tools/generate_stubs.py`"
    assert (INSTALLED / "_core.pyi").read_text(encoding="utf-8") == committed
    assert (INSTALLED / "py.typed").exists()


def test_every_public_name_is_in_the_stub(generator: ModuleType) -> None:
    stub = generator.STUB.read_text(encoding="utf-8")
    for name in gradgate._core.__all__:
        assert any(f"\n{form}" in stub for form in (f"def {name}(", f"class {name}:", f"{name}: ")), name


def typing_environment() -> dict[str, str]:
    """The environment in which mypy takes gradgate from where the tests import it."""
    return {**os.environ, **({"MYPYPATH": str(INSTALLED.parent)} if "site-packages" not in INSTALLED.parts else {})}


# What stubtest finds and is meant: pybind11's metaclass and constructors that refuse, slots whose third argument Python
# never passes, and methods that copy and NumPy look up by themselves.
MEANT = r"""
gradgate\._core\.(Generator|Node|RemovableHandle|dtype|_AnomalyWatcher|_LineWatcher|_StepVitals|_VitalsWatcher)(\.__init__)?
gradgate\._core\.Tensor(\.__(r?pow|copy|deepcopy|array_priority)__)?
"""


def test_the_stub_has_the_signatures_of_the_module(tmp_path: Path) -> None:
    (tmp_path / "meant").write_text(MEANT, encoding="utf-8")
    options = ["--concise", "--ignore-positional-only", "--ignore-unused-allowlist", "--allowlist", "meant"]
    command = [sys.executable, "-m", "mypy.stubtest", "gradgate._core", *options]
    run = subprocess.run(
        command, cwd=tmp_path, env=typing_environment(), capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def mypy(arguments: list[str], folder: Path, *, cache: Path) -> str:
    """What mypy finds in strict mode, with gradgate taken from where the tests import it."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(cache), *arguments]
    run = subprocess.run(
        command, cwd=folder, env=typing_environment(), capture_output=True, text=True, timeout=300, check=False
    )
    return run.stdout + run.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


PROGRAM = """
import numpy as np
import gradgate
from gradgate import Tensor, nn, optim

def scores(x: Tensor, w: Tensor) -> Tensor:
    mask: Tensor = (x > 0) & ~(x == 1.0) | (x < -2)
    y: Tensor = 2 * (x @ w + 1) ** 2 - x.sum(dim=0, keepdim=True) / 3
    y += 1
    y[0] = 0.0
    y[..., 1:] = y[None, 0, 1:]
    first: Tensor = y[mask.any()][:, 0]
    rows: list[Tensor] = [row for row in y]
    shape: tuple[int, ...] = y.shape
    value: float = float(first.mean()) + y.ndim + len(rows) + shape[0]
    return -abs(y) * value

x = gradgate.tensor([[1.0, 2.0]], dtype=gradgate.float64, requires_grad=True)
with gradgate.no_grad():
    array = np.asarray(x.numpy())
loss = scores(x, gradgate.from_numpy(array)).sum()
loss.backward()
gradient = x.grad
if gradient is not None:
    print(gradient.tolist())

model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
optimizer = optim.Adam(model.parameters(), lr=1e-3)
optimizer.step()

@gradgate.no_grad()
def predict(model: nn.Module, x: Tensor) -> Tensor:
    prediction: Tensor = model(x)
    return prediction.argmax(dim=1)

print(gradgate.show_config("dicts")["gradgate"])
"""

WRONG = """
import gradgate
x = gradgate.tensor([1.0])
x.no_such_method()
gradgate.relu("text")
gradgate.no_such_gate(x)
x @ "text"
"""


def test_the_package_is_clean(cache: Path) -> None:
    found = mypy(["--config-file", str(ROOT / "pyproject.toml")], ROOT, cache=cache)
    assert found == "", found


def test_a_typed_program_is_clean(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    found = mypy(["program.py"], tmp_path, cache=cache)
    assert found == "", found


def test_mistakes_are_found(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    found = mypy(["wrong.py"], tmp_path, cache=cache)
    assert {line.split(":")[1] for line in found.splitlines() if ": error:" in line} == {"4", "5", "6", "7"}, found
