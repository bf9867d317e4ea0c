"""Flow: the graph of a loss with every gate's numbers, forward and backward."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, Literal, NamedTuple

from gradgate import _core
from gradgate._core import Tensor
from gradgate.explain.gate import Edge, Gate, Variable
from gradgate.explain.groups import assign_groups, group_names
from gradgate.explain.lines import called_with_lines
from gradgate.explain.naming import Names, given_inside, made_names, scope_names
from gradgate.explain.reading import Reading, Record
from gradgate.explain.table import table_of
from gradgate.nn import Module

Open = Literal["auto", "all"] | Collection[str]
Data = Literal["inline", "npz"] | None


class CodeOptions(NamedTuple):
    """What `Flow.code` is asked for."""

    data: Data
    forward_only: bool
    inputs: Sequence[str] | None
    output: str | None


class Flow:
    """A loss and the gates it was computed by; `explain` makes it.

    `gates` are in forward order, copy gates among them; `variables` are what the graph starts from; `items` are both. `loss` is the value
    that was explained, and `name` what it is called. `groups` are the dotted names of the modules that can be closed and
    opened in the picture. `flow["mul_2"]`, `flow["W1"]` and `flow["fc1.weight"]` give a gate or a variable by name.
    """

    def __init__(
        self,
        gates: list[Gate],
        variables: list[Variable],
        loss: Tensor,
        name: str,
        modules: Mapping[str, str],
        record: Record,
    ) -> None:
        self.gates = tuple(gates)
        self.variables = tuple(variables)
        self.loss = loss
        self.name = name
        self.modules = dict(modules)
        self.record = record
        self.groups = tuple(group_names([*variables, *gates]))
        self.items: tuple[Gate | Variable, ...] = (*self.variables, *self.gates)
        self._by_name = {item.name: item for item in self.items}

    def __len__(self) -> int:
        return len(self.gates)

    def __iter__(self) -> Iterator[Gate]:
        return iter(self.gates)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Gate | Variable:
        """The gate or variable of this name. Raises KeyError, which tells the nearest names."""
        if name not in self._by_name:
            raise KeyError(self._unknown(name, self._by_name))
        return self._by_name[name]

    def __repr__(self) -> str:
        return f"<Flow of {self.name}: {len(self.gates):,} gates, {len(self.variables):,} variables>"

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge, in forward order of the gates they lead to."""
        return tuple(edge for gate in self.gates for edge in gate.inputs)

    @property
    def root(self) -> Gate:
        """The gate whose output is the loss; in a part of a flow, its last gate."""
        return self.gates[-1]

    def _unknown(self, name: object, known: Collection[str]) -> str:
        near = difflib.get_close_matches(str(name), known, 3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(list(known)[:8])}"
        return f"no gate or variable is called {name!r}; {hint}{' ...' if not near and len(known) > 8 else ''}"

    def around(self, name: str, radius: int = 2) -> Flow:
        """The part of the flow near a gate, a variable or a module: all gates at most `radius` edges away.

        The picture shows where the wires of a part go on. Raises KeyError for an unknown name, ValueError for a negative
        radius.
        """
        if radius < 0:
            raise ValueError(f"around: radius must not be negative, got {radius}")
        if name not in self._by_name and name not in self.groups:
            raise KeyError(self._unknown(name, [*self._by_name, *self.groups]))
        if name in self._by_name:
            near: set[Gate | Variable] = {self._by_name[name]}
        else:
            path = tuple(name.split("."))
            near = {item for item in self.items if item.group[: len(path)] == path}
        border = near
        for _ in range(radius):
            border = {other for item in border for other in _neighbours(item)} - near
            near = near | border
        # A variable alone says nothing: those of the gates shown come along.
        near |= {
            e.source for item in near if isinstance(item, Gate) for e in item.inputs if isinstance(e.source, Variable)
        }
        gates = [gate for gate in self.gates if gate in near]
        variables = [variable for variable in self.variables if variable in near]
        return Flow(gates, variables, self.loss, self.name, self.modules, self.record)

    def table(self) -> str:
        """Every gate in a line of text: name, inputs, value, upstream gradient, and what goes back along each edge.

        Where the source lines of gates are known, they stand at the end.
        """
        return table_of(self)

    def draw(self, open: Open = "auto") -> str:
        """The picture as SVG text: left to right, values above the wires in green, gradients below in red.

        `open` tells which modules show their gates: "all", the dotted names in `groups`, or "auto", as many as a page
        holds. The local gradient stands on the wire before its gate. Pointing at a part shows its numbers. Raises
        ImportError without the layout library (`pip install 'gradgate[draw]'`), KeyError for an unknown module and
        ValueError for too many gates at once.
        """
        from gradgate.explain.picture import draw

        return draw(self, open)

    def code(
        self,
        data: Data = None,
        forward_only: bool = False,
        *,
        inputs: Sequence[str] | None = None,
        output: str | None = None,
    ) -> str:
        """The forward and the backward pass as straight-line NumPy, one line a gate, as the lecture writes it.

        Tensors are called as in this flow (`fc1.weight` is `fc1_weight`), the caller's variables as they are, other outputs
        by their gates; the gradient of `x` is `grad_x`, of the value's shape and type. `data="inline"` writes the numbers
        that the pass starts from into the code, which then runs by itself on NumPy alone, prints the loss and leaves the
        gradients in their variables;
        `data="npz"` reads them from the file `flow.npz` beside it, which `save("flow.npz")` writes. Without, the listing
        says which arrays it needs.

        `forward_only=True` writes a function `forward(x)` to ship, without gradients. Its arguments are the tensors that are
        no parameters or buffers (with the model passed to `explain`: not the model's), or those that `inputs` names. It returns
        the last value that these determine, or the one called `output`; all other tensors are fixed numbers of the file.
        Call `model.eval()` before the pass that is explained.

        Raises RuntimeError for a gate that NumPy cannot express (a Python Function), KeyError for an unknown name, ValueError
        for a part of a flow and for a function whose arguments or output are not clear.

        >>> import gradgate
        >>> w0, x0, w1 = (gradgate.tensor(v, dtype=gradgate.float64, requires_grad=True) for v in (2.0, -1.0, -3.0))
        >>> s0 = w0 * x0
        >>> s1 = s0 + w1
        >>> L = gradgate.sigmoid(s1)
        >>> code = gradgate.explain(L).code()
        >>> print(code[code.index("# Backward") :], end="")
        # Backward
        grad_L = 1.0
        grad_s1 = grad_L * L * (1 - L)
        grad_s0 = grad_s1
        grad_w1 = grad_s1
        grad_w0 = grad_s0 * x0
        grad_x0 = grad_s0 * w0
        """
        from gradgate.explain.code import code_of

        return code_of(self, data, forward_only, inputs, output)[0]

    def save(
        self,
        path: str | os.PathLike[str],
        open: Open = "auto",
        *,
        data: Data = "inline",
        forward_only: bool = False,
        inputs: Sequence[str] | None = None,
        output: str | None = None,
    ) -> None:
        """Write a file by its ending: `.svg`, `.html` (a page with a play button), `.dot` (for Graphviz), `.py` or `.npz`.

        The page needs nothing else and no network. `.py` is the flat code that `code` gives, to which the last four arguments
        belong; with `data="npz"` its numbers go to a file `.npz` of the same name. `.npz` alone holds the numbers of all
        variables. Raises as `draw` and `code` do, and ValueError for another ending.
        """
        from gradgate.explain.files import save

        save(self, path, open, CodeOptions(data, forward_only, inputs, output))

    def _repr_svg_(self) -> str | None:
        """The picture in a notebook; None without the layout library, so that the notebook shows the text."""
        try:
            return self.draw()
        except (ImportError, ValueError):
            return None

    def _repr_html_(self) -> str | None:
        """The picture for a notebook that shows HTML first, in a frame that scrolls."""
        picture = self._repr_svg_()
        return None if picture is None else f'<div style="overflow:auto">{picture}</div>'


def _neighbours(item: Gate | Variable) -> Iterator[Gate | Variable]:
    if isinstance(item, Gate):
        yield from (edge.source for edge in item.inputs)
    yield from (edge.target for edge in item.outputs)


def _loss_of(function: Callable[[], object]) -> tuple[Tensor, list[FrameType]]:
    """The loss that a function returns, with the line of each of its gates, and the function's frame."""
    loss, frame = called_with_lines(function)
    if not isinstance(loss, Tensor):
        hint = "; end it with return loss" if loss is None else ""
        raise TypeError(
            f"explain: the function must return the loss, a Tensor, but it returned {type(loss).__name__}{hint}"
        )
    return loss, [] if frame is None else [frame]


def _scopes(frames: Sequence[FrameType]) -> list[Mapping[str, Any]]:
    """The variables of frames, innermost first, and then those of their files, each scope once."""
    scopes = [*(frame.f_locals for frame in frames), *(frame.f_globals for frame in frames)]
    return list({id(scope): scope for scope in scopes}.values())


def explain(
    loss: Tensor | Callable[[], Tensor],
    model: Module | None = None,
    *,
    names: Mapping[str, Tensor] | None = None,
    fused: bool = True,
) -> Flow:
    """Every gate of a loss with its numbers: value, upstream, local and downstream gradients.

    `loss` is a tensor of one element or a function without arguments that computes and returns one, `explain(lambda:
    loss_fn(model(x), y))`. The function is called once, as it is, and every gate that it makes remembers its source line: that of the
    program, the innermost outside of this package. A gate's `line`, the table, the page and the flat code show it. The gates of a
    tensor have lines only where they were made within `detect_anomaly(check_nan=False, check_inf=False)`, since to remember them
    always would slow every training down.

    The graph of `loss` must still be there: explain before `backward()`, or use `backward(retain_graph=True)`. It runs a
    backward sweep of its own and changes no `.grad` and no graph. Tensors, also those that gates made, are called as `names`
    says, parameters of `model` by their dotted names, others as the variables of the function `loss` or of the calling function are.
    `fused=False` opens gates that are several for the mathematics and one for speed, with the same gradients.

    Raises TypeError for a loss that is no Tensor and for a function that returns none, RuntimeError for a loss off the graph, of several
    elements, or whose graph was freed, ValueError for names of tensors that the loss was not computed from.

    >>> import gradgate
    >>> x, y, z = (gradgate.tensor(v, requires_grad=True) for v in (-2.0, 5.0, -4.0))
    >>> f = (x + y) * z
    >>> flow = gradgate.explain(f)
    >>> flow.gates
    (<gate add_1 (): distributor>, <gate mul_1 (): swap multiplier>)
    >>> flow["add_1"].upstream, flow["x"].gradient
    (tensor(-4.), tensor(-4.))
    """
    frames = [sys._getframe(1)]
    if not isinstance(loss, Tensor):
        if not callable(loss):
            raise TypeError(
                f"explain: the loss must be a Tensor or a function that returns one, got {type(loss).__name__}"
            )
        loss, within = _loss_of(loss)
        frames = within + frames
    scopes = _scopes(frames)
    record: Record = _core._explain(loss, fused)
    leaves = [value["leaf"] for value in record["values"] if value["leaf"] is not None]
    inside = given_inside(names, {gate["sequence"] for gate in record["gates"]})
    outside = {name: t for name, t in names.items() if name not in inside.values()} if inside and names else names
    known = Names(leaves, outside, model, scopes)
    reading = Reading(record, known, made_names(scopes) | inside)
    assign_groups(reading.gates, reading.variables)
    modules = {} if model is None else {path: type(module).__name__ for path, module in model.named_modules()}
    name = scope_names(scopes, {id(loss)}).get(id(loss), "loss")
    return Flow(reading.gates, reading.variables, loss.detach(), name, modules, record)
