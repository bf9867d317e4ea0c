"""Arguments as Python hands them over: sequences that make or lose their items, and what is said of arguments that do not fit."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradgate as gg

y = gg.arange(12.0).reshape(3, 4)


class Fleeting:
    """A number that only the sequence that made it holds."""

    def __init__(self, value: int) -> None:
        self.values = [value] * 10

    def __index__(self) -> int:
        return self.values[-1]


class OnTheFly:
    """A sequence that makes its items when they are asked for."""

    def __init__(self, *values: int) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, i: int) -> Fleeting:
        return Fleeting(self.values[i])


@pytest.mark.parametrize("make", [OnTheFly, lambda *v: np.array(v), lambda *v: [Fleeting(i) for i in v]])
def test_sequences_that_make_their_items(make: Callable[..., Any]) -> None:
    assert gg.zeros(make(300, 400)).shape == (300, 400)
    assert gg.ones(300, 2).reshape(make(600, 1)).shape == (600, 1)
    assert gg.ones(2, 3).sum(dim=make(0, 1)).item() == 6
    assert [len(part) for part in y.split(make(1, 2))] == [1, 2]
    assert [len(part) for part in y.tensor_split(make(1, 2))] == [1, 1, 1]
    assert y.permute(make(1, 0)).shape == (4, 3)
    assert gg.broadcast_shapes(make(1, 300), 300) == (1, 300)
    assert gg.ones(2, 2).roll(make(1, 1), make(0, 1)).shape == (2, 2)


class Emptying:
    """A number that empties the list it stands in while it is read."""

    def __init__(self, owner: list[Any]) -> None:
        self.owner = owner

    def __index__(self) -> int:
        self.owner.clear()
        return 1

    def __float__(self) -> float:
        self.owner.clear()
        return 1.0

    @property
    def __array__(self) -> Any:
        self.owner.clear()
        raise AttributeError


@pytest.mark.parametrize(
    "use",
    [
        gg.zeros,
        gg.tensor,
        gg.as_tensor,
        lambda s: gg.ones(3).sum(s),
        lambda s: y.split(s),
        lambda s: y[s],
        lambda s: gg.stack([y, y])[[s]],
    ],
)
def test_lists_that_shrink_while_they_are_read(use: Callable[[Any], Any]) -> None:
    for count in (1, 3, 40):
        items: list[Any] = []
        items.extend(Emptying(items) for _ in range(count))
        with contextlib.suppress(TypeError, ValueError, IndexError, RuntimeError):
            use(items)


class EmptyingRow(Emptying):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, i: int) -> float:
        return [1.0][i]


def test_a_list_that_shrinks_is_refused() -> None:
    items: list[Any] = []
    items.extend(EmptyingRow(items) for _ in range(3))
    with pytest.raises(RuntimeError, match="changed while it was read"):
        gg.tensor(items)


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: gg.sum(y, "a"), r"sum(): argument 'dim' must be int, a sequence of ints or None, got str"),
    (
        lambda: y.sum([0, "a"]),
        r"sum(): argument 'dim' must be int, a sequence of ints or None, got list that holds str",
    ),
    (lambda: gg.relu("a"), r"relu(): argument 'input' must be Tensor, got str"),
    (lambda: gg.relu(), r"relu(): argument 'input' is missing"),
    (lambda: gg.relu(y, 1), r"relu(): takes at most 1 positional argument, got 2"),
    (lambda: y.relu(1), r"relu(): takes at most 0 positional arguments, got 1"),
    (lambda: gg.relu(y, foo=1), r"relu(): there is no argument 'foo'"),
    (lambda: gg.relu(y, input=y), r"relu(): argument 'input' is given twice"),
    (lambda: gg.eye(2**70), r"eye(): argument 'n' must be int, got an int beyond 64 bits"),
    (lambda: gg.cat([y, "a"]), r"cat(): argument 'tensors' must be a sequence of Tensors, got list that holds str"),
    (lambda: gg.cat(3), r"cat(): argument 'tensors' must be a sequence of Tensors, got int"),
    (lambda: gg.ones(2, dtype="x"), r"ones(): argument 'dtype' must be dtype or None, got str"),
    (lambda: gg.rand(2, generator=1), r"rand(): argument 'generator' must be Generator or None, got int"),
    (lambda: gg.linspace("a", 1, 3), r"linspace(): argument 'start' must be float, got str"),
    (lambda: gg.div(y, y, rounding_mode=1), r"div(): argument 'rounding_mode' must be str or None, got int"),
    (
        lambda: gg.max(y, "a"),
        "max(): the arguments (Tensor, str) do not fit; expected max(input: Tensor) or max(input: Tensor, other: Tensor) or "
        "max(input: Tensor, dim: int, keepdim: bool)",
    ),
    (lambda: gg.Generator(3), r"Generator(): argument 'device' must be str, got int"),
    (lambda: gg.manual_seed("a"), r"'str' object cannot be interpreted as an integer"),
    (lambda: y.reshape("a"), r"reshape: expected ints or a sequence of ints, got (str)"),
    (lambda: y.split("a"), r"split: split_size_or_sections must be a sequence of ints, got str"),
    (lambda: y.split([1, 2.0]), r"split: each of split_size_or_sections must be an int, got float"),
    (lambda: y.tensor_split("a"), r"tensor_split: indices_or_sections must be a sequence of ints, got str"),
    (lambda: y.tensor_split(gg.tensor([1.0])), r"got a tensor of float32 and shape (1,)"),
    (lambda: gg.broadcast_tensors(y, "a"), r"broadcast_tensors: each of tensors must be a tensor, got str"),
    (lambda: gg.broadcast_shapes("a"), r"broadcast_shapes: expected ints or sequences of ints, got (str)"),
    (lambda: gg.meshgrid(y, None), r"meshgrid: each of tensors must be a tensor, got NoneType"),
    (lambda: gg.norm(y, p=[]), r"norm: p must be a number or 'fro', got list"),
]


@pytest.mark.parametrize(("call", "sentence"), WRONG)
def test_wrong_arguments_are_named_in_plain_words(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(TypeError, match=re.escape(sentence)) as caught:
        call()
    assert not re.search(r"pybind11|C\+\+|incompatible|Invoked with", str(caught.value), re.IGNORECASE)


class Useless:
    """An argument of no use to anybody."""


@pytest.mark.parametrize("owner", [gg, gg.Tensor])
def test_no_function_shows_the_binding_layer_s_words(owner: Any) -> None:
    registered = ("builtin_function_or_method", "instancemethod")
    functions = [name for name in dir(owner) if name[0] != "_" and type(getattr(owner, name)).__name__ in registered]
    assert len(functions) > 150
    for name in functions:
        for arguments in ((Useless(),), (y, Useless()), (y, Useless(), Useless()), (Useless(),) * 9):
            said = ""
            with contextlib.suppress(IndexError):
                try:
                    getattr(owner, name)(*arguments)
                except (TypeError, RuntimeError, ValueError) as error:
                    said = str(error)
            assert not re.search(r"pybind11|C\+\+|incompatible function|Invoked with", said), (name, said)


def test_many_pieces() -> None:
    x = gg.zeros(2, 4)
    assert len(x.chunk(2**63 - 1, dim=1)) == 4
    assert [tuple(part.shape) for part in gg.zeros(3, 0).chunk(3, dim=1)] == [(3, 0)] * 3
    assert len(x.tensor_split(6, dim=1)) == 6
    wide = gg.zeros(1).expand(2**40)
    for call in (
        lambda: gg.zeros(3, 0).chunk(2**63 - 1, dim=1),
        lambda: x.tensor_split(2**40),
        lambda: wide.split(1),
        lambda: wide.unbind(),
        lambda: wide.chunk(2**40),
        lambda: list(wide),
    ):
        with pytest.raises(RuntimeError, match="supported"):
            call()


def test_tensors_as_indices_of_a_split() -> None:
    assert [part.shape[0] for part in y.tensor_split(gg.tensor([1, 2]))] == [1, 1, 1]
    assert [part.shape[0] for part in y.tensor_split(gg.tensor(2))] == [2, 1]
    assert [part.shape[0] for part in y.tensor_split(np.array([-1]))] == [2, 1]


def test_lists_with_terms_of_an_index() -> None:
    with pytest.raises(IndexError, match=r"holds a slice.*use a tuple"):
        y[[slice(None), [0, 3]]]
    with pytest.raises(IndexError, match="holds a NoneType"):
        y[[None, 0]]
    assert y[:, [0, 3]].tolist() == [[0, 3], [4, 7], [8, 11]]
    with pytest.raises(ValueError, match="an index is no array of numbers"):
        y[[[1, 2], [3]]]
    with pytest.raises(TypeError):
        y[0] = object()


def test_bytes_are_masks() -> None:
    for mask in (gg.tensor([1, 0, 1], dtype=gg.uint8), np.array([2, 0, 1], dtype=np.uint8)):
        with pytest.warns(UserWarning, match=r"as a mask; use \.bool\(\)"):
            assert y[mask].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    with pytest.warns(UserWarning, match="as a mask"):
        assert y[gg.tensor(1, dtype=gg.uint8)].shape == (1, 3, 4)
    with pytest.warns(UserWarning, match="as a mask"):
        assert y[gg.tensor(0, dtype=gg.uint8)].shape == (0, 3, 4)
    z = gg.zeros(3)
    with pytest.warns(UserWarning, match="as a mask"):
        z[gg.tensor([0, 1, 1], dtype=gg.uint8)] = 5
    assert z.tolist() == [0, 5, 5]
    with pytest.warns(UserWarning, match="as a mask"), pytest.raises(IndexError, match="shape of the mask"):
        y[gg.tensor([1, 0], dtype=gg.uint8)]
    assert y[np.uint8(1)].tolist() == [4, 5, 6, 7]


def test_flags_of_statistics() -> None:
    x = gg.tensor([[1.0, 2.0], [3.0, 5.0]])
    for name, unbiased, expected in (("var", False, 2.1875), ("std", True, 8.75**0.5 / 3**0.5)):
        one, both = getattr(gg, name), getattr(gg, f"{name}_mean")
        assert one(x, unbiased).item() == pytest.approx(expected)
        assert one(x, unbiased=unbiased).item() == pytest.approx(expected)
        assert [t.item() for t in both(x, unbiased)] == pytest.approx([expected, 2.75])
        assert [t.item() for t in both(x, unbiased=unbiased)] == pytest.approx([expected, 2.75])
    spread, mean = gg.var_mean(x, 0, False, True)
    assert spread.tolist() == [[1.0, 2.25]] and mean.tolist() == [[2.0, 3.5]]
    assert gg.var_mean(x, dim=1, correction=0)[0].tolist() == [0.25, 1.0]


def test_round_to_decimals() -> None:
    x = gg.tensor([1.234, -2.345, 0.5, 2.5], dtype=gg.float64, requires_grad=True)
    np.testing.assert_allclose(gg.round(x, decimals=2).tolist(), [1.23, -2.35, 0.5, 2.5], rtol=0, atol=0.011)
    assert gg.round(gg.tensor([12345.0]), decimals=-2).tolist() == [12300]
    assert x.round().tolist() == x.round(decimals=0).tolist() == [1, -2, 0, 2]
    x.round(decimals=1).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0, 0, 0, 0]
    z = gg.tensor([0.26])
    assert z.round_(decimals=1) is z and z.item() == pytest.approx(0.3)
    with pytest.raises(RuntimeError, match=r"round: decimals needs a float32 or float64 tensor, got int64"):
        gg.tensor([123]).round(decimals=-1)
