"""Writes a circuit to a file, whose ending chooses the form."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from gradgate.explain.circuit import Circuit
from gradgate.explain.code import CodeOptions, code_of
from gradgate.explain.picture import Open, written
from gradgate.explain.summary import array_of

ENDINGS = (".svg", ".html", ".dot", ".py", ".npz")


def save(circuit: Circuit, path: str | os.PathLike[str], open: Open, options: CodeOptions) -> None:
    """Write the file that `Flow.save` documents."""
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"save: the name of the file must end in {', '.join(ENDINGS)}; got {target.name!r}")
    if ending in (".py", ".npz"):
        _save_code(circuit, target, options)
    else:
        target.write_text(written(circuit, ending, open), encoding="utf-8")


def _save_code(circuit: Circuit, target: Path, options: CodeOptions) -> None:
    arrays_file = target.with_suffix(".npz")
    text, arrays = code_of(circuit, options, arrays_file.name)
    if target.suffix.lower() == ".py":
        target.write_text(text, encoding="utf-8")
        if options.data != "npz":
            return
    values: dict[str, Any] = {name: array_of(array) for name, array in arrays.items()}
    np.savez(arrays_file, **values)
