"""The picture of a flow: SVG for a document, a page to step through, DOT for other tools.

Where the parts stand and how the wires run is left to graphlay (MIT or Apache-2.0, 1.5 MB, no dependencies). Compared on
circuits of 30 to 900 boxes with a label on each wire, it had 0 and 12 crossings where igraph's layout_sugiyama had 8 and
79 (and boxes on top of each other: it knows no sizes; GPL, 5.7 MB), grandalf 10 and 69 (some overlaps, no release since
2023, GPL or EPL), fast-sugiyama 3 and 22 (no sizes, Python 3.11 on), pyelk 172 and 1,898. It also frames groups, routes
wires around boxes and folds a long chain into rows, and the same input gives the same picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradgate.explain.picture.dot import dot_of
from gradgate.explain.picture.layout import laid_out
from gradgate.explain.picture.page import page_of
from gradgate.explain.picture.scene import Scene, opened
from gradgate.explain.picture.svg import svg_of

if TYPE_CHECKING:
    from gradgate.explain.flow import Flow, Open

__all__ = ["draw", "written"]


def draw(flow: Flow, open: Open) -> str:
    """The picture that `Flow.draw` documents."""
    return svg_of(laid_out(Scene(flow, opened(flow, open))), title=f"Gates of {flow.name}")


def written(flow: Flow, ending: str, open: Open) -> str:
    """The text of a file with this ending."""
    if ending == ".svg":
        return draw(flow, open)
    return page_of(flow, open) if ending == ".html" else dot_of(Scene(flow, opened(flow, open)))
