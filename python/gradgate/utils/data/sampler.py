"""Samplers: the order in which a data set's samples are visited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from gradgate import _core
from gradgate._core import Generator, Tensor

Index_co = TypeVar("Index_co", covariant=True)


class Sampler(Generic[Index_co]):
    """Base class: a subclass defines `__iter__()`, which yields indices, and usually `__len__()`."""

    def __iter__(self) -> Iterator[Index_co]:
        raise NotImplementedError(f"{type(self).__name__} should define __iter__")


class IndexSampler(Sampler[int]):
    """A sampler that draws all its indices at once, as an int64 tensor of shape (N,)."""

    def draw(self) -> Tensor:
        """The indices of one pass over the data."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[int]:
        return iter(self.draw().tolist())

    def __len__(self) -> int:
        raise NotImplementedError


class SequentialSampler(IndexSampler):
    """0, 1, ..., N - 1."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def draw(self) -> Tensor:
        return _core.arange(len(self))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(IndexSampler):
    """Indices in random order: a permutation, or with `replacement` independent draws.

    `num_samples` (N by default) is how many are drawn; without replacement, more than N are further
    permutations. `generator` is the source of random numbers, the global one by default.

    Raises ValueError for a `num_samples` that is not a positive integer, or is asked of an empty data set.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if num_samples is not None:
            _check_positive("num_samples", num_samples)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        """How many indices are drawn."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def draw(self) -> Tensor:
        size, wanted = len(self.data_source), self.num_samples
        if wanted > 0 and size == 0:
            raise ValueError(f"RandomSampler: num_samples={wanted}, but the data set is empty")
        if self.replacement and size > 0:
            return _core.randint(0, size, (wanted,), generator=self.generator)
        orders = [_core.randperm(size, generator=self.generator) for _ in range(-(-wanted // max(size, 1)))]
        return _core.cat(orders)[:wanted] if orders else _core.arange(0)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(IndexSampler):
    """The given indices in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def draw(self) -> Tensor:
        indices = _core.tensor([int(index) for index in self.indices], dtype=_core.int64)
        return indices.index_select(0, _core.randperm(len(self), generator=self.generator))

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(IndexSampler):
    """`num_samples` indices, each i drawn with probability proportional to `weights[i]`.

    Raises ValueError for weights that are not one-dimensional or a `num_samples` that is not a positive
    integer; without `replacement` the draw raises RuntimeError when there are too few weights above 0.
    """

    def __init__(
        self,
        weights: Sequence[float] | Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(weights, Tensor):
            weights = _core.tensor(list(weights))
        self.weights = weights.to(_core.float64)
        if len(self.weights.shape) != 1:
            raise ValueError(f"weights should be a 1d sequence, but have shape {tuple(self.weights.shape)}")
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def draw(self) -> Tensor:
        return _core.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Groups a sampler's indices into lists of `batch_size`; with `drop_last`, an incomplete last one is left out.

    Raises ValueError for a `batch_size` that is not a positive integer.

    >>> list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def batches(self) -> Iterator[Any]:
        """What `__iter__` yields, but as int64 tensors where the sampler draws its indices at once."""
        # A subclass with an __iter__ of its own means that one.
        own_order = (
            type(self).__iter__ is not BatchSampler.__iter__ or type(self.sampler).__iter__ is not IndexSampler.__iter__
        )
        return iter(self) if own_order else self._slices(self.sampler.draw())  # type: ignore[attr-defined]

    def _slices(self, indices: Tensor) -> Iterator[Tensor]:
        count = int(indices.shape[0])
        for begin in range(0, count, self.batch_size):
            if begin + self.batch_size <= count or not self.drop_last:
                yield indices[begin : begin + self.batch_size]


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
