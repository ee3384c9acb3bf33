"""A hundred thousand tensors: opening, steps and completion."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import one_session
from benchmarks.one_session import RENAMES
from benchmarks.processes import Measured, to_prompt
from benchmarks.results import Result

COUNT = 100_000


def measure(folder: Path, repeats: int) -> list[Result]:
    many = folder / "many"
    prompt = Measured([to_prompt([str(many)], folder) for _ in range(max(3, repeats))])
    runs = []
    for _ in range(max(3, repeats)):
        done = subprocess.run(
            [sys.executable, one_session.__file__, str(many)],
            cwd=folder,
            check=True,
            text=True,
            capture_output=True,
        )
        runs.append(json.loads(done.stdout))
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    steps = {name: seconds for name, seconds in median.items() if name not in ("open", "save", "rss")}
    keys = {name: steps.pop(name) for name in [name for name in steps if name.startswith("key ")]}
    slowest, key = max(steps, key=steps.__getitem__), max(keys, key=keys.__getitem__)
    many_words = f"{COUNT:,} tensors"
    return [
        Result(f"{many_words}: open to prompt", prompt.median, "s", None),
        Result(f"{many_words}: open", median["open"], "s", 0.5, "the session alone"),
        *(Result(f"{many_words}: {name}", median[name], "s", 1) for name in RENAMES),
        Result(f"{many_words}: a name completion", keys[key] * 1000, "ms", 5, f"the slowest: {key[4:]}"),
        Result(f"{many_words}: a step", steps[slowest], "s", 1, f"the slowest: {slowest}"),
        Result(f"{many_words}: save", median["save"], "s", None, "scaled, fsynced"),
        Result(f"{many_words}: peak memory", median["rss"] / 1e6, "MB", None, "the whole session"),
    ]
