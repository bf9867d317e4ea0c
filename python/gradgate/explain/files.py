"""The files that a flow is saved to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradgate.explain.code import code_of

if TYPE_CHECKING:
    from gradgate.explain.flow import CodeOptions, Flow, Open

ENDINGS = (".svg", ".html", ".dot", ".py", ".npz")


def save(flow: Flow, path: str | os.PathLike[str], open: Open, options: CodeOptions) -> None:
    """Write the file that `Flow.save` documents."""
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"save: the name of the file must end in {', '.join(ENDINGS)}; got {target.name!r}")
    if ending in (".py", ".npz"):
        _save_code(flow, target, options)
        return
    from gradgate.explain.picture import written

    target.write_text(written(flow, ending, open), encoding="utf-8")


def _save_code(flow: Flow, target: Path, options: CodeOptions) -> None:
    beside = target.with_suffix(".npz")
    text, arrays = code_of(flow, *options, file=beside.name)
    if target.suffix.lower() == ".py":
        target.write_text(text, encoding="utf-8")
        if options.data != "npz":
            return
    values: dict[str, Any] = {name: array.detach().numpy() for name, array in arrays.items()}
    np.savez(beside, **values)
