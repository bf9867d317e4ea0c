"""What a comparison measured, as a file that another process reads."""

from __future__ import annotations

import dataclasses
import json
import platform
from pathlib import Path
from typing import Any

import gradgate
from gradgate.bench.comparison import Comparison
from gradgate.bench.interleaved import Result, processor
from gradgate.bench.report import engine_lines

__all__ = ["read_results", "write"]


def write(path: Path, comparison: Comparison) -> None:
    """Write the machine, the rivals, the results and the doubts as JSON."""
    told = {
        "title": comparison.title,
        "machine": f"{processor()} ({gradgate.available_isas()[-1]}), Python {platform.python_version()}",
        "threads": gradgate.get_num_threads(),
        "engines": [f"gradgate {gradgate.__version__} ({gradgate.active_isa()})", *engine_lines(comparison.peers)],
        "doubts": comparison.peers.doubts,
        "notes": comparison.notes,
        "peak": comparison.limits.operations["float32"],
        "results": [dataclasses.asdict(result) for result in comparison.results],
    }
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")


def read_results(told: dict[str, Any]) -> list[Result]:
    """The results of a file that `write` wrote and JSON read."""
    return [Result(**result) for result in told["results"]]
