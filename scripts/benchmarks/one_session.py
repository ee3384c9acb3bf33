"""A session over very many tensors, timed step by step: run as a program, it prints seconds as JSON.

one_session.py CHECKPOINT
"""

from __future__ import annotations

import io
import json
import resource
import shutil
import statistics
import sys
import time

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
    "assert: count: { of: '.*', is: COUNT }",
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


def one_session(path: str) -> dict[str, float]:
    """Seconds by what was done; peak memory as ``rss``, and as ``rss renamed`` before any other step."""
    from brainsurgery_shell.completion import complete
    from brainsurgery_shell.options import default_memory
    from brainsurgery_shell.session.lines import run_line
    from brainsurgery_shell.session.session import Session
    from brainsurgery_shell.session.settings import Settings

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
    for line in TYPED:
        complete(line, len(line), session)  # the first key after a step sorts the names
        times = []
        for _ in range(5):
            started = time.perf_counter()
            complete(line, len(line), session)
            times.append(time.perf_counter() - started)
        taken[f"key {line}"] = statistics.median(times)
    taken["rss renamed"] = _peak()
    count = len(session.workspace.checkpoints["model"].tensors)
    for line in STEPS:
        clocked(line, line.replace("COUNT", str(count)))
    clocked("save", "save: saved")
    session.close()
    taken["rss"] = _peak()
    return taken


def _peak() -> float:
    """Peak resident bytes so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(json.dumps(one_session(sys.argv[1])))
    shutil.rmtree("saved")
