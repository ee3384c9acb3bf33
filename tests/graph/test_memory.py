"""Tensors larger than the memory that the process may take: everything streams."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1 << 20
SIDE = 8192
"""A matrix of float32 has 256 MiB."""
ALLOWED = 160 * MIB
"""Beyond what the interpreter with torch has."""

PROGRAM = """
import json, re, resource, sys
from pathlib import Path
from brainsurgery_shell.graph import build, cast, difference, elementary, histogram, matmul, reduce, statistics
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.storage.read import open_checkpoint

torch = load_torch()
(torch.ones(64, 64) @ torch.ones(64, 64)).sum()
path, memory, allowed, whole = Path(sys.argv[1]), *map(int, sys.argv[2:])
stored = open_checkpoint(path, str(path)).tensors
w, thin = stored["w"], stored["thin"]
twice = build.elementwise(build.bound(elementary.times, 2), w)
flat = build.permute(thin, (1, 0))
made = {
    "permuted": build.permute(w, (1, 0)),
    "computed, then permuted": build.permute(twice, (1, 0)),
    "permuted, then computed": build.elementwise(elementary.times, build.permute(w, (1, 0)), w),
    "expanded": build.expand(build.reshape(thin, (*thin.shape, 1)), (*thin.shape, 512)),
    "product": matmul.matmul(thin, flat, broadcast=False),
    "large product": matmul.matmul(flat, w, broadcast=False),
    "reduced": reduce.reduce(twice, "norm", [0], keepdim=False),
    "cast": cast.cast(w, BY_NAME["float64"]),
    "joined": build.concat([twice, twice], 1),
}
evaluator = Evaluator(memory=memory, arena_root=path.parent / "arena")
held = int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (held + allowed, held + allowed))
if whole:
    torch.ones(w.shape)
for name, tensor in made.items():
    total = 0
    for piece in evaluator.pieces(tensor):
        total += len(piece)
    assert total == tensor.nbytes, (name, total, tensor.nbytes)
assert difference.difference(w, twice, 0.0, evaluator) is None
assert statistics.statistics(w, evaluator).zeros == w.numel
assert histogram.histogram(w, 3, evaluator).counts == (0, w.numel, 0)
"""


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with holes, which reads as zeroes."""
    path = tmp_path_factory.mktemp("sparse") / "w.safetensors"
    facts, at = {}, 0
    for name, shape in (("w", (SIDE, SIDE)), ("thin", (SIDE, 16))):
        end = at + 4 * shape[0] * shape[1]
        facts[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, end]}
        at = end
    header = json.dumps(facts).encode()
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + at)
    return path


def run(path: Path, *, whole: int, memory: int = 64 * MIB) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, str(path), str(memory), str(ALLOWED), str(whole)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit")
def test_everything_streams(sparse: Path) -> None:
    done = run(sparse, whole=0)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list((sparse.parent / "arena").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit")
def test_a_budget_beyond_what_there_is(sparse: Path) -> None:
    done = run(sparse, whole=0, memory=1 << 40)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit")
def test_the_limit_is_one(sparse: Path) -> None:
    assert "allocate memory" in run(sparse, whole=1).stderr
