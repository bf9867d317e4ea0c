"""Einstein summation, as products of matrices."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradgate._core import Tensor, bmm

__all__ = ["einsum"]


@dataclass
class _Term:
    """A tensor whose dimensions are named by letters, each once."""

    tensor: Tensor
    letters: str

    def arranged(self, letters: str) -> Tensor:
        """The tensor with its dimensions in this order."""
        if letters == self.letters:
            return self.tensor
        return self.tensor.permute(tuple(self.letters.index(c) for c in letters))

    def summed_to(self, kept: str) -> _Term:
        """The sum over the letters that nobody else wants."""
        dims = tuple(i for i, c in enumerate(self.letters) if c not in kept)
        if not dims:
            return self
        return _Term(self.tensor.sum(dims), "".join(c for c in self.letters if c in kept))


def _expand_ellipses(inputs: list[str], output: str | None, operands: Sequence[Tensor]) -> tuple[list[str], str | None]:
    """Write every ellipsis out with letters the equation does not use, aligned at the right as broadcasting is."""
    unused = [c for c in string.ascii_letters if c not in "".join(inputs) + (output or "")]
    depths = [t.ndim - len(term.replace("...", "")) for term, t in zip(inputs, operands, strict=True) if "..." in term]
    if any(d < 0 for d in depths):
        raise RuntimeError(f"einsum: a term of {','.join(inputs)} names more dimensions than its operand has")
    letters = "".join(unused[: max(depths, default=0)])
    expanded = [
        term.replace("...", letters[len(letters) - (t.ndim - len(term.replace("...", ""))) :])
        if "..." in term
        else term
        for term, t in zip(inputs, operands, strict=True)
    ]
    if output is not None:
        return expanded, output.replace("...", letters)
    counts = {c: "".join(inputs).count(c) for c in sorted(set("".join(inputs)) - {"."})}
    return expanded, letters + "".join(c for c, n in counts.items() if n == 1)


def _parse(equation: str, operands: Sequence[Tensor]) -> tuple[list[str], str]:
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        raise RuntimeError(
            f"einsum: the equation {equation!r} has {len(inputs)} terms, but there are {len(operands)} operands"
        )
    for letter in (left + right).replace("...", "").replace(",", ""):
        if letter not in string.ascii_letters:
            raise RuntimeError(f"einsum: invalid subscript {letter!r} in {equation!r}; letters name dimensions")
    inputs, output = _expand_ellipses(inputs, right if arrow else None, operands)
    for term, operand in zip(inputs, operands, strict=True):
        if len(term) != operand.ndim:
            raise RuntimeError(
                f"einsum: the term {term!r} of {equation!r} names {len(term)} dimensions, but its operand has shape {tuple(operand.shape)}"
            )
    assert output is not None
    for letter in output:
        if letter not in "".join(inputs) or output.count(letter) > 1:
            raise RuntimeError(
                f"einsum: the output subscript {letter!r} of {equation!r} must be in one of the inputs, and once"
            )
    return inputs, output


def _check_sizes(equation: str, inputs: list[str], operands: Sequence[Tensor]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for term, operand in zip(inputs, operands, strict=True):
        own: dict[str, int] = {}
        for letter, size in zip(term, operand.shape, strict=True):
            if own.setdefault(letter, size) != size:
                raise RuntimeError(
                    f"einsum: subscript {letter!r} of the term {term!r} names sizes {own[letter]} and {size} of one operand"
                )
            if sizes.setdefault(letter, size) != size and 1 not in (sizes[letter], size):
                raise RuntimeError(
                    f"einsum: subscript {letter!r} of {equation!r} has size {size}, but size {sizes[letter]} before"
                )
            sizes[letter] = max(sizes[letter], size) if size != 0 else 0
    return sizes


def _as_term(letters: str, tensor: Tensor, sizes: dict[str, int]) -> _Term:
    """A repeated letter taken along its diagonal, sizes of one expanded."""
    tensor = tensor.expand(tuple(sizes[c] for c in letters))
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            first, last = letters.index(letter), letters.rindex(letter)
            tensor = tensor.diagonal(0, first, last)
            letters = letters[:first] + letters[first + 1 : last] + letters[last + 1 :] + letter
    return _Term(tensor, letters)


def _contract(a: _Term, b: _Term, kept: str, sizes: dict[str, int]) -> _Term:
    """The product of two terms, summed over the letters that are not kept: one batch of matrix products."""
    a, b = a.summed_to(b.letters + kept), b.summed_to(a.letters + kept)
    shared = [c for c in a.letters if c in b.letters]
    batch = "".join(c for c in shared if c in kept)
    inner = "".join(c for c in shared if c not in kept)
    rows = "".join(c for c in a.letters if c not in shared)
    columns = "".join(c for c in b.letters if c not in shared)

    def size(letters: str) -> int:
        return int(np.prod([sizes[c] for c in letters], dtype=np.int64))

    left = a.arranged(batch + rows + inner).reshape((size(batch), size(rows), size(inner)))
    right = b.arranged(batch + inner + columns).reshape((size(batch), size(inner), size(columns)))
    letters = batch + rows + columns
    return _Term(bmm(left, right).reshape(tuple(sizes[c] for c in letters)), letters)


# In the order in which sorted() sees them, which is that of an output that is not given.
_NUMBERED = string.ascii_uppercase + string.ascii_lowercase


def _term_of(sublist: Sequence[Any]) -> str:
    for number in sublist:
        if number is not Ellipsis and not 0 <= number < len(_NUMBERED):
            raise RuntimeError(f"einsum: subscript {number} is not within [0, {len(_NUMBERED)})")
    return "".join("..." if number is Ellipsis else _NUMBERED[number] for number in sublist)


def _from_sublists(arguments: Sequence[Any]) -> tuple[str, list[Tensor]]:
    """The equation and operands of ``einsum(a, [0, 1], b, [1, 2], [0, 2])``."""
    pairs = len(arguments) // 2
    equation = ",".join(_term_of(sublist) for sublist in arguments[1 : 2 * pairs : 2])
    if len(arguments) > 2 * pairs:
        equation += "->" + _term_of(arguments[-1])
    return equation, list(arguments[: 2 * pairs : 2])


def einsum(equation: str | Tensor, *operands: Any) -> Tensor:
    """Sum products of the operands' elements as the equation says, in Einstein's notation.

    Each term names its operand's dimensions by letters; letters missing after ``->`` are summed over; ``...`` stands for
    dimensions that broadcast. Without ``->`` the output has the letters that occur once, in alphabetical order. Several operands
    are multiplied in the order that ``numpy.einsum_path`` finds cheapest. ``einsum(a, [0, 1], b, [1, 2], [0, 2])``, with a list of
    numbers (and ``...``) behind each operand and perhaps one for the output, says the same without letters.

    Raises RuntimeError for an equation that does not fit the operands.

    >>> import gradgate
    >>> a, b = gradgate.ones(2, 3), gradgate.ones(3, 4)
    >>> gradgate.einsum("ij,jk->ik", a, b).shape
    (2, 4)
    """
    if isinstance(equation, Tensor):
        equation, tensors = _from_sublists([equation, *operands])
    else:
        if not isinstance(equation, str):
            raise TypeError(f"einsum: the equation must be a str, got {type(equation).__name__}")
        tensors = [t for o in operands for t in ([o] if isinstance(o, Tensor) else o)]
    for t in tensors:
        if not isinstance(t, Tensor):
            raise TypeError(f"einsum: the operands must be tensors, got {type(t).__name__}")
    inputs, output = _parse(equation, tensors)
    sizes = _check_sizes(equation, inputs, tensors)
    terms = [_as_term(term, t, sizes) for term, t in zip(inputs, tensors, strict=True)]
    for pair in _order(inputs, output, tensors):
        chosen = [terms[i] for i in pair]
        terms = [t for i, t in enumerate(terms) if i not in pair]
        kept = output + "".join(t.letters for t in terms)
        terms.append(_contract(chosen[0], chosen[1], kept, sizes))
    return terms[0].summed_to(output).arranged(output)


def _order(inputs: list[str], output: str, tensors: list[Tensor]) -> list[tuple[int, int]]:
    """The pairs to multiply, as positions in the list of terms, to whose end each product goes."""
    if len(tensors) < 3:
        return [(0, 1)] * (len(tensors) - 1)
    shapes = [np.broadcast_to(np.empty(()), tuple(t.shape)) for t in tensors]
    path, _ = np.einsum_path(",".join(inputs) + "->" + output, *shapes, optimize="greedy")
    pairs: list[tuple[int, int]] = []
    count = len(tensors)
    for step in path[1:]:
        # NumPy may take more than two at a time: then each product, at the list's end, is multiplied with the next.
        first, *others = sorted(step)
        for taken, other in enumerate(others):
            pairs.append((first, other) if taken == 0 else (other - taken - 1, count - 1 - taken))
        count -= len(others)
    return pairs
