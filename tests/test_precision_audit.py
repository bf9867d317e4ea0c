"""precision_audit: the errors of a step in float32, against values computed by NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate as gg
from gradgate import nn


def test_errors_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(1000).astype(np.float32), rng.standard_normal(1000).astype(np.float32)
    x = gg.from_numpy(a).requires_grad_()
    audit = gg.precision_audit(lambda: (x * gg.from_numpy(b)).square().sum())
    exact = (a.astype(np.float64) * b) ** 2
    gradient = 2 * a.astype(np.float64) * b.astype(np.float64) ** 2
    loss = (x * gg.from_numpy(b)).square().sum()
    loss.backward()
    assert x.grad is not None
    assert audit.exact_loss == pytest.approx(exact.sum(), rel=1e-14)
    assert audit.loss == loss.item()
    assert audit.loss_error == pytest.approx(abs(loss.item() - exact.sum()) / exact.sum(), rel=1e-6)
    (only,) = audit.gradients
    assert only.name == "x"
    assert only.norm == pytest.approx(np.linalg.norm(gradient), rel=1e-14)
    error = np.linalg.norm(x.grad.numpy() - gradient) / np.linalg.norm(gradient)
    assert 0 < error < 1e-6
    assert only.error == pytest.approx(error, rel=1e-9)


def test_cancellation_is_found() -> None:
    x = gg.tensor([10000.0, 10000.5, 10001.0], requires_grad=True)
    audit = gg.precision_audit(lambda: x.square().mean() - x.mean().square())
    assert audit.exact_loss == pytest.approx(1 / 6, rel=1e-7)
    assert audit.loss_error > 0.5
    worst = max(audit.gates, key=lambda gate: gate.own_error)
    assert worst.name == "sub_1"
    assert "sub_1" in audit.table()


def test_layers_of_a_model_with_dropout() -> None:
    gg.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Dropout(0.5), nn.Linear(30, 5))
    x, y = gg.randn(8, 20), gg.randint(0, 5, (8,))
    audit = gg.precision_audit(lambda: nn.functional.cross_entropy(model(x), y), model)
    assert [g.name for g in audit.gradients] == ["0.weight", "0.bias", "3.weight", "3.bias"]
    assert list(audit.layers) == ["0", "3"]
    # Float32 rounds to 6e-8; sums of at most 30 terms lose little more.
    assert all(0 < g.error < 1e-5 for g in audit.gradients)
    parts = [g for g in audit.gradients if g.layer == "0"]
    together = np.hypot(*(g.error * g.norm for g in parts)) / np.hypot(*(g.norm for g in parts))
    assert audit.layers["0"] == pytest.approx(together, rel=1e-12)
    assert audit.worst is not None
    assert audit.worst.name in repr(audit)
    assert all(p.grad is None for p in model.parameters())
    assert all(p.dtype == gg.float32 for p in model.parameters())
    table = audit.table()
    assert "0.weight" in table
    assert "relative error" in table


def test_an_exact_step_has_no_error() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    audit = gg.precision_audit(lambda: (x * 2).sum())
    assert audit.loss_error == 0
    assert [g.error for g in audit.gradients] == [0]
    assert "all" in audit.table()


def test_what_overflows_in_float32_is_told() -> None:
    x = gg.tensor([100.0], requires_grad=True)
    audit = gg.precision_audit(lambda: x.exp().log().sum())
    assert np.isnan(audit.loss_error)
    assert audit.exact_loss == pytest.approx(100.0)
    assert "not finite" in audit.table()


def test_bad_input() -> None:
    x = gg.tensor([1.0], dtype=gg.float64, requires_grad=True)
    with pytest.raises(ValueError, match="float64 already"):
        gg.precision_audit(lambda: (x * 2).sum())
    with pytest.raises(TypeError, match="fn must return the loss"):
        gg.precision_audit(lambda: 1.0)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="model must be a Module"):
        gg.precision_audit(lambda: x.float().sum(), "model")  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="does not require grad"):
        gg.precision_audit(lambda: gg.ones(2).sum())

    def freed() -> gg.Tensor:
        w = gg.ones(2, requires_grad=True)
        loss = w.square().sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="already freed"):
        gg.precision_audit(freed)
