"""Several plans that run as one, overrides that count over all of them, inputs of the command line, requirements."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Cli


@pytest.fixture
def plans(folder: Path) -> Path:
    for name in ("a", "b"):
        (folder / name).mkdir()
    save_file({"w": torch.ones(2), "v": torch.ones(3)}, "a/m.safetensors")
    save_file({"w": torch.full((2,), 5.0), "v": torch.ones(3)}, "other.safetensors")
    Path("a/p.yaml").write_text(
        "inputs: [m.safetensors]\ntransforms:\n  - scale_: { target: w, by: 2 }\n  - save: half.safetensors\n"
        "output: { path: o, shard: 8 }\n"
    )
    Path("b/q.yaml").write_text(
        "input: ../a/m.safetensors\ntransforms:\n  - scale_: { target: w, by: 10 }\n  - 'delete: target: v'\n"
    )
    return folder


def files() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*.safetensors"))


def test_steps_in_order_and_paths_from_each_folder(plans: Path, cli: Cli) -> None:
    Path("b/q.yaml").write_text(Path("b/q.yaml").read_text() + "output: done.safetensors\n")
    done = cli("a/p.yaml", "b/q.yaml")
    done.ok()
    assert done.err == (
        "warning: the output 'o' of 'a/p.yaml' is not written: 'b/q.yaml' has the output 'done.safetensors'\n"
    )
    assert load_file("a/half.safetensors")["w"].tolist() == [2, 2]
    assert {name: each.tolist() for name, each in load_file("b/done.safetensors").items()} == {"w": [20, 20]}
    assert not Path("a/o").exists()


def test_outputs_merge_field_by_field(plans: Path, cli: Cli) -> None:
    cli("a/p.yaml", "b/q.yaml").ok()
    assert Path("a/o").is_dir()
    Path("b/r.yaml").write_text("output: { path: o2 }\n")
    cli("a/p.yaml", "b/r.yaml", "transforms=[]").ok()
    assert len(list(Path("b/o2").glob("*.safetensors"))) == 2  # the shard size is that of the first plan


def test_everything_is_checked_before_anything_is_written(plans: Path, cli: Cli) -> None:
    before = files()
    Path("b/q.yaml").write_text("transforms:\n  - delete: nope\n")
    cli("a/p.yaml", "b/q.yaml").fails("nope", "b/q.yaml, line 2", status=2)
    assert files() == before


def test_one_alias_is_one_checkpoint(plans: Path, cli: Cli) -> None:
    Path("b/q.yaml").write_text("input: ../other.safetensors\n")
    said = cli("a/p.yaml", "b/q.yaml").fails(
        "a/p.yaml", "b/q.yaml, line 1, column 8", "other.safetensors", status=2
    )
    assert "'model'" in said


def test_indexes_count_over_all_plans(plans: Path, cli: Cli) -> None:
    cli(
        "a/p.yaml",
        "b/q.yaml",
        "transforms[2].scale_.by=3",
        "transforms[-1].delete.target=w",
        "output=o.safetensors",
    ).ok()
    assert load_file("a/half.safetensors")["w"].tolist() == [2, 2]
    assert sorted(load_file("a/o.safetensors")) == ["v"]
    cli("a/p.yaml", "b/q.yaml", "transforms[4].scale_.by=3").fails("[4]", "4 items", status=2)
    cli("a/p.yaml", "b/q.yaml", "transforms..by=3").fails("transforms..by", status=2)
    cli("a/p.yaml", "transforms[0].scale_.by=x", "output=z").fails("number", "line 3, column 30", status=2)


def test_inputs_of_the_command_line_replace_those_of_a_plan(plans: Path, cli: Cli) -> None:
    cli("other.safetensors", "a/p.yaml").ok()
    assert load_file("a/half.safetensors")["w"].tolist() == [10, 10]
    Path("f.yaml").write_text(
        "transforms:\n  - copy: { from: 'base::(.*)', to: 'tuned::b.\\1' }\noutput: { path: f.safetensors, alias: tuned }\n"
    )
    cli("base::other.safetensors", "tuned::a/m.safetensors", "f.yaml").ok()
    assert sorted(load_file("f.safetensors")) == ["b.v", "b.w", "v", "w"]


@pytest.mark.parametrize("kind", ["header", "content"])
def test_requirements(plans: Path, cli: Cli, kind: str) -> None:
    plan = cli("a/m.safetensors", "-c", f"summarize: requires: {kind}").ok()
    Path("r.yaml").write_text(plan + "output: r.safetensors\n")
    cli("--overwrite", "r.yaml").ok()
    # the same tensors in another order and other files are the same checkpoint
    cli(
        "a/m.safetensors",
        "-c",
        "move: from: w, to: x",
        "-c",
        "move: from: v, to: w",
        "-c",
        "undo: 2",
        "-c",
        "save: path: a/s, shard: 8",
    ).ok()
    text = Path("r.yaml").read_text().replace("a/m.safetensors", "a/s")
    Path("s.yaml").write_text(text)
    cli("--overwrite", "s.yaml").ok()
    changed = load_file("a/m.safetensors")
    changed["w"] = changed["w"] * 2 if kind == "content" else torch.ones(4)
    save_file(changed, "a/m.safetensors")
    said = cli("--overwrite", "r.yaml").fails(
        "'model'", "a/m.safetensors", "line 4, column 3", "--ignore-fingerprints", status=2
    )
    assert f"{kind}:" in said
    done = cli("--overwrite", "--ignore-fingerprints", "r.yaml")
    done.ok()
    assert "warning: the input 'model'" in done.err


def test_a_header_fingerprint_lets_other_values_pass(plans: Path, cli: Cli) -> None:
    Path("r.yaml").write_text(cli("a/m.safetensors", "-c", "summarize: requires: header").ok())
    cli("other.safetensors", "r.yaml").ok()
    cli("a/m.safetensors", "-c", "summarize: requires: header, format: oly").fails("script")
    assert "requires" not in cli("a/m.safetensors", "-c", "summarize").ok()


def test_two_plans_that_require_two_things(plans: Path, cli: Cli) -> None:
    for name in ("a/p.yaml", "b/q.yaml"):
        Path(name).write_text(f"input: {plans}/a/m.safetensors\nrequires: {{ model: {name[0]} }}\n")
    cli("a/p.yaml", "b/q.yaml").fails("a/p.yaml", "b/q.yaml", "'model'", status=2)


def test_check_says_what_would_be_written(plans: Path, cli: Cli) -> None:
    before = files()
    assert cli("check", "a/p.yaml").ok() == (
        "a/p.yaml: ok, 2 steps, 1 input, would write half.safetensors (2 tensors, 20 B), would write o (2 tensors, 20 B)\n"
    )
    assert (
        cli("check", "a/p.yaml", "b/q.yaml", "output=x")
        .ok()
        .startswith("a/p.yaml, b/q.yaml: ok, 4 steps, 1 input")
    )
    Path("s.oly").write_text(
        "load: a/m.safetensors\n# a comment\ndelete: w\nundo\n!touch touched\nsave: z\nsummarize > x\n"
    )
    assert cli("check", "s.oly").ok() == "s.oly: ok, 5 steps, 0 inputs, would write z (2 tensors, 20 B)\n"
    assert cli("check", "model::other.safetensors", "b/q.yaml").ok().startswith("b/q.yaml: ok")
    assert files() == before
    assert not Path("touched").exists()
    assert not Path("x").exists()


def test_check_says_all_that_is_wrong(plans: Path, cli: Cli) -> None:
    Path("w.yaml").write_text(
        "inputs: [a/m.safetensors, 3]\ntransforms:\n  - scale_: { target: w, by: x }\n  - scle: b\n  - 'delete: a b'\n"
        "  - delete: nope\n  - undo\noutput: { path: o1, frmat: x }\nfoo: 1\n"
    )
    said = cli("check", "w.yaml").fails(status=2)
    lines = [line for line in said.splitlines() if line.startswith("  at")]
    assert lines == [
        f"  at w.yaml, line {line}, column {column}"
        for line, column in ((1, 10), (1, 27), (3, 30), (4, 5), (5, 16), (7, 5), (8, 21), (9, 1))
    ]
    cli("w.yaml").fails("alias", status=2)
    Path("v.oly").write_text("delete: a b\nscle: 3\n")
    said = cli("check", "v.oly").fails("v.oly, line 1, column 11", "v.oly, line 2, column 1", status=2)
    cli("check", "a/p.yaml", "transforms[0].scale_.target=nope").fails("nope", "a/p.yaml, line 3", status=2)
    cli("check").fails("plans and scripts", status=2)
    cli("check", "a/m.safetensors").fails("plans and scripts", status=2)


def test_a_shape_that_only_data_decides_is_not_held_against_a_plan(folder: Path, cli: Cli) -> None:
    save_file({"w": torch.outer(torch.rand(8), torch.rand(6))}, "m.safetensors")
    Path("p.yaml").write_text(
        "inputs: [m.safetensors]\ntransforms:\n  - phlora: { target: w, target_a: a, target_b: b, energy: 0.95 }\n"
        "  - assert: { shape: { of: a, is: [1, 6] } }\noutput: o.safetensors\n"
    )
    cli("check", "p.yaml").ok()
    cli("p.yaml").ok()
    assert load_file("o.safetensors")["a"].shape == (1, 6)
    cli("p.yaml", "transforms[1].assert.shape.is=[2, 6]", "output=o2.safetensors").fails("[2, 6]", status=1)
    assert not Path("o2.safetensors").exists()
    cli("p.yaml", "transforms[1]=scle", "output=o2.safetensors").fails("scle", "line 4", status=2)
