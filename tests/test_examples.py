"""The programs of examples/ do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(example: str, folder: Path, *arguments: str) -> str:
    program = [sys.executable, "-W", "error", str(ROOT / "examples" / example), *arguments]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, timeout=300, check=True).stdout


def test_every_example_is_run_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    for path in (ROOT / "examples").glob("*.py"):
        assert f'run("{path.name}"' in source


def test_two_layer_network(tmp_path: Path) -> None:
    out = run("two_layer_network.py", tmp_path)
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+)$", out, re.MULTILINE)
    assert [int(step) for step, *_ in rows] == [0, 100, 200, 300, 400, 499]
    losses = [float(by_hand) for _, by_hand, _ in rows]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 10
    (worst,) = re.findall(r"largest relative difference: (.*)", out)
    # Sums of 100 float64 products in two orders, 500 times over: 500 * sqrt(100) * 2^-53 is 6e-13.
    assert float(worst) < 6e-13


def test_spiral(tmp_path: Path) -> None:
    regression, network = run("spiral.py", tmp_path, "spiral.png").split("2-100-3 with relu")
    (loss,) = re.findall(r"step +190: loss ([\d.]+)", regression)
    assert float(loss) == pytest.approx(0.786302, abs=2e-6)
    assert "accuracy 49%" in regression
    losses = [float(loss) for loss in re.findall(r"step +\d+: loss ([\d.]+)", network)]
    assert len(losses) == 10
    assert losses[-1] == pytest.approx(0.245, abs=0.03)
    (accuracy,) = re.findall(r"accuracy (\d+)%", network)
    assert int(accuracy) >= 97
    assert (tmp_path / "spiral.png").read_bytes().startswith(b"\x89PNG")


def test_digits(tmp_path: Path) -> None:
    out = run("digits.py", tmp_path, "digits.safetensors")
    (right,) = re.findall(r"(\d+) of 360 held-out digits read", out)
    assert int(right) >= 0.97 * 360
    assert "it gives the same scores" in out
    assert (tmp_path / "digits.safetensors").exists()
