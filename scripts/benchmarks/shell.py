"""The shell at very many names: start, keys, Enter, and what is shown while a line is typed."""

from __future__ import annotations

import statistics
from pathlib import Path

from benchmarks.inputs import make_inputs, remove
from benchmarks.names import COUNT, SMALL, make_many, prompt
from benchmarks.processes import BRAINSURGERY, Measured, run
from benchmarks.results import Result
from benchmarks.terminal import Terminal

TYPED = (
    "delete: model.layers.17.experts.3.a.weight",
    "scale_: target: model.layers.9.experts.11.b.weight, by: 0.5",
    r"copy: from: 'model\.layers\.(\d+)\.experts\.(\d+)\.a\.(.*)', to: 'h.\1.\2.\3'",
    "assert: all: [{ exists: 'model.layers.3.*' }, { count: { of: '.*', is: 100000 } }]",
    "dump: target: experts.7.b, format: compact",
)
MATCHED = r"delete: model\.layers\.\d+\.experts\.7\.b\.weight"
"""A line whose matches are counted while it is typed: there are none until its last key."""
PAUSE = 0.02
"""Seconds in which nothing is drawn before a key is pressed: answers to the key before it are over."""
SETTLED = 0.3
"""The same, after what is shown in pauses."""
CLEAR, DROP = "\x15", "\x03"


def measure(folder: Path, repeats: int) -> list[Result]:
    make_inputs(folder, ("a",), SMALL)
    version = Measured()
    for _ in range(max(5, repeats) + 1):
        run((*BRAINSURGERY, "--version"), folder, version)
    standing = prompt(folder / "a", max(5, repeats))
    make_inputs(folder, (), SMALL)
    many = make_many(folder, COUNT)
    keys, enters, previews = _typed(many, max(2, repeats))
    remove(many)
    at = f"{COUNT:,} names"
    percentiles = statistics.quantiles(keys, n=100)
    return [
        Result("brainsurgery --version", statistics.median(version.seconds[1:]) * 1000, "ms", 80, "process"),
        Result(f"{SMALL:g} GB: prompt standing", standing * 1000, "ms", 200, "process"),
        Result(f"{at}: key to screen, p50", percentiles[49] * 1000, "ms", 5, f"{len(keys)} keys"),
        Result(
            f"{at}: key to screen, p99", percentiles[98] * 1000, "ms", 16, f"most {max(keys) * 1000:.0f} ms"
        ),
        Result(
            f"{at}: Enter accepted", statistics.median(enters) * 1000, "ms", 10, "a step that does nothing"
        ),
        Result(
            f"{at}: live preview after the last key",
            max(previews) * 1000,
            "ms",
            100,
            f"most of {len(previews)}",
        ),
    ]


def _typed(many: Path, repeats: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each key, each Enter and each preview. The first round, which imports, does not count."""
    keys: list[float] = []
    enters: list[float] = []
    previews: list[float] = []
    with Terminal([str(many)], many.parent) as terminal:
        terminal.until("model>")
        for turn in range(repeats + 1):
            rounds = _round(terminal)
            if turn:
                keys += rounds[0]
                enters += rounds[1]
                previews += rounds[2]
    return keys, enters, previews


def _round(terminal: Terminal) -> tuple[list[float], list[float], list[float]]:
    keys = []
    for line in TYPED:
        for key in line:
            terminal.quiet(PAUSE)
            keys.append(terminal.press(key, key.strip()))
        terminal.type(CLEAR)
    terminal.quiet(SETTLED)
    enters = []
    for _ in range(5):
        terminal.type("set")
        terminal.quiet(SETTLED)
        enters.append(terminal.press("\r", "dry-run: false"))
        terminal.quiet(SETTLED)
    previews = []
    for _ in range(3):
        terminal.type(MATCHED[:-1])
        terminal.quiet(SETTLED)
        previews.append(terminal.press(MATCHED[-1], "KiB"))
        terminal.quiet(SETTLED)
        terminal.press(DROP, "model>")
    return keys, enters, previews
