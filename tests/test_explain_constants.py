"""Constants without a name: numbers stand in the code themselves, arrays are called what their gates take them for."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate as gg
from explain_code import close, ran
from gradgate import Tensor, nn
from gradgate.explain import Flow

F = nn.functional


def leaf(*shape: int) -> Tensor:
    return gg.randn(*shape, requires_grad=True)


def arrays(flow: Flow) -> set[str]:
    """What a listing starts from, but for its leaves."""
    return {
        line[2:].partition(":")[0] for line in flow.code().splitlines() if line.startswith("# ") and ": (" in line
    } - {v.name for v in flow.variables if v.kind == "leaf"}


def code(loss: Tensor, x: Tensor, fused: bool = True) -> str:
    """A listing that was run and gave the engine's numbers."""
    listing = gg.explain(loss, names={"x": x}, fused=fused).code(data="inline")
    scope = ran(listing)
    (expected,) = gg.autograd.grad(loss, [x], retain_graph=True)
    close(scope["loss"], loss, 1e-5)
    close(scope["grad_x"], expected, 1e-5)
    return listing


def test_numbers_of_opened_gates_stand_in_the_code() -> None:
    x = leaf(4, 3)
    listing = code(F.layer_norm(x, (3,)).square().sum(), x, fused=False)
    assert "constant" not in listing
    assert "add_1 = mean_2 + 1e-05 " in listing


@pytest.mark.parametrize("dtype", [gg.float32, gg.float64])
def test_a_number_leaves_the_type_as_it_is(dtype: gg.dtype) -> None:
    x = gg.tensor([-1.0, 0.5, 2.0], dtype=dtype, requires_grad=True)
    y = x.masked_fill(x > 1, -0.1)
    listing = code((y * y).sum(), x)
    assert "np.where(mask_1, (-0.1), x)" in listing
    assert "constant" not in listing


def test_a_number_of_another_type_stays_an_array() -> None:
    x = gg.tensor([1.0, 2.0], dtype=gg.float32, requires_grad=True)
    scale = gg.tensor(0.1, dtype=gg.float64)
    code((x * scale).sum(), x)
    code((x.double() * gg.tensor([0.1], dtype=gg.float32)[0]).sum().float(), x)


def test_a_number_with_a_name_keeps_it() -> None:
    x, rate = leaf(3), gg.tensor(0.5)
    assert "mul_1 = x * rate" in gg.explain((x * rate).sum()).code()


def test_a_number_can_be_an_argument_of_an_exported_function() -> None:
    w = nn.Parameter(gg.ones(2))
    flow = gg.explain((w * gg.tensor(0.5)).sum())
    (constant,) = (v.name for v in flow.variables if v.kind == "constant")
    assert f"def forward({constant}):" in flow.code(forward_only=True, inputs=[constant])
    assert "w * 0.5" in flow.code()


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda x: F.cross_entropy(x, gg.tensor([0, 1, 2, 0])), {"target_1"}),
        (
            lambda x: F.cross_entropy(x, gg.tensor([0, 1, 2, 0]), gg.tensor([1.0, 2.0, 3.0])),
            {"target_1", "class_weight_1"},
        ),
        (lambda x: gg.where(x > 0, x, 2 * x), {"mask_1"}),
        (lambda x: x[gg.tensor([0, 3, 1])], {"positions_1"}),
        (lambda x: x.masked_fill(x > 0, 0.0), {"mask_1"}),
        (lambda x: x * (x > 0).float(), {"mask_1"}),
        (lambda x: F.dropout(x, 0.5), {"mask_1"}),
        (lambda x: x * gg.tensor([1.0, 2.0, 3.0]), {"constant_1"}),
        (lambda x: x * gg.tensor([2.0, 2.0, 2.0]), {"constant_1"}),
        (lambda x: x.scatter(1, gg.tensor([[0], [1]]), 2 * x[:2, :1]), {"positions_1"}),
    ],
)
def test_arrays_are_called_what_they_are_for(function, names) -> None:
    gg.manual_seed(0)
    x = leaf(4, 3)
    assert arrays(gg.explain(function(x).square().sum())) == names


def test_what_a_gate_found_out_is_called_after_it() -> None:
    x, source = leaf(2, 3), leaf(2, 3)
    loss = x.scatter(1, gg.tensor([[0, 0, 1], [1, 2, 2]]), source).sum()
    assert "scatter_1_mask" in arrays(gg.explain(loss))


def test_positions_of_a_number_of_dimensions_zero() -> None:
    x = leaf(4)
    listing = code(F.cross_entropy(x, gg.tensor(2)), x, fused=False)
    assert "log_softmax_1[2]" in listing
    code(F.cross_entropy(x, gg.tensor(2)), x)


def test_a_name_of_the_user_is_not_taken() -> None:
    x, mask_1 = leaf(3), gg.ones(3)
    flow = gg.explain((gg.where(x > 0, x, 2 * x) * mask_1).sum())
    assert arrays(flow) == {"mask_1", "mask_2"}
    assert np.array_equal(flow["mask_1"].value.numpy(), np.ones(3))


@pytest.mark.parametrize("number", [0.0, -0.0, 3.0, -2.5, float("inf"), float("nan")])
@pytest.mark.parametrize("dtype", [gg.float32, gg.float64])
def test_a_number_written_into_a_scalar_has_its_type_and_divides(dtype: gg.dtype, number: float) -> None:
    x = gg.tensor(2.0, dtype=dtype, requires_grad=True)
    y = x * 1
    y.fill_(number)
    loss = x / y + y.double().to(dtype) * x
    code(loss, x)


@pytest.mark.parametrize("number", [0.0, -0.0])
@pytest.mark.parametrize("dtype", [gg.float32, gg.float64])
def test_a_division_by_the_number_zero_is_infinite(dtype: gg.dtype, number: float) -> None:
    x = gg.tensor(2.0, dtype=dtype, requires_grad=True)
    code(x / number, x)
    code(x / gg.tensor(number, dtype=dtype), x)


@pytest.mark.parametrize("dtype", [gg.float32, gg.float64])
def test_the_gradient_zero_of_a_scalar_has_its_type(dtype: gg.dtype) -> None:
    x = gg.tensor(2.5, dtype=dtype, requires_grad=True)
    code(x.floor() * 3, x)
    code(x.floor() * 3 + x, x)
