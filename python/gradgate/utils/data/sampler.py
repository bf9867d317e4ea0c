"""Samplers: the order in which a data set's samples are visited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import chain
from typing import Any, Generic, TypeVar

from gradgate import _core
from gradgate._core import Generator, Tensor
from gradgate.utils.data.indices import position_tensor, refuse_mask

Index_co = TypeVar("Index_co", covariant=True)

# Indices that are drawn at once: 8 MB, of which a sampler of any length needs no more.
_BLOCK = 1 << 20


class Sampler(Generic[Index_co]):
    """Base class: a subclass defines `__iter__()`, which yields indices, and usually `__len__()`."""

    def __iter__(self) -> Iterator[Index_co]:
        raise NotImplementedError(f"{type(self).__name__} should define __iter__")


class IndexSampler(Sampler[int]):
    """A sampler that draws its indices in blocks, int64 tensors of one dimension.

    The first block is drawn when an iteration begins, and the others when they are needed.
    """

    def blocks(self) -> Iterator[Tensor]:
        """The indices of one pass over the data."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(block.tolist() for block in self.blocks())

    def __len__(self) -> int:
        raise NotImplementedError


def _in_blocks(draw: Callable[[int, int], Tensor], count: int, size: int = _BLOCK) -> Iterator[Tensor]:
    """What `draw(begin, end)` gives for the parts of `count` indices, the first of them at once."""
    first = draw(0, min(size, count))
    return chain([first], (draw(begin, min(begin + size, count)) for begin in range(size, count, size)))


class SequentialSampler(IndexSampler):
    """0, 1, ..., N - 1."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def blocks(self) -> Iterator[Tensor]:
        return _in_blocks(_core.arange, len(self))

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

    def blocks(self) -> Iterator[Tensor]:
        size, wanted = len(self.data_source), self.num_samples
        if size == 0:
            if wanted > 0:
                raise ValueError(f"RandomSampler: num_samples={wanted}, but the data set is empty")
            return iter(())
        if self.replacement:
            return _in_blocks(lambda begin, end: self._independent(size, end - begin), wanted)
        return _in_blocks(lambda begin, end: self._permuted(size, end - begin), wanted, size * max(1, _BLOCK // size))

    def _independent(self, size: int, count: int) -> Tensor:
        return _core.randint(0, size, (count,), generator=self.generator)

    def _permuted(self, size: int, count: int) -> Tensor:
        """The first `count` indices of as many permutations as they need."""
        orders = [_core.randperm(size, generator=self.generator) for _ in range(-(-count // size))]
        return (orders[0] if len(orders) == 1 else _core.cat(orders))[:count]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(IndexSampler):
    """The given indices in random order. Raises TypeError for a mask of bools."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        refuse_mask(indices, "SubsetRandomSampler")
        self.indices = indices
        self.generator = generator

    def blocks(self) -> Iterator[Tensor]:
        indices = position_tensor(self.indices, 0, "SubsetRandomSampler")
        return iter([indices.index_select(0, _core.randperm(len(self), generator=self.generator))])

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

    def blocks(self) -> Iterator[Tensor]:
        # Every block costs a pass over the weights; without replacement there are fewer indices than weights.
        size = max(_BLOCK, len(self.weights)) if self.replacement else self.num_samples
        return _in_blocks(lambda begin, end: self._drawn(end - begin), self.num_samples, size)

    def _drawn(self, count: int) -> Tensor:
        return _core.multinomial(self.weights, count, self.replacement, generator=self.generator)

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
        """What `__iter__` yields, but as int64 tensors where the sampler draws its indices in blocks."""
        # A subclass with an __iter__ of its own means that one.
        own_order = (
            type(self).__iter__ is not BatchSampler.__iter__ or type(self.sampler).__iter__ is not IndexSampler.__iter__
        )
        return iter(self) if own_order else self._slices(self.sampler.blocks())  # type: ignore[attr-defined]

    def _slices(self, blocks: Iterator[Tensor]) -> Iterator[Tensor]:
        rest: Tensor | None = None
        for block in blocks:
            indices = block if rest is None else _core.cat([rest, block])
            count = int(indices.shape[0])
            whole = count - count % self.batch_size
            for begin in range(0, whole, self.batch_size):
                yield indices[begin : begin + self.batch_size]
            rest = indices[whole:] if whole < count else None
        if rest is not None and not self.drop_last:
            yield rest


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
