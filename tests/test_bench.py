"""What scripts/bench compares is comparable: the plain script and ours make the same tensors."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brainsurgery_shell.options import default_memory
from brainsurgery_shell.session.lines import run_line
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings

SCRIPTS = Path(__file__).parent.parent / "scripts"
WIDTH = 128
GIGABYTES = 0.005


@pytest.fixture(autouse=True)
def benchmarks_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``a`` to ``d``, of some megabytes in two shards, in the working directory."""
    from benchmarks import checkpoints, inputs

    monkeypatch.setattr(checkpoints, "SHARD", 3_000_000)
    monkeypatch.chdir(tmp_path)
    for name, seed in inputs.SEEDS.items():
        checkpoints.main("sharded", name, str(GIGABYTES), str(seed), str(WIDTH))
    checkpoints.main("differing", "d", "a")
    return tmp_path


def run_ours(row: object) -> str:
    """Run a row's lines in this process; what they printed."""
    from benchmarks.rows import OUTPUT, Row

    assert isinstance(row, Row)
    printed = io.StringIO()
    session = Session(Settings(memory=default_memory()))
    try:
        for name in row.inputs:
            session.open_input(name, name)
        for line in row.lines:
            run_line(session, line, stdout=printed)
        if row.written:
            run_line(session, f"save: path: {OUTPUT}, alias: a", stdout=printed)
    finally:
        session.close()
    return printed.getvalue()


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {k: v for path in folder.glob("*.safetensors") for k, v in load_file(path).items()}


@pytest.mark.parametrize("name", ["rename", "scale", "cast", "upcycle", "merge", "task_vectors", "phlora"])
def test_plain_and_ours_make_the_same(inputs: Path, name: str) -> None:
    from benchmarks import plain
    from benchmarks.rows import ROWS

    row = next(each for each in ROWS if each.name == name)
    plain.main(name, *row.inputs)
    (inputs / "out").rename("plain")
    run_ours(row)
    expected, found = tensors(inputs / "plain"), tensors(inputs / "out")
    assert expected.keys() == found.keys()
    assert len(list((inputs / "a").glob("*.safetensors"))) > 1
    for each, tensor in expected.items():
        if each.endswith(".a"):  # factors may differ in sign; their product may not
            other = each[:-2] + ".b"
            one = expected[other].float() @ tensor.float()
            two = found[other].float() @ found[each].float()
            assert (one - two).norm() < 0.02 * one.norm()
        elif not each.endswith(".b"):
            assert tensor.dtype == found[each].dtype
            assert torch.equal(tensor, found[each])


def test_diff_finds_the_one_tensor(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import plain
    from benchmarks.rows import ROWS

    row = next(each for each in ROWS if each.name == "diff")
    plain.main("diff", *row.inputs)
    (differing,) = capsys.readouterr().out.split()
    printed = run_ours(row)
    assert differing in printed
    assert not any(name in printed for name in tensors(inputs / "a") if name != differing)


def test_halved_tells_right_values_from_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import bound, checkpoints, halved

    monkeypatch.chdir(tmp_path)
    checkpoints.main("large", "large", "0.01")
    session = Session(Settings(memory=default_memory()))
    session.open_input("large", "large")
    for line in bound.LINES:
        run_line(session, line, stdout=io.StringIO())
    session.close()
    halved.check(Path("large"), Path("out"))
    checkpoints.main("differing", "wrong", "out")
    with pytest.raises(SystemExit, match="wrong values"):
        halved.check(Path("large"), Path("wrong"))


def test_a_comparison_says_what_it_misses() -> None:
    from benchmarks.processes import Measured
    from benchmarks.results import Comparison, table
    from benchmarks.rows import ROWS

    def measured(seconds: float, megabytes: int = 100) -> Measured:
        return Measured([seconds], [seconds], [megabytes * 10**6])

    rename = ROWS[0]
    sides = {"reference": measured(2), "plain": measured(5), "inmemory": measured(2), "arena": measured(2.2)}
    kept = Comparison(rename, 2, sides)
    assert kept.misses == []
    slow = Comparison(rename, 2, sides | {"arena": measured(6, 500)})
    assert slow.misses == ["reference", "plain", "memory"]
    assert Comparison(rename, 0.4, sides | {"arena": measured(3)}).misses == []
    lines = table([kept, slow]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "MISSED: reference, plain, memory" in lines[-1]


@pytest.mark.parametrize("wrong", [["nosuch"], ["--sizes", "x"]])
def test_wrong_arguments_are_usage_errors(wrong: list[str]) -> None:
    from benchmarks.run import main

    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2


def test_without_space_nothing_is_made(tmp_path: Path) -> None:
    from benchmarks.inputs import check_space

    with pytest.raises(SystemExit, match="GB free"):
        check_space(tmp_path, 10**9)
