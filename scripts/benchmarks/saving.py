"""Saves of a large checkpoint, against ``cp -r`` and against a plain script. All sides flush to the disk."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.processes import BRAINSURGERY, Measured, take_turns, to_prompt
from benchmarks.results import Result

PLAIN = """
import os, pathlib
from safetensors.torch import load_file, save_file
pathlib.Path("out").mkdir()
for source in sorted(pathlib.Path("big").glob("*.safetensors")):
    state = {name: tensor * 1.5 for name, tensor in load_file(source).items()}
    save_file(state, f"out/{source.name}", metadata={"format": "pt"})
    with open(f"out/{source.name}", "rb") as file:
        os.fsync(file.fileno())
"""
COPY = ("sh", "-c", "cp -r big out && sync out/* out")
RENAME = "move: from: 'model\\.(.*)', to: 'decoder.\\1'"
SCALE = "scale_: target: '.*', by: 1.5"


def edited(line: str) -> tuple[str, ...]:
    return (*BRAINSURGERY, "big", "-c", line, "-c", "save: out")


def measure(folder: Path, repeats: int) -> list[Result]:
    to_prompt(["big"], folder)  # warms up, as with the saves
    opened = Measured([to_prompt(["big"], folder) for _ in range(max(5, repeats))])
    rename, scale = edited(RENAME), edited(SCALE)
    sides = {"cp": COPY, "rename": rename, "scale": scale, "plain": (sys.executable, "-c", PLAIN)}
    measured = take_turns(sides, folder, repeats, "out")
    copied, plain = measured["cp"], measured["plain"]
    results = [
        Result("open to prompt", opened.median, "s", 0.3, "shell on a terminal, the sharded checkpoint")
    ]
    for name, what, limit in (("rename", "rename-only save", 1.3), ("scale", "scale-all save", 2.2)):
        ours = measured[name]
        note = f"{ours.median:.2f} s : cp -r {copied.median:.2f} s"
        results.append(Result(f"{what} / cp -r", ours.median / copied.median, "×", limit, note))
        results.append(Result(f"{what}: peak memory", ours.peak_mb, "MB", 600))
    note = f"{measured['scale'].median:.2f} s : {plain.median:.2f} s, {plain.peak_mb:.0f} MB"
    results.append(
        Result("scale-all save / plain script", measured["scale"].median / plain.median, "×", None, note)
    )
    return results
