"""Flow: the graph of a loss with the numbers of every gate, as a table, a picture, a page or flat code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from gradgate import _core
from gradgate._core import Tensor
from gradgate.explain.circuit import Circuit
from gradgate.explain.circuit.build import Builder, Explanation
from gradgate.explain.circuit.groups import assign_groups
from gradgate.explain.circuit.naming import Names, given_to_gates, output_names, scope_names
from gradgate.explain.lines import called_with_lines
from gradgate.explain.table import table_of
from gradgate.nn import Module

# The code, the picture and the files are imported by the methods that need them, so that a program that only trains starts sooner.
if TYPE_CHECKING:
    from gradgate.explain.code import Data
    from gradgate.explain.picture import Open


class Flow(Circuit):
    """A loss and the gates that computed it; `explain` makes it.

    `gates` are in forward order, copy gates among them. `variables` are the tensors that the graph starts from; `items` are both.
    `loss` is the value that was explained, and `name` its name. `groups` are the dotted names of the modules that the picture can open
    and close. `flow["mul_2"]`, `flow["W1"]` and `flow["fc1.weight"]` give a gate or variable by its name; a gate is also found by the
    name of your own variable that holds its output, `flow["hidden"]`.
    """

    def __repr__(self) -> str:
        return f"<Flow of {self.name}: {len(self.gates):,} gates, {len(self.variables):,} variables>"

    def around(self, name: str, radius: int = 2) -> Flow:
        """The part of the flow near a gate, a variable or a module: all gates at most `radius` edges away.

        The picture shows where the wires of a part lead. Raises KeyError for an unknown name, ValueError for a negative radius.
        """
        if radius < 0:
            raise ValueError(f"around: radius must not be negative, got {radius}")
        return Flow(*self.near(name, radius), self.loss, self.name, self.modules)

    def table(self) -> str:
        """A table with a row for every gate and for each of its inputs: values, upstream, local and downstream gradients.

        If source lines were recorded, the last column shows them.
        """
        return table_of(self)

    def draw(self, open: Open = "auto") -> str:
        """The picture as SVG text: left to right, values above the wires in green, gradients below in red.

        `open` chooses the modules that show their gates: "all", a list of the dotted names in `groups`, or "auto" for as many as fit
        on a page. The local gradient stands on the wire before its gate. Point at a part of the picture to see its numbers.

        Raises ImportError without the layout library (`pip install 'gradgate[draw]'`), KeyError for an unknown module and ValueError
        for too many gates.
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
        """The forward and the backward pass as straight-line NumPy, one line for each gate, as the lecture writes it.

        Tensors have the same names as in this flow, as identifiers: `fc1.weight` is `fc1_weight`. Your own variables keep their names,
        and other outputs have those of their gates. The gradient of `x` is `grad_x`, of the value's shape and type.

        `data="inline"` writes the starting numbers into the code: it runs by itself on NumPy alone, prints the loss and leaves the
        gradients in their variables. `data="npz"` reads the numbers from the file `flow.npz` beside the code, which
        `save("flow.npz")` writes. Otherwise comments list the arrays that the code needs.

        `forward_only=True` writes a function `forward(x)` to export, without gradients. Its arguments are the tensors that are no
        parameters or buffers (pass the model to `explain`, so that its own are known), or those that `inputs` names. It returns the
        last value that they determine, or the one that `output` names; all other tensors become constants of the file. Call
        `model.eval()` before the forward pass that is explained.

        Raises RuntimeError for a gate that NumPy cannot express (a Python Function), KeyError for an unknown name, and ValueError for a
        part of a flow and for a function whose arguments or output are not clear.

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
        from gradgate.explain.code import CodeOptions, code_of

        return code_of(self, CodeOptions(data, forward_only, inputs, output))[0]

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
        """Write a file in the form that its ending names: `.svg`, `.html`, `.dot` (for Graphviz), `.py` or `.npz`.

        `.html` is a page with a play button that needs no other file and no network. `.py` is the flat code that `code` gives for the
        last four arguments; with `data="npz"` its numbers go to a file of the same name that ends in `.npz`. `.npz` alone holds the
        numbers that the code starts from. Raises as `draw` and `code` do, and ValueError for any other ending.
        """
        from gradgate.explain.code import CodeOptions
        from gradgate.explain.files import save

        save(self, path, open, CodeOptions(data, forward_only, inputs, output))

    def _repr_svg_(self) -> str | None:
        """The picture in a notebook; None if it cannot be drawn, so that the notebook shows the text instead."""
        try:
            return self.draw()
        except (ImportError, ValueError):
            return None


def _loss_of(function: Callable[[], object]) -> tuple[Tensor, list[FrameType]]:
    """The loss that a function returns, whose gates record their lines, and the function's frame."""
    loss, frame = called_with_lines(function)
    if not isinstance(loss, Tensor):
        hint = "; end it with return loss" if loss is None else ""
        raise TypeError(
            f"explain: the function must return the loss, a Tensor, but it returned {type(loss).__name__}{hint}"
        )
    return loss, [] if frame is None else [frame]


def _scopes(frames: Sequence[FrameType]) -> list[Mapping[str, Any]]:
    """The local variables of the frames, innermost first, then the global ones of their files, without repetition."""
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

    `loss` is a tensor of one element, or a function without arguments that computes and returns one: `explain(lambda:
    loss_fn(model(x), y))`. The function is called once, and every gate that it makes records its source line, the innermost line that
    is not in this package. A gate's `line`, the table, the page and the flat code show it. The gates of a tensor have lines only if
    they were made within `detect_anomaly(check_nan=False, check_inf=False)`, since recording lines would slow down every training.

    The graph of `loss` must still exist: explain before `backward()`, or use `backward(retain_graph=True)`. `explain` runs a backward
    sweep of its own and changes neither `.grad` nor the graph. Names of tensors come from `names`, then from `model` (the dotted names
    of its parameters), then from the variables of the function `loss` and of the calling function. `fused=False` shows each fused gate
    as the gates that it is composed of; the gradients are the same.

    Raises TypeError for a loss that is no Tensor and for a function that returns none; RuntimeError for a loss that requires no
    gradient, has several elements, or whose graph was freed; ValueError for names of tensors that the loss was not computed from.

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
        loss, function_frames = _loss_of(loss)
        frames = function_frames + frames
    scopes = _scopes(frames)
    explanation: Explanation = _core._explain(loss, fused)
    leaves = [value["leaf"] for value in explanation["values"] if value["leaf"] is not None]
    gates = {gate["sequence"] for gate in explanation["gates"]}
    given = given_to_gates(names, gates)
    of_leaves = {name: t for name, t in names.items() if name not in given.values()} if given and names else names
    known = Names(leaves, of_leaves, model, scopes)
    built = Builder(explanation, known, output_names(scopes, given, gates))
    assign_groups(built.gates, built.variables)
    modules = {} if model is None else {path: type(module).__name__ for path, module in model.named_modules()}
    own_name = known.of(loss) or given.get(_core._made_by(loss))
    name = own_name or scope_names(scopes, {id(loss)}).get(id(loss), "loss")
    return Flow(built.gates, built.variables, loss.detach(), name, modules)
