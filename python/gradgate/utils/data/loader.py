"""DataLoader: batches of a data set, in the order of a sampler."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from gradgate._core import Generator, Tensor
from gradgate.utils.data.collate import default_collate, default_convert
from gradgate.utils.data.dataset import Dataset, IterableDataset, Subset, TensorDataset
from gradgate.utils.data.indices import position_tensor, sample_key, sample_keys
from gradgate.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

Sample_co = TypeVar("Sample_co", covariant=True)

_FIXED = {"dataset", "batch_size", "sampler", "batch_sampler", "drop_last", "generator", "persistent_workers"}


class DataLoader(Generic[Sample_co]):
    """Batches of `dataset`, anew at every iteration.

    Args:
        dataset: the samples.
        batch_size: samples in a batch; None yields single samples.
        shuffle: a new random order at every iteration.
        sampler: gives the order of the indices, instead of `shuffle`.
        batch_sampler: gives lists of indices, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
        num_workers: more than 0 gives the same batches and a warning, since they are made in this process.
        collate_fn: makes a batch of a list of samples, `default_collate` by default; without batches it
            converts each sample, `default_convert` by default.
        drop_last: leaves out the last batch if it is incomplete.
        generator: the source of random numbers of `shuffle`, the global one by default.
        pin_memory, timeout, worker_init_fn, multiprocessing_context, prefetch_factor, persistent_workers,
            pin_memory_device, in_order: accepted for the sake of existing scripts. There are no workers and
            no other memory that they could be about.

    A TensorDataset, or a Subset of one, is gathered in blocks of rows, one call for each tensor and batch,
    when `collate_fn` is the default.

    The attributes that are used when the loader is made cannot be set afterwards: make a new loader.

    Raises ValueError for arguments that contradict one another, or a negative `num_workers`, TypeError for a mask of bools
    instead of indices.

    >>> from gradgate import tensor
    >>> from gradgate.utils.data import TensorDataset
    >>> data = TensorDataset(tensor([[1.0], [2.0], [3.0]]), tensor([0, 1, 2]))
    >>> [y.tolist() for x, y in DataLoader(data, batch_size=2)]
    [[0, 1], [2]]
    """

    def __init__(
        self,
        dataset: Dataset[Sample_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers)
        streams = isinstance(dataset, IterableDataset)
        _check_order(streams, batch_size, bool(shuffle), sampler, batch_sampler, drop_last)
        if sampler is None and not streams and batch_sampler is None:
            samples: Any = dataset
            sampler = RandomSampler(samples, generator=generator) if shuffle else SequentialSampler(samples)
        self.batch_size = batch_size if batch_sampler is None else None
        if sampler is not None and batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        default = default_collate if batch_size is not None or batch_sampler is not None else default_convert
        self.collate_fn: Callable[[Any], Any] = default if collate_fn is None else collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.generator = generator
        self._is_made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "_is_made" in vars(self):
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized; make a new one"
            )
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            return self._stream(iter(self.dataset))
        if self.batch_sampler is None:
            order = () if self.sampler is None else self.sampler
            return (self.collate_fn(self.dataset[sample_key(index, "DataLoader")]) for index in order)
        sampler = self.batch_sampler
        batches = sampler.batches() if isinstance(sampler, BatchSampler) else iter(sampler)
        gather = _row_gatherer(self.dataset) if self.collate_fn is default_collate else None
        if gather is not None:
            return map(gather, batches)
        dataset: Any = self.dataset  # whose keys are those that the sampler gives
        return (self.collate_fn([dataset[key] for key in sample_keys(batch, "DataLoader")]) for batch in batches)

    def __len__(self) -> int:
        """The number of batches. Raises TypeError if the data set or the sampler has no length."""
        for sampler in (self.batch_sampler, self.sampler):
            if sampler is not None:
                return len(sampler)  # type: ignore[arg-type]
        size = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return size
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)

    def _stream(self, samples: Iterator[Any]) -> Iterator[Any]:
        if self.batch_size is None:
            yield from map(self.collate_fn, samples)
            return
        while batch := list(islice(samples, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.collate_fn(batch)


def _check_workers(num_workers: int) -> None:
    """Raises ValueError for a negative number, warns of one that asks for other processes."""
    if num_workers < 0:
        raise ValueError(f"DataLoader: num_workers should not be negative, but is {num_workers}")
    if num_workers > 0:
        warnings.warn(
            f"DataLoader: batches are made in this process; num_workers={num_workers} changes nothing, use 0",
            stacklevel=3,
        )


def _check_order(
    streams: bool, batch_size: int | None, shuffle: bool, sampler: object, batch_sampler: object, drop_last: bool
) -> None:
    """Raises ValueError if the arguments that choose samples for batches contradict one another."""
    if streams and (shuffle or sampler is not None or batch_sampler is not None):
        raise ValueError(
            "DataLoader: an IterableDataset has its own order; it takes no shuffle, sampler or batch_sampler"
        )
    if sampler is not None and shuffle:
        raise ValueError("DataLoader: sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError(
            "DataLoader: batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
        )
    if batch_size is None and drop_last:
        raise ValueError("DataLoader: batch_size=None yields single samples and is mutually exclusive with drop_last")
    if batch_size is not None and (not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0):
        raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")


def _row_gatherer(dataset: Dataset[Any]) -> Callable[[Any], list[Tensor]] | None:
    """How to gather the rows at some indices in blocks, if the data set is tensors in memory."""
    if isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__:
        tensors = dataset
        return lambda indices: tensors.rows(position_tensor(indices, len(tensors), "DataLoader"))
    if isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        gather, subset = _row_gatherer(dataset.dataset), dataset
        if gather is not None:
            chosen = position_tensor(subset.indices, len(subset.dataset), "Subset")  # type: ignore[arg-type]
            return lambda indices: gather(chosen.index_select(0, position_tensor(indices, len(subset), "DataLoader")))
    return None
