"""How samples become a batch: tensors stacked, numbers gathered in a tensor, structures entry by entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from gradgate import _core
from gradgate._core import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Makes one batch of a list of samples: each tensor gets a leading dimension of samples.

    Tensors and NumPy arrays are stacked, numbers become a tensor (float64 if one of them is a float, int64 if
    one is an integer, bool if all are bools), strings and bytes stay a list, and tuples, lists and mappings are collated entry by entry
    (a tuple becomes a list, a named tuple stays one).

    Raises TypeError for samples of another type, RuntimeError for sequences of different lengths.

    >>> from gradgate import tensor
    >>> default_collate([(tensor([1.0]), 0), (tensor([2.0]), 1)])
    [tensor([[1.],
            [2.]]), tensor([0, 1])]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return _core.stack(list(batch))
    if isinstance(first, (numpy.ndarray, numpy.generic)):
        return _core.tensor(numpy.stack(batch))
    if isinstance(first, (bool, int, float)):
        return _number_tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("default_collate: each element in list of batch should be of equal size")
        entries = [default_collate(entry) for entry in zip(*batch, strict=True)]
        return type(first)(*entries) if hasattr(first, "_fields") else entries
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first).__name__}. Pass a collate_fn that knows it"
    )


def _number_tensor(numbers: list[Any]) -> Tensor:
    """A tensor of numbers in the type that holds them all, not in that of the first."""
    if not isinstance(numbers[0], float):
        gathered = _core.tensor(numbers)
        if not gathered.dtype.is_floating_point:
            return gathered
    return _core.tensor(numbers, dtype=_core.float64)


def default_convert(data: Any) -> Any:
    """Makes tensors of the NumPy arrays in one sample, a batch by itself; tuples become lists as in `default_collate`.

    >>> import numpy
    >>> default_convert({"x": numpy.zeros(2), "name": "a"})
    {'x': tensor([0., 0.], dtype=gradgate.float64), 'name': 'a'}
    """
    if isinstance(data, (numpy.ndarray, numpy.generic)) and data.dtype.kind not in "SUO":
        return _core.as_tensor(data)
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, (tuple, list)):
        entries = [default_convert(entry) for entry in data]
        return type(data)(*entries) if hasattr(data, "_fields") else entries
    return data
