"""Which samples are drawn: positions, masks that are none, and indices in blocks."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

import gradgate
from gradgate import tensor
from gradgate.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)
from gradgate.utils.data import (
    sampler as sampler_module,
)

N = 10


def rows() -> TensorDataset:
    """Sample i is (10 i, i)."""
    return TensorDataset(tensor(np.arange(N) * 10), tensor(np.arange(N)))


class OneByOne(TensorDataset):
    """A data set that the loader does not know how to gather in blocks."""

    def __getitem__(self, index: int) -> tuple[gradgate.Tensor, ...]:
        return super().__getitem__(index)


def seeded(seed: int) -> Any:
    return gradgate.Generator().manual_seed(seed)


@pytest.mark.parametrize("indices", [[7, 2, 2, -1], np.array([7, 2, 2, -1]), (7, 2, 2, -1), tensor([7, 2, 2, 9])])
def test_a_slice_or_a_list_of_a_subset(indices: Any) -> None:
    subset = Subset(rows(), indices)
    for chosen in (subset[:], subset[[0, 1, 2, 3]], subset[[-4, np.int64(1), tensor(2), 3]]):
        assert chosen[1].tolist() == [7, 2, 2, 9]
    assert subset[1:-1][1].tolist() == subset[[1, 2]][1].tolist() == [2, 2]
    assert subset[4:][1].tolist() == subset[[]][1].tolist() == []
    assert Subset(subset, [3, 0])[:][1].tolist() == [9, 7]


MASK = [False, True, True, False, False, False, False, False, False, False]


@pytest.mark.parametrize(
    "mask", [MASK, tuple(MASK), np.array(MASK), list(np.array(MASK)), tensor(MASK), list(tensor(MASK))], ids=str
)
def test_a_mask_is_no_list_of_indices(mask: Any) -> None:
    for make in (
        lambda: Subset(rows(), mask),
        lambda: SubsetRandomSampler(mask),
        lambda: list(DataLoader(rows(), sampler=mask, batch_size=4)),
        lambda: list(DataLoader(rows(), sampler=mask, batch_size=None)),
        lambda: list(DataLoader(rows(), batch_sampler=[mask])),
        lambda: list(DataLoader(OneByOne(tensor(np.arange(N))), sampler=mask, batch_size=4)),
        lambda: list(DataLoader(OneByOne(tensor(np.arange(N))), batch_sampler=[mask])),
        lambda: rows_of(mask),
    ):
        with pytest.raises(TypeError, match=r"positions of samples, but a bool was given.*numpy\.flatnonzero"):
            make()


def rows_of(mask: Any) -> Any:
    """The rows of a subset whose indices became a mask after it was made, as the loader gathers them."""
    subset = Subset(rows(), [0])
    subset.indices = mask
    return list(DataLoader(subset, batch_size=4))


def test_indices_are_whole_numbers() -> None:
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        list(DataLoader(Subset(rows(), [0.5, 1.5])))  # type: ignore[list-item]
    with pytest.raises(TypeError, match="a bool was given"):
        list(DataLoader(rows(), batch_sampler=[[0, True]]))
    with pytest.raises(TypeError, match="a bool was given"):
        Subset(rows(), [0, 1])[True]


def test_keys_that_are_no_numbers_reach_their_data_set() -> None:
    class Named(Dataset[int]):
        def __getitem__(self, index: Any) -> int:
            return {"a": 1, "b": 2}[index]

    loader = DataLoader(Subset(Named(), ["b", "a"]), batch_size=2)  # type: ignore[list-item]
    assert [batch.tolist() for batch in loader] == [[2, 1]]
    assert [batch.tolist() for batch in DataLoader(Named(), sampler=["a", "b"], batch_size=1)] == [[1], [2]]  # type: ignore[list-item]


SAMPLERS = {
    "in order": lambda generator: SequentialSampler(range(23)),
    "permuted": lambda generator: RandomSampler(range(23), generator=generator),
    "permuted again and again": lambda generator: RandomSampler(range(5), num_samples=23, generator=generator),
    "independent": lambda generator: RandomSampler(range(5), True, 23, generator),
    "weighted": lambda generator: WeightedRandomSampler([1.0, 2.0, 0.0, 3.0], 23, generator=generator),
}


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("block", [1, 4, 6, 22, 23, 24])
def test_indices_drawn_in_blocks_are_those_drawn_at_once(
    name: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = list(SAMPLERS[name](seeded(4)))
    monkeypatch.setattr(sampler_module, "_BLOCK", block)
    assert list(SAMPLERS[name](seeded(4))) == at_once
    for size, drop_last in ((1, False), (4, True), (5, False), (23, True), (30, False), (30, True)):
        batches = BatchSampler(SAMPLERS[name](seeded(4)), size, drop_last).batches()
        expected = [at_once[i : i + size] for i in range(0, 23, size)]
        assert [b.tolist() for b in batches] == [b for b in expected if len(b) == size or not drop_last]


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomSampler(range(10), replacement=True, num_samples=10**10),
        lambda: RandomSampler(range(10), num_samples=10**10),
        lambda: SequentialSampler(range(10**10)),
        lambda: WeightedRandomSampler([1.0, 1.0], 10**10),
    ],
)
def test_a_sampler_of_any_length_begins_at_once(make: Any) -> None:
    sampler = make()
    assert len(sampler) == 10**10
    assert len(list(islice(sampler, 5))) == 5
    assert [len(batch) for batch in islice(BatchSampler(sampler, 3, False).batches(), 2)] == [3, 3]


def test_the_first_block_is_drawn_when_the_iteration_begins() -> None:
    order = list(RandomSampler(range(N), generator=seeded(1)))
    generator = seeded(1)
    iteration = iter(DataLoader(rows(), batch_size=5, shuffle=True, generator=generator))
    generator.manual_seed(2)  # too late for this iteration
    assert [y.tolist() for _, y in iteration] == [order[:5], order[5:]]
