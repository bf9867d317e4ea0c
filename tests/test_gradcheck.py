"""The gradient check itself: what it passes, and how it names what is off."""

from __future__ import annotations

from typing import Any

import pytest

import gradgate
from gradgate import Tensor
from gradgate.autograd import Function, GradcheckError, gradcheck, gradgradcheck


def leaf(value: object) -> Tensor:
    return gradgate.tensor(value, dtype=gradgate.float64, requires_grad=True)


def wrong_product(off: float, second: bool = False) -> Any:
    """x * y, with the gradient by y off at the last element; or only the gradient's own gradient."""

    class WrongProduct(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx: Any, dz: Tensor) -> tuple[Tensor, Tensor]:
            x, y = ctx.saved_tensors
            error = gradgate.zeros_like(x)
            error[..., -1] = off
            return dz * y, dz * (x.detach() if second else x + error)

    return WrongProduct.apply


def test_names_the_input_and_the_element_that_are_off() -> None:
    x, y = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[5.0, 6.0], [7.0, 8.0]])
    with pytest.raises(
        GradcheckError,
        match=r"output 0 at \(0, 1\) by input 1 at \(0, 1\) is 2\.5, but the centred difference is 2.*not a",
    ):
        gradcheck(wrong_product(0.5), (x, y))
    assert not gradcheck(wrong_product(0.5), (x, y), raise_exception=False)
    assert gradcheck(wrong_product(0.0), (x, y))
    # Within atol + rtol * 2 = 0.012.
    assert gradcheck(wrong_product(0.01), (x, y), atol=1e-2)


def test_a_wrong_second_derivative_is_found() -> None:
    x, y = leaf([1.0, 2.0]), leaf([5.0, 6.0])
    assert gradcheck(wrong_product(0.0, second=True), (x, y))
    with pytest.raises(GradcheckError, match=r"output 1 at \(0,\) by input 0 at \(0,\) is 0"):
        gradgradcheck(wrong_product(0.0, second=True), (x, y))
    assert not gradgradcheck(wrong_product(0.0, second=True), (x, y), raise_exception=False)
    assert gradgradcheck(lambda x, y: x * y, (x, y), leaf([1.0, -2.0]))


def test_a_kink_is_told_from_an_error() -> None:
    with pytest.raises(
        GradcheckError, match=r"by input 0 at \(1,\) is 0, .*one-sided differences 0 and 1 disagree: a kink"
    ):
        gradcheck(gradgate.relu, leaf([1.0, 0.0]))
    # The step reaches over a kink nearby.
    with pytest.raises(GradcheckError, match="disagree: a kink"):
        gradcheck(gradgate.relu, leaf([1e-8]))


def test_a_kink_where_the_gradient_passes_is_noticed() -> None:
    # abs at 0: the gradient 0 is the mean of the slopes -1 and 1.
    with pytest.warns(UserWarning, match=r"by input 0 at \(1,\) is 0, .*differences -1 and 1 disagree: a kink"):
        assert gradcheck(gradgate.abs, leaf([1.0, 0.0]))


def test_curvature_is_no_kink() -> None:
    # At the minimum of 1e5 x^2 the one-sided differences are -0.1 and 0.1, but they shrink with the step.
    assert gradcheck(lambda x: 1e5 * x * x, leaf([0.0]))


def test_several_inputs_and_outputs() -> None:
    x, factor = leaf([1.0, 2.0]), gradgate.tensor([3.0, 4.0], dtype=gradgate.float64)
    # An input that needs no gradient, an argument that is no tensor, an integer output, and one off the graph.
    assert gradcheck(lambda x, f, n: (x * f, (x * n).sum(), x.argmax(), f), (x, factor, 3))
    assert gradcheck(lambda a, b: a.sum() * b, (leaf([[1.0], [2.0]]), leaf(0.5)))
    assert gradcheck(lambda x: x, leaf([]))


def test_inputs_in_any_memory_order() -> None:
    x = leaf([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).detach().t().requires_grad_()
    assert not x.is_contiguous()
    assert gradcheck(lambda x: x * x, x)
    assert gradgradcheck(lambda x: x * x, x)
    with pytest.raises(GradcheckError, match=r"at \(0, 1\) by input 1 at \(0, 1\) is 5, but"):
        gradcheck(wrong_product(1.0), (x.detach(), x))


def test_what_cannot_be_checked() -> None:
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(gradgate.sin, gradgate.tensor([1.0]))
    with pytest.raises(TypeError, match=r"input 1 is gradgate\.float32; .*\.double\(\)"):
        gradcheck(gradgate.mul, (leaf([1.0]), gradgate.tensor([1.0], requires_grad=True)))


def test_a_kink_within_the_step_is_told_from_an_error() -> None:
    for value, place in ((3e-7, "below"), (-3e-7, "above"), (9.5e-7, "below"), (1.2e-7, "below")):
        with pytest.raises(GradcheckError, match=f"disagree: a kink about [0-9.e-]+ {place} the input"):
            gradcheck(gradgate.relu, leaf([2.0, value]))
    # Beside curvature that makes the one-sided differences disagree by a fifth of what the kink does.
    with pytest.raises(GradcheckError, match="disagree: a kink"):
        gradcheck(lambda x: x.relu() + 1e5 * x * x, leaf([0.0]))
    with pytest.raises(GradcheckError, match="disagree: a kink"):
        gradcheck(gradgate.round, leaf([0.5]))
    assert gradcheck(gradgate.relu, leaf([1.01e-6]))


def test_a_wrong_gradient_beside_strong_curvature_is_no_kink() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return 1e15 * x**3

        @staticmethod
        def backward(ctx: Any, dy: Tensor) -> Tensor:
            return dy * 5.0

    with pytest.raises(GradcheckError, match="is 5, but the centred difference is 1000; not a kink"):
        gradcheck(Wrong.apply, leaf([0.0]))
    assert gradcheck(lambda x: x.abs() ** 1.5, leaf([0.0]))


def test_inputs_may_be_captured() -> None:
    x, y = leaf([1.0, 2.0]), leaf([[3.0, 4.0], [5.0, 6.0]])
    before = x.tolist(), y.tolist()
    assert gradcheck(lambda *_: (x * x * y).sum(), (x, y))
    assert gradcheck(lambda a: a * x, x)
    assert gradcheck(lambda a, b: a * b, (x, x))
    assert gradgradcheck(lambda a: a * x * x, x)
    columns = y.detach().t().requires_grad_()
    assert gradcheck(lambda a: (columns * a).sum(), columns)
    assert (x.tolist(), y.tolist()) == before


def test_inputs_are_put_back_bit_for_bit_whatever_happens() -> None:
    x = leaf([0.1, 1e3, -0.0])
    bits = x.detach().numpy().tobytes()

    def failing(a: Tensor) -> Tensor:
        if a[1] != 1e3:
            raise OSError("no more")
        return a * a

    with pytest.raises(OSError, match="no more"):
        gradcheck(failing, x)
    assert x.detach().numpy().tobytes() == bits
    assert not gradcheck(wrong_product(1.0), (x, leaf([1.0, 2.0, 3.0])), raise_exception=False)
    assert x.detach().numpy().tobytes() == bits


def test_arguments_that_share_memory_are_inputs_of_their_own() -> None:
    x = leaf([1.0, 2.0])
    for arguments in ((x, x.detach()), (x.detach(), x), (x, x.detach().requires_grad_())):
        assert gradcheck(lambda a, b: a * b * b, arguments)
    view = x[:1]  # on x's graph: it moves with x
    assert gradcheck(lambda a, b: a * b, (x, view))
    assert x.tolist() == [1.0, 2.0]


def test_inputs_whose_elements_share_memory() -> None:
    row = leaf([1.0, 2.0]).detach()
    x = row.expand(3, 2).requires_grad_()
    assert gradcheck(lambda a: a * a, x)
    assert row.tolist() == [1.0, 2.0]


def test_values_that_are_not_finite_fail_in_the_checks_own_words() -> None:
    with pytest.raises(GradcheckError, match="the centred difference is nan"):
        gradcheck(lambda a: a * a, leaf([1e200]))
    with pytest.raises(GradcheckError, match="the centred difference is nan; not a kink"):
        gradcheck(gradgate.log, leaf([5e-7]))
