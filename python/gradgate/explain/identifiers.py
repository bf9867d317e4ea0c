"""Names of tensors as identifiers of Python, each used once."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable


def identifier(name: str) -> str:
    """The nearest identifier: `fc1.weight` becomes `fc1_weight`, and `0.weight`, of a Sequential, `layer0_weight`."""
    word = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name)).strip("_")
    if not word or not word.isidentifier():
        word = f"layer{word}" if "." in name else f"v_{word}"
    return f"{word}_" if keyword.iskeyword(word) or hasattr(builtins, word) else word


class Identifiers:
    """Hands out identifiers. With each one its gradient's is taken, too."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._temporaries = 0

    def fresh(self, name: str) -> str:
        """The identifier for a name, numbered if another has it."""
        first = word = identifier(name)
        count = 1
        while {word, f"grad_{word}"} & self._taken:
            count += 1
            word = f"{first}_{count}"
        self._taken |= {word, f"grad_{word}"}
        return word

    def temporary(self) -> str:
        """The next of t0, t1, ... that nothing else is called."""
        while True:
            word = f"t{self._temporaries}"
            self._temporaries += 1
            if word not in self._taken:
                self._taken.add(word)
                return word
