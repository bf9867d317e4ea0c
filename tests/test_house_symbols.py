"""What the linker may share: the units of an instruction set define nothing that another unit could be given instead.

A function with weak linkage (an inline function, a template) is kept once in the whole library. Compiled for AVX-512
and shared with the baseline, it would stop an older CPU with an illegal instruction.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import gradgate

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(platform.system() == "Windows", reason="nm reads the objects of Linux and macOS")


def objects(isa: str) -> list[Path]:
    """The objects of the newest build below build/, where pip leaves them, or below the folder GRADGATE_BUILD."""
    places = [Path(os.environ["GRADGATE_BUILD"])] if "GRADGATE_BUILD" in os.environ else [ROOT / "build"]
    folders: dict[Path, list[Path]] = {}
    for place in places:
        for path in place.rglob(f"CMakeFiles/kernels_{isa}.dir/**/*.o"):
            build = next(p for p in path.parents if p.name == f"kernels_{isa}.dir")
            folders.setdefault(build, []).append(path)
    if not folders:
        pytest.fail(f"no objects of {isa} in {places[0]}: build there, or name the build's folder in GRADGATE_BUILD")
    return max(folders.values(), key=lambda paths: max(p.stat().st_mtime for p in paths))


def defined(path: Path) -> list[tuple[str, str]]:
    """(kind, demangled name) of the symbols that an object defines for others."""
    nm = shutil.which("nm") or shutil.which("llvm-nm")
    assert nm, "nm is missing: it comes with every compiler"
    listing = subprocess.run([nm, "-C", "--defined-only", str(path)], capture_output=True, text=True, check=True).stdout
    symbols = re.findall(r"^[0-9a-f]*\s+([A-Za-z])\s+(.*)$", listing, re.MULTILINE)
    return [(kind, name) for kind, name in symbols if kind.isupper() or kind in "vw"]


@pytest.mark.parametrize("isa", gradgate.compiled_isas())
def test_an_instruction_set_defines_only_its_own_names(isa: str) -> None:
    units = objects(isa)
    assert {p.name.split(".")[0] for p in units} == {p.stem for p in (ROOT / "cpp" / "kernels" / "isa").glob("*.cpp")}
    shared = []
    for unit in units:
        for kind, name in defined(unit):
            code = kind in "TWVuUi" or kind in "vw"
            # Its own namespace is in the name: as the function's scope, or as that of a type it is made for.
            if code and f"gradgate::{isa}::" not in name:
                shared.append(f"{unit.name}: {kind} {name}")
    assert not shared, "\n".join(shared)


@pytest.mark.parametrize("isa", gradgate.compiled_isas())
def test_the_objects_have_kernels(isa: str) -> None:
    names = [name for unit in objects(isa) for _, name in defined(unit)]
    assert any(f"gradgate::{isa}::fill_table(" in name for name in names)
