"""einsum against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import gradgate

EQUATIONS = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ij,ij->", [(2, 3), (2, 3)]),
    ("ij->ji", [(2, 3)]),
    ("ij->", [(2, 3)]),
    ("ij->j", [(2, 3)]),
    ("ii->", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iij->j", [(3, 3, 2)]),
    ("i,j->ij", [(3,), (4,)]),
    ("i,i", [(3,), (3,)]),
    ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
    ("bij,bjk->kib", [(5, 2, 3), (5, 3, 4)]),
    ("...ij,...jk->...ik", [(6, 5, 2, 3), (5, 3, 4)]),
    ("...i->...", [(2, 3, 4)]),
    ("ij,j", [(2, 3), (3,)]),
    ("ij,kl->ijkl", [(2, 3), (4, 5)]),
    ("ijk,ilm->jl", [(2, 3, 4), (2, 5, 6)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
    ("ab,bc,cd,de->ae", [(2, 3), (3, 4), (4, 5), (5, 6)]),
    ("i,i,i,i->i", [(3,), (3,), (3,), (3,)]),
    ("ij,ij,ij->i", [(2, 3), (2, 3), (2, 3)]),
    ("ij,jk->ik", [(0, 3), (3, 4)]),
    ("ij,jk->ik", [(2, 0), (0, 4)]),
    ("ba", [(2, 3)]),
]


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_equals_numpy(equation: str, shapes: list[tuple[int, ...]]) -> None:
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(s) for s in shapes]
    expected = np.einsum(equation, *arrays)
    result = gradgate.einsum(equation, *map(gradgate.tensor, arrays))
    assert result.shape == expected.shape
    # Sums of at most 60 products, whatever their order.
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("equation", "shapes"), [e for e in EQUATIONS if all(np.prod(s) for s in e[1])][::3])
def test_gradients(equation: str, shapes: list[tuple[int, ...]]) -> None:
    random = np.random.default_rng(1)
    operands = [gradgate.tensor(random.standard_normal(s), requires_grad=True) for s in shapes]
    assert gradgate.autograd.gradcheck(lambda *t: gradgate.einsum(equation, *t), operands)


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk->ik", [(2, 3)], "has 2 terms, but there are 1 operands"),
        ("ij->ik", [(2, 3)], "output subscript 'k'"),
        ("ijk->i", [(2, 3)], r"names 3 dimensions, but its operand has shape \(2, 3\)"),
        ("ij,jk->ik", [(2, 3), (4, 5)], "subscript 'j' .* has size 4, but size 3 before"),
        ("i1->i", [(2, 3)], "invalid subscript '1'"),
        ("ii", [(1, 3)], "names sizes 1 and 3 of one operand"),
    ],
)
def test_errors(equation: str, shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        gradgate.einsum(equation, *(gradgate.ones(s) for s in shapes))


def test_lists_of_numbers_instead_of_letters() -> None:
    random = np.random.default_rng(2)
    arrays = [random.standard_normal(s) for s in ((5, 2, 3), (3, 40))]
    a, b = map(gradgate.tensor, arrays)
    for sublists in (([..., 0, 1], [1, 30], [..., 30, 0]), ([..., 0, 30], [30, 1], None)):
        arguments = [a, sublists[0], b, sublists[1], *([sublists[2]] if sublists[2] else [])]
        expected = np.einsum(*[arrays[0] if x is a else arrays[1] if x is b else x for x in arguments])
        np.testing.assert_allclose(gradgate.einsum(*arguments).numpy(), expected, rtol=1e-12, atol=1e-13)
    with pytest.raises(RuntimeError, match=r"subscript 52 is not within \[0, 52\)"):
        gradgate.einsum(a, [0, 1, 52])
