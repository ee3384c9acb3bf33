"""A tensor far larger than the memory that the process may have.

The kernel refuses it more than ``RLIMIT_DATA`` of private memory; the budget for intermediates is 1 GB.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.inputs import check_space, make, remove
from benchmarks.processes import BRAINSURGERY, Measured, run
from benchmarks.results import Result
from benchmarks.rows import OUTPUT, PROVIDERS

CHECK = Path(__file__).with_name("halved.py")
BUDGET = "1GB"
DATA_LIMIT = 3 * 2**29
LINES = ("scale_: target: '.*', by: 0.5", "cast_: target: '.*', to: float16", f"save: {OUTPUT}")


def measure(folder: Path, size: float) -> list[Result]:
    """Edit a checkpoint of ``size`` GB, half of which is one tensor, with each provider."""
    check_space(folder, 2 * size)
    make("large", folder / "large", size)
    results = []
    for provider in PROVIDERS:
        options = ("--memory", BUDGET, "--provider", provider, "--arena-root", "arena")
        steps = (word for line in LINES for word in ("-c", line))
        limited = ("sh", "-c", f'ulimit -d {DATA_LIMIT // 1024} && exec "$@"', "sh")
        measured = Measured()
        run((*limited, *BRAINSURGERY, "large", *options, *steps), folder, measured)
        subprocess.run([sys.executable, str(CHECK), "large", OUTPUT], cwd=folder, check=True)
        subject = f"{size:g} GB with a tensor of {size / 2:g} GB, --memory {BUDGET}, {provider}"
        note = f"all × 0.5, then float16; RLIMIT_DATA {DATA_LIMIT / 2**30:g} GB; all values right"
        results += [
            Result(f"{subject}: peak memory", measured.peak_mb, "MB", 1500, note),
            Result(f"{subject}: time", measured.median, "s", None),
        ]
        remove(folder / OUTPUT)
    remove(folder / "large")
    return results
