"""Rows at sizes: every side, in turns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.inputs import check_space, make_inputs
from benchmarks.processes import BRAINSURGERY, take_turns
from benchmarks.results import Comparison, Result
from benchmarks.rows import OUTPUT, ROWS, Row


def chosen_rows(names: Sequence[str], sizes: Sequence[float]) -> list[tuple[float, Row]]:
    """Sizes and rows in the order of measuring; a row that was not named keeps to its largest size."""
    return [
        (size, row)
        for size in sorted(sizes)
        for row in ROWS
        if row.name in names or (not names and size <= max(row.largest, min(sizes)))
    ]


def compare(folder: Path, size: float, row: Row, repeats: int) -> Comparison:
    missing = sum(not (folder / name).exists() for name in row.inputs)
    check_space(folder, size * (missing + 2 * row.written))
    make_inputs(folder, row.inputs, size)
    warm_up(folder, row.inputs)
    return Comparison(row, size, take_turns(row.sides(), folder, repeats, OUTPUT))


def compare_all(
    folder: Path, names: Sequence[str], sizes: Sequence[float], repeats: int
) -> Iterator[Comparison]:
    last = None
    for size, row in chosen_rows(names, sizes):
        if size != last:
            make_inputs(folder, (), size)
        last = size
        print(f"measuring {row.title}, {size:g} GB …", file=sys.stderr)
        compared = compare(folder, size, row, repeats)
        print(f"  {' | '.join(compared.cells())}", file=sys.stderr)
        yield compared
    make_inputs(folder, (), 0)


def workers(folder: Path, size: float, repeats: int) -> list[Result]:
    """What more than one thread gains, on the rows that compute."""
    results = []
    for row in (each for each in ROWS if each.name in ("rename", "scale", "cast", "merge")):
        check_space(folder, size * (len(row.inputs) + 2))
        make_inputs(folder, row.inputs, size)
        warm_up(folder, row.inputs)
        sides = {"one": row.ours("--workers", "1"), "default": row.ours()}
        measured = take_turns(sides, folder, repeats, OUTPUT)
        one, default = measured["one"].median, measured["default"].median
        note = f"--workers 1 {one:.2f} s, default {default:.2f} s: {one / default:.2f} times as fast"
        results.append(
            Result(f"{row.title}, {size:g} GB: default / --workers 1", default / one, "×", None, note)
        )
    make_inputs(folder, (), 0)
    return results


def warm_up(folder: Path, inputs: Sequence[str]) -> None:
    """Have the inputs in the page cache as far as they fit, and the bytecode of what runs."""
    subprocess.run(
        ["sh", "-c", f"cat {' '.join(f'{name}/*' for name in inputs)} > /dev/null"], cwd=folder, check=True
    )
    subprocess.run([*BRAINSURGERY, "--version"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-c", "import torch, safetensors.torch"], check=True)
