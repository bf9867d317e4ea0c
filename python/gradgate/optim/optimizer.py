"""Optimizer: parameter groups, per-parameter state and the step that every update rule shares."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, ClassVar, TypeAlias, TypeVar

from gradgate import _core
from gradgate._core import Tensor
from gradgate.autograd import enable_grad

ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Loss = TypeVar("Loss")


class Optimizer:
    """Base class of the optimizers.

    `params` is an iterable of parameters, of `(name, parameter)` pairs, or of dicts that each define a
    parameter group: `"params"` with its parameters, and options that differ from the defaults.
    Parameters are float32 or float64 leaf tensors. A step updates each one that has a gradient in a
    single fused pass over the parameter, its gradient and its state; the result does not depend on the
    number of threads or the instruction set.

    A subclass of one's own gives `defaults`, the options of a group, and defines `step`, which updates the parameters of
    `param_groups`, with what it keeps for each in `state[parameter]`:

    >>> from gradgate import no_grad, tensor
    >>> class SignDescent(Optimizer):
    ...     def __init__(self, params, lr=0.1):
    ...         super().__init__(params, {"lr": lr})
    ...     @no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 if p.grad is not None:
    ...                     p.add_(p.grad.sign(), alpha=-group["lr"])
    >>> w = tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignDescent([w], lr=0.5).step()
    >>> w.tolist()
    [0.5, -1.5]

    The optimizers of the library name an update rule of the core instead, and say which options and state it takes.

    Raises:
        TypeError: `params` is a single tensor or a set, or holds something that is not a tensor.
        ValueError: no parameters, a parameter given twice, a tensor that is not a leaf, only some of the
            parameters named, or an option out of its range.
    """

    _rule: ClassVar[str | None] = None

    def __init__(self, params: ParamsT, defaults: dict[str, Any], differentiable: bool = False) -> None:
        if differentiable:
            raise ValueError(
                f"{type(self).__name__}: steps are not recorded, so differentiable=True is not to be had; write the "
                "update with gradgate.autograd.grad(..., create_graph=True) to differentiate through it"
            )
        if isinstance(params, (Tensor, set)):
            raise TypeError(
                f"{type(self).__name__}: params should be an iterable of tensors or dicts in a fixed order, "
                f"but is a {type(params).__name__}; pass a list"
            )
        self._check_options(defaults)
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._steps_taken = 0
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(f"{type(self).__name__}: optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _check_options(self, options: dict[str, Any]) -> None:
        """Raises ValueError if an option of a group is out of its range; without a rule all are taken."""

    def _rule_options(self, group: dict[str, Any]) -> dict[str, float]:
        """The group's options by the names that the update rule gives them, which are PyTorch's unless overridden."""
        return {key: group[key] for key in self.defaults}

    def _state_names(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        """The keys of the rule's state arrays, in the rule's order; None where the options need none."""
        return ()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a parameter group, such as the parameters of layers that are unfrozen during training.

        Options that the group does not give are the defaults. Raises as the constructor does, and then
        leaves the optimizer as it was.
        """
        if not isinstance(param_group, dict):
            raise TypeError(
                f"add_param_group: a parameter group should be a dict, but is a {type(param_group).__name__}"
            )
        params, names = _ordered_parameters(param_group.get("params"))
        for param in params:
            self._check_parameter(param)
        group = {**self.defaults, **param_group, "params": params}
        self._check_options(group)
        if self.param_groups and ("param_names" in self.param_groups[0]) != (names is not None):
            raise ValueError("add_param_group: either the parameters of all groups have names, or none")
        if names is not None:
            group["param_names"] = names
        taken = {id(param) for other in self.param_groups for param in other["params"]}
        for param in params:
            if id(param) in taken:
                raise ValueError(
                    f"add_param_group: the parameter of shape {tuple(param.shape)} appears more than once "
                    "in the parameter groups"
                )
            taken.add(id(param))
        self.param_groups.append(group)

    def _check_parameter(self, param: Any) -> None:
        name = type(self).__name__
        if not isinstance(param, Tensor):
            raise TypeError(
                f"{name}: optimizer can only optimize tensors, but one of the parameters is a {type(param).__name__}"
            )
        if not (param.is_leaf or param.retains_grad):
            raise ValueError(
                f"{name}: can't optimize a non-leaf tensor (shape {tuple(param.shape)}); pass the leaf it was "
                "computed from, or detach() it"
            )
        if not param.dtype.is_floating_point:
            raise ValueError(
                f"{name}: parameters are float32 or float64, but one of shape {tuple(param.shape)} is {param.dtype}"
            )

    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Updates every parameter that has a gradient.

        `closure`, if given, reevaluates the model with gradients enabled and returns the loss, which is
        returned. Raises RuntimeError when a gradient's shape or dtype is not its parameter's, NotImplementedError for a
        subclass that defines no step.
        """
        if self._rule is None:
            raise NotImplementedError(f"{type(self).__name__} should define step(closure=None)")
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            _core._optimizer_step(
                self._rule, group["params"], self.state, self._state_names(group), self._rule_options(group)
            )
        self._steps_taken += 1
        return loss

    def _took_no_step(self) -> bool:
        """Whether no step was taken yet, as far as that is known: a step of a subclass's own is not counted."""
        return self._steps_taken == 0 and type(self).step is Optimizer.step

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drops every parameter's gradient, or with `set_to_none=False` fills it with zeros in place."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    param.grad.detach().zero_()

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state: `{"state": {index: {...}}, "param_groups": [{..., "params": [index, ...]}]}`.

        Parameters are named by their index in the order of the groups. The tensors are the optimizer's
        own, not copies.
        """
        index = {id(param): i for i, param in enumerate(self._parameters())}
        return {
            "state": {index[id(param)]: dict(state) for param, state in self.state.items()},
            "param_groups": [
                {**group, "params": [index[id(param)] for param in group["params"]]} for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over the state and options of a `state_dict()`; its tensors are copied.

        Raises ValueError, and changes nothing, if the groups or the shapes of the state do not fit this
        optimizer's parameters.
        """
        saved_groups = state_dict["param_groups"]
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(
                f"load_state_dict: loaded state dict has a different number of parameter groups, {len(saved_groups)}, "
                f"than the optimizer, {len(self.param_groups)}"
            )
        for i, (group, saved) in enumerate(zip(self.param_groups, saved_groups, strict=True)):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError(
                    f"load_state_dict: parameter group {i} of the loaded state dict has {len(saved['params'])} "
                    f"parameters, but the optimizer's has {len(group['params'])}"
                )
        saved_ids = chain.from_iterable(saved["params"] for saved in saved_groups)
        parameter = dict(zip(saved_ids, self._parameters(), strict=True))
        state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for key, saved_state in state_dict["state"].items():
            if key not in parameter:
                raise ValueError(f"load_state_dict: the state of parameter {key} belongs to no parameter group")
            param = parameter[key]
            fitted = _copied_state if self._rule is None else _fitting_state
            state[param] = {name: fitted(param, key, name, value) for name, value in saved_state.items()}
        groups = []
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            merged = {**group, **saved, "params": group["params"]}
            if "param_names" in group:
                merged["param_names"] = group["param_names"]
            self._check_options(merged)
            groups.append(merged)
        self.state, self.param_groups = state, groups

    def _parameters(self) -> Iterable[Tensor]:
        return chain.from_iterable(group["params"] for group in self.param_groups)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines.extend(f"    {key}: {group[key]}" for key in sorted(group) if key not in ("params", "param_names"))
        return "\n".join([*lines, ")"])


def check_range(name: str, value: float, upper: float = float("inf")) -> None:
    """Raises ValueError unless 0 <= value < upper."""
    if not 0.0 <= value < upper:
        raise ValueError(f"Invalid {name}: {value}")


def _ordered_parameters(params: Any) -> tuple[list[Any], list[str] | None]:
    """The parameters of a group as a list, and their names if they came with names."""
    if isinstance(params, Tensor):
        return [params], None
    if isinstance(params, set):
        raise TypeError(
            "add_param_group: parameters need a fixed order, but that of a set changes between runs; pass a list"
        )
    if params is None:
        raise ValueError('add_param_group: a parameter group needs the key "params"')
    entries = list(params)
    if not any(isinstance(entry, tuple) for entry in entries):
        return entries, None
    if not all(isinstance(entry, tuple) for entry in entries):
        raise ValueError(
            "add_param_group: all optimizer params should be with/without names; some parameter names are missing"
        )
    return [param for _, param in entries], [name for name, _ in entries]


def _copied_state(param: Tensor, key: int, name: str, value: Any) -> Any:
    """A copy of a loaded state value, whose meaning only the optimizer knows, with tensors in the parameter's dtype."""
    if isinstance(value, Tensor):
        keeps_dtype = name == "step" or not value.is_floating_point()
        return value.detach().to(value.dtype if keeps_dtype else param.dtype).clone()
    if isinstance(value, dict):
        return {inner: _copied_state(param, key, inner, entry) for inner, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_copied_state(param, key, name, entry) for entry in value)
    return copy.deepcopy(value)


def _fitting_state(param: Tensor, key: int, name: str, value: Any) -> Any:
    """A copy of a loaded state value, in the parameter's dtype when it is an array of the parameter's shape."""
    if name == "step":
        return _core.tensor(float(value), dtype=_core.float64)
    if not isinstance(value, Tensor):
        return value
    if tuple(value.shape) != tuple(param.shape):
        raise ValueError(
            f"load_state_dict: {name} of parameter {key} has shape {tuple(value.shape)}, "
            f"but the parameter has shape {tuple(param.shape)}"
        )
    return value.detach().to(param.dtype).clone()
