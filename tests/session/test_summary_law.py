"""The law of summaries: replayed on the same inputs, the plan gives the same bytes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Cli

STEPS = [
    r"scale_: target: 'h\.\d\.w', by: 1.1", "fill_: target: h.0.w, mode: rand", "rand: target: new, shape: [3, 2], distribution: normal",
    r"cast_: target: 'h\..*', to: bf16", r"cast_: target: '.*', to: float32, where: { dtype: bfloat16 }",
    "move: from: [h, $i, '*r'], to: [g, '${i+1}', '*r'], expect: 6", "move: from: [g, $i, '*r'], to: [h, '${i-1}', '*r']",
    "delete: h.1.b", "copy: from: wte, to: wpe", "copy: from: 'wte::[1:3]', to: 'rows it''s \"x\"'", "transpose_: target: wte",
    r"add_: from: 'h\.0\.(.*)', to: 'h.1.\1'", "renumber: [h, $i, '*rest']", "concat: from: [wte, wte], to: wide, dim: 1",
    "split: from: wte, to: [w.1, w.2], sizes: [1, 3]", "assign: from: 'wte::[0]', to: 'wte::[1]'", "assert: exists: wte",
    "assert: not: { exists: nope }", "clamp_: target: wte, min: 0.5, max: 2", "zeroes: target: z, shape: [2], dtype: int8",
    "load: path: 'more/other.safetensors', alias: other", "copy: from: 'other::one', to: 'model::one'",
    "prefixes: mode: add, alias: scratch", "prefixes: mode: use, alias: model", "prefixes: mode: rename, from: other, to: third",
    "delete: target: '.*', except: '[hw].*'", "dump: target: wte", "diff: left: wte, right: wte", "help: copy",
    "nonsense: here", "delete: not.there", "undo", "undo", "redo", "undo: 2", "history", "reshape_: target: wte, shape: [-1]",
    "fill_: target: 'h.*', mode: rand, distribution: normal, std: 0.5, seed: 4", "prefixes", "permute_: target: h.2.w, order: [1, 0]",
]  # fmt: skip


@pytest.fixture
def inputs(folder: Path) -> Path:
    tensors = {f"h.{i}.{part}": torch.rand(4, 4) for i in range(3) for part in ("w", "b")}
    save_file({**tensors, "wte": torch.rand(4, 4)}, folder / "m.safetensors", {"format": "pt", "note": "ü"})
    (folder / "more").mkdir()
    save_file({"one": torch.ones(2)}, folder / "more" / "other.safetensors")
    return folder


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("form", ["yaml", "oly"])
def test_law(cli: Cli, inputs: Path, seed: int, form: str) -> None:
    from io import StringIO

    from brainsurgery_shell.errors import SurgeryError
    from brainsurgery_shell.session.lines import run_line
    from brainsurgery_shell.session.session import Session
    from brainsurgery_shell.session.settings import Settings

    chance = random.Random(seed)
    session = Session(Settings(memory=1 << 28), folder=inputs)
    session.open_input("m.safetensors", "model")
    done = 0
    for line in chance.choices(STEPS, k=25):
        try:
            run_line(session, line, stdout=StringIO())
            done += 1
        except SurgeryError:
            continue
    assert done > 3
    Path("plans").mkdir()
    run_line(session, "save: path: first.safetensors, alias: model", stdout=StringIO())
    run_line(session, f"summarize: format: {form} > plans/p.{form}", stdout=StringIO())
    session.close()
    first = Path("first.safetensors").read_bytes()
    text = Path(f"plans/p.{form}").read_text()
    for word in ("nonsense", "not.there", "undo", "dump", "diff", "help"):
        assert word not in text
    if form == "yaml":
        Path("first.safetensors").unlink()
        assert cli(f"plans/p.{form}").ok() is not None
    else:
        moved = text.replace("../", "").replace("first.safetensors", "second.safetensors")
        Path("p.oly").write_text(moved)
        cli("p.oly", stdin="").ok()
        Path("second.safetensors").rename("first.safetensors")
    assert Path("first.safetensors").read_bytes() == first


def test_drawn_seeds_are_written(cli: Cli, inputs: Path) -> None:
    done = cli(
        "m.safetensors", "-c", "rand: target: r, shape: [4]", "-c", "save: o.safetensors", "-c", "summarize"
    )
    Path("p.yaml").write_text(done.ok().split("\n", 1)[1])
    assert "seed:" in done.out
    first = Path("o.safetensors").read_bytes()
    cli("p.yaml", "--overwrite").ok()
    assert Path("o.safetensors").read_bytes() == first


def test_what_is_left_out(cli: Cli, inputs: Path) -> None:
    lines = [
        "dump",
        "scale_: target: wte, by: 2",
        "delete: h.0.w",
        "undo",
        "help: copy",
        "assert: exists: wte",
    ]
    arguments = [word for line in lines for word in ("-c", line)]
    text = cli(
        "m.safetensors", *arguments, "-c", "summarize > s.yaml", "-c", "summarize: all: true > all.yaml"
    ).ok()
    assert text
    short, everything = Path("s.yaml").read_text(), Path("all.yaml").read_text()
    assert "delete" not in everything
    assert "dump" not in short
    assert "dump" in everything
    assert "assert" in short
    assert "scale_" in short


def test_a_save_that_was_undone_is_left_out(cli: Cli, inputs: Path) -> None:
    lines = ["scale_: target: wte, by: 2", "save: o.safetensors", "undo", "delete: wte", "summarize > s.yaml"]
    cli("m.safetensors", *[word for line in lines for word in ("-c", line)]).ok()
    text = Path("s.yaml").read_text()
    assert "o.safetensors" not in text
    assert "scale_" not in text
    assert "delete" in text


def test_paths_follow_the_plan(cli: Cli, inputs: Path) -> None:
    lines = [
        "load: path: more/other.safetensors, alias: other",
        "save: path: out/o.safetensors, alias: model",
    ]
    arguments = [word for line in lines for word in ("-c", line)]
    Path("deep/er").mkdir(parents=True)
    shown = cli("m.safetensors", *arguments, "-c", "summarize", "-c", "summarize > deep/er/p.yaml").ok()
    assert "more/other.safetensors" in shown
    assert "../../more/other.safetensors" in Path("deep/er/p.yaml").read_text()
    first = Path("out/o.safetensors").read_bytes()
    Path("out/o.safetensors").unlink()
    cli("deep/er/p.yaml").ok()
    assert Path("out/o.safetensors").read_bytes() == first


def test_summarize_path(cli: Cli, inputs: Path) -> None:
    Path("plans").mkdir()
    cli(
        "m.safetensors", "--summarize-path", "plans/p.yaml", "-c", "delete: wte", "-c", "save: o.safetensors"
    ).ok()
    first = Path("o.safetensors").read_bytes()
    cli("plans/p.yaml", "--overwrite").ok()
    assert Path("o.safetensors").read_bytes() == first


def test_resolve_writes_names(cli: Cli, inputs: Path) -> None:
    lines = [
        r"scale_: target: 'h\.\d\.w', by: 2", "move: from: [h, $i, b], to: [g, '${2-i}', b]", "delete: target: '[gh].*', except: 'h.*w'",
        r"add: from_a: 'h\.0\.(w)', from_b: 'h.1.\1', to: 'sum.\1'", "split: from: wte, to: [x.1, x.2], chunks: 2",
    ]  # fmt: skip
    arguments = [word for line in lines for word in ("-c", line)]
    cli(
        "m.safetensors", *arguments, "-c", "save: o.safetensors", "-c", "summarize: resolve: true > p.yaml"
    ).ok()
    text = Path("p.yaml").read_text()
    assert r"\d" not in text
    assert "$" not in text
    assert r"h\.2\.w" in text
    first = load_file("o.safetensors")
    data = Path("o.safetensors").read_bytes()
    Path("o.safetensors").unlink()
    cli("p.yaml").ok()
    assert first.keys() == load_file("o.safetensors").keys()
    assert Path("o.safetensors").read_bytes() == data


def test_resolved_swaps_stay_right(cli: Cli, inputs: Path) -> None:
    lines = [
        "move: from: [h, $i, b], to: [h, '${2-i}', b]",
        "renumber: target: [h, $i, '*r'], start: 1",
        "save: o.safetensors",
    ]
    cli(
        "m.safetensors",
        *[word for line in lines for word in ("-c", line)],
        "-c",
        "summarize: resolve: true > p.yaml",
    ).ok()
    data = Path("o.safetensors").read_bytes()
    Path("o.safetensors").unlink()
    cli("p.yaml").ok()
    assert Path("o.safetensors").read_bytes() == data
