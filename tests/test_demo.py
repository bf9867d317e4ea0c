"""The command ``python -m gradgate demo``: what it reaches, what it writes, and how it refuses."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import gradgate
from gradgate import demo
from gradgate.__main__ import main


def run(folder: Path, *arguments: str) -> int:
    return main(["demo", "--output", str(folder), *arguments])


def told_accuracy(text: str) -> float:
    (percent,) = re.findall(r"Accuracy on 360 held-out digits: ([\d.]+)%", text)
    return float(percent) / 100


def png_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def test_it_reads_digits_and_its_checkpoint_reads_them_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path) == 0
    told = capsys.readouterr()
    accuracy = told_accuracy(told.out)
    assert accuracy >= 0.97
    assert "40/40" in told.err  # the progress bar came to its end

    rows = re.findall(r"^ +(\d) +(\d+) +(\d+) +([\d.]+)%$", told.out, re.MULTILINE)
    assert [row[0] for row in rows] == [str(digit) for digit in range(10)]
    assert sum(int(row[2]) for row in rows) == 360
    assert sum(int(row[1]) for row in rows) == round(accuracy * 360)
    for _, right, of, percent in rows:
        assert float(percent) == pytest.approx(100 * int(right) / int(of), abs=0.05)

    checkpoint, picture = tmp_path / "digits.safetensors", tmp_path / "digits.png"
    for path in (checkpoint, picture):
        assert str(path) in told.out
    width, height = png_size(picture)
    assert width > height > 400
    state = gradgate.load(checkpoint)
    model = demo.build([512], "relu")
    model.load_state_dict(state["model"])
    digits = demo.load_digits(seed=0)
    with gradgate.no_grad():
        right = (model(digits.test_x).argmax(1) == digits.test_y).sum().item()
    assert right == round(accuracy * 360)
    assert state["epoch"] == 40


def test_a_seed_gives_one_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states = []
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert run(tmp_path / name, "--epochs", "2", "--seed", seed) == 0
        states.append(gradgate.load(tmp_path / name / "digits.safetensors")["model"]["0.weight"].numpy())
    capsys.readouterr()
    assert np.array_equal(states[0], states[1])
    assert not np.array_equal(states[0], states[2])


@pytest.mark.parametrize("activation", sorted(demo.ACTIVATIONS))
@pytest.mark.parametrize("optimizer", sorted(demo.OPTIMIZERS))
def test_every_activation_and_optimizer_learns(
    activation: str, optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "draw", lambda *_: None)  # half a second each
    arguments = ["--activation", activation, "--optimizer", optimizer, "--hidden", "48", "32", "--epochs", "15"]
    assert run(tmp_path, *arguments) == 0
    out = capsys.readouterr().out
    assert f"A 64 - 48 - 32 - 10 network with {activation}" in out
    assert f"trained by {optimizer} " in out
    # One digit in ten is chance; a saturating pair of layers is the slowest to leave it.
    assert told_accuracy(out) > (0.5 if activation == "sigmoid" else 0.9)


def test_the_l2_strength_shrinks_the_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    norms = []
    for strength in ("0", "0.1"):
        assert run(tmp_path, "--epochs", "3", "--l2", strength) == 0
        norms.append(gradgate.load(tmp_path / "digits.safetensors")["model"]["0.weight"].norm().item())
    capsys.readouterr()
    assert norms[1] < 0.5 * norms[0]


def test_a_network_without_hidden_layers_and_a_diverging_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--hidden", "--epochs", "2") == 0
    assert "A 64 - 10 network" in capsys.readouterr().out
    assert run(tmp_path, "--optimizer", "sgd", "--lr", "1e4", "--epochs", "3") == 0
    assert "the training diverged; try a smaller --lr" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: '0' is not a positive whole number"),
        (["--hidden", "8", "-3"], "argument --hidden: '-3' is not a positive whole number"),
        (["--hidden", "wide"], "'wide' is not a positive whole number"),
        (["--l2", "-1"], "argument --l2: '-1' is not a number of at least 0"),
        (["--l2", "nan"], "'nan' is not a number of at least 0"),
        (["--lr", "inf"], "argument --lr: 'inf' is not a positive number"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number from 0 to 2^63 - 1"),
        (["--batch-size", "1.5"], "argument --batch-size: '1.5' is not a positive whole number"),
        (["--optimizer", "lion"], "invalid choice: 'lion'"),
        (["--activation", "step"], "invalid choice: 'step'"),
    ],
)
def test_bad_arguments_are_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path, *arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("module", ["sklearn", "matplotlib", "tqdm"])
def test_a_missing_package_is_named_before_the_training(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # makes its import fail
    assert run(tmp_path / "new") == 2
    told = capsys.readouterr()
    package = {"sklearn": "scikit-learn"}.get(module, module)
    assert f"{package} is not installed" in told.err
    assert "pip install scikit-learn matplotlib tqdm" in told.err
    assert told.out == ""
    assert not (tmp_path / "new").exists()


@pytest.mark.measures
def test_what_cannot_be_had_gets_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert run(tmp_path / "file") == 2
    assert "choose another with --output" in capsys.readouterr().err
    assert run(tmp_path, "--hidden", "1000000000", "1000000000") == 2
    assert "choose smaller sizes with --hidden" in capsys.readouterr().err


def test_an_interrupted_training_ends_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> list[float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "train", interrupted)
    assert run(tmp_path) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
