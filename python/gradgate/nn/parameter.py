"""Parameter and Buffer: tensors that a module registers when they are assigned to it."""

from __future__ import annotations

from gradgate import _core
from gradgate._core import Tensor, empty


class Parameter(Tensor):
    """A tensor that is trained: assigned to a Module it appears among its `parameters()`.

    It shares the memory of `data` and is a leaf of the graph. Raises TypeError if `data` is not a Tensor.

    >>> import gradgate
    >>> w = Parameter(gradgate.zeros(2))
    >>> w.requires_grad, w.is_leaf
    (True, True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        """Make a Parameter on the memory of `data`, or an empty one."""
        if data is None:
            data = empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter: data must be a Tensor, got {type(data).__name__}; use gradgate.tensor(data)")
        parameter: Parameter = _core._make_subclass(cls, data.detach(), requires_grad)
        return parameter

    def __repr__(self) -> str:
        """PyTorch's form: a heading, then the values."""
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor of a module's state that is not trained, such as a running mean.

    Assigned to a Module it appears among its `buffers()`, and in its `state_dict()` if `persistent`.
    Raises TypeError if `data` is not a Tensor.

    >>> import gradgate
    >>> Buffer(gradgate.zeros(2)).requires_grad
    False
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        """Make a Buffer on the memory of `data`, or an empty one."""
        if data is None:
            data = empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Buffer: data must be a Tensor, got {type(data).__name__}; use gradgate.tensor(data)")
        buffer: Buffer = _core._make_subclass(cls, data.detach(), False)
        buffer.persistent = persistent
        return buffer
