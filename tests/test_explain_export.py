"""Files of flat code that run by themselves, and networks as functions to export."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradgate as gg
from explain_code import close, ran
from gradgate import Tensor, nn

F = nn.functional

# Data.


def test_inline_numbers_keep_every_bit() -> None:
    values = {
        "wide": np.array([0.1, -1e-310, 1e300, -0.0, np.inf, -np.inf, np.nan]),
        "narrow": np.array([[0.1, 1e-40, 3.4e38], [1 / 3, -0.0, 16777217]], np.float32),
        "whole": np.array([1.0, 2.0]),
        "long": np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32),
        "number": np.array(1 / 3, np.float32),
        "none": np.zeros((0, 2)),
        "cube": np.arange(8.0).reshape(2, 2, 2),
    }
    tensors = {name: gg.from_numpy(array).requires_grad_() for name, array in values.items()}
    loss = sum((t.sum() for t in tensors.values()), start=gg.tensor(0.0))
    scope = ran(gg.explain(loss, names=tensors).code(data="inline"))
    for name, array in values.items():
        assert np.asarray(scope[name]).dtype == array.dtype
        assert np.asarray(scope[name]).tobytes() == array.tobytes()


def trained() -> tuple[nn.Module, Tensor, Tensor]:
    gg.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))
    x = gg.randn(8, 4)
    model(x)
    model.eval()
    return model, x, gg.randint(0, 3, (8,))


def run_file(path: Path) -> str:
    """What a file prints that is run by a Python which cannot import this package."""
    block = "import sys, runpy; sys.modules['gradgate'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-I", "-c", block, path], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("data", ["inline", "npz"])
def test_a_saved_file_runs_by_itself(tmp_path: Path, data: Any) -> None:
    model, x, y = trained()
    loss = F.cross_entropy(model(x), y)
    gg.explain(loss, model).save(tmp_path / "step.py", data=data)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step.npz", "step.py"][data == "inline" :]
    name, value = run_file(tmp_path / "step.py").split(" = ")
    assert name == "loss" and float(value) == pytest.approx(loss.item(), rel=1e-5)


def test_code_reads_the_numbers_that_save_writes(tmp_path: Path) -> None:
    model, x, y = trained()
    loss = F.cross_entropy(model(x), y)
    flow = gg.explain(loss, model)
    flow.save(tmp_path / "flow.npz")
    (tmp_path / "mine.py").write_text(flow.code(data="npz"), encoding="utf-8")
    assert float(run_file(tmp_path / "mine.py").split("=")[1]) == pytest.approx(loss.item(), rel=1e-5)


# A function to export.


def test_a_network_is_a_function_of_batches_of_any_size(tmp_path: Path) -> None:
    model, x, y = trained()
    loss = F.cross_entropy(model(x), y)
    gg.explain(loss, model).save(tmp_path / "net.py", forward_only=True, inputs=["x"])
    code = (tmp_path / "net.py").read_text("utf-8")
    assert "gradgate" not in code and "grad_" not in code
    forward = ran(code)["forward"]
    for batch in (x, gg.randn(3, 4), gg.randn(1, 4)):
        close(forward(batch.numpy()), model(batch), 1e-5)


def test_a_function_that_reshapes_takes_batches_of_any_size() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Unflatten(1, (2, 2)), nn.Linear(2, 3))
    x = gg.randn(5, 2, 3, requires_grad=True)
    scores = model(x)
    flow = gg.explain(scores.sum(), model)
    forward = ran(flow.code("inline", forward_only=True, output="scores"))["forward"]
    other = gg.randn(7, 2, 3)
    close(forward(other.numpy()), model(other), 1e-5)


def test_a_function_of_plain_tensors() -> None:
    x, y = gg.randn(4, 3), gg.randn(4, 2)
    W = gg.randn(3, 2, requires_grad=True)
    loss = ((x @ W - y) ** 2).mean()
    flow = gg.explain(loss)
    close(ran(flow.code("inline", True))["forward"](x.numpy(), y.numpy()), loss, 1e-5)
    close(ran(flow.code("inline", True, inputs=["x"]))["forward"](x.numpy()), x @ W, 1e-5)
    # Without numbers the weights are the caller's.
    close(ran(flow.code(forward_only=True), W=W.detach().numpy())["forward"](x.numpy(), y.numpy()), loss, 1e-5)


def test_what_is_no_clear_function_is_refused() -> None:
    x, mask = gg.randn(4, 3), gg.tensor([True, False, True, True])
    W = gg.randn(3, 2, requires_grad=True)
    loss = (x @ W)[mask].sum() + (x + 0 * W.sum()).sum()
    flow = gg.explain(loss, names={"x": x})
    with pytest.raises(ValueError, match="may have been computed from the inputs"):
        flow.code(forward_only=True)
    with pytest.raises(KeyError, match=r"called 'nothing'.*nothing\.requires_grad_\(\)"):
        flow.code(forward_only=True, inputs=["nothing"])
    with pytest.raises(TypeError, match="list of names"):
        flow.code(forward_only=True, inputs="x")
    with pytest.raises(ValueError, match="is a gate"):
        flow.code(forward_only=True, inputs=["mm_1"])
    with pytest.raises(ValueError, match="not computed from x"):
        flow.code(forward_only=True, inputs=["x"], output="sum_2" if flow["sum_2"].inputs[0].name == "W" else "sum_1")
    with pytest.raises(ValueError, match="forward_only"):
        flow.code(inputs=["x"])
    unnamed = gg.explain((gg.randn(4, 3) @ W).sum())
    with pytest.raises(ValueError, match="requires_grad_"):
        unnamed.code(forward_only=True)
