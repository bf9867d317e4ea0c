"""The environment that rivals are measured in: the same number of threads for all, and no variable that holds one of them down.

Libraries read these variables when they are loaded, so that the program starts itself again where one has to change.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

import gradgate

__all__ = ["HOLDING_DOWN", "clean", "start_clean", "still_set"]

# What is set for every rival; JAX reads NPROC for its threads, and would otherwise choose another device where there is one.
_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NPROC",
)
_DEVICE = {"JAX_PLATFORMS": "cpu"}

# Variables that choose a lesser kernel, fewer threads or a checked mode, by the library that reads them.
HOLDING_DOWN: dict[str, tuple[str, ...]] = {
    "OpenBLAS": ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_BLOCK_FACTOR", "OPENBLAS_VERBOSE"),
    "BLIS": ("BLIS_ARCH_TYPE", "BLIS_MODEL_TYPE", "BLIS_ARCH_DEBUG", "NVPL_BLAS_DEBUG_CPU_TYPE"),
    "MKL": (
        "MKL_DEBUG_CPU_TYPE",
        "MKL_ENABLE_INSTRUCTIONS",
        "MKL_CBWR",
        "MKL_DISABLE_FAST_MM",
        "MKL_DOMAIN_NUM_THREADS",
        "MKL_VERBOSE",
    ),
    "oneDNN": (
        *("ONEDNN_MAX_CPU_ISA", "ONEDNN_CPU_ISA_HINTS", "ONEDNN_VERBOSE"),
        *("DNNL_MAX_CPU_ISA", "DNNL_CPU_ISA_HINTS", "DNNL_VERBOSE"),
    ),
    "OpenMP": ("OMP_THREAD_LIMIT", "OMP_DYNAMIC"),
    "NumPy": ("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"),
    "PyTorch": ("ATEN_CPU_CAPABILITY", "TORCH_COMPILE_DISABLE", "TORCHDYNAMO_DISABLE", "TORCHINDUCTOR_SIMDLEN"),
    "JAX": (
        "JAX_DISABLE_JIT",
        "JAX_DISABLE_MOST_OPTIMIZATIONS",
        "JAX_DEBUG_NANS",
        "JAX_DEBUG_INFS",
        "JAX_ENABLE_CHECKS",
    ),
    "Python": ("PYTHONDEVMODE", "PYTHONMALLOC"),
}

# Variables that are lists of settings: what separates these, and how those begin that hold a rival down.
_SETTINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "XLA_FLAGS": (
        " ",
        (
            "--xla_cpu_max_isa",
            "--xla_cpu_prefer_vector_width",
            "--xla_cpu_multi_thread_eigen",
            "--xla_backend_optimization_level",
            "--xla_llvm_disable_expensive_passes",
            "--xla_disable_all_hlo_passes",
            "--xla_disable_hlo_passes",
            "--xla_force_host_platform_device_count",
        ),
    ),
    "GLIBC_TUNABLES": (":", ("glibc.cpu.",)),
}

# Tells the process that was started again which variables were left out, and that it need not try once more.
_MARK = "GRADGATE_BENCH_LEFT_OUT"


def _holding(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that hold a rival down, and for each variable what is left of it without them."""
    found = {name: "" for names in HOLDING_DOWN.values() for name in names if name in environment}
    for name, (separator, starts) in _SETTINGS.items():
        settings = environment.get(name, "").split(separator)
        kept = [setting for setting in settings if not setting.strip().startswith(starts)]
        if kept != settings:
            found[name] = separator.join(kept)
    return found


def clean(environment: Mapping[str, str], threads: int) -> tuple[dict[str, str], list[str]]:
    """The environment to measure in, and the settings that were left out of it, each as ``NAME=value``."""
    holding = _holding(environment)
    cleaned = {name: value for name, value in environment.items() if name not in holding}
    cleaned |= {name: rest for name, rest in holding.items() if rest}
    cleaned |= dict.fromkeys(_THREADS, str(threads)) | _DEVICE
    return cleaned, [f"{name}={environment[name]}" for name in holding]


def start_clean(threads: int) -> list[str]:
    """Give Gradgate and the other libraries this many threads and a clean environment; return what was left out of it.

    The program is started again, once, where the environment has to change for that.
    """
    environment = dict(os.environ)
    mark = json.loads(environment.pop(_MARK, "{}"))
    cleaned, left_out = clean(environment, threads)
    if cleaned != environment and mark.get("process") != os.getpid():
        # exec keeps the number of the process, which a program that this one starts does not share.
        told = json.dumps({"process": os.getpid(), "left out": left_out})
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], cleaned | {_MARK: told})
    gradgate.set_num_threads(threads)
    return list(mark.get("left out", [])) if mark.get("process") == os.getpid() else []


def still_set() -> list[str]:
    """The settings that hold a rival down and that starting again did not take away, each as ``NAME=value``."""
    return clean(os.environ, 1)[1]
