"""Data sets: indexed collections of samples, and their combinations."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from gradgate import _core
from gradgate._core import Generator, Tensor
from gradgate.utils.data.indices import refuse_mask, sample_key, sample_keys

Sample_co = TypeVar("Sample_co", covariant=True)


class Dataset(Generic[Sample_co]):
    """Base class: a subclass defines `__getitem__(index)` and, for most samplers, `__len__()`."""

    def __getitem__(self, index: int) -> Sample_co:
        raise NotImplementedError(f"{type(self).__name__} should define __getitem__")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample_co]):
    """Base class of data sets that are a stream: a subclass defines `__iter__()`."""

    def __iter__(self) -> Iterator[Sample_co]:
        raise NotImplementedError(f"{type(self).__name__} should define __iter__")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors of shapes (N, ...): sample i is the tuple of their rows i.

    Raises ValueError for no tensors, a tensor without dimensions or sizes N that differ.

    >>> from gradgate import tensor
    >>> data = TensorDataset(tensor([[1.0], [2.0]]), tensor([0, 1]))
    >>> len(data), data[1]
    (2, (tensor([2.]), tensor(1)))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        shapes = [tuple(t.shape) for t in tensors]
        if not tensors or not all(shapes):
            raise ValueError(
                f"TensorDataset: needs one tensor or more, each with a dimension of samples, but got shapes {shapes}"
            )
        if len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                f"Size mismatch between tensors: TensorDataset needs as many rows in each, but got shapes {shapes}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])

    def rows(self, indices: Tensor) -> list[Tensor]:
        """The rows at `indices` (1-D, int64, not negative) of every tensor: one block copy a tensor."""
        return [t.index_select(0, indices) for t in self.tensors]


class Subset(Dataset[Sample_co]):
    """The samples of `dataset` at `indices`, their positions.

    A slice or a list chooses several at once, if `dataset` takes a list of positions, as a TensorDataset does.
    Raises TypeError for a mask of bools.

    >>> from gradgate import tensor
    >>> odd = Subset(TensorDataset(tensor([0, 10, 20, 30])), [1, 3])
    >>> odd[0], odd[:]
    ((tensor(10),), (tensor([10, 30]),))
    """

    def __init__(self, dataset: Dataset[Sample_co], indices: Sequence[int]) -> None:
        refuse_mask(indices, "Subset")
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Sample_co:
        if type(index) is not int:
            if isinstance(index, (slice, list)):
                return self._several(index)
            index = sample_key(index, "Subset")
        key = self.indices[index]
        return self.dataset[key if type(key) is int else sample_key(key, "Subset")]

    def _several(self, index: slice | list[Any]) -> Sample_co:
        if isinstance(index, slice):
            chosen: Any = self.indices[index]
        else:
            chosen = [self.indices[i] for i in sample_keys(index, "Subset")]
        # A data set that takes a list of positions is more general than the type of one that takes a position.
        return self.dataset[sample_keys(chosen, "Subset")]  # type: ignore[index]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[Sample_co]):
    """The samples of several data sets, one after another.

    Raises ValueError for no data sets, TypeError for an IterableDataset among them.
    """

    def __init__(self, datasets: Iterable[Dataset[Sample_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: datasets should not be an empty iterable")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise TypeError("ConcatDataset does not support IterableDataset, which has no indices")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Sample_co:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"ConcatDataset: index {index} is out of range for {size} samples")
        index %= size
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


def random_split(
    dataset: Dataset[Sample_co], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[Sample_co]]:
    """Splits `dataset` at random into subsets without common samples.

    `lengths` are the subsets' sizes or, when they add up to 1, fractions: each gets floor(fraction * N)
    samples, and the samples that are left over go one each to the first subsets.

    Raises ValueError for lengths that do not add up to the data set's, or a fraction outside [0, 1].

    >>> from gradgate import tensor
    >>> train, test = random_split(TensorDataset(tensor([1, 2, 3, 4, 5])), [0.5, 0.5])
    >>> len(train), len(test)
    (3, 2)
    """
    size = len(dataset)  # type: ignore[arg-type]
    if any(length < 0 for length in lengths):
        raise ValueError(f"random_split: lengths should not be negative, but are {list(lengths)}")
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        sizes = [math.floor(size * fraction) for fraction in lengths]
        for i in range(size - sum(sizes)):
            sizes[i % len(sizes)] += 1
    elif sum(lengths) == size:
        sizes = [int(length) for length in lengths]
    else:
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset: {sum(lengths)} against {size}; "
            "fractions add up to 1"
        )
    order = _core.randperm(size, generator=generator).tolist()
    return [Subset(dataset, order[end - count : end]) for count, end in zip(sizes, accumulate(sizes), strict=True)]
