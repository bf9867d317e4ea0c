"""The README's table of training steps, by one thread and by two, as Markdown; with --picture, the README's picture, too.

    python bench/table.py --picture docs/speed.png  everything that the README shows of speed: some minutes
    python bench/table.py --rivals PyTorch --threads 1 4

The measurements are those of bench/training_step.py and of ``python -m gradgate bench``, each in a process of its own. Where a rival
is held down no headline is written and no picture drawn, and the program ends with status 1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradgate.bench.comparison import add_compile, parser
from gradgate.bench.interleaved import Result
from gradgate.bench.peers import OPTIONAL
from gradgate.bench.record import read_results
from gradgate.bench.report import best_peer, mean_ratio, no_headline, setting_letters, time_of

HERE = Path(__file__).resolve().parent
SMOKE = "**One short round: the times say nothing.**"


def measured(threads: int, common: Sequence[str]) -> dict[str, Any]:
    """What bench/training_step.py measures with so many threads; its own output is left out."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.json"
        command = [sys.executable, str(HERE / "training_step.py"), "--threads", str(threads), "--record", str(record)]
        subprocess.run([*command, *common], check=True, stdout=subprocess.DEVNULL)
        return json.loads(record.read_text(encoding="utf-8"))


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def ratio(result: Result) -> float:
    return best_peer(result) / result.seconds["gradgate"]


def markdown(told: dict[str, Any], smoke: bool) -> str:
    """The table with what it was measured on, and its headline."""
    results = read_results(told)
    rivals = [name for name in ("gradgate", "NumPy", *OPTIONAL) if any(name in r.seconds for r in results)]
    letters = setting_letters(results)
    threads = f"{told['threads']} thread{'s' if told['threads'] > 1 else ''}"
    peak = f"fused multiply-adds reach {told['peak'] / 1e9:.0f} GF/s"
    lines = [
        f"{told['machine']}, {threads}; {peak} in the same run:",
        "",
        *(f"- {line}" for line in told["engines"]),
        "",
    ]
    lines += [row(["network", *rivals, "times as fast as the best of them"]), "|" + "---|" * (len(rivals) + 2)]
    for r in results:
        lines.append(row([r.case, *(time_of(r, name, letters) for name in rivals), f"{ratio(r):.2f}"]))
    lines += ["", "; ".join(f"{letter}: {setting}" for setting, letter in letters.items()), *told["notes"], ""]
    if told["doubts"]:
        return "\n".join([*lines, no_headline(told["doubts"])])
    each = ", ".join(f"{ratio(r):.2f}" for r in results)
    mean = mean_ratio(results, best_peer)
    headline = f"With {threads} each: {each} times as fast as the best of them, {mean:.2f} in the geometric mean."
    return "\n".join([*lines, f"**{headline}**", *([SMOKE] if smoke else [])])


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__, threads=[1, 2])
    add_compile(options)
    options.add_argument("--largest", type=int, help="leave out the networks of more parameters")
    options.add_argument("--picture", type=Path, help="draw the picture of python -m gradgate bench to this file")
    given = options.parse_args(arguments)
    common = ["--rivals", *given.rivals, "--compile" if given.compile else "--no-compile"]
    common += ["--smoke"] if given.smoke else []
    common += ["--largest", str(given.largest)] if given.largest is not None else []
    held = False
    for threads in given.threads:
        told = measured(threads, common)
        held = held or bool(told["doubts"])
        print(f"\n{markdown(told, given.smoke)}", flush=True)
    if given.picture and not held:
        command = [sys.executable, "-m", "gradgate", "bench", "--output", str(given.picture), *common]
        subprocess.run(command, check=True)
    return int(held)


if __name__ == "__main__":
    sys.exit(main())
