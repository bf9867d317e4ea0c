"""detect_anomaly: the gate, the line, the operands and the indices of the first NaN or infinity."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate as gg
from gradgate import nn
from gradgate.health import AnomalyError

INF, NAN = float("inf"), float("nan")


def leaf(*values: float, dtype: gg.dtype = gg.float32) -> gg.Tensor:
    return gg.tensor(list(values), dtype=dtype, requires_grad=True)


def message(error: pytest.ExceptionInfo[AnomalyError]) -> str:
    return str(error.value)


def test_log_of_a_negative_number() -> None:
    x = leaf(4.0, -1.0, 2.0, -3.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError) as error:
        (x + 0).log().sum()
    assert error.value.phase == "forward"
    assert error.value.gate == "log"
    assert error.value.indices == [(1,), (3,)]
    assert error.value.line is not None
    assert "test_anomaly.py" in error.value.line
    assert "in test_log_of_a_negative_number: (x + 0).log().sum()" in error.value.line
    assert "2 of 4 elements are NaN, at [1], [3]" in message(error)
    assert "input 0, shape (4,): [4, -1, 2, -3]; at [1]: -1" in message(error)
    assert "clamp" in message(error)


def test_zero_by_zero() -> None:
    a, b = leaf(0.0, 1.0), leaf(0.0, 2.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^div made NaN in the forward pass") as error:
        a / b
    assert "input a, shape (2,): [0, 1]; at [0]: 0" in message(error)
    assert "input b, shape (2,): [0, 2]; at [0]: 0" in message(error)


def test_overflow_of_exp() -> None:
    x = leaf(1.0, 100.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^exp made infinity in the forward pass") as error:
        x.exp()
    assert error.value.indices == [(1,)]
    assert "at [1]: 100" in message(error)


def test_sqrt_at_zero_in_backward() -> None:
    x = leaf(4.0, 0.0)
    with gg.detect_anomaly():
        y = x.sqrt()
        loss = (y * 2).sum()
        with pytest.raises(AnomalyError) as error:
            loss.backward()
    assert error.value.phase == "backward"
    assert error.value.gate == "sqrt"
    assert error.value.indices == [(1,)]
    assert error.value.line is not None
    assert error.value.line.endswith("y = x.sqrt()")
    assert "upstream gradient, shape (2,): [2, 2]; at [1]: 2" in message(error)
    assert x.grad is None


def test_the_trap_of_where() -> None:
    """The branch that is not taken sends 0 * infinity back."""
    x = leaf(4.0, 0.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^sqrt made NaN in the backward pass"):
        gg.where(x > 0, x.sqrt(), gg.zeros(2)).sum().backward()


def test_the_loss_itself() -> None:
    p = leaf(0.5, 0.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^log made infinity"):
        (-(p.log().mean())).backward()


def test_nan_in_the_data() -> None:
    model = nn.Linear(2, 3)
    x = gg.tensor([[1.0, 2.0], [NAN, 0.0]])
    with gg.detect_anomaly(), pytest.raises(AnomalyError) as error:
        model(x)
    assert error.value.phase == "input"
    assert error.value.indices == [(1, 0)]
    assert message(error).startswith("x contained NaN already when linear used it")
    assert "correct the data" in message(error)


def test_nan_in_a_parameter_after_a_step() -> None:
    gg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = gg.optim.SGD(model.parameters(), lr=1e39)
    x = gg.ones(4, 2)

    def step() -> None:
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    with gg.detect_anomaly():
        step()
        with pytest.raises(AnomalyError) as error:
            step()
    assert error.value.phase == "input"
    assert message(error).startswith("model.0.weight contained infinity already when linear used it")
    assert "learning rate" in message(error)


def test_a_module_of_the_program_names_its_own_parameters() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x: gg.Tensor) -> gg.Tensor:
            return self.fc(x).relu()

    def run(module: nn.Module) -> None:
        with gg.detect_anomaly():
            module(gg.ones(1, 2))

    net = Net()
    with gg.no_grad():
        net.fc.bias[1] = NAN
    with pytest.raises(AnomalyError) as error:
        run(net)
    assert message(error).startswith("net.fc.bias contained NaN already")
    assert "in forward: return self.fc(x).relu()" in message(error)


def test_a_gate_that_only_passes_a_nan_on_is_not_blamed() -> None:
    x = leaf(-1.0)
    y = x.log()  # before anything is watched
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^log made NaN in the forward pass"):
        (y * 2).exp()


def test_sums_of_gradients_that_overflow() -> None:
    x = leaf(0.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError) as error:
        (x * 3e38 - x * -3e38 * 0.5).backward(gg.tensor([1.0]))
    assert error.value.phase == "upstream"
    assert "the gradient of x has infinity, and no gate made it" in message(error)


def test_a_given_gradient() -> None:
    x = leaf(1.0, 2.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match="no gate made it"):
        (x * 2).backward(gg.tensor([1.0, NAN]))


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_graph_of_gradients(create_graph: bool) -> None:
    x = leaf(0.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^sqrt made infinity in the backward pass"):
        x.sqrt().backward(gg.ones(1), create_graph=create_graph)


def test_functions_in_python() -> None:
    class Bad(gg.autograd.Function):
        @staticmethod
        def forward(ctx: gg.autograd.FunctionContext, x: gg.Tensor) -> gg.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: gg.autograd.FunctionContext, dy: gg.Tensor) -> gg.Tensor:
            return dy * NAN

    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^bad made NaN in the backward pass"):
        Bad.apply(leaf(1.0)).sum().backward()


def test_a_gate_with_several_outputs() -> None:
    x = leaf(1.0, NAN, 2.0, 3.0)
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^x contained NaN already when split used it"):
        x.split(2)


def test_changes_in_place() -> None:
    x = leaf(-1.0)
    y = x * 1
    with gg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^log made NaN"):
        y.log_()
    assert y.tolist() == [-1.0]


def test_what_counts() -> None:
    x = leaf(1.0, 2.0)
    mask = gg.tensor([0.0, -INF])
    with gg.detect_anomaly(check_inf=False):
        (x + mask).softmax(0)[0].backward()
    with gg.detect_anomaly(check_nan=False), pytest.raises(AnomalyError, match=r"^mask contained infinity"):
        x + mask
    with gg.detect_anomaly(check_nan=False, check_inf=False):
        (x - 2).log().sum().backward()


def test_healthy_steps_are_left_alone() -> None:
    def losses(watched: bool) -> tuple[list[float], np.ndarray]:
        gg.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
        optimizer = gg.optim.Adam(model.parameters())
        x, y = gg.randn(16, 4), gg.randint(0, 2, (16,))
        found = []
        for _ in range(5):
            with gg.detect_anomaly(watched, watched):
                loss = nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found, model[0].weight.detach().numpy().copy()

    plain, weight = losses(False)
    watched, weight_watched = losses(True)
    assert plain == watched
    assert weight.tobytes() == weight_watched.tobytes()


def test_it_ends_with_its_block() -> None:
    x = leaf(-1.0)
    with gg.detect_anomaly(), gg.detect_anomaly():
        pass
    assert np.isnan(x.log().item())
    with pytest.raises(AnomalyError), gg.detect_anomaly():
        x.log()
    assert np.isnan(x.log().item())


def test_decorator() -> None:
    @gg.detect_anomaly()
    def step(depth: int) -> gg.Tensor:
        if depth:
            step(depth - 1)
        return leaf(-1.0).log() if depth else leaf(1.0)

    with pytest.raises(AnomalyError, match="in step: return leaf"):
        step(1)
    assert step(0).item() == 1.0
    assert np.isnan(leaf(-1.0).log().item())


def test_gates_off_the_graph_are_not_looked_at() -> None:
    with gg.detect_anomaly():
        gg.tensor([-1.0]).log()
        with gg.no_grad():
            leaf(-1.0).log()


def test_float64_and_views() -> None:
    x = gg.tensor([[1.0, 2.0], [0.0, 4.0]], dtype=gg.float64, requires_grad=True)
    with gg.detect_anomaly(), pytest.raises(AnomalyError) as error:
        x.T.log()
    assert error.value.indices == [(0, 1)]


def test_large_operands_show_their_range() -> None:
    x = gg.arange(100.0).requires_grad_()
    with gg.detect_anomaly(), pytest.raises(AnomalyError) as error:
        (x - 50).log()
    assert "50 of 100 elements are NaN, at [0], [1], [2] ..." in message(error)
    assert "input 0, shape (100,): -50 … 49; at [0]: -50" in message(error)


def test_explain_shows_the_lines() -> None:
    x = leaf(2.0)
    with gg.detect_anomaly():
        y = x * 3
        loss = y.sum()
    flow = gg.explain(loss)
    assert [gate.line is not None and gate.line.split(": ")[1] for gate in flow.gates] == [
        "y = x * 3",
        "loss = y.sum()",
    ]
    assert gg.explain((x * 3).sum()).gates[0].line is None


def test_the_names_of_autograd_are_the_same() -> None:
    assert gg.autograd.detect_anomaly is gg.detect_anomaly
    assert {"detect_anomaly", "set_detect_anomaly"} <= set(gg.autograd.__all__)
    with pytest.raises(AttributeError, match=r"module 'gradgate.autograd' has no attribute 'detect'"):
        _ = gg.autograd.detect


def logarithm() -> gg.Tensor:
    return leaf(-1.0).log()


def test_the_search_is_turned_on_and_off() -> None:
    gg.autograd.set_detect_anomaly(True)
    try:
        with pytest.raises(AnomalyError, match=r"^log made NaN"):
            logarithm()
    finally:
        gg.autograd.set_detect_anomaly(False)
    assert logarithm().isnan()


def test_a_block_brings_back_what_was_before() -> None:
    with gg.autograd.set_detect_anomaly(True):
        with gg.autograd.set_detect_anomaly(False):
            assert logarithm().isnan()
        with gg.autograd.set_detect_anomaly(True, check_nan=False):
            assert logarithm().isnan()
        with gg.detect_anomaly(), pytest.raises(AnomalyError):
            logarithm()
        with pytest.raises(AnomalyError):
            logarithm()
    assert logarithm().isnan()
