"""Data sets, samplers, collation and the loader."""

from __future__ import annotations

from collections import Counter, namedtuple
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import tensor
from gradgate.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)

N = 10


def rows() -> TensorDataset:
    """Sample i is ([i, i + 0.5], i)."""
    return TensorDataset(tensor(np.stack([np.arange(N), np.arange(N) + 0.5], 1)), tensor(np.arange(N)))


def labels(loader: Any) -> list[list[int]]:
    """The labels of each batch, checked against its features."""
    found = []
    for x, y in loader:
        assert x.numpy().tolist() == [[i, i + 0.5] for i in y.tolist()]
        found.append(y.tolist())
    return found


def seeded(seed: int) -> Any:
    return gradgate.Generator().manual_seed(seed)


class Squares(Dataset[int]):
    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> int:
        return index**2


class Stream(IterableDataset[int]):
    def __init__(self, length: int = 5) -> None:
        self.length = length

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.length))


def test_tensor_dataset() -> None:
    data = rows()
    assert len(data) == N
    x, y = data[3]
    assert x.tolist() == [3.0, 3.5] and y.item() == 3 and data[-1][1].item() == N - 1
    for tensors, message in (
        ((), "needs one tensor"),
        ((tensor(1.0),), "dimension of samples"),
        ((tensor([1.0]), tensor([1, 2])), r"Size mismatch.*\(1,\), \(2,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            TensorDataset(*tensors)


def test_subset_and_concatenation() -> None:
    data = rows()
    part = Subset(data, [7, 1, -1])
    assert [part[i][1].item() for i in range(3)] == [7, 1, 9] and part[-1][1].item() == 9
    joined = data + part
    assert isinstance(joined, ConcatDataset) and len(joined) == 13
    assert [joined[i][1].item() for i in (0, 9, 10, 12, -1, -13)] == [0, 9, 7, 9, 9, 0]
    for index in (13, -14):
        with pytest.raises(IndexError, match="out of range for 13"):
            joined[index]
    assert [Squares()[i] for i in range(5)] == [ConcatDataset([Subset(Squares(), []), Squares()])[i] for i in range(5)]
    with pytest.raises(ValueError, match="empty"):
        ConcatDataset([])
    with pytest.raises(TypeError, match="IterableDataset"):
        ConcatDataset([Stream()])


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ([7, 3], [7, 3]),
        ([10], [10]),
        ([0, 10], [0, 10]),
        ([0.5, 0.5], [5, 5]),
        ([0.75, 0.25], [8, 2]),
        ([1 / 3] * 3, [4, 3, 3]),
        ([1.0], [10]),
    ],
)
def test_random_split(lengths: list[float], sizes: list[int]) -> None:
    parts = random_split(rows(), lengths, seeded(1))
    assert [len(part) for part in parts] == sizes
    found = [part[i][1].item() for part in parts for i in range(len(part))]
    assert sorted(found) == list(range(N))
    again = random_split(rows(), lengths, seeded(1))
    assert [part.indices for part in again] == [part.indices for part in parts]


@pytest.mark.parametrize("lengths", [[3, 3], [0.5, 0.6], [-1, 11], [0.1]])
def test_random_split_refuses_other_lengths(lengths: list[float]) -> None:
    with pytest.raises(ValueError, match=r"Sum of input lengths|negative"):
        random_split(rows(), lengths)


def test_samplers_cover_the_data() -> None:
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]
    shuffled = RandomSampler(range(1000), generator=seeded(1))
    first, second = list(shuffled), list(shuffled)
    assert sorted(first) == sorted(second) == list(range(1000)) and first != second != list(range(1000))
    assert list(RandomSampler(range(1000), generator=seeded(1))) == first
    assert list(RandomSampler([])) == []
    assert sorted(SubsetRandomSampler([5, 3, 8], generator=seeded(1))) == [3, 5, 8]


def test_random_sampler_counts() -> None:
    assert len(RandomSampler(range(4), num_samples=10)) == 10
    counts = Counter(RandomSampler(range(4), num_samples=10))
    assert sum(counts.values()) == 10 and set(counts.values()) <= {2, 3}
    assert len(set(RandomSampler(range(10), num_samples=4))) == 4
    replaced = list(RandomSampler(range(10), replacement=True, num_samples=1000, generator=seeded(1)))
    assert len(replaced) == 1000 and set(replaced) == set(range(10))
    for bad in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="num_samples should be a positive integer"):
            RandomSampler(range(4), num_samples=bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="empty"):
        list(RandomSampler([], num_samples=2))


def test_weighted_sampler_draws_in_proportion() -> None:
    draws = Counter(WeightedRandomSampler([0.0, 1.0, 3.0], 4000, generator=seeded(1)))
    # 3000 of 4000 expected, standard deviation 27: six of them.
    assert draws[0] == 0 and abs(draws[2] - 3000) < 165
    assert sorted(WeightedRandomSampler([1.0, 2.0, 0.0, 5.0], 3, replacement=False)) == [0, 1, 3]
    for weights, count, message in (([1.0], 0, "num_samples"), ([[1.0], [2.0]], 1, "1d")):
        with pytest.raises(ValueError, match=message):
            WeightedRandomSampler(weights, count)  # type: ignore[arg-type]


def test_batch_sampler() -> None:
    for drop_last, batches in ((False, [[0, 1], [2, 3], [4]]), (True, [[0, 1], [2, 3]])):
        sampler = BatchSampler(SequentialSampler(range(5)), 2, drop_last)
        assert list(sampler) == batches and len(sampler) == len(batches)
    assert list(BatchSampler([7, 8, 9], 2, False)) == [[7, 8], [9]]
    for bad in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="batch_size should be a positive integer"):
            BatchSampler(range(3), bad, False)  # type: ignore[arg-type]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 11])
def test_loader_batches(batch_size: int, drop_last: bool) -> None:
    loader = DataLoader(rows(), batch_size, drop_last=drop_last)
    expected = [list(range(N))[i : i + batch_size] for i in range(0, N, batch_size)]
    if drop_last:
        expected = [batch for batch in expected if len(batch) == batch_size]
    assert labels(loader) == labels(loader) == expected and len(loader) == len(expected)


def test_loader_shuffles_anew_at_every_iteration() -> None:
    loader = DataLoader(rows(), 4, shuffle=True, generator=seeded(3))
    first, second = labels(loader), labels(loader)
    assert first != second and sorted(chain(*first)) == sorted(chain(*second)) == list(range(N))
    assert labels(DataLoader(rows(), 4, shuffle=True, generator=seeded(3))) == first
    gradgate.manual_seed(5)
    by_global = labels(DataLoader(rows(), 4, shuffle=True))
    gradgate.manual_seed(5)
    assert labels(DataLoader(rows(), 4, shuffle=True)) == by_global


def test_shuffled_order_is_the_samplers() -> None:
    order = list(RandomSampler(rows(), generator=seeded(3)))
    assert list(chain(*labels(DataLoader(rows(), 4, shuffle=True, generator=seeded(3))))) == order


def test_batches_are_copies() -> None:
    data = rows()
    x, _ = next(iter(DataLoader(data, N)))
    x.mul_(0)
    assert data.tensors[0].numpy().any()


class OneByOne(TensorDataset):
    """The same samples, fetched item by item."""

    def __getitem__(self, index: Any) -> Any:
        return tuple(t[index] for t in self.tensors)


@pytest.mark.parametrize("indices", [[3, 1, 4, 1, 5], [-1, 0, -3], range(2, 8), tensor([2, 9, 4]), np.array([2, 9, 4])])
def test_gathered_batches_equal_those_item_by_item(indices: Any) -> None:
    data = rows()
    slow = OneByOne(*data.tensors)
    for source, other in ((data, slow), (Subset(data, indices), Subset(slow, indices))):
        for fast, plain in zip(DataLoader(source, 2), DataLoader(other, 2), strict=True):
            assert type(fast) is type(plain) is list
            for a, b in zip(fast, plain, strict=True):
                assert a.dtype == b.dtype and a.numpy().tolist() == b.numpy().tolist()
    nested = Subset(Subset(data, indices), [1, 0])
    assert labels(DataLoader(nested, 2)) == [[int(indices[1]) % N, int(indices[0]) % N]]


def test_gathering_does_not_fetch_items(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    original = TensorDataset.rows
    monkeypatch.setattr(
        TensorDataset, "rows", lambda self, indices: calls.append(len(indices)) or original(self, indices)
    )
    assert labels(DataLoader(Subset(rows(), [4, 5, 6]), 2)) == [[4, 5], [6]]
    assert calls == [2, 1]


def test_samplers_of_ones_own() -> None:
    class Even(Sampler[int]):
        def __iter__(self) -> Iterator[int]:
            return iter(range(0, N, 2))

    class Backwards(RandomSampler):
        def __iter__(self) -> Iterator[int]:
            return iter(reversed(range(N)))

    assert labels(DataLoader(rows(), 2, sampler=Even())) == [[0, 2], [4, 6], [8]]
    with pytest.raises(TypeError):
        len(DataLoader(rows(), 2, sampler=Even()))
    assert labels(DataLoader(rows(), 5, sampler=Backwards(range(N)))) == [[9, 8, 7, 6, 5], [4, 3, 2, 1, 0]]
    assert labels(DataLoader(rows(), batch_sampler=[[1, 2], [-1]])) == [[1, 2], [9]]
    with pytest.raises(IndexError):
        labels(DataLoader(rows(), 2, sampler=[0, N]))


def test_other_data_sets_and_collate_functions() -> None:
    assert [b.tolist() for b in DataLoader(Squares(), 2)] == [[0, 1], [4, 9], [16]]
    assert list(DataLoader(Squares(), 2, collate_fn=sum)) == [1, 13, 16]
    assert list(DataLoader(Squares(), batch_size=None)) == [0, 1, 4, 9, 16]
    assert sorted(DataLoader(Squares(), batch_size=None, shuffle=True)) == [0, 1, 4, 9, 16]
    total = DataLoader(rows(), 4, collate_fn=lambda batch: sum(y.item() for _, y in batch))
    assert list(total) == [6, 22, 17]


def test_streams() -> None:
    assert [b.tolist() for b in DataLoader(Stream(), 2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Stream(), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(), None)) == [0, 1, 2, 3, 4]
    with pytest.raises(TypeError):
        len(DataLoader(Stream(), 2))
    with pytest.raises(ValueError, match="own order"):
        DataLoader(Stream(), 2, shuffle=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_workers": -1}, "num_workers should not be negative, but is -1"),
        ({"sampler": [1], "shuffle": True}, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[1]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[1]], "shuffle": True}, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "mutually exclusive with drop_last"),
        ({"batch_size": 0}, "batch_size should be a positive integer value, but got batch_size=0"),
        ({"batch_size": 2.5}, "batch_size should be a positive integer"),
    ],
)
def test_contradictory_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(rows(), **options)


@pytest.mark.parametrize("name", ["dataset", "batch_size", "sampler", "batch_sampler", "drop_last", "generator"])
def test_what_made_a_loader_cannot_be_set_afterwards(name: str) -> None:
    loader = DataLoader(rows(), batch_size=4)
    with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader is initialized"):
        setattr(loader, name, getattr(loader, name))
    assert [len(batch) for batch in labels(loader)] == [4, 4, 2]


def test_what_a_loader_reads_at_every_iteration_can_be_set() -> None:
    class Tagged(DataLoader[Any]):
        def __init__(self, dataset: Any) -> None:
            self.batch_size = 3  # before the loader is made, of no effect
            super().__init__(dataset, batch_size=4)
            self.tag = "a"

    loader = Tagged(Squares())
    loader.collate_fn = sum
    loader.tag = "b"
    assert list(loader) == [0 + 1 + 4 + 9, 16]


def test_arguments_about_workers_change_no_batch() -> None:
    expected = [y.tolist() for _, y in DataLoader(rows(), 3)]
    with pytest.warns(UserWarning, match="num_workers=2 changes nothing"):
        loader = DataLoader(rows(), 3, num_workers=2, persistent_workers=True, prefetch_factor=4, timeout=1.0)
    assert [y.tolist() for _, y in loader] == expected
    assert (loader.num_workers, loader.batch_size) == (2, 3)


def test_single_samples_become_tensors() -> None:
    pair = namedtuple("pair", "a b")
    samples: Any = [(np.float32([1, 2]), 3), {"x": pair(np.int64(4), "name"), "y": [np.array("text")]}]
    (array, number), nested = DataLoader(samples, batch_size=None)
    assert array.dtype == gradgate.float32 and array.tolist() == [1.0, 2.0] and number == 3
    assert nested["x"].a.item() == 4 and nested["x"].b == "name" and nested["y"] == [np.array("text")]
    assert list(DataLoader(samples[:1], batch_size=None, collate_fn=len)) == [2]


def test_default_collate() -> None:
    pair = namedtuple("pair", "a b")
    assert default_collate([tensor([1.0]), tensor([2.0])]).tolist() == [[1.0], [2.0]]
    assert default_collate([np.float32([1, 2]), np.float32([3, 4])]).dtype == gradgate.float32
    for numbers, dtype in (([1, 2], gradgate.int64), ([1.0, 2.5], gradgate.float64), ([True, False], gradgate.bool)):
        batch = default_collate(numbers)
        assert batch.tolist() == numbers and batch.dtype == dtype
    assert default_collate(["a", "b"]) == ["a", "b"] and default_collate([b"a"]) == [b"a"]
    nested = default_collate([{"x": (1, [2.0]), "y": pair(3, "c")}, {"x": (4, [5.0]), "y": pair(6, "f")}])
    assert nested["x"][0].tolist() == [1, 4] and nested["x"][1][0].tolist() == [2.0, 5.0]
    assert nested["y"].a.tolist() == [3, 6] and nested["y"].b == ["c", "f"]
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([(1, 2), (1,)])
    with pytest.raises(TypeError, match="found object"):
        default_collate([object()])


@pytest.mark.parametrize(
    ("numbers", "expected", "dtype"),
    [
        ([1, 2.5], [1.0, 2.5], gradgate.float64),
        ([2.5, 1], [2.5, 1.0], gradgate.float64),
        ([True, 2], [1, 2], gradgate.int64),
        ([False, 0.5, 3], [0.0, 0.5, 3.0], gradgate.float64),
        ([True, False], [True, False], gradgate.bool),
        ([3, np.float64(0.5)], [3.0, 0.5], gradgate.float64),
        ([np.int64(3), 0.5], [3.0, 0.5], gradgate.float64),
        ([0, tensor(0.25)], [0.0, 0.25], gradgate.float64),
    ],
)
def test_numbers_are_collated_without_loss(numbers: list[Any], expected: list[Any], dtype: Any) -> None:
    for batch, take in ((numbers, lambda b: b), ([{"y": n} for n in numbers], lambda b: b["y"])):
        collated = take(default_collate(batch))
        assert collated.tolist() == expected
        assert collated.dtype == dtype


@pytest.mark.parametrize("other", [None, "a", [1]])
@pytest.mark.parametrize("number", [1, 0.5, True])
def test_numbers_are_collated_with_numbers_alone(number: Any, other: Any) -> None:
    with pytest.raises((RuntimeError, TypeError, ValueError), match="tensor: "):
        default_collate([number, other])
