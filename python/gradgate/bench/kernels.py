"""What each rival computes its products with: the library, the kernel that it chose and its threads, as the rival itself tells.

A rival whose kernel or number of threads is below what the processor and the user give it is in doubt: against it nothing is claimed.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gradgate

__all__ = [
    "Engine",
    "by_jax",
    "by_numpy",
    "by_pytorch",
    "by_scikit_learn",
    "doubts_of",
    "from_pytorch",
    "from_threadpools",
    "processor_isa",
]

_ORDER = ("baseline", "avx", "avx2", "avx512")

# The instruction set that the kernels of OpenBLAS and BLIS are written for, by the lower-case names that these libraries give them.
_BUILT_FOR = {
    **dict.fromkeys(
        ("prescott", "core2", "penryn", "dunnington", "nehalem", "atom", "nano", "northwood", "generic"), "baseline"
    ),
    **dict.fromkeys(("athlon", "opteron", "opteron_sse3", "barcelona", "bobcat", "westmere"), "baseline"),
    **dict.fromkeys(("sandybridge", "bulldozer", "piledriver", "steamroller"), "avx"),
    **dict.fromkeys(("haswell", "zen", "zen2", "zen3", "excavator"), "avx2"),
    **dict.fromkeys(("skylakex", "cooperlake", "sapphirerapids", "skx", "zen4", "zen5"), "avx512"),
}

# PyTorch's MKL is linked into it, out of threadpoolctl's sight. It tells its kernel on the output, of a process of its own here.
_PYTORCH = """
import sys, torch
torch.set_num_threads(int(sys.argv[1]))
a = torch.ones(256, 256)
a @ a
print("capability", torch.backends.cpu.get_cpu_capability())
print("threads", torch.get_num_threads())
print(torch.__config__.show())
"""
_PATIENCE = 120.0  # seconds, for the first import of a large package


@dataclass(frozen=True)
class Engine:
    """What computes one rival's products; `isa` is the instruction set of its kernel, None where that cannot be told."""

    text: str
    isa: str | None = None
    threads: int | None = None
    doubt: str = ""


def doubts_of(engines: Mapping[str, Engine], processor: str, threads: int) -> list[str]:
    """Why some of the rivals must not be claimed to be slower: each a sentence.

    `processor` is the best instruction set of the machine, `threads` those that every rival shall have.
    """
    doubts = []
    for rival, engine in engines.items():
        if engine.doubt:
            doubts.append(f"{rival}: {engine.doubt}")
        if engine.isa in _ORDER and processor in _ORDER and _ORDER.index(engine.isa) < _ORDER.index(processor):
            doubts.append(
                f"{rival} computes with {engine.text}: a kernel for {engine.isa}, where this processor has {processor}"
            )
        if engine.threads is not None and engine.threads < threads:
            doubts.append(f"{rival} has {engine.threads} of {threads} threads")
    return doubts


def by_numpy() -> Engine:
    """NumPy's BLAS, to be asked before another library brings its own."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return Engine(
            "a BLAS unknown", doubt='its kernel is unknown without threadpoolctl, pip install "gradgate[bench]"'
        )
    found = importlib.import_module("threadpoolctl").threadpool_info()
    return from_threadpools(found) or _from_build()


def from_threadpools(found: Iterable[Mapping[str, Any]]) -> Engine | None:
    """The BLAS among the libraries that threadpoolctl found, NumPy's own first; None without one."""
    blas = [library for library in found if library.get("user_api") == "blas"]
    folder = str(Path(np.__file__).parent)
    blas.sort(key=lambda library: not str(library.get("filepath", "")).startswith(folder))
    if not blas:
        return None
    names = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS", "flexiblas": "FlexiBLAS"}
    name = names.get(blas[0]["internal_api"], blas[0]["internal_api"])
    kernel, threads = blas[0].get("architecture"), blas[0].get("num_threads")
    told = f"kernel {kernel}" if kernel else "which tells no kernel"
    return Engine(
        f"{name} {blas[0].get('version') or ''}".strip() + f", {told}, threads: {threads}",
        _BUILT_FOR.get(str(kernel).lower()),
        threads,
    )


def _from_build() -> Engine:
    """NumPy's BLAS as it was built with: Apple's is unknown to threadpoolctl, as are plain ones that nobody has tuned."""
    configuration: Any = np.show_config(mode="dicts")
    name = str(configuration.get("Build Dependencies", {}).get("blas", {}).get("name") or "none")
    if name.lower() == "accelerate":
        return Engine("Accelerate, which tells no kernel")
    return Engine(
        f"the BLAS {name!r}", doubt=f"threadpoolctl does not know its BLAS {name!r}, which may be a plain one"
    )


def by_pytorch(threads: int) -> Engine:
    """PyTorch's BLAS and the capability of its own kernels, in a process of its own."""
    command = [sys.executable, "-c", _PYTORCH, str(threads)]
    environment = {**os.environ, "MKL_VERBOSE": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        return Engine("a BLAS unknown", doubt=f"it could not be asked for its kernel ({type(error).__name__})")
    return from_pytorch(done.stdout)


def from_pytorch(told: str) -> Engine:
    """Read what a process with ``MKL_VERBOSE=1`` told of PyTorch.

    On the processors of other makers MKL names no instruction set. It takes a path of its own choice there, which was measured on
    AMD's with AVX-512 to be as fast as AVX2 can be. No setting makes PyTorch's products faster: that is told, and not in doubt.
    """
    capability = re.search(r"^capability (\w+)$", told, re.MULTILINE)
    threads = re.search(r"^threads (\d+)$", told, re.MULTILINE)
    mkl = re.search(r"^MKL_VERBOSE (.*?),? Product build.*?architecture (.*?),", told, re.MULTILINE)
    blas = re.search(r"BLAS_INFO=(\w+)", told)
    own = capability[1] if capability else "unknown"
    count = int(threads[1]) if threads else None
    if mkl:
        named = _named(mkl[2])
        path = f"{mkl[1]} for {mkl[2]!r}" + ("" if named else ", which names no instruction set")
    else:
        named, path = None, f"BLAS {blas[1]}" if blas else "no BLAS named"
    known = [isa for isa in (named, _named(own)) if isa]
    return Engine(
        f"{path}; kernels of its own {own}, threads: {count}", min(known, key=_ORDER.index, default=None), count
    )


def _named(text: str) -> str | None:
    """The best instruction set that a text of MKL's or PyTorch's names."""
    for pattern, isa in (
        (r"AVX-?512", "avx512"),
        (r"AVX-?2", "avx2"),
        (r"\bAVX\b", "avx"),
        (r"SSE|\bDEFAULT\b", "baseline"),
    ):
        if re.search(pattern, text):
            return isa
    return None


def by_jax(jax: Any) -> Engine:
    """XLA compiles for the processor that it finds, and tells no kernel; its threads are counted where the system names them."""
    ones = jax.numpy.ones((256, 256))
    (ones @ ones).block_until_ready()
    names = map(_thread_name, Path("/proc/self/task").glob("*/comm"))
    count = sum(name.startswith("tf_XLAEigen") for name in names) or None
    return Engine(f"XLA on {jax.default_backend()}, which tells no kernel, threads: {count or 'unknown'}", None, count)


def _thread_name(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # the thread has ended meanwhile
        return ""


def by_scikit_learn() -> Engine:
    """MLPClassifier multiplies NumPy's arrays with ``@``."""
    return Engine("products by NumPy")


def processor_isa() -> str:
    """The best instruction set of this processor that Gradgate has kernels for."""
    return gradgate.available_isas()[-1]
