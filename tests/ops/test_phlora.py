"""``phlora`` and ``phlora_``: names, shapes, energy, and one evaluation for both factors."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph import factorize, kept
from conftest import Cli, Patient

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def matrix(m: int, n: int, seed: int = 0) -> torch.Tensor:
    """Singular values that halve."""
    generator = torch.Generator().manual_seed(seed)
    left, right = (
        torch.linalg.qr(torch.randn(size, min(m, n), generator=generator, dtype=torch.float64)).Q
        for size in (m, n)
    )
    return (left * 0.5 ** torch.arange(min(m, n))) @ right.T


@pytest.fixture
def box(patient: Patient) -> Patient:
    layers = {f"h__{i}__w": matrix(6, 9, seed=i).to(torch.float32) for i in range(3)}
    return patient.open(
        **layers, cube=torch.stack([matrix(5, 4, seed=7), matrix(5, 4, seed=8)]), v=torch.ones(3),
        i=torch.ones(2, 2, dtype=torch.int32), q=torch.ones(2, 2).to(torch.float8_e5m2),
        bad=torch.tensor([[1.0, math.nan], [0, 1]]), e=torch.ones(0, 4),
    )  # fmt: skip


def error(exact: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> float:
    return float((exact.double() - b.double() @ a.double()).norm() / exact.double().norm())


def test_every_layer_at_once(box: Patient) -> None:
    before = {i: box[f"h.{i}.w"] for i in range(3)}
    box.run(r"phlora: target: 'h\.(\d)\.w', target_a: 'h.\1.a', target_b: 'h.\1.b', rank: 2")
    assert [name for name in box.names() if "h." in name] == [f"h.{i}.{ab}" for i in range(3) for ab in "ab"]
    for i in range(3):
        a, b = box[f"h.{i}.a"], box[f"h.{i}.b"]
        assert (a.shape, b.shape) == ((2, 9), (6, 2))
        values = torch.linalg.svdvals(before[i].double())
        best = float(values[2:].norm() / values.norm())
        assert error(before[i], a, b) == pytest.approx(best, rel=1e-4)
        for gram in (a @ a.T, b.T @ b):
            torch.testing.assert_close(gram, torch.diag(values[:2]).float(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(patient: Patient, dtype: torch.dtype) -> None:
    exact = matrix(8, 5).to(dtype)
    patient.open(w=exact)
    patient.run(
        "phlora: target: w, target_a: a, target_b: b, rank: 3, delete_original: false",
        "phlora_: target: w, rank: 3",
    )
    assert patient["a"].dtype == patient["b"].dtype == patient["w"].dtype == dtype
    values = torch.linalg.svdvals(exact.double())
    rounding = torch.finfo(dtype).eps
    assert error(exact, patient["a"], patient["b"]) <= float(values[3:].norm() / values.norm()) + 2 * rounding
    product = patient["b"].double() @ patient["a"].double()
    torch.testing.assert_close(patient["w"].double(), product, atol=4 * rounding, rtol=0)
    patient.run("phlora_: target: w, rank: 5")


def test_destinations(box: Patient) -> None:
    line = "phlora: target: h.0.w, target_a: v, target_b: h.0.w, rank: 1"
    box.fails(line, "v", "exists already")
    box.run(f"{line}, require_missing_dest: false")
    assert (box["v"].shape, box["h.0.w"].shape) == ((1, 9), (6, 1))
    box.fails("phlora: target: 'h.*', target_a: a, target_b: b, rank: 1", "two sources")
    box.fails("phlora: target: h.1.w, target_a: a, target_b: a, rank: 1", "two sources")
    box.fails(r"phlora: target: h.1.w, target_a: '\1', target_b: b, rank: 1", "1")


def test_slices(box: Patient) -> None:
    cube = box["cube"]
    box.run(
        "phlora: target: 'cube::[1, :4]', target_a: a, target_b: b, rank: 4, delete_original: false",
        "phlora_: target: 'cube::[0]', rank: 1",
    )
    assert error(cube[1, :4], box["a"], box["b"]) < 1e-6
    assert torch.equal(box["cube"][1], cube[1])
    assert torch.linalg.matrix_rank(box["cube"][0], rtol=1e-6) == 1


def test_selection(box: Patient) -> None:
    box.run(
        "phlora_: target: '.*', where: { rank: 2, dtype: float32 }, except: 'bad|e', rank: 1, expect: 3",
        "phlora: target: '(h.*)', except: h.1.w, target_a: '\\1.a', target_b: '\\1.b', rank: 1, expect: 2",
    )
    assert [name for name in box.names() if name.endswith(".a")] == ["h.0.w.a", "h.2.w.a"]
    assert "h.1.w" in box.names()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("v", ("v", "[3]", "1 dim", "reshape_")),
        ("cube", ("cube", "[2, 5, 4]", "reshape_")),
        ("i", ("i:", "int32", "cast_")),
        ("q", ("q:", "float8_e5m2", "cast_")),
        ("e", ("e:", "[0, 4]")),
        ("'cube::[0]'", ("cube", "rank 5", "[5, 4]", "4")),
    ],
)
def test_what_has_no_factors(box: Patient, target: str, words: tuple[str, ...]) -> None:
    box.fails(f"phlora: target: {target}, target_a: a, target_b: b, rank: 5", *words)
    box.fails(f"phlora_: target: {target}, rank: 5", *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", ("either rank or energy",)),
        ("rank: 1, energy: 0.5", ("either rank or energy",)),
        ("rank: 0", ("rank", "from 1 up")),
        ("rank: true", ("rank",)),
        ("energy: 0", ("energy", "above 0")),
        ("energy: 1.5", ("energy", "at most 1")),
        ("energy: .nan", ("energy",)),
    ],
)
def test_rank_or_energy(box: Patient, arguments: str, words: tuple[str, ...]) -> None:
    given = f", {arguments}" if arguments else ""
    box.fails(f"phlora: target: h.0.w, target_a: a, target_b: b{given}", *words)
    box.fails(f"phlora_: target: h.0.w{given}", *words)


def test_not_finite(box: Patient) -> None:
    """Known when it is evaluated: for energy at the step, else later."""
    box.fails("phlora: target: bad, target_a: a, target_b: b, energy: 0.5", "bad", "finite")
    box.run("phlora: target: bad, target_a: a, target_b: b, rank: 1, delete_original: false")
    box.run("phlora_: target: bad, rank: 1")
    for name in ("a", "bad"):
        with pytest.raises(StepError) as caught:
            box[name]
        assert caught.value.message.startswith("bad: it is not finite")


def test_energy(box: Patient) -> None:
    """Squared values fall by four: shares of 3/4, 15/16, 63/64 …"""
    box.run(r"phlora: target: 'h\.([01])\.w', target_a: 'a\1', target_b: 'b\1', energy: 0.8")
    assert box["a0"].shape == (2, 9)
    assert "ranks: [2, 2]" in box.run("summarize: format: oly").lines[-1]
    for energy, rank in ((0.7, 1), (0.9, 2), (0.97, 3), (1, 6)):
        box.run("copy: from: h.2.w, to: w", f"phlora_: target: w, energy: {energy}")
        assert int(torch.linalg.matrix_rank(box["w"], rtol=1e-5)) == rank
        box.run("undo: 2")


def test_recorded_ranks(box: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay does not ask the data again."""
    monkeypatch.setattr(factorize, "energy_rank", None)
    line = r"phlora: target: 'h\.(\d)\.w', target_a: 'a\1', target_b: 'b\1'"
    box.run(f"{line}, energy: 0.8, ranks: [1, 2, 3]")
    assert [box[f"a{i}"].shape[0] for i in range(3)] == [1, 2, 3]
    box.run("undo")
    box.fails(f"{line}, energy: 0.8, ranks: [1, 2]", "2 entries", "3 tensors")
    box.fails(f"{line}, rank: 1, ranks: [1, 1, 1]", "ranks")
    box.fails(f"{line}, energy: 0.8, ranks: [1, 2, 7]", "h.2.w", "rank 7")


def test_one_match_at_a_time(box: Patient) -> None:
    """A summary of concrete names gives each tensor its rank."""
    box.run(r"phlora: target: 'h\.(\d)\.w', target_a: 'a\1', target_b: 'b\1', energy: 0.8, ranks: [1, 2, 3]")
    lines = box.run("summarize: format: oly, resolve: true").lines[1:]
    assert [line.split("ranks: ")[1] for line in lines] == ["[1]", "[2]", "[3]"]
    box.run("undo", *lines)
    assert [box[f"a{i}"].shape[0] for i in range(3)] == [1, 2, 3]


def test_a_check_reads_nothing(box: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    from brainsurgery_shell.declaration.bind import bind
    from brainsurgery_shell.declaration.context import Context
    from brainsurgery_shell.lang.parser import parse_line
    from brainsurgery_shell.workspace.edit import Edit

    monkeypatch.setattr(factorize, "energy_rank", None)
    command = parse_line("phlora: target: h.0.w, target_a: a, target_b: b, energy: 0.5")
    assert command is not None
    step = bind(command)
    edit = step.operation.run(Context(box.session.workspace, box.session, checking=True), **step.arguments)
    assert isinstance(edit, Edit)
    assert edit.assumed
    assert not edit.drawn


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes that were factorised."""
    seen: list[tuple[int, ...]] = []
    real = factorize.balanced_factors

    def counted(tensor: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(tuple(tensor.shape))
        return real(tensor, rank)

    monkeypatch.setattr(factorize, "balanced_factors", counted)
    return seen


@pytest.mark.parametrize("provider", ["inmemory", "arena"])
@pytest.mark.parametrize("memory", ["1GB", "100KB"])
def test_both_factors_are_evaluated_once(
    cli: Cli, folder: Path, evaluations: list[tuple[int, ...]], memory: str, provider: str
) -> None:
    """By any number of workers, also where A and B lie far apart and nothing of it fits the memory."""
    layers = {f"h.{i}.w": matrix(300, 200, seed=i).float() for i in range(6)}
    holders = {f"h.{i}.{name}": torch.zeros(1) for name in "ab" for i in range(6)}
    save_file(layers | holders, folder / "m.safetensors")
    line = (
        r"phlora: target: 'h\.(\d)\.w', target_a: 'h.\1.a', target_b: 'h.\1.b', rank: 9, "
        "require_missing_dest: false"
    )
    written = set()
    for workers in (1, 2):
        evaluations.clear()
        cli(
            "m.safetensors", "-c", line, "-c", f"save: out{workers}.safetensors", "--workers", workers,
            "--memory", memory, "--provider", provider, "--arena-root", folder / "arena",
        ).ok()  # fmt: skip
        assert len(evaluations) == 6
        written.add((folder / f"out{workers}.safetensors").read_bytes())
    assert len(written) == 1
    assert load_file(folder / "out1.safetensors")["h.3.a"].shape == (9, 200)


def test_what_they_are_made_from_is_evaluated_once() -> None:
    """Although neither it nor the factors fit the memory."""
    from brainsurgery_shell.graph.build import elementwise, full
    from brainsurgery_shell.graph.dtypes import BY_NAME
    from brainsurgery_shell.graph.evaluate import Evaluator

    pieces: list[int] = []

    def counted(values: torch.Tensor) -> torch.Tensor:
        pieces.append(len(values))
        return values * 2

    source = elementwise(counted, full((30, 20), BY_NAME["float32"], 1))
    evaluator = Evaluator(memory=1)
    a, b = factorize.factors(source, 2, "w")
    product = evaluator.whole(b) @ evaluator.whole(a)
    torch.testing.assert_close(product, torch.full((30, 20), 2.0))
    assert pieces == [600]
    evaluator.close()


def test_threads_wait_for_each_other() -> None:
    """One makes it; the others get what it made, or its error."""
    import threading
    from concurrent.futures import ThreadPoolExecutor

    from brainsurgery_shell.graph.arena import Arena
    from brainsurgery_shell.graph.build import full
    from brainsurgery_shell.graph.dtypes import BY_NAME
    from brainsurgery_shell.graph.results import InMemory

    node = full((4,), BY_NAME["float32"], 1)
    shared = kept.Kept(1 << 20, Arena(None))
    began, go = threading.Event(), threading.Event()
    calls: list[int] = []

    def make() -> InMemory:
        calls.append(1)
        began.set()
        assert go.wait(10)
        if len(calls) == 1:
            raise MemoryError("once")
        return InMemory(torch.ones(4))

    def ask() -> object:
        try:
            return shared.once(node, make)
        except MemoryError as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask)
        assert began.wait(10)
        others = [pool.submit(ask) for _ in range(2)]
        while shared._making and not all(each.running() for each in others):
            pass
        go.set()
        answers = [each.result(10) for each in (first, *others)]
    assert answers[0] == "once"
    assert len(calls) <= 2
    assert torch.equal(shared.once(node, make).whole(), torch.ones(4))
    assert len(calls) == 2


def test_results_leave_the_memory_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from brainsurgery_shell.graph.arena import Arena
    from brainsurgery_shell.graph.build import full
    from brainsurgery_shell.graph.dtypes import BY_NAME

    monkeypatch.setattr(kept, "_costly", lambda node: node in costly)
    monkeypatch.setattr(kept, "SCRATCH_BYTES", 32)
    nodes = [full((4,), BY_NAME["float32"], at) for at in range(6)]
    costly = set(nodes[:4])
    shared = kept.Kept(40, Arena(tmp_path))
    for at, node in enumerate(nodes):
        shared.once(node, lambda at=at, node=node: shared.adopt(node, torch.full((4,), float(at))))  # type: ignore[misc]
    found = [shared.find(node) for node in nodes]
    # The last two in memory, the last two costly ones before them in the arena.
    assert [each is not None for each in found] == [False, False, True, True, True, True]
    assert [float(each.read(0, 1)) for each in found if each is not None] == [2, 3, 4, 5]
    assert shared.nbytes == 32
    shared.clear()
    assert shared.find(nodes[5]) is None
    assert list(tmp_path.iterdir()) == []
