"""Low-rank factors against ``torch.linalg.svd``: CPU time of one thread, and how far from the best possible.

phlora.py REPEATS [ROWSxCOLUMNS ...] prints what it measured as JSON.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

RANK = 64
SHAPES = ("2048x2048", "8192x2048", "4096x14336")
MOST_SHARE = 0.25
MOST_EXCESS = 1e-4


def measure(repeats: int, large: bool) -> list[Any]:
    """The rows of the table; the largest shape, which takes minutes, only if ``large``."""
    from benchmarks.results import Result

    shapes = SHAPES if large else SHAPES[:-1]
    command = [sys.executable, __file__, str(repeats), *shapes]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    results = []
    for row in json.loads(done.stdout):
        subject = f"phlora, rank {RANK}, {row['shape']}, {row['spectrum']}"
        times = f"{row['method']} {row['ours']:.2f} s, torch.linalg.svd {row['svd']:.2f} s"
        faster = f"{times}: {row['svd'] / row['ours']:.1f} times faster"
        results += [
            Result(f"{subject}: CPU time", row["ours"] / row["svd"], "× svd", MOST_SHARE, faster),
            Result(f"{subject}: error", row["excess"], "over the best", MOST_EXCESS, "relative"),
        ]
    return results


def measured(repeats: int, shapes: list[str]) -> Iterator[dict[str, object]]:
    """Both sides of every shape and spectrum in turns; medians."""
    import torch

    from brainsurgery_shell.graph import lowrank
    from brainsurgery_shell.graph.runtime import load_torch

    load_torch()
    found: list[bool] = []
    by_krylov = lowrank._by_krylov

    def noted(matrix: torch.Tensor, rank: int) -> Any:
        factors = by_krylov(matrix, rank)
        found.append(factors is not None)
        return factors

    lowrank._by_krylov = noted
    for shape in shapes:
        rows, columns = map(int, shape.split("x"))
        for spectrum, matrix in _matrices(rows, columns):
            found.clear()
            # What a library sets up at its first call is no part of it.
            a, b = lowrank.balanced_factors(matrix, RANK)
            ours, theirs = [], []
            for _ in range(repeats):
                ours.append(_cpu(lambda matrix=matrix: lowrank.balanced_factors(matrix, RANK)))
                theirs.append(_cpu(lambda matrix=matrix: torch.linalg.svd(matrix, full_matrices=False)))
            yield {
                "shape": shape,
                "spectrum": spectrum,
                "method": "krylov" if all(found) and found else "gram",
                "ours": statistics.median(ours),
                "svd": statistics.median(theirs),
                "excess": _excess(matrix, a, b),
            }


def _matrices(rows: int, columns: int) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    small = min(rows, columns)
    yield "flat", normal(rows, columns)
    yield "decaying", (normal(rows, small) / torch.arange(1, small + 1)) @ normal(small, columns)
    yield "low rank and noise", normal(rows, RANK) @ normal(RANK, columns) + 0.1 * normal(rows, columns)


def _cpu(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def _excess(matrix: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> float:
    """How much larger than the best possible the error is, relatively; in float64."""
    import torch

    exact = matrix.double()
    gram = exact.T @ exact if exact.shape[0] >= exact.shape[1] else exact @ exact.T
    best = torch.linalg.eigvalsh(gram)[:-RANK].clamp(min=0).sum().sqrt()
    return float((exact - b.double() @ a.double()).norm() / best - 1)


if __name__ == "__main__":
    print(json.dumps(list(measured(int(sys.argv[1]), sys.argv[2:]))))
