"""Gradgate inside Python: threads, the interpreter lock, interrupts, forks and leaks."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

import gradgate
from gradgate import _core


def test_lock_is_released_in_long_work() -> None:
    """Another thread counts while a product runs; it could not while the lock is held."""
    a = gradgate.ones(2000, 2000)
    counted = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal counted
        while not stop.is_set():
            counted += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    before = sys.getswitchinterval()
    # With the switch interval out of reach, the other thread runs only where the lock is given up.
    sys.setswitchinterval(1e3)
    try:
        gradgate.set_num_threads(1)
        thread.start()
        start = counted
        _ = a @ a
        gained = counted - start
    finally:
        stop.set()
        sys.setswitchinterval(before)
        thread.join()
    assert gained > 100


def test_threads_compute_side_by_side() -> None:
    random = np.random.default_rng(0)
    arrays = [random.standard_normal((300, 300)) for _ in range(4)]
    results: dict[int, np.ndarray] = {}

    def work(i: int) -> None:
        x = gradgate.tensor(arrays[i], requires_grad=True)
        for _ in range(20):
            x.grad = None
            (x @ x).tanh().sum().backward()
        assert x.grad is not None
        results[i] = x.grad.numpy()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i, a in enumerate(arrays):
        slope = 1 - np.tanh(a @ a) ** 2
        # Products of 300 terms in float64.
        np.testing.assert_allclose(results[i], slope @ a.T + a.T @ slope, rtol=1e-9, atol=1e-9)


def test_sweeps_of_two_threads_interleave_on_one_graph() -> None:
    x = gradgate.tensor([1.0, 2.0], requires_grad=True)
    shared = x * x
    first, second = shared * 3, (shared + 0) * 5
    in_first, in_second, first_is_done = (threading.Event() for _ in range(3))
    gradients: dict[str, list[float]] = {}

    def pause(mine: threading.Event, other: threading.Event) -> Callable[[gradgate.Tensor], None]:
        def hook(gradient: gradgate.Tensor) -> None:
            mine.set()
            assert other.wait(30)

        return hook

    first.register_hook(pause(in_first, in_second))
    second.register_hook(pause(in_second, first_is_done))

    def sweep(name: str, root: gradgate.Tensor, done: threading.Event) -> None:
        (dx,) = gradgate.autograd.grad(root.sum(), x, retain_graph=True)
        gradients[name] = dx.tolist()
        done.set()

    one = threading.Thread(target=sweep, args=("first", first, first_is_done))
    two = threading.Thread(target=sweep, args=("second", second, threading.Event()))
    one.start()
    assert in_first.wait(30)
    two.start()
    one.join()
    two.join()
    assert gradients == {"first": [6, 12], "second": [10, 20]}


def test_threads_add_to_one_parameter() -> None:
    w = gradgate.zeros(200_000, requires_grad=True)

    def work() -> None:
        for _ in range(25):
            (w * 1).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert w.grad is not None and (w.grad == 100).all()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_backward_can_be_interrupted() -> None:
    x = gradgate.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y * 1.0

    class StopError(Exception):
        pass

    def handler(signum: int, frame: object) -> None:
        raise StopError

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(StopError):
            y.backward()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert gradgate.is_grad_enabled()
    assert x.grad is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_computes() -> None:
    program = """
import os, gradgate
gradgate.set_num_threads(2)
a = gradgate.ones(600, 600)
expected = (a @ a).sum().item()
child = os.fork()
if child == 0:
    os._exit(0 if (a @ a).sum().item() == expected else 3)
_, status = os.waitpid(child, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def resident_bytes() -> int:
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.measures
def test_no_leak_over_a_hundred_thousand_steps() -> None:
    from gradgate import nn, optim

    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = optim.Adam(model.parameters())
    x, y = gradgate.randn(4, 2), gradgate.tensor([0, 1, 0, 1])
    readings: list[tuple[int, int]] = []
    for step in range(100_000):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        if step in (1_000, 99_999):
            gc.collect()
            resident = resident_bytes() if os.path.exists("/proc/self/statm") else 0
            readings.append((_core.memory_statistics()["in_use"], resident))
    assert readings[0][0] == readings[1][0]
    # The allocator may round up once; a leak of one small object a step would be 100,000 times 48 bytes.
    assert readings[1][1] - readings[0][1] < 2**20


@pytest.mark.measures
def test_import_is_light() -> None:
    """Below 0.1 s beyond NumPy's own import, of its own thread on the processor: other work does not count."""
    program = "import time, numpy; t = time.thread_time(); import gradgate; print(time.thread_time() - t)"
    seconds = min(
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout) for _ in range(5)
    )
    assert seconds < 0.1
