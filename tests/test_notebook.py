"""The notebook of examples/ runs, and what stands in it is what it gives."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.measures

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "backpropagation.ipynb"


def text_of(cell: Any) -> str:
    """What a cell printed, which may come in pieces, and what it returned; pictures depend on the version of the layout's library."""
    return "".join(
        output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])
    )


def test_the_notebook_runs_and_gives_what_it_shows(tmp_path: Path) -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(stored)
    fresh = copy.deepcopy(stored)
    NotebookClient(fresh, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    code = [i for i, cell in enumerate(stored.cells) if cell.cell_type == "code"]
    assert len(code) > 20
    assert [text_of(fresh.cells[i]) for i in code] == [text_of(stored.cells[i]) for i in code]
    pictures = [i for i in code if any("image/svg+xml" in output.get("data", {}) for output in stored.cells[i].outputs)]
    assert len(pictures) >= 7
    # A picture is stored once, and not in a second form that says the same.
    kinds = {
        frozenset(o["data"]) for nb in (stored, fresh) for i in pictures for o in nb.cells[i].outputs if "data" in o
    }
    assert kinds == {frozenset({"image/svg+xml", "text/plain"})}
    assert all(any("image/svg+xml" in o.get("data", {}) for o in fresh.cells[i].outputs) for i in pictures)
    assert not list(tmp_path.iterdir())
