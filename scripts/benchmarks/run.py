"""Arguments, and which benchmark runs on what."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import bound, growth, names, phlora, shell
from benchmarks.compare import compare_all, workers
from benchmarks.results import Tabled, table
from benchmarks.rows import ROWS

SIZES = (0.4, 2.0, 8.0, 16.0)
EDITS = {row.name: row.title for row in ROWS}
OTHERS = {
    "names": "open, rename and complete at 100,000 tensors",
    "shell": "start, keys, Enter and live preview on a terminal, at 100,000 tensors",
    "factors": "phlora's factors against torch.linalg.svd: CPU time and error",
    "workers": "--workers 1 against the default",
    "bound": "a tensor of half the size under a limit on memory",
    "growth": "time by size and by number of tensors; only if named",
}


def main(arguments: list[str]) -> int:
    chosen = _parsed(arguments)
    sizes = chosen.sizes or ((0.4,) if chosen.quick else SIZES)
    repeats = chosen.repeats or (2 if chosen.quick else 4)
    edits = [name for name in chosen.names if name in EDITS]
    others = [name for name in chosen.names if name in OTHERS]
    if not chosen.names:
        others = ["names", "bound"] if chosen.quick else [name for name in OTHERS if name != "growth"]
    # Start-up is measured as users have it: with the bytecode that an earlier start left.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    missed = False
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="brainsurgery-bench-") as name:
        folder = Path(name)
        for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            os.environ[variable] = str(folder / variable.lower())
        print(_circumstances(repeats), flush=True)
        if edits or not chosen.names:
            compared = list(compare_all(folder, edits, sizes, repeats))
            print(f"\n{table(compared)}", flush=True)
            missed = any(each.misses for each in compared)
        for each in others:
            print(f"measuring {each} …", file=sys.stderr)
            results = _other(each, folder, chosen, repeats)
            print(f"\n{table(results)}", flush=True)
            missed = missed or any(each.misses for each in results)
    print(f"\n{time.perf_counter() - started:.0f} s in all, load {os.getloadavg()[0]:.1f} at the end")
    return int(missed)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    listed = "\n".join(f"  {name:14}{what}" for name, what in (EDITS | OTHERS).items())
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure what is promised about speed and memory, side by side here and now.",
        epilog=f"benchmarks:\n{listed}\n\nExit status 1 if a limit is missed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="0.4 GB and 2 repeats; without factors and workers"
    )
    parser.add_argument("--sizes", type=_sizes, help="of an input, in GB (default: 0.4,2,8,16)")
    parser.add_argument("--repeats", type=int, help="of each side (default: 4; quick: 2)")
    parser.add_argument("--folder", help="where the files go (default: the folder for temporary files)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks (default: all but growth)")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in EDITS | OTHERS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(EDITS | OTHERS)}")
    return chosen


def _sizes(text: str) -> tuple[float, ...]:
    return tuple(float(each) for each in text.split(","))


def _other(name: str, folder: Path, chosen: argparse.Namespace, repeats: int) -> Sequence[Tabled]:
    sizes = chosen.sizes
    if name == "names":
        return names.measure(folder, repeats)
    if name == "shell":
        return shell.measure(folder, repeats)
    if name == "factors":
        return phlora.measure(repeats, large=not chosen.quick)
    if name == "workers":
        return workers(folder, max(sizes) if sizes else 0.4 if chosen.quick else 2, repeats)
    if name == "bound":
        return bound.measure(folder, max(sizes) if sizes else 1 if chosen.quick else 8)
    return growth.measure(folder, sizes or growth.SIZES, repeats)


def _circumstances(repeats: int) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.date.today()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GB of memory, Python {platform.python_version()}; "
        f"medians of {repeats}, all sides flush to the disk"
    )
