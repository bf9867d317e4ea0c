"""A benchmark's rivals are at their best: a clean environment, their kernels told, each in its best setting, nothing claimed in doubt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradgate.bench import interleaved, kernels, record, steps
from gradgate.bench.comparison import Comparison
from gradgate.bench.environment import HOLDING_DOWN, clean
from gradgate.bench.interleaved import Limits, Loop, Result, best_settings
from gradgate.bench.kernels import Engine, doubts_of, from_pytorch, from_threadpools
from gradgate.bench.networks import CASES, BufferedNumpyNetwork, Case, NumpyNetwork
from gradgate.bench.peers import Peers
from gradgate.bench.report import table

pytestmark = pytest.mark.measures

ROOT = Path(__file__).resolve().parents[1]
MARK = "GRADGATE_BENCH_LEFT_OUT"


def test_what_holds_a_rival_down_is_left_out() -> None:
    names = [name for library in HOLDING_DOWN.values() for name in library]
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR"):
        assert name in names
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES"):
        assert name in names
    cleaned, left_out = clean({**dict.fromkeys(names, "1"), "HOME": "/here"}, 3)
    assert sorted(left_out) == sorted(f"{name}=1" for name in names)
    assert cleaned["HOME"] == "/here"
    assert not set(names) & set(cleaned)
    assert {cleaned[name] for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NPROC")} == {"3"}


def test_of_a_list_of_settings_only_those_that_hold_down_are_left_out() -> None:
    flags = "--xla_cpu_max_isa=AVX2 --xla_cpu_use_onednn=true"
    cleaned, left_out = clean({"XLA_FLAGS": flags, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2"}, 1)
    assert cleaned["XLA_FLAGS"] == "--xla_cpu_use_onednn=true"
    assert "GLIBC_TUNABLES" not in cleaned
    assert left_out == [f"XLA_FLAGS={flags}", "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2"]
    kept = {"XLA_FLAGS": "--xla_cpu_use_onednn=true", "GLIBC_TUNABLES": "glibc.malloc.check=0"}
    cleaned, left_out = clean(kept, 1)
    assert kept.items() <= cleaned.items()
    assert left_out == []
    assert clean(cleaned, 1) == (cleaned, [])


def run(program: str, folder: Path, *arguments: str, **variables: str) -> str:
    """What a benchmark prints in one short round, in an environment with these variables and no other that matters."""
    known = {name for names in HOLDING_DOWN.values() for name in names} | {MARK, "XLA_FLAGS", "GLIBC_TUNABLES"}
    around = {name: value for name, value in os.environ.items() if name not in known} | variables
    command = [sys.executable, *program.split(), "--smoke", "--rivals", *arguments]
    done = subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_program_starts_itself_again_without_what_holds_numpy_down(tmp_path: Path) -> None:
    out = run(str(ROOT / "bench" / "watch.py"), tmp_path, "--largest", "1000", OPENBLAS_CORETYPE="Prescott")
    assert "Left out of the environment, since they may hold a rival down: OPENBLAS_CORETYPE=Prescott\n" in out
    assert "kernel Prescott" not in out
    assert "Left out" not in run(str(ROOT / "bench" / "watch.py"), tmp_path, "--largest", "1000")


def test_a_setting_that_comes_again_is_told_and_nothing_is_claimed(tmp_path: Path) -> None:
    # Python runs this at every start: starting again does not help, and must not be tried for ever.
    (tmp_path / "sitecustomize.py").write_text("import os; os.environ['OPENBLAS_CORETYPE'] = 'Prescott'\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    arguments = ("--largest", "1000", "--output", "a.png")
    out = run("-m gradgate bench", tmp_path, *arguments, PYTHONPATH=path)
    assert "OPENBLAS_CORETYPE=Prescott is set, and holds a rival down. No picture.\n" in out
    assert "geometric mean" not in out
    assert not (tmp_path / "a.png").exists()


def blas(kernel: str | None, **rest: Any) -> dict[str, Any]:
    known = {"user_api": "blas", "internal_api": "openblas", "version": "0.3.31", "num_threads": 2, "filepath": "/a.so"}
    return {**known, "architecture": kernel, **rest}


@pytest.mark.parametrize(
    ("kernel", "isa", "below"),
    [
        ("Haswell", "avx2", True),
        ("Zen", "avx2", True),
        ("Sandybridge", "avx", True),
        ("Prescott", "baseline", True),
        ("SkylakeX", "avx512", False),
        ("Cooperlake", "avx512", False),
        ("SapphireRapids", "avx512", False),
        ("neoversen1", None, False),
    ],
)
def test_a_kernel_below_the_processors_is_a_doubt(kernel: str, isa: str | None, below: bool) -> None:
    openmp = {"user_api": "openmp", "internal_api": "openmp", "num_threads": 2, "filepath": "/b.so"}
    engine = from_threadpools([openmp, blas(kernel)])
    assert engine == Engine(f"OpenBLAS 0.3.31, kernel {kernel}, threads: 2", isa, 2)
    told = f"NumPy computes with {engine.text}: a kernel for {isa}, where this processor has avx512"
    assert doubts_of({"NumPy": engine}, "avx512", 2) == ([told] if below else [])
    if isa in ("avx2", "avx512"):
        assert doubts_of({"NumPy": engine}, "avx2", 2) == []
    assert doubts_of({"NumPy": engine}, "neon", 2) == []


def test_numpys_own_blas_is_told_among_several() -> None:
    own = str(Path(np.__file__).parent) + ".libs/libopenblas.so"
    engine = from_threadpools([blas("Haswell"), blas("SkylakeX", filepath=own)])
    assert engine is not None
    assert engine.isa == "avx512"
    assert from_threadpools([]) is None
    mkl = from_threadpools([blas(None, internal_api="mkl", version="2024.0")])
    assert mkl == Engine("MKL 2024.0, which tells no kernel, threads: 2", None, 2)


def test_fewer_threads_and_an_unknown_blas_are_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doubts_of({"NumPy": Engine("a BLAS", None, 1)}, "avx2", 2) == ["NumPy has 1 of 2 threads"]
    monkeypatch.setattr(kernels.importlib.util, "find_spec", lambda _: None)
    (doubt,) = doubts_of({"NumPy": kernels.by_numpy()}, "avx2", 1)
    assert doubt.endswith('pip install "gradgate[bench]"')


PYTORCH = """MKL_VERBOSE oneMKL 2024.0 Update 2 Product build 20240605 for Intel(R) 64 architecture {path}, Lnx 2.60GHz lp64 gnu_thread
MKL_VERBOSE SGEMM(N,N,256,256,256,0x7ffe,0x55,256,0x55,256,0x7ff,0x556,256) 27.90ms CNR:OFF Dyn:0 FastMM:1 TID:0  NThr:1
capability {capability}
threads 1
PyTorch built with:
  - Build settings: BLAS_INFO=mkl, BUILD_TYPE=Release
"""
AVX2 = "Intel(R) Advanced Vector Extensions 2 (Intel(R) AVX2) enabled processors"
AVX512 = "Intel(R) Advanced Vector Extensions 512 (Intel(R) AVX-512) enabled processors"


def test_pytorch_is_judged_by_what_it_tells() -> None:
    # On other makers' processors MKL names no instruction set, and no user can choose: that is PyTorch's best there.
    other = from_pytorch(PYTORCH.format(path="Intel(R) Architecture processors", capability="AVX512"))
    told = "oneMKL 2024.0 Update 2 for 'Intel(R) Architecture processors', which names no instruction set"
    assert other == Engine(f"{told}; kernels of its own AVX512, threads: 1", "avx512", 1)
    assert doubts_of({"PyTorch": other}, "avx512", 1) == []
    for path, capability, isa in ((AVX512, "AVX512", "avx512"), (AVX2, "AVX512", "avx2"), (AVX512, "AVX2", "avx2")):
        engine = from_pytorch(PYTORCH.format(path=path, capability=capability))
        assert engine.isa == isa
        assert len(doubts_of({"PyTorch": engine}, "avx512", 1)) == (isa != "avx512")
    assert from_pytorch(PYTORCH.format(path=AVX512, capability="DEFAULT")).isa == "baseline"
    without = from_pytorch("capability DEFAULT\nthreads 4\n  - Build settings: BLAS_INFO=open, BUILD_TYPE=Release\n")
    assert without.text == "BLAS open; kernels of its own DEFAULT, threads: 4"


def test_the_best_setting_of_a_rival_is_quoted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    times = {"gradgate": 1e-6, "NumPy": 4e-6, "NumPy: buffers kept": 3e-6, "PyTorch": 5e-6, "PyTorch: fused Adam": 6e-6}
    best, settings = best_settings(times)
    assert best == {"gradgate": 1e-6, "NumPy": 3e-6, "PyTorch": 5e-6}
    assert settings == {"NumPy": "buffers kept"}
    other = Result("two", {"gradgate": 1e-6, "PyTorch": 2e-6}, settings={"PyTorch": "fused Adam"})
    table([Result("one", best, settings=settings), other], Limits())
    out = capsys.readouterr().out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "3.0 us a      5.0 us " in lines["one"]
    assert "2.0 us b" in lines["two"]
    assert lines["a:"] == "a: NumPy, buffers kept"
    assert lines["b:"] == "b: PyTorch, fused Adam"


def test_in_doubt_a_table_has_no_mean(capsys: pytest.CaptureFixture[str]) -> None:
    table([Result("one", {"gradgate": 1e-6, "NumPy": 2e-6})], Limits(), ["a reason", "another"])
    out = capsys.readouterr().out
    assert "No headline, since the comparison is not fair: a reason; another\n" in out
    assert "2.00x" in out
    assert "geometric mean" not in out
    assert "least" not in out


def test_a_peak_below_the_results_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    limits = Limits()
    limits.operations["float32"] = 1e9
    table([Result("one", {"gradgate": 1e-6, "NumPy": 2e-6}, operations=1000)], limits)
    assert "the machine was disturbed" not in capsys.readouterr().out
    table([Result("one", {"gradgate": 1e-6, "NumPy": 5e-7}, operations=1000)], limits)
    assert "the machine was disturbed" in capsys.readouterr().out


@pytest.mark.parametrize("case", [CASES[0], CASES[1], Case((5, 9, 3), 7, "Sigmoid"), Case((300, 80, 4), 16)])
def test_numpys_step_with_buffers_is_the_same_step(case: Case) -> None:
    plain, buffered = NumpyNetwork(case), BufferedNumpyNetwork(case)
    for _ in range(5):
        assert buffered.step() == pytest.approx(plain.step(), rel=1e-5)
    for one, other in zip(plain.parameters, buffered.parameters, strict=True):
        # Adam's steps are 1e-3 long whatever the gradient is: a hundredth of one is far from a mistake in the rule.
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5)


def test_a_loop_is_told_by_the_step_and_verified_by_its_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if every call took 8 us, whatever it does.
    monkeypatch.setattr(interleaved, "race", lambda contestants, *_, **__: dict.fromkeys(contestants, 8e-6))
    case = CASES[0]

    def eight(scale: float) -> Loop:
        network = NumpyNetwork(case)
        return Loop(lambda: scale * np.mean([network.step() for _ in range(8)]), 8)

    comparison = Comparison("title", Peers())
    one = {"gradgate": NumpyNetwork(case).step, "NumPy": NumpyNetwork(case).step}
    result = comparison.trained("a case", {**one, "scikit-learn": eight(1.0)})
    assert result.seconds == {"gradgate": 8e-6, "NumPy": 8e-6, "scikit-learn": 1e-6}
    one = {"gradgate": NumpyNetwork(case).step, "NumPy": NumpyNetwork(case).step}
    with pytest.raises(AssertionError, match="a case by scikit-learn"):
        comparison.trained("a case", {**one, "scikit-learn": eight(1.01)})


def test_what_cannot_be_compiled_in_time_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler() -> Callable[[], Any]:
        raise RuntimeError("no C++ compiler\nand more")

    assert steps._within_time(no_compiler) == "RuntimeError: no C++ compiler"
    assert callable(steps._within_time(lambda: float))
    if hasattr(steps.signal, "setitimer"):
        monkeypatch.setattr(steps, "COMPILE_SECONDS", 0.05)
        start = time.perf_counter()
        assert steps._within_time(lambda: lambda: time.sleep(20)) == "TimeoutError: not done within 0.05 s"
        assert time.perf_counter() - start < 10


def test_a_record_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "bench")
    import table as program

    engines = {"NumPy": Engine("a BLAS")}
    comparison = Comparison("title", Peers({}, engines, ["OPENBLAS_CORETYPE=Haswell"]))
    comparison.limits.operations["float32"] = 2e11
    settings = {"NumPy": "buffers kept"}
    comparison.results.append(Result("one", {"gradgate": 1e-6, "NumPy": 3e-6}, settings=settings))
    comparison.results.append(Result("two", {"gradgate": 2e-3, "NumPy": 3e-3}))
    record.write(tmp_path / "a.json", comparison)
    told = json.loads((tmp_path / "a.json").read_text())
    assert record.read_results(told) == comparison.results
    lines = program.markdown(told, smoke=False).splitlines()
    assert "| one | 1.0 us | 3.0 us a | 3.00 |" in lines
    assert "| two | 2.00 ms | 3.00 ms | 1.50 |" in lines
    assert "a: NumPy, buffers kept" in lines
    assert any("OPENBLAS_CORETYPE=Haswell" in line for line in lines)
    assert lines[-1].endswith("each: 3.00, 1.50 times as fast as the best of them, 2.12 in the geometric mean.**")
    told["doubts"] = ["a reason"]
    assert program.markdown(told, smoke=False).splitlines()[-1].endswith("the comparison is not fair: a reason")
    assert "**" not in program.markdown(told, smoke=False)
