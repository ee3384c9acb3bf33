"""The checkpoints that benchmarks read: another process makes them, and they go when nothing needs them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

MAKER = Path(__file__).with_name("checkpoints.py")
SEEDS = {"a": 7, "b": 8, "c": 9}


def make(what: str, folder: Path, *how: object) -> None:
    subprocess.run([sys.executable, str(MAKER), what, str(folder), *map(str, how)], check=True)


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def make_inputs(folder: Path, names: tuple[str, ...], gigabytes: float, width: int = 2048) -> None:
    """Have the checkpoints ``names`` in ``folder``, and no others of this module's names.

    ``a``, ``b`` and ``c`` hold different numbers under the same names; ``d`` is ``a`` but for its last value.
    """
    for name in (*SEEDS, "d"):
        if name not in names:
            remove(folder / name)
    for name in names:
        if (folder / name).exists():
            continue
        if name in SEEDS:
            make("sharded", folder / name, gigabytes, SEEDS[name], width)
        else:
            make("differing", folder / name, folder / "a")


def check_space(folder: Path, gigabytes: float) -> None:
    """Stop with an error unless ``gigabytes`` and a tenth more are free."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes * 1.1 + 1:
        sys.exit(f"error: {folder} has {free:.0f} GB free; this takes {gigabytes * 1.1 + 1:.0f}")
