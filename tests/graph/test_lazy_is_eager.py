"""The lazy engine gives the bits of eager PyTorch, whatever the budget, the provider or the size of pieces."""

from __future__ import annotations

import itertools
from pathlib import Path

import eager
import eager_steps
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.graph import build, evaluate, kernel, matmul, pick, schedule, structure, views
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings

BUDGETS = {
    "plenty": {"memory": 1 << 30, "provider": "inmemory"},
    "one byte": {"memory": 1, "provider": "inmemory"},
    "some bytes": {"memory": 200, "provider": "inmemory"},
    "arena": {"memory": 1, "provider": "arena"},
}
SIZES = {"default": None, "seven": 7, "three": 3}


class Stored:
    """A checkpoint on disk and in memory. No data class: Hypothesis would print all of it."""

    def __init__(self, path: Path, tensors: eager.Tensors) -> None:
        self.path = path
        self.tensors = tensors


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    tensors: eager.Tensors = {}
    shapes = ((3, 5), (5, 3), (2, 3, 4), (7,), (), (1, 5), (0, 3))
    for number, (dtype, shape) in enumerate(itertools.product(eager.EVERY, shapes)):
        if number % 3 or dtype in (torch.float32, torch.bfloat16, torch.int32):
            name = f"{eager.dtype_name(dtype)}.{'x'.join(map(str, shape)) or 'scalar'}"
            tensors[name] = eager.make(dtype, shape, number, special=number % 2 == 0)
    path = tmp_path_factory.mktemp("stored") / "all.safetensors"
    save_file(tensors, path)
    return Stored(path, tensors)


def open_session(path: Path, root: Path, budget: str) -> Session:
    options = Settings(journal=False, arena_root=root / "arena", **BUDGETS[budget])  # type: ignore[arg-type]
    session = Session(options, folder=root)
    session.open_input(str(path), "model")
    return session


def run(session: Session, line: str) -> None:
    command = parse_line(line)
    assert command is not None
    session.execute(command)


def read(session: Session, tensor: LazyTensor) -> torch.Tensor:
    """The tensor as a save would write it."""
    data = bytearray()
    for piece in session.evaluator.pieces(tensor):
        data += (
            piece
            if isinstance(piece, memoryview)
            else eager.raw(session.evaluator.whole(piece)).numpy().tobytes()
        )
    if not data:
        return session.evaluator.whole(tensor)
    return torch.frombuffer(data, dtype=getattr(torch, tensor.dtype.name)).view(tensor.shape)


def settle(session: Session, world: eager.World) -> None:
    """Compare what agrees within rounding only, and go on with the engine's results."""
    for name in world.rounded:
        actual = session.evaluator.whole(session.workspace.checkpoints["model"].tensors[name])
        assert actual.dtype == world.tensors[name].dtype, world.lines
        assert eager_steps.within_rounding(actual, world.tensors[name]), (
            world.lines,
            actual,
            world.tensors[name],
        )
        world.tensors[name] = actual.clone()
    world.rounded.clear()


@pytest.mark.parametrize(
    ("budget", "size"),
    [
        ("plenty", "default"),
        ("plenty", "seven"),
        ("one byte", "three"),
        ("some bytes", "seven"),
        ("arena", "default"),
        ("arena", "seven"),
    ],
)
@settings(
    max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(data=st.data())
def test_random_steps(budget: str, size: str, data: st.DataObject, stored: Stored, tmp_path: Path) -> None:
    path, tensors = stored.path, stored.tensors
    world = eager.World(dict(tensors))
    session = open_session(path, tmp_path, budget)
    with pytest.MonkeyPatch.context() as patch:
        small = SIZES[size]
        if small is not None:
            patch.setattr(evaluate, "PIECE_ELEMENTS", small)
            patch.setattr(evaluate, "PIECES", 1)
            patch.setattr(schedule, "SMALL_GRAPH", 2)
            for module in (evaluate, kernel):  # powers agree within rounding only
                patch.setattr(module, "LANES", 1 if size == "three" else 64)
            patch.setattr(structure, "BLOCK_ELEMENTS", small)
            patch.setattr(build, "ROW_BLOCK", 2 * small)
            patch.setattr(pick, "MOST_RANGES", 1)
            patch.setattr(views, "BLOCK_BYTES", 8 * small)
            patch.setattr(views, "APART", 1)
            patch.setattr(views, "ASKED", 1)
            patch.setattr(schedule, "MOST_BLOCKS", 1)
            patch.setattr(matmul, "TILE", 2 * small)
            patch.setattr(matmul, "PANEL", small)
            patch.setattr(matmul, "SIDE_BYTES", 4 * small)
        for _ in range(data.draw(st.integers(1, 10))):
            eager_steps.step(data.draw, world)
            run(session, world.lines[-1])
            settle(session, world)
        found = session.workspace.checkpoints["model"].tensors
        assert set(found) == set(world.tensors), world.lines
        changed = [name for name in world.tensors if world.tensors[name] is not tensors.get(name)]
        for name in changed:
            expected = world.tensors[name]
            assert found[name].shape == expected.shape, world.lines
            assert found[name].dtype.name == eager.dtype_name(expected.dtype), world.lines
            actual = read(session, found[name]) if len(name) % 2 else session.evaluator.whole(found[name])
            assert eager.same_bits(actual, expected), (world.lines, name, actual, expected)
    session.close()


ELSEWHERE = {
    **dict.fromkeys(("load", "save", "execute", "source"), "files"),
    **dict.fromkeys(("assert", "exit", "set", "prefixes"), "changes no tensor"),
    "rand": "a stream of its own: test_random.py",
    **dict.fromkeys(("phlora", "phlora_"), "held against the best approximation there is: its own tests"),
}
"""Operations that the random steps leave out, and why; those that only look are left out, too."""


def test_every_other_operation_is_among_the_random_steps(stored: Stored) -> None:
    load_declarations()
    seen: set[str] = set()

    @settings(
        max_examples=100,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def collect(data: st.DataObject) -> None:
        world = eager.World(dict(stored.tensors))
        for _ in range(15):
            eager_steps.step(data.draw, world)
        seen.update(line.partition(":")[0] for line in world.lines)

    collect()
    looks = {each.name for each in OPERATIONS.all() if each.inspects}
    assert set(OPERATIONS.names()) - looks - set(ELSEWHERE) == seen
