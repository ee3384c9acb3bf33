"""Plan files: what they may hold, how they are checked, where their paths start."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Cli


@pytest.fixture
def model(folder: Path) -> Path:
    path = folder / "models" / "base.safetensors"
    path.parent.mkdir()
    save_file(
        {
            "h.0.w": torch.ones(2, 2),
            "h.0.b": torch.ones(2),
            "h.1.w": torch.ones(2, 2),
            "wte": torch.arange(4.0),
        },
        path,
    )
    return path


def write(path: str, text: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def test_a_plan_in_every_form(model: Path, cli: Cli) -> None:
    plan = write(
        "plans/p.yaml",
        r"""
input: ../models/base.safetensors
transforms:
  - scale_: { target: "h\.\d+\.w", by: 0.5 }
  - "copy: from: wte, to: v"
  - copy: from: 'h\.(\d)\.w', to: 'x.\1'
  - move:
      from: [x, $i]
      to: ["y", "${i+1}"]
  - assert: { count: { of: 'y\..*', is: 2 } }
  - delete: "h\.0\.b"
output: ../out/o.safetensors
""",
    )
    cli(plan).ok()
    out = load_file("out/o.safetensors")
    assert sorted(out) == ["h.0.w", "h.1.w", "v", "wte", "y.1", "y.2"]
    assert torch.equal(out["y.1"], torch.full((2, 2), 0.5))


def test_inputs_with_aliases_and_output_alias(model: Path, cli: Cli) -> None:
    save_file({"wte": torch.ones(4)}, "tuned.safetensors")
    plan = write(
        "p.yaml",
        "inputs:\n  - base::models/base.safetensors\n  - tuned::tuned.safetensors\ntransforms:\n"
        "  - add_: { from: 'base::(wte)', to: 'tuned::\\1' }\noutput: { path: o.safetensors }\n",
    )
    cli(plan).ok()  # tuned is the only one that steps changed
    assert torch.equal(load_file("o.safetensors")["wte"], torch.arange(4.0) + 1)
    text = Path(plan).read_text().replace("o.safetensors }", "o2.safetensors, alias: base }")
    cli(write("p2.yaml", text)).ok()
    assert "h.0.w" in load_file("o2.safetensors")
    text = text.replace("transforms:", "transforms:\n  - delete: 'base::h.*'").replace(", alias: base", "")
    cli(write("p3.yaml", text)).fails("base", "tuned", status=2)
    assert not Path("o3.safetensors").exists()


def test_a_plan_without_transforms_converts(model: Path, cli: Cli) -> None:
    cli(write("p.yaml", "input: models/base.safetensors\noutput: { path: out, shard: 24 }\n")).ok()
    names = sorted(path.name for path in Path("out").iterdir())
    assert "model.safetensors.index.json" in names
    assert len(names) > 2


BAD = [
    ("inputs: [models/base.safetensors]\ntransform: []\n", ("transform", "transforms", "line 2, column 1")),
    ("inputs: [models/base.safetensors]\noutput: { path: o, shrad: 1GB }\n", ("shrad", "shard", "line 2, column 20")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - scale: { target: wte, by: 2 }\n", ("target",)),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - scle_: { target: wte, by: 2 }\n", ("scle_", "scale_", "line 3, column 5")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - scale_: { target: wte, bye: 2 }\n", ("bye", "by", "line 3")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - scale_: { target: wte, by: x }\n", ("by", "number", "line 3")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - scale_: { target: wtf, by: 2 }\n", ("wtf", "line 3")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - 'scale_: target: wte by: 2'\n", ("expected", "line 3", "^")),
    ("inputs: [models/none.safetensors]\n", ("none.safetensors", "line 1")),
    ("inputs: [models/base.safetensors]\ntransforms: 3\n", ("list", "line 2")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - undo\n", ("undo", "line 3")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - history: {}\n", ("history",)),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - { copy: {from: wte, to: a}, delete: b }\n", ("one key",)),
    ("inputs: [a.safetensors, b.safetensors]\n", ("alias",)),
    ("inputs: [x::models/base.safetensors, x::models/base.safetensors]\n", ("twice",)),
    ("inputs: [models/base.safetensors]\ninput: models/base.safetensors\n", ("not both",)),
    ("inputs: [models/base.safetensors\n", ("YAML",)),
    ("- 1\n", ("map",)),
    ("", ("map",)),
    ("inputs: [models/base.safetensors]\noutput: {}\n", ("path",)),
    ("inputs: [models/base.safetensors]\noutput: [o]\n", ("path",)),
    ("inputs: [models/base.safetensors]\ninputs: []\n", ("twice",)),
    ("inputs: [models/base.safetensors]\noutput: models/base.safetensors\n", ("base.safetensors",)),
    ("inputs: [models/base.safetensors]\noutput: { path: o, format: zip }\n", ("zip",)),
    ("inputs: [models/base.safetensors]\noutput: { path: o, shard: huge }\n", ("huge",)),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - save: a.safetensors\n  - delete: nope\n", ("nope", "line 4")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - save: a.safetensors\n  - add_: { from: wte, to: h.0.w }\n", ("[4]", "[2, 2]")),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - save: a.safetensors\n  - load: { path: nope.safetensors, alias: b }\n", ("nope",)),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - save: a.safetensors\noutput: { path: o, alias: b }\n", ("b",)),
    ("inputs: [models/base.safetensors]\ntransforms:\n  - save: a.safetensors\n  - cast_: { target: wte, to: uint16 }\n  - scale_: { target: wte, by: 2 }\n", ("uint16", "cast_")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BAD)
def test_what_does_not_check_writes_nothing(
    model: Path, folder: Path, cli: Cli, text: str, words: tuple[str, ...]
) -> None:
    write("p.yaml", text)
    before = files(folder)
    cli("p.yaml").fails("p.yaml", *words, status=2)
    assert files(folder) == before


def test_a_failed_assertion_on_data_has_status_1(model: Path, cli: Cli) -> None:
    plan = write(
        "p.yaml", "input: models/base.safetensors\ntransforms:\n  - assert: { iszero: wte }\noutput: o\n"
    )
    cli(plan).fails("expected zeroes", "line 3")
    assert not Path("o").exists()


def test_a_load_of_what_the_plan_saves(model: Path, cli: Cli) -> None:
    plan = write(
        "p.yaml",
        "input: models/base.safetensors\ntransforms:\n  - save: a.safetensors\n  - load: { path: a.safetensors, alias: again }\n"
        "  - assert: { equal: { left: 'model::(.*)', right: 'again::\\1' } }\n",
    )
    cli(plan).ok()


def test_dry_run_writes_nothing(model: Path, folder: Path, cli: Cli) -> None:
    write(
        "p.yaml",
        "input: models/base.safetensors\ntransforms:\n  - delete: wte\n  - save: s.safetensors\noutput: o\n",
    )
    before = files(folder)
    cli("--dry-run", "p.yaml").ok()
    cli("--dry-run", "models/base.safetensors", "-c", "delete: wte", "-c", "save: o.safetensors").ok()
    cli("--dry-run", "models/base.safetensors", "-c", "delete: nope").fails("nope")
    assert files(folder) == before


def test_overrides(model: Path, cli: Cli) -> None:
    write(
        "p.yaml",
        "input: models/base.safetensors\ntransforms:\n  - scale_: { target: wte, by: 3 }\noutput: o.safetensors\n",
    )
    cli("p.yaml", "transforms[0].scale_.by=2", "output.path=o2.safetensors").ok()
    assert torch.equal(load_file("o2.safetensors")["wte"], torch.arange(4.0) * 2)
    cli("p.yaml", "output=o3.safetensors", "transforms=[]").ok()
    assert torch.equal(load_file("o3.safetensors")["wte"], torch.arange(4.0))
    cli("p.yaml", "output.pth=o4").fails(status=2)
    cli("p.yaml", "transforms[1].scale_.by=2").fails("[1]", status=2)
    cli("p.yaml", "outptu=o4").fails("outptu", "output", status=2)
    assert not Path("o.safetensors").exists()


def test_paths_start_at_the_plans_folder(model: Path, cli: Cli) -> None:
    write(
        "deep/er/p.yaml",
        "input: ../../models/base.safetensors\ntransforms:\n  - save: s.safetensors\noutput: ../o.safetensors\n",
    )
    cli("deep/er/p.yaml").ok()
    assert Path("deep/er/s.safetensors").exists()
    assert Path("deep/o.safetensors").exists()


def test_an_input_that_only_the_working_folder_has(model: Path, cli: Cli) -> None:
    write("plans/p.yaml", "input: models/base.safetensors\noutput: o.safetensors\n")
    said = cli("plans/p.yaml").fails("in '", "plan's folder", status=2)
    assert "'../models/base.safetensors'" in said


def test_exit_ends_a_plan(model: Path, cli: Cli) -> None:
    cli(
        write(
            "p.yaml",
            "input: models/base.safetensors\ntransforms:\n  - save: a.safetensors\n  - exit: {}\n"
            "  - save: b.safetensors\n  - delete: nothing\noutput: o.safetensors\n",
        )
    ).ok()
    assert Path("a.safetensors").exists()
    assert not Path("b.safetensors").exists()
    assert Path("o.safetensors").exists()


def test_a_plan_may_ask_for_help_and_set_modes(model: Path, cli: Cli) -> None:
    plan = "input: models/base.safetensors\ntransforms:\n  - help: diff\n  - help: { assert: equal }\n  - set: {}\n"
    said = cli(write("p.yaml", plan)).ok()
    assert "left_alias" in said
    assert "assert: equal" in said
    assert "dry-run: false" in said


def test_the_only_input_is_what_is_saved_in_doubt(model: Path, cli: Cli) -> None:
    """Where steps changed several checkpoints, and one of them is the plan's only input."""
    steps = "transforms:\n  - load: { path: models/base.safetensors, alias: b }\n  - delete: 'b::wte'\n  - delete: 'model::wte'\n"
    cli(write("p.yaml", f"input: models/base.safetensors\n{steps}output: o.safetensors\n")).ok()
    two = "inputs: ['model::models/base.safetensors', 'c::models/base.safetensors']\n"
    cli(write("q.yaml", f"{two}{steps}output: p.safetensors\n")).fails("Candidates: b, model", status=2)


def test_results_and_messages_go_apart(model: Path, cli: Cli) -> None:
    done = cli(
        write(
            "p.yaml",
            "input: models/base.safetensors\ntransforms:\n  - dump: { target: wte, format: compact }\n",
        )
    )
    assert "model::wte" in done.ok()
    assert done.err == ""


def test_a_plan_without_inputs(model: Path, cli: Cli) -> None:
    load = "transforms:\n  - load: { path: models/base.safetensors }\noutput: o.safetensors\n"
    cli(write("load.yaml", load)).ok()
    assert load_file("o.safetensors").keys() == load_file(model).keys()
    make = (
        "transforms:\n  - prefixes: { mode: add, alias: new }\n  - ones: { target: 'new::t', shape: [2] }\n"
        "output: p.safetensors\n"
    )
    cli(write("make.yaml", make)).ok()
    assert load_file("p.safetensors")["t"].tolist() == [1, 1]


def test_without_output_nothing_is_written(model: Path, folder: Path, cli: Cli) -> None:
    write("p.yaml", "input: models/base.safetensors\ntransforms:\n  - delete: wte\n")
    before = files(folder)
    assert cli("--no-journal", "p.yaml").ok() == ""
    assert files(folder) == before


def test_interactive_goes_on_after_a_plan(model: Path, cli: Cli) -> None:
    plan = write("p.yaml", "input: models/base.safetensors\ntransforms:\n  - delete: 'h.*'\n")
    assert cli("-i", plan, stdin="dump: format: compact\n").ok().startswith("model::wte")
    assert cli(plan, stdin="dump: format: compact\n").ok() == ""
