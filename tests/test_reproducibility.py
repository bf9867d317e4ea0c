"""The same bits for every instruction set and any number of threads."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import gradgate
from gradgate import _core, nn, optim
from gradgate.nn import functional as F
from gradgate.utils.data import DataLoader, TensorDataset


def train() -> str:
    """Train a small network that uses a bit of everything, and return the SHA-256 of its parameters."""
    gradgate.manual_seed(7)
    x = gradgate.randn(300, 20)
    y = gradgate.randint(0, 5, (300,))
    model = nn.Sequential(
        nn.Linear(20, 70),
        nn.LayerNorm(70),
        nn.GELU(),
        nn.Dropout(0.1),
        nn.Linear(70, 33),
        nn.BatchNorm1d(33),
        nn.Tanh(),
        nn.Linear(33, 5),
    )
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    for _ in range(4):
        for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), labels, label_smoothing=0.1) + 1e-4 * sum(
                p.square().sum() for p in model.parameters()
            )
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        schedule.step()
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.numpy()).tobytes())
    return digest.hexdigest()


# Found by running it; any machine must find the same.
TRAINED = "3eb994e8f8337b199dd8ad6b3a0afe87f8eeab60996de16aa02fe347c77c7fee"


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_training_gives_the_same_bits(isa: str, threads: int) -> None:
    _core.set_isa(isa)
    gradgate.set_num_threads(threads)
    assert train() == TRAINED


@pytest.mark.parametrize("isa", _core.available_isas())
def test_large_work_on_several_threads_gives_the_same_bits(isa: str) -> None:
    _core.set_isa(isa)
    random = np.random.default_rng(0)
    a, b = (gradgate.from_numpy(random.standard_normal(s).astype(np.float32)) for s in ((700, 600), (600, 500)))
    digests = set()
    for threads in (1, 2, 3, 4):
        gradgate.set_num_threads(threads)
        results = [a @ b, a.sum(), a.sum(0), a.sum(1), a.exp(), gradgate.softmax(a, 1), a.var(0), a.cumsum(0)]
        digests.add(hashlib.sha256(b"".join(np.ascontiguousarray(r.numpy()).tobytes() for r in results)).hexdigest())
    assert len(digests) == 1


def test_a_row_does_not_depend_on_its_batch() -> None:
    random = np.random.default_rng(0)
    x = gradgate.from_numpy(random.standard_normal((100, 300)).astype(np.float32))
    layer = nn.Linear(300, 77)
    with gradgate.no_grad():
        whole = layer(x).numpy()
        for size in (1, 2, 7, 15, 64):
            assert np.array_equal(layer(x[:size]).numpy(), whole[:size])
