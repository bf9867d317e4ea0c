"""Draws a circuit: as SVG for a document, as a page to step through, or as DOT for other tools.

The library graphlay (MIT or Apache-2.0, 1.5 MB, no dependencies) places the boxes and routes the wires. On random graphs of 60 and
300 gates with a label on each wire, its pictures had 0 and 12 crossings, those of fast-sugiyama 3 and 22 (it ignores the sizes of
boxes and needs Python 3.11), of igraph's layout_sugiyama 8 and 79 (it ignores sizes, so that boxes overlap; GPL, 5.7 MB), of grandalf
10 and 69 (some boxes overlap; no release since 2023; GPL or EPL) and of pyelk 172 and 1,898. graphlay also frames groups, routes
wires around boxes, folds a long chain into rows, and gives the same picture for the same input.
"""

from __future__ import annotations

from gradgate.explain.circuit import Circuit
from gradgate.explain.picture.dot import dot_of
from gradgate.explain.picture.layout import laid_out
from gradgate.explain.picture.page import page_of
from gradgate.explain.picture.scene import Open, Scene, opened
from gradgate.explain.picture.svg import svg_of

__all__ = ["Open", "draw", "written"]


def draw(circuit: Circuit, open: Open) -> str:
    """The picture that `Flow.draw` documents."""
    return svg_of(laid_out(Scene(circuit, opened(circuit, open))), title=f"Gates of {circuit.name}")


def written(circuit: Circuit, ending: str, open: Open) -> str:
    """The text of the file with this ending: `.svg`, `.html` or `.dot`."""
    if ending == ".svg":
        return draw(circuit, open)
    return page_of(circuit, open) if ending == ".html" else dot_of(Scene(circuit, opened(circuit, open)))
