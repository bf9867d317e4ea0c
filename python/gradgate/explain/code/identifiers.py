"""Turns names of tensors into Python identifiers, each used once."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable


def identifier(name: str) -> str:
    """The most similar identifier: `fc1.weight` becomes `fc1_weight`, and `0.weight` of a Sequential `layer0_weight`."""
    word = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name)).strip("_")
    if not word or not word.isidentifier():
        word = f"layer{word}" if "." in name else f"v_{word}"
    return f"{word}_" if keyword.iskeyword(word) or hasattr(builtins, word) else word


class Identifiers:
    """Gives out identifiers, and reserves with each one the name of its gradient, `grad_x`."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._temporaries = 0

    def fresh(self, name: str) -> str:
        """An identifier for a name, with a number if it is already in use."""
        first = word = identifier(name)
        count = 1
        while {word, f"grad_{word}"} & self._taken:
            count += 1
            word = f"{first}_{count}"
        self._taken |= {word, f"grad_{word}"}
        return word

    def temporary(self) -> str:
        """The next of t0, t1 ... that is not in use."""
        while True:
            word = f"t{self._temporaries}"
            self._temporaries += 1
            if word not in self._taken:
                self._taken.add(word)
                return word
