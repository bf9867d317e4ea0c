"""show_config, the environment variables behind it, and what importing costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradgate

ROOT = Path(__file__).resolve().parents[1]


def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRADGATE_")} | variables
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


USED = "import gradgate; print(gradgate.active_isa(), gradgate.get_num_threads())"


def test_version_is_stated_once() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'^version = "(.*)"$', text, re.MULTILINE)
    assert gradgate.__version__ == version


def test_show_config_prints_what_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    gradgate.show_config()
    printed = capsys.readouterr().out
    shown = gradgate.show_config("dicts")
    assert shown["gradgate"]["version"] == gradgate.__version__
    assert re.fullmatch(r"(GCC|Clang) \d+\.\d+\.\d+( .*\S)?", shown["gradgate"]["compiler"])
    assert shown["instruction sets"]["used"] in shown["instruction sets"]["found"]
    assert set(shown["instruction sets"]["found"]) <= set(shown["instruction sets"]["compiled"])
    assert shown["threads"]["used"] == gradgate.get_num_threads()
    assert shown["python"]["numpy"] == np.__version__
    for part in (gradgate.__version__, shown["gradgate"]["compiler"], gradgate.active_isa(), np.__version__):
        assert part in printed
    with pytest.raises(ValueError, match="'html'"):
        gradgate.show_config("html")  # type: ignore[call-overload]


def test_every_instruction_set_of_the_architecture_is_compiled() -> None:
    compiled = gradgate.compiled_isas()
    assert compiled in (["baseline", "avx2", "avx512"], ["baseline", "neon"])
    assert gradgate.available_isas()[0] == "baseline"


@pytest.mark.parametrize("isa", gradgate.available_isas())
def test_the_environment_chooses_the_instruction_set(isa: str) -> None:
    result = run(USED, GRADGATE_ISA=isa)
    assert result.stdout.split()[0] == isa
    assert result.stderr == ""


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_environment_chooses_the_number_of_threads(threads: str) -> None:
    result = run(USED, GRADGATE_NUM_THREADS=threads)
    assert result.stdout.split()[1] == threads
    assert result.stderr == ""


@pytest.mark.parametrize(
    "isa", ["avx3", "AVX2", "sse", "avx2,avx512", *({"avx2", "avx512", "neon"} - set(gradgate.available_isas()))]
)
def test_an_unknown_instruction_set_gets_a_warning(isa: str) -> None:
    result = run(USED, GRADGATE_ISA=isa)
    assert result.returncode == 0
    assert result.stdout.split()[0] == gradgate.available_isas()[-1]
    assert "RuntimeWarning: GRADGATE_ISA" in result.stderr
    assert f"'{isa}'" in result.stderr
    for available in gradgate.available_isas():
        assert available in result.stderr


@pytest.mark.parametrize("threads", ["0", "-1", "two", "1.5", " 2", "4097", "99999999999999999999"])
def test_an_impossible_number_of_threads_gets_a_warning(threads: str) -> None:
    result = run(USED, GRADGATE_NUM_THREADS=threads)
    assert result.returncode == 0
    assert int(result.stdout.split()[1]) >= 1
    assert "RuntimeWarning: GRADGATE_NUM_THREADS" in result.stderr
    assert f"'{threads}'" in result.stderr


def test_empty_variables_are_none() -> None:
    result = run(USED, GRADGATE_ISA="", GRADGATE_NUM_THREADS="")
    assert (result.returncode, result.stderr) == (0, "")


def test_set_isa_and_set_num_threads_refuse_bad_values() -> None:
    with pytest.raises(ValueError, match="available are baseline"):
        gradgate.set_isa("avx3")
    for isa in {"baseline", "avx2", "avx512", "neon"} - set(gradgate.available_isas()):
        with pytest.raises(ValueError, match=f"no '{isa}'"):
            gradgate.set_isa(isa)
    for threads in (0, -1, 4097, 2**40):
        with pytest.raises(ValueError, match=f"from 1 to 4096, got {threads}$"):
            gradgate.set_num_threads(threads)
    for wrong in (1.5, "2", None):
        with pytest.raises(TypeError, match="set_num_threads"):
            gradgate.set_num_threads(wrong)  # type: ignore[arg-type]


def test_importing_reads_no_package_of_the_demo() -> None:
    program = "import sys, gradgate; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = set(run(program).stdout.split())
    assert not loaded & {"sklearn", "matplotlib", "tqdm", "scipy", "torch"}
