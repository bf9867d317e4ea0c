"""The programs of bench/ and ``python -m gradgate bench``: each runs in a reduced form, compares results, and tells what it measured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gradgate
from gradgate import _core
from gradgate.__main__ import main
from gradgate.bench import environment, interleaved, kernels
from gradgate.bench.comparison import Comparison
from gradgate.bench.interleaved import Limits, Result, verify
from gradgate.bench.kernels import Engine
from gradgate.bench.peers import OPTIONAL, Peers, gather
from gradgate.bench.report import mean_ratio, table

pytestmark = pytest.mark.measures

ROOT = Path(__file__).resolve().parents[1]
NUMBER = r"[\d.]+"


def run(*command: str, folder: Path, rivals: tuple[str, ...] = ()) -> str:
    """What a benchmark prints, in one short round against NumPy alone."""
    program = [sys.executable, "-W", "error", *command, "--smoke", "--rivals", *rivals]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


PROGRAMS = {
    "products": ["--largest", "64"],
    "gates": ["--size", "100"],
    "reductions": ["--shape", "5", "7"],
    "optimizers": ["--no-network"],
    "overhead": [],
    "watch": ["--largest", "10000"],
    "training_step": ["--largest", "10000"],
    "table": ["--largest", "1000"],
    "cliff": ["--widths", "3", "6"],
    "memory": ["--sizes", "8", "8", "3", "--batch", "4"],
}


def test_every_program_is_run_here() -> None:
    programs = {path.stem for path in (ROOT / "bench").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    assert programs == set(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_says_on_what_it_measures(program: str, tmp_path: Path) -> None:
    if program == "memory" and not Path("/proc/self/status").exists():
        pytest.skip("the system tells no resident memory in /proc")
    out = run(str(ROOT / "bench" / f"{program}.py"), *PROGRAMS[program], "--threads", "2", folder=tmp_path)
    assert re.search(rf"gradgate {NUMBER} \((baseline|avx2|avx512|neon)\)$", out, re.MULTILINE)
    assert re.search(rf"NumPy {NUMBER}: \S", out)
    assert "the times say nothing" in out
    if program == "table":
        assert re.search(rf", Python {NUMBER}, 2 threads; fused multiply-adds reach \d+ GF/s in the same run:", out)
        assert re.search(
            rf"^\| 2-16-16-2, batch 32 \| {NUMBER} [mu]s \| {NUMBER} [mu]s( a)? \| {NUMBER} \|$", out, re.MULTILINE
        )
        return
    assert re.search(rf", threads: 2; Python {NUMBER}", out)
    if program == "watch":
        assert re.search(rf"2-16-16-2, batch 32 +{NUMBER} us +{NUMBER} us +-?{NUMBER}%", out)
        assert re.search(rf"geometric mean +-?{NUMBER}%", out)
    elif program not in ("cliff", "memory"):
        assert re.search(r"gradgate +NumPy +vs NumPy", out)
        assert len(re.findall(rf"(?:ns|us|ms)(?: a)? +{NUMBER}x", out)) >= 2
        assert re.search(rf"geometric mean +{NUMBER}x", out)
        (peak, double) = re.findall(rf"float32 ({NUMBER}) GF/s, float64 ({NUMBER}) GF/s", out)[-1]
        assert float(peak) > 0 and float(double) > 0
    assert not list(tmp_path.iterdir())


def test_products_tell_their_share_of_the_peak(tmp_path: Path) -> None:
    arguments = ["--dtype", "float64", "--groups", "squares", "views", "--largest", "64"]
    out = run(str(ROOT / "bench" / "products.py"), *arguments, folder=tmp_path)
    assert re.findall(r"^float64 products: (.*)$", out, re.MULTILINE) == ["squares", "views"]
    rows = re.findall(
        rf"^(.*?\S) +{NUMBER} [num]s +{NUMBER} [num]s +{NUMBER}x +({NUMBER}) +(\d+)% +\d+%$", out, re.MULTILINE
    )
    assert [case for case, *_ in rows] == [
        "32 x 32 x 32",
        "64 x 64 x 64",
        "64^3, a.T @ b",
        "64^3, a @ b.T",
        "64^3, a.T @ b.T",
        "64^3, every second column",
    ]
    peaks = [float(peak) for peak in re.findall(rf"float64 ({NUMBER}) GF/s", out) for _ in range(2)]
    for (_, rate, percent), peak in zip(rows, peaks, strict=False):
        # The peak is printed in whole GF/s, the share in whole percent.
        assert abs(float(rate) / peak - float(percent) / 100) <= 0.005 + 0.5 * float(rate) / peak**2 + 0.05 / peak


@pytest.mark.parametrize("program", [["gates", "--size", "300000"], ["reductions", "--shape", "600", "500"]])
def test_beyond_the_cache_a_copy_is_the_measure(program: list[str], tmp_path: Path) -> None:
    name, *arguments = program
    out = run(str(ROOT / "bench" / f"{name}.py"), *arguments, "--groups", "forward", folder=tmp_path)
    assert re.search(r"cycles/el\. +of copy$", out, re.MULTILINE)
    assert re.search(rf"clock {NUMBER} GHz; copy {NUMBER} to {NUMBER} GB/s$", out, re.MULTILINE)
    assert len(re.findall(r"\d+%$", out, re.MULTILINE)) >= 10


def test_the_cliff_program_finds_a_cliff(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(ROOT / "bench")
    import cliff

    widths = range(44, 49)
    cliff.tell("a library", widths, {1: [1e-5, 1.1e-5, 1.2e-5, 1.3e-5, 1.4e-5], 2: [1e-5, 1e-5, 9e-5, 1.2e-5, 1.3e-5]})
    out = capsys.readouterr().out
    assert (
        "threads 2: largest against the slower neighbour 7.50x, at w = 46; largest step to the next width 9.00x, to w = 46"
        in out
    )
    assert "threads 2 / threads 1: at most 7.50, at w = 46; slower by more than 5% at 1 of 5 widths" in out
    assert "threads 1: largest against the slower neighbour 0.93x, at w = 47" in out


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Races of one short round in this process, whatever its environment and NumPy's BLAS are."""

    def stay(threads: int) -> list[str]:
        gradgate.set_num_threads(threads)
        return []

    monkeypatch.setattr(interleaved, "_pace", interleaved.SMOKE)
    monkeypatch.setattr(environment, "start_clean", stay)
    monkeypatch.setattr(environment, "still_set", list)
    monkeypatch.setattr(kernels, "by_numpy", lambda: Engine("a BLAS"))


TOUR = ["bench", "--smoke", "--rivals", "--largest", "1000"]


@pytest.mark.usefixtures("_short")
def test_the_tour_prints_its_tables_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TOUR, "--output", str(tmp_path / "a.png")]) == 0
    out = capsys.readouterr().out
    titles = ["One training step", "Products", "Single calls on 16 numbers"]
    means = re.findall(rf"^(.*): ({NUMBER}) times as fast as NumPy in the geometric mean", out, re.MULTILINE)
    assert [title for title, _ in means] == titles
    printed = re.findall(rf"geometric mean +({NUMBER})x", out)
    assert [mean for _, mean in means] == printed
    assert out.endswith("a.png\n")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("_short")
def test_the_tour_claims_nothing_against_a_rival_held_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kernels, "by_numpy", lambda: Engine("a BLAS, kernel Haswell", "avx2", 1))
    monkeypatch.setattr(kernels, "processor_isa", lambda: "avx512")
    assert main([*TOUR, "--output", str(tmp_path / "a.png")]) == 0
    out = capsys.readouterr().out
    doubt = "NumPy computes with a BLAS, kernel Haswell: a kernel for avx2, where this processor has avx512"
    assert out.count(f"No headline, since the comparison is not fair: {doubt}") == 4
    assert out.endswith(f"{doubt}. No picture.\n")
    assert "geometric mean" not in out
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("_short")
def test_the_tour_without_matplotlib_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*TOUR, "--output", str(tmp_path / "a.png")]) == 0
    assert 'No picture: it needs matplotlib, pip install "gradgate[bench]"' in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("_short")
def test_the_tour_refuses_what_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TOUR, "--output", str(tmp_path / "no" / "a.png")]) == 2
    assert "choose another with --output" in capsys.readouterr().err
    assert main(["bench", "--smoke", "--rivals", "--largest", "0", "--output", str(tmp_path / "a.png")]) == 2
    assert "--largest" in capsys.readouterr().err
    (tmp_path / "folder.png").mkdir()
    assert main([*TOUR, "--output", str(tmp_path / "folder.png")]) == 2
    assert "cannot write" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["bench", "--threads", "0"])
    assert "'0' is not a positive whole number" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [np.nan, 1e-3])
def test_a_wrong_result_is_not_timed(wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = np.ones(5)
    verify("right", exact, exact + 1e-7, 1e-6)
    bad = np.array([1, 1, 1, 1, 1 + wrong])
    with pytest.raises(AssertionError, match="a rival"):
        verify("a rival", exact, bad, 1e-6)
    timed: list[str] = []
    monkeypatch.setattr(interleaved, "race", lambda *_: timed.append("race") or {})
    with pytest.raises(AssertionError, match="a case by NumPy"):
        Comparison("title", Peers()).verified("a case", {"gradgate": lambda: exact, "NumPy": lambda: bad}, exact, 1e-6)
    assert timed == []


@pytest.mark.usefixtures("_short")
def test_a_race_takes_the_best_of_interleaved_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleaved, "_pace", interleaved.Pace(0.0, 3, 10.0, 1))
    calls: list[str] = []

    def rival(name: str) -> Callable[[], None]:
        return lambda: calls.append(name)

    best = interleaved.race({"a": rival("a"), "b": rival("b")}, before={"b": rival("before b")})
    assert set(best) == {"a", "b"}
    assert all(0 < seconds < 1 for seconds in best.values())
    assert calls == ["a", "before b", "b"] * 4  # once to find the number of calls, then three rounds


def test_the_table_tells_ratios_and_the_best_peer(capsys: pytest.CaptureFixture[str]) -> None:
    limits = Limits()
    limits.operations["float32"], limits.clock = 4e9, 1e9
    results = [
        Result("one", {"gradgate": 1e-6, "NumPy": 2e-6, "PyTorch": 8e-6}, operations=1000, elements=500),
        Result("two", {"gradgate": 1e-3, "NumPy": 8e-3}, operations=1e6, elements=1e6),
    ]
    table(results, limits)
    title, one, two, mean, least, _ = capsys.readouterr().out.splitlines()
    columns = ["gradgate", "NumPy", "PyTorch", "vs NumPy", "vs PyTorch", "vs best"]
    columns += ["GF/s", "of peak", "best rival's", "cycles/el."]
    assert re.split(r" {2,}", title.strip()) == columns
    assert one.split() == [
        "one",
        "1.0",
        "us",
        "2.0",
        "us",
        "8.0",
        "us",
        "2.00x",
        "8.00x",
        "2.00x",
        "1.0",
        "25%",
        "12%",
        "2.00",
    ]
    assert two.split() == ["two", "1.00", "ms", "8.00", "ms", "-", "8.00x", "-", "8.00x", "1.0", "25%", "3%", "1.00"]
    assert mean.split() == ["geometric", "mean", "4.00x", "8.00x", "4.00x"]
    assert least.split() == ["least", "2.00x", "8.00x", "2.00x"]
    assert mean_ratio(results, lambda r: r.seconds["NumPy"]) == pytest.approx(4)


def test_rivals_that_are_not_installed_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(OPTIONAL, "A library", "a_library_that_nobody_has")
    assert gather(["A library"], 1, [], []).libraries == {}
    assert capsys.readouterr().out == "A library is not installed: its column is left out.\n"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.usefixtures("isa")
def test_a_core_is_measured(dtype: str) -> None:
    operations, seconds = _core._fma_peak(getattr(gradgate, dtype))
    assert operations > 0
    assert 1e-3 < seconds < 60
    measured = [_core._clock_cycles() for _ in range(5)]
    assert all(1e-3 < elapsed < 60 for _, elapsed in measured)
    assert max(cycles / elapsed for cycles, elapsed in measured) > 1e8  # any processor of this century
    for wrong in (gradgate.int64, gradgate.bool):
        with pytest.raises(RuntimeError, match="_fma_peak needs a float32 or float64"):
            _core._fma_peak(wrong)


def test_importing_gradgate_reads_no_benchmark() -> None:
    program = "import sys, gradgate; print([m for m in sys.modules if m.startswith('gradgate.bench')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
