"""``ls``, ``dump`` with drawings, ``plot``: what they show, where it goes, and that they change nothing."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import pytest
import torch

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.views.page import Page
from brainsurgery_shell.views.text import width
from conftest import Cli, Patient


@pytest.fixture
def world(patient: Patient) -> Patient:
    layers = {
        f"model__layers__{i}__{part}": torch.ones(4, 4).bfloat16()
        for i in range(12)
        for part in ("q", "mlp__up")
    }
    return patient.open(
        lm_head__weight=torch.zeros(8, 4), **layers, model__layers__5__bias=torch.ones(4), model__layers__5__gate=torch.ones(4)
    )  # fmt: skip


def listed(patient: Patient, line: str) -> list[dict[str, object]]:
    before = patient.state()
    found: list[dict[str, object]] = json.loads("\n".join(patient.run(line).lines))
    assert patient.state() == before
    return found


def test_alike_layers_are_one_line(world: Patient) -> None:
    report = world.run("ls")
    assert report.lines == [
        "name              tensors  dtype              shape    size",
        "model::                27  bfloat16, float32          928 B",
        "  lm_head.weight        1  float32            [8, 4]  128 B",
        "  model.layers         26  bfloat16, float32          800 B",
        "    {0..4,6..11}   11 × 2  bfloat16                   704 B",
        "      mlp.up           11  bfloat16           [4, 4]  352 B",
        "      q                11  bfloat16           [4, 4]  352 B",
        "    5                   4  bfloat16, float32           96 B",
        "      bias              1  float32            [4]      16 B",
        "      gate              1  float32            [4]      16 B",
        "      mlp.up            1  bfloat16           [4, 4]   32 B",
        "      q                 1  bfloat16           [4, 4]   32 B",
    ]
    assert report.count == 27
    assert world.run("ls: depth: 1").lines[1:] == [
        "model::                27  bfloat16, float32          928 B",
        "  lm_head.weight        1  float32            [8, 4]  128 B",
        "  model.layers         26  bfloat16, float32          800 B",
    ]
    for columns in (20, 50, 79):
        narrow = report.on(Page(columns, colour=False, unicode=False))
        assert max(map(width, narrow)) <= columns
        assert all(line.isascii() for line in narrow)


def test_names_above_are_listed_as_folders_are(world: Patient) -> None:
    below = world.run("ls: model.layers.5").lines
    assert below[1].startswith("model::model.layers.5  ")
    assert [line.split()[0] for line in below[2:]] == ["bias", "gate", "mlp.up", "q"]
    assert world.run("ls: 'model\\.layers\\.[57]'").count == 6
    assert world.run("ls: [model, layers, ~[57]]").count == 6
    assert world.run("ls: target: model.layers, where: { rank: 1 }").count == 2
    assert world.run("ls: target: model.layers, except: '.*\\.5\\..*', expect: 22").count == 22
    assert world.run("ls: '.*\\.q'").count == 12
    assert world.run("ls: target: nope, expect: 0").lines == []
    assert "[2, 4]" in world.run("ls: 'lm_head::[:2]'").lines[1]


def test_ls_for_programs(world: Patient) -> None:
    rows = listed(world, "ls: format: json")
    assert rows[0] == {
        "alias": "model", "name": "lm_head.weight", "tensors": 1, "dtypes": ["float32"], "shape": [8, 4], "nbytes": 128,
    }  # fmt: skip
    assert [row["name"] for row in rows[1:3]] == [
        "model.layers.{0..4,6..11}.mlp.up",
        "model.layers.{0..4,6..11}.q",
    ]
    assert sum(int(str(row["tensors"])) for row in rows) == 27
    rows = listed(world, "ls: depth: 1, format: json")
    assert rows[1] == {
        "alias": "model", "name": "model.layers", "tensors": 26, "dtypes": ["bfloat16", "float32"], "shape": None, "nbytes": 800,
    }  # fmt: skip
    flat = world.run("ls: format: flat").lines
    assert flat[2].split() == [
        "model::model.layers.{0..4,6..11}.mlp.up",
        "11",
        "bfloat16",
        "[4,",
        "4]",
        "352",
        "B",
    ]


def test_every_checkpoint_is_listed(world: Patient) -> None:
    world.open("other", w=torch.ones(1))
    assert world.run("ls").lines[-1].split()[0] == "other::w"
    assert world.run("ls: other::w").count == 1
    assert [row["alias"] for row in listed(world, "ls: target: 'other::w', format: json")] == ["other"]


def test_checkpoints_for_programs(world: Patient) -> None:
    (row,) = json.loads("\n".join(world.run("prefixes: format: json").lines))
    assert (row["alias"], row["default"], row["tensors"], row["nbytes"]) == ("model", True, 27, 928)


@pytest.fixture
def values(patient: Patient) -> Patient:
    matrix = torch.diag(torch.tensor([8.0, 4.0, 2.0, 0.0]))
    return patient.open(
        w=matrix, v=torch.tensor([0.0, 1.0, 1.0, 4.0]), n=torch.tensor([math.nan, math.inf, 1.0, 3.0]), c=torch.zeros(2, dtype=torch.complex64)
    )  # fmt: skip


def test_drawn_histograms(values: Patient) -> None:
    assert values.run("dump: target: v, draw: histogram, bins: 4").lines == [
        "model::",
        "  v  float32 [4]  16 B",
        "    2 │ █",
        "      │ █",
        "      │▄█ ▄",
        "      │██ █",
        "      │██ █",
        "    0 └────",
        "       0  4",
    ]
    compact = values.run("dump: target: v, draw: histogram, bins: 4, format: compact").lines
    assert compact == ["model::v  float32 [4]  16 B  histogram 0 ▄█ ▄ 4"]
    (row,) = listed(values, "dump: target: v, draw: histogram, bins: 4, format: json")
    assert row["histogram"] == {"low": 0, "high": 4, "counts": [1, 2, 0, 1]}
    assert "min" not in row
    (row,) = listed(values, "dump: target: v, draw: histogram, verbosity: stat, format: json")
    assert row["max"] == 4
    assert values.run("dump: target: n, draw: histogram").lines[-1].strip() == "left out: 1 NaN, 1 infinite"


def test_drawn_singular_values(values: Patient) -> None:
    (row,) = listed(values, "dump: target: w, draw: spectrum, format: json")
    assert row["spectrum"] == {"values": pytest.approx([8, 4, 2, 0]), "rank_95": 2}
    lines = values.run("dump: target: w, draw: spectrum").lines
    assert lines[-1].strip() == "95% of the energy in 2 of 4 singular values"
    assert lines[2].strip() == "8 │█"


def test_what_cannot_be_drawn_says_why(values: Patient) -> None:
    assert (
        values.run("dump: target: v, draw: spectrum")
        .lines[-1]
        .strip()
        .startswith("no spectrum: a tensor of rank 1")
    )
    assert (
        "no histogram: complex64" in values.run("dump: target: c, draw: histogram, format: compact").lines[0]
    )
    found = {row["name"]: row["spectrum"] for row in listed(values, "dump: draw: spectrum, format: json")}
    assert [name for name, each in found.items() if each] == ["w"]


def test_drawings_fit_the_page(values: Patient) -> None:
    report = values.run("dump: target: '[vw]', draw: histogram")
    for columns in (24, 40):
        page = Page(columns, unicode=False)
        assert all(line.isascii() for line in report.on(page))
        assert max(width(line) for line in report.on(page) if "|" in line) <= columns
    assert any("\x1b[36m" in line for line in report.on(Page(80, colour=True)))


def test_names_do_not_reach_the_terminal_as_they_are(patient: Patient) -> None:
    patient.session.workspace.checkpoints.clear()
    patient.open(**{"a\x1b[2Jb": torch.ones(1)})
    for line in ("ls", "ls: format: flat", "dump", "dump: format: compact", "plot: .*"):
        text = "\n".join(patient.run(line).lines)
        assert "\x1b" not in text
        assert "a\\x1b[2Jb" in text


def test_plot_draws_into_the_terminal(values: Patient) -> None:
    report = values.run("plot: target: '[vw]', bins: 4")
    assert report.count == 2
    assert [line for line in report.lines if "::" in line] == ["model::v", "model::w"]
    assert [each["histogram"]["counts"] for each in report.data] == [[1, 2, 0, 1], [13, 1, 1, 1]]
    assert [each["name"] for each in values.run("plot: target: '.*', kind: spectrum").data] == ["model::w"]


def test_pictures(cli: Cli, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    from safetensors.torch import save_file

    save_file({"w$x$y": torch.eye(3), "_v": torch.ones(2, 2)}, folder / "m.safetensors")
    cli(
        "m.safetensors",
        "-c",
        "plot: .* > a.png",
        "-c",
        "plot: target: .*, kind: spectrum > a.svg",
        "-c",
        "plot: _v | cat > b",
    ).ok()
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert (folder / "b").read_bytes().startswith(b"\x89PNG\r\n")
    text = (folder / "a.svg").read_text()
    assert "<svg" in text
    cli("m.safetensors", "-c", "plot: target: .*, kind: spectrum > a.svg").ok()
    assert (folder / "a.svg").read_text() == text
    cli("m.safetensors", "-c", "plot: .* > a.svgg").fails("'.svgg'", "did you mean 'svg'?")
    assert not (folder / "a.svgg").exists()
    cli("m.safetensors", "-c", "plot: _v >> a.svg").fails("picture", ">")
    assert (folder / "a.svg").read_text() == text


def test_without_matplotlib_there_is_a_mend(values: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    report = values.run("plot: v")
    with monkeypatch.context() as patch:
        patch.setattr(importlib, "import_module", missing)
        with pytest.raises(StepError, match="matplotlib") as caught:
            report.image(".png")
    assert "pip install 'brainsurgery-shell[plot]'" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ls: nope", ("nope",)),
        ("ls: depth: -1", ("from 0 up",)),
        ("ls: target: w, expect: 2", ("2", "1")),
        ("ls: format: table", ("tree | flat | json",)),
        ("dump: draw: histgram", ("histogram",)),
        ("dump: target: w, draw: histogram, bins: 0", ("from 1 up",)),
        ("plot: nope", ("nope",)),
        ("plot", ("target",)),
        ("plot: target: v, kind: spectrum", ("'v'", "rank 1")),
        ("plot: c", ("'c'", "complex64")),
        ("plot: target: v, bins: 1000000", ("1000000", "10000")),
    ],
)
def test_errors(values: Patient, line: str, words: tuple[str, ...]) -> None:
    values.fails(line, *words)


def test_too_many_curves(patient: Patient) -> None:
    patient.open(**{f"t{i}": torch.ones(2) for i in range(13)})
    patient.fails("plot: .*", "13", "12", "narrow")
