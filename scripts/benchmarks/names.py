"""Very many tensors: opening, steps and completion."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import one_session
from benchmarks.inputs import make, make_inputs, remove
from benchmarks.processes import Measured, take_turns, to_prompt
from benchmarks.results import Result
from benchmarks.rows import MEMORY_LIMIT, OUTPUT, PROVIDERS, ROWS

COUNT = 100_000
SMALL = 0.4
"""GB of the checkpoint that opens first: some tens of tensors."""


def make_many(folder: Path, count: int) -> Path:
    many = folder / "a"
    make("names", many, count)
    return many


def sessions(many: Path, repeats: int) -> dict[str, float]:
    """Median seconds of each thing done in a session over ``many``; peak memory in bytes as ``rss``."""
    runs = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, one_session.__file__, str(many)],
            cwd=many.parent,
            check=True,
            text=True,
            capture_output=True,
        )
        runs.append(json.loads(done.stdout))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def prompt(checkpoint: Path, repeats: int) -> float:
    """Median seconds to the first prompt; one start before them, uncounted, leaves its bytecode."""
    seconds = [to_prompt([str(checkpoint)], checkpoint.parent) for _ in range(repeats + 1)]
    return Measured(seconds[1:]).median


def measure(folder: Path, repeats: int) -> list[Result]:
    make_inputs(folder, ("a",), SMALL)
    first = prompt(folder / "a", max(5, repeats))
    make_inputs(folder, (), SMALL)
    many = make_many(folder, COUNT)
    second = prompt(many, max(3, repeats))
    median = sessions(many, max(3, repeats))
    saves = take_turns(ROWS[0].sides(), folder, repeats, OUTPUT)
    remove(many)
    apart = ("open", "save", "rss", "rss renamed")
    steps = {name: seconds for name, seconds in median.items() if name not in apart}
    keys = {name: steps.pop(name) for name in [name for name in steps if name.startswith("key ")]}
    slowest, key = max(steps, key=steps.__getitem__), max(keys, key=keys.__getitem__)
    many_words = f"{COUNT:,} tensors"
    return [
        Result(f"{SMALL:g} GB: open to prompt", first, "s", 0.3, "the shell on a terminal"),
        Result(f"{many_words}: open to prompt", second, "s", None, "the shell on a terminal"),
        Result(f"{many_words}: open", median["open"], "s", 0.5, "the session alone"),
        *(Result(f"{many_words}: {name}", median[name], "s", 1) for name in one_session.RENAMES),
        Result(f"{many_words}: a name completion", keys[key] * 1000, "ms", 5, f"the slowest: {key[4:]}"),
        Result(f"{many_words}: a step", steps[slowest], "s", 1, f"the slowest: {slowest}"),
        Result(f"{many_words}: save", median["save"], "s", None, "scaled, fsynced"),
        Result(
            f"{many_words}: open, rename, complete: peak memory",
            median["rss renamed"] / 1e6,
            "MB",
            MEMORY_LIMIT,
        ),
        Result(f"{many_words}: peak memory", median["rss"] / 1e6, "MB", None, "all steps, with their undo"),
        _renamed(many_words, saves),
    ]


def _renamed(subject: str, sides: dict[str, Measured]) -> Result:
    ours, plain = (max(sides[name].median for name in names) for names in (PROVIDERS, ("plain",)))
    note = f"{ours:.2f} s : {plain:.2f} s, whole process"
    return Result(f"{subject}: rename and save / plain script", ours / plain, "×", 1, note)
