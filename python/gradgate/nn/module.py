"""Module: the base class of every network and layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import NoneType
from typing import Any, TypeVar

from gradgate import _core
from gradgate._core import Tensor
from gradgate.autograd.grad_mode import no_grad
from gradgate.nn.hooks import HookRegistration
from gradgate.nn.parameter import Parameter
from gradgate.nn.registry import BUFFERS, Kind
from gradgate.nn.state import Stateful

M = TypeVar("M", bound="Module")


def _forward_unimplemented(self: Module, *args: Any, **kwargs: Any) -> Any:
    """Computes the output; every subclass defines its own."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Module(Stateful, HookRegistration):
    """Base class of networks and layers.

    A subclass calls `super().__init__()`, assigns Parameters, Buffers and other Modules as attributes, and defines
    `forward`. Calling the module calls `forward`, with the hooks if there are any.

    >>> import gradgate
    >>> from gradgate import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(2, 8)
    ...         self.out = nn.Linear(8, 3)
    ...
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).relu())
    >>> net = Net()
    >>> tuple(net(gradgate.zeros(5, 2)).shape)
    (5, 3)
    >>> [name for name, _ in net.named_parameters()]
    ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']
    """

    training: bool = True
    forward: Callable[..., Any] = _forward_unimplemented

    def __init__(self) -> None:
        self.__dict__["_registry"] = {}
        self.training = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`forward(*args, **kwargs)`, with the hooks around it if there are any."""
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return self._hooks.call(self, args, kwargs)

    # Walking the tree of modules.

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Return the direct submodules with their names, each once."""
        seen: set[Module] = set()
        for name, child in self._own(Kind.MODULE):
            if child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """Return the direct submodules, each once."""
        for _, child in self.named_children():
            yield child

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Return this module and all below it with dotted names, parents first; each once if `remove_duplicate`."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._own(Kind.MODULE):
            yield from child.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Return this module and all below it, each once if `remove_duplicate`."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def _named_members(
        self, kinds: tuple[Kind, ...], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in owners:
            for name, member in module._own(*kinds):
                if remove_duplicate and id(member) in seen:
                    continue
                seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Return the parameters of this module and, if `recurse`, of all below it, with their dotted names."""
        return self._named_members((Kind.PARAMETER,), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Return the parameters of this module and, if `recurse`, of all below it, each once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Return the buffers of this module and, if `recurse`, of all below it, with their dotted names."""
        return self._named_members(BUFFERS, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Return the buffers of this module and, if `recurse`, of all below it, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """Return the module with the dotted name `target`, this one for "". Raises AttributeError if there is none."""
        module: Module = self
        for name in target.split(".") if target else []:
            if module._registry.get(name) is not Kind.MODULE or module.__dict__[name] is None:
                raise AttributeError(f"{type(module).__name__} has no submodule '{name}' (looking for '{target}')")
            module = module.__dict__[name]
        return module

    def _get_member(self, target: str, *kinds: Kind) -> Any:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if owner._registry.get(name) not in kinds or owner.__dict__[name] is None:
            raise AttributeError(f"{type(owner).__name__} has no {kinds[0].value} '{name}' (looking for '{target}')")
        return owner.__dict__[name]

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter with the dotted name `target`. Raises AttributeError if there is none."""
        return self._get_member(target, Kind.PARAMETER)  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer with the dotted name `target`. Raises AttributeError if there is none."""
        return self._get_member(target, *BUFFERS)  # type: ignore[no-any-return]

    # Changing the whole tree.

    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call `fn(module)` on every module below this one, children first, then on this one; return self."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self: M, mode: bool = True) -> M:
        """Set the training mode (dropout, batch statistics) of this module and all below it; return self.

        Raises ValueError if `mode` is not a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """End the training mode: `train(False)`."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Set whether the parameters need gradients and return self."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of the parameters, or fills them with zeros."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                with no_grad():
                    parameter.grad.detach().zero_()

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """Convert floating-point parameters and buffers: `to(dtype)`, `to(tensor)`, `to("cpu", dtype)`; return self.

        The tensors stay the same objects. `non_blocking` is accepted for the sake of existing scripts: there is no
        other device to wait for. Raises TypeError for a dtype that is not floating point, RuntimeError for a device
        other than "cpu".

        >>> from gradgate import nn
        >>> import gradgate
        >>> nn.Linear(2, 2).to(gradgate.float64).weight.dtype == gradgate.float64
        True
        """
        return self._convert(_target_dtype(*args, **kwargs))

    def type(self: M, dst_type: _core.dtype) -> M:
        """`to(dst_type)`."""
        return self._convert(dst_type)

    def float(self: M) -> M:
        """Convert floating-point parameters and buffers to float32 and return self."""
        return self._convert(_core.float32)

    def double(self: M) -> M:
        """Convert floating-point parameters and buffers to float64 and return self."""
        return self._convert(_core.float64)

    def cpu(self: M) -> M:
        """Return self: every tensor is on the CPU."""
        return self

    def _convert(self: M, dtype: _core.dtype | None) -> M:
        if dtype is None:
            return self
        if dtype not in (_core.float32, _core.float64):
            raise TypeError(f"nn.Module.to only accepts floating-point dtypes, but got desired dtype={dtype}")
        with no_grad():
            for tensor in [*self.parameters(), *self.buffers()]:
                if tensor.is_floating_point() and tensor.dtype != dtype:
                    grad = tensor.grad
                    tensor.grad = None
                    tensor.data = tensor.detach().to(dtype)
                    if grad is not None:
                        tensor.grad = grad.detach().to(dtype)
        return self

    # Printing.

    def extra_repr(self) -> str:
        """Return the module's own arguments for `repr`; a subclass returns what its constructor was given."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        lines = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({name}): " + indented(repr(child)) for name, child in self._own(Kind.MODULE)]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({''.join(lines)})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"


def indented(text: str) -> str:
    """`text` with every line but the first two columns to the right."""
    return text.replace("\n", "\n  ")


def _target_dtype(
    *args: Any, dtype: _core.dtype | None = None, device: Any = None, non_blocking: bool = False
) -> _core.dtype | None:
    for arg in (*args, dtype, device):
        if isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, _core.dtype):
            dtype = arg
        elif not isinstance(arg, (bool, NoneType)) and arg not in ("cpu", "cpu:0"):
            raise RuntimeError(f"nn.Module.to: only the device 'cpu' exists, got {arg!r}")
    return dtype
