"""A hundred thousand tensors: opening, steps and completion. What is measured runs in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.processes import Measured, to_prompt
from benchmarks.results import Result

COUNT = 100_000
RENAMES = {
    "rename all, regex": "move: from: 'model\\.(.*)', to: 'decoder.\\1'",
    "rename all, structured": "move: from: [decoder, layers, $i, '*rest'], to: [h, '${i+1}', '*rest']",
}
STEPS = (
    "renumber: [h, $i, '*rest']",
    "scale_: target: '.*', by: 2",
    "scale_: target: '.*', by: 0.5, where: { dtype: bfloat16, rank: 2 }, except: '.*\\.7\\.a\\.weight'",
    "cast: from: '(.*)', to: 'f32.\\1', dtype: float32",
    "delete: 'f32\\..*'",
    "copy: from: '(.*)', to: 'twin.\\1'",
    "add_: from: 'twin\\.(.*)', to: '\\1'",
    "delete: 'twin\\..*'",
    "reshape_: target: '.*', shape: [-1]",
    "undo: 2",
    "redo",
    "assert: exists: '.*'",
    "assert: count: { of: '.*', is: 200000 }",
    "assert: dtype: { of: '.*', is: bfloat16 }",
    "assert: same: { left: '.*', right: '.*' }",
    "dump: format: compact",
    "history",
    "summarize",
)
TYPED = (
    "delete: h",
    "delete: h.",
    "delete: target: h.1",
    "delete: target: h.17.experts.",
    "delete: target: h.17.experts.3.a.",
    r"delete: target: h\.(\d+)\.experts\.(\d+)\.",
    "delete: target: experts.7.b",
    "delete: target: nosuchname",
    "copy: from: 'h\\.(\\d+)\\.(.*)', to: h.",
)


def measure(folder: Path, repeats: int) -> list[Result]:
    many = folder / "many"
    prompt = Measured([to_prompt([str(many)], folder) for _ in range(max(3, repeats))])
    runs = []
    for _ in range(max(3, repeats)):
        done = subprocess.run(
            [sys.executable, __file__, str(many)], cwd=folder, check=True, text=True, capture_output=True
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


def one_session(path: str) -> dict[str, float]:
    """Seconds by what was done."""
    import io
    import resource

    from brainsurgery_shell.completion import complete
    from brainsurgery_shell.options import default_memory
    from brainsurgery_shell.session.lines import run_line
    from brainsurgery_shell.session.session import Session, Settings

    session = Session(Settings(memory=default_memory()))
    taken: dict[str, float] = {}

    def clocked(name: str, line: str) -> None:
        started = time.perf_counter()
        run_line(session, line, stdout=io.StringIO())
        taken[name] = time.perf_counter() - started

    started = time.perf_counter()
    session.open_input(path, "model")
    taken["open"] = time.perf_counter() - started
    for name, line in RENAMES.items():
        clocked(name, line)
    for line in STEPS:
        clocked(line, line)
    for line in TYPED:
        complete(line, len(line), session)  # the first key after a step sorts the names
        times = []
        for _ in range(5):
            started = time.perf_counter()
            complete(line, len(line), session)
            times.append(time.perf_counter() - started)
        taken[f"key {line}"] = statistics.median(times)
    clocked("save", "save: saved")
    session.close()
    taken["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return taken


if __name__ == "__main__":
    import shutil

    print(json.dumps(one_session(sys.argv[1])))
    shutil.rmtree("saved")
