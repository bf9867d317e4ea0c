"""Puts a file of flat code together: imports, functions and arrays, and the lines of the gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from gradgate._core import Tensor
from gradgate.explain.circuit import Circuit, Variable
from gradgate.explain.code.export import function_of
from gradgate.explain.code.listing import Listing, commented
from gradgate.explain.code.literals import literal
from gradgate.explain.summary import array_of, shape_text

Data = Literal["inline", "npz"] | None


class CodeOptions(NamedTuple):
    """The arguments of `Flow.code`."""

    data: Data = None
    forward_only: bool = False
    inputs: Sequence[str] | None = None
    output: str | None = None


def code_of(circuit: Circuit, options: CodeOptions, file: str = "flow.npz") -> tuple[str, dict[str, Tensor]]:
    """The code that `Flow.code` documents, and the arrays that it needs by name; `file` is the one they are read from."""
    if options.data not in (None, "inline", "npz"):
        raise ValueError(f"code: data must be None, 'inline' or 'npz', got {options.data!r}")
    if not options.forward_only and (options.inputs is not None or options.output is not None):
        raise ValueError("code: inputs and output are those of a function; they need forward_only=True")
    items = set(circuit.items)
    if any(edge.source not in items for edge in circuit.edges):
        raise ValueError(
            "code: this flow is a part, and some of its inputs are outside; write the code of the whole flow"
        )
    return _function(circuit, options, file) if options.forward_only else _passes(circuit, options.data, file)


def _passes(circuit: Circuit, data: Data, file: str) -> tuple[str, dict[str, Tensor]]:
    listing = Listing(circuit, circuit.gates)
    name = listing.names[listing.root, 0]
    body = ["# Forward", *listing.forward()]
    if isinstance(listing.root, Variable):
        body = []
    body += ["", "# Backward", *listing.backward()]
    arrays = listing.arrays([*body, name])
    head = _head(f"The forward and the backward pass of {name}.", listing, arrays, data, file)
    tail = ["", f'print("{name} =", {name})'] if data else []
    return "\n".join([*head, *body, *tail, ""]), arrays


def _function(circuit: Circuit, options: CodeOptions, file: str) -> tuple[str, dict[str, Tensor]]:
    function = function_of(circuit, options.inputs, options.output)
    listing = Listing(circuit, function.gates, function.arguments)
    arguments = {listing.names[variable, 0]: variable.value for variable in function.arguments}
    result = listing.names[function.output]
    body = list(listing.forward())
    arrays = {name: value for name, value in listing.arrays([*body, result]).items() if name not in arguments}
    head = _head(f"The function that computes {result}.", listing, arrays, options.data, file)
    described = "; ".join(f"{name}: {_described(value)}" for name, value in arguments.items())
    lines = [f"def forward({', '.join(arguments)}):", f'    """{described}."""', *(f"    {line}" for line in body)]
    return "\n".join([*head, "", *lines, f"    return {result}", ""]), arrays


def _described(tensor: Tensor) -> str:
    return f"{shape_text(tensor)} {array_of(tensor).dtype.name}"


def _head(title: str, listing: Listing, arrays: dict[str, Tensor], data: Data, file: str) -> list[str]:
    """The lines before those of the gates: imports, functions, and the arrays or comments that describe them."""
    imports = ["import math"] if any("math." in source for source in listing.preamble) else []
    imports += ["from pathlib import Path"] if data == "npz" and arrays else []
    lines = [f'"""{title}"""', "", *imports, *([""] if imports else []), "import numpy as np", ""]
    for source in listing.preamble:
        lines += ["", source, ""]
    lines += [""] if listing.preamble else []
    if data == "npz" and arrays:
        lines += [f"arrays = np.load(Path(__file__).with_name({file!r}))"]
        lines += [commented(f'{name} = arrays["{name}"]', shape_text(value)) for name, value in arrays.items()]
    elif data == "inline":
        lines += [commented(f"{name} = {literal(value)}", shape_text(value)) for name, value in arrays.items()]
    else:
        lines += [f"# {name}: {_described(value)}" for name, value in arrays.items()]
    return [*lines, ""] if arrays else lines
