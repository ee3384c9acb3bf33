"""Arguments, the checkpoints that benchmarks share, and the table."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import names, phlora, saving
from benchmarks.results import Result, table

MAKER = Path(__file__).with_name("checkpoints.py")


def _saving(folder: Path, size: float, repeats: int) -> list[Result]:
    _make("sharded", folder / "big", size)
    return saving.measure(folder, repeats)


def _names(folder: Path, size: float, repeats: int) -> list[Result]:
    _make("names", folder / "many", names.COUNT)
    return names.measure(folder, repeats)


def _phlora(folder: Path, size: float, repeats: int) -> list[Result]:
    return phlora.measure(repeats, large=size > 1)


BENCHMARKS: dict[str, Callable[[Path, float, int], list[Result]]] = {
    "saving": _saving,
    "names": _names,
    "phlora": _phlora,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--quick", action="store_true", help="1 GB (or smaller matrices) and 3 repeats")
    parser.add_argument("--size", type=float, help="GB of the large checkpoint (default: 4)")
    parser.add_argument("--repeats", type=int, help="of each side (default: 5)")
    parser.add_argument("--folder", help="where the files go (default: the folder for temporary files)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    size = chosen.size or (1 if chosen.quick else 4)
    repeats = chosen.repeats or (3 if chosen.quick else 5)
    results: list[Result] = []
    # Start-up is measured as users have it: with the bytecode that an earlier start left.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="brainsurgery-bench-") as name:
        folder = Path(name)
        for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            os.environ[variable] = str(folder / variable.lower())
        for each in chosen.names or BENCHMARKS:
            print(f"measuring {each} …", file=sys.stderr)
            results += BENCHMARKS[each](folder, size, repeats)
    print(f"{size:g} GB of bf16, {repeats} repeats, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print(table(results))
    return int(any(each.missed for each in results))


def _make(what: str, folder: Path, much: float) -> None:
    subprocess.run([sys.executable, str(MAKER), what, str(folder), str(much)], check=True)
