"""A short run of arguments_fuzz.py, in a process of its own: no crash, no hang, and no error that users should not see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("arguments_fuzz.py")


@pytest.mark.parametrize("seed", [1, 2])
def test_random_and_hostile_arguments(seed: int) -> None:
    command = [sys.executable, str(PROGRAM), "--seed", str(seed), "--calls", "4000"]
    ended = subprocess.run(command, capture_output=True, timeout=600)
    said = ended.stdout.decode("utf-8", "replace")
    failures = [line for line in said.splitlines() if line.startswith(("FAILED", "    "))]
    last = said.splitlines()[-1] if said else "nothing was called"
    assert ended.returncode == 0, (
        f"seed {seed}: the process ended with status {ended.returncode}\n"
        + "\n".join(failures[:20])
        + f"\nlast call: {last}\n{ended.stderr.decode('utf-8', 'replace')[-2000:]}"
    )
