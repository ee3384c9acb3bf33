"""``preview``: a step, told in full and not done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch


@pytest.fixture
def opened(patient):
    return patient.open(h__0__w=torch.zeros(4, 6), h__1__w=torch.zeros(4, 6), wte=torch.zeros(8))


@pytest.mark.parametrize(
    "line",
    [
        "preview: { cast_: { target: 'h.*', to: float16 } }",
        "preview: cast_: { target: 'h.*', to: float16 }",
        "preview: 'cast_: target: ''h.*'', to: float16'",
        "preview: step: { cast_: { target: 'h.*', to: float16 } }, format: table",
    ],
)
def test_it_takes_a_map_or_a_line(opened, line: str) -> None:
    before = opened.state()
    report = opened.run(line)
    assert report.lines[0] == "2 tensors, 192 B; changes 2 (192 B → 96 B)"
    assert report.lines[2].split() == [
        *("changed", "model::h.0.w", "float32", "→", "float16", "[4,", "6]"),
        *("96", "B", "→", "48", "B"),
    ]
    assert report.count == 2
    assert opened.state() == before
    assert not opened.session.timeline.everything


@pytest.mark.parametrize(
    ("step", "change", "former"),
    [
        ("copy: { from: wte, to: new }", "new", None),
        ("move: { from: wte, to: new }", "renamed", "model::wte"),
        ("delete: wte", "deleted", None),
        ("reshape_: { target: wte, shape: [2, 4] }", "changed", None),
        ("dump: wte", None, None),
    ],
)
def test_json_has_a_row_for_each_name(opened, step: str, change: str | None, former: str | None) -> None:
    (row,) = json.loads("\n".join(opened.run(f"preview: step: {{ {step} }}, format: json").lines))
    assert (row["change"], row["former"]) == (change, former)
    assert row["shape_before"] == (None if change in ("new", "renamed") else [8])
    assert row["shape_after"] == {"deleted": None, "changed": [2, 4]}.get(change or "", [8])
    assert row["nbytes_after"] == (None if change == "deleted" else 32)
    assert row["alias"] == "model"


def test_limit(opened) -> None:
    report = opened.run("preview: step: { delete: '.*' }, limit: 1")
    assert report.lines[-1] == "… and 2 more"
    assert report.count == 3
    assert len(report.data) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("preview: { delete: nope }", ["'nope' matches no tensor"]),
        ("preview: { bogus: nope }", ["unknown operation 'bogus'"]),
        ("preview: { delete: wte, limit: 3 }", ["expected a step"]),
        ("preview: '# nothing'", ["expected a step"]),
        ("preview: 'delete: [a b]'", ["expected ',' or ']'"]),
        ("preview: { copy: { from: h.0.w, to: wte } }", ["exists already"]),
    ],
)
def test_what_would_fail_fails(opened, line: str, words: list[str]) -> None:
    opened.fails(line, *words)


def test_errors_point_into_the_line_that_is_wrong(folder: Path, cli: Callable) -> None:
    from safetensors.torch import save_file

    save_file({"wte": torch.zeros(2)}, "m.safetensors")
    shown = cli("m.safetensors", "-c", "preview: { delete: nope }").fails("'nope' matches no tensor")
    assert "  preview: { delete: nope }\n" + " " * 21 + "^ column 20" in shown
    shown = cli("m.safetensors", "-c", "preview: 'delete: nope'").fails("'nope' matches no tensor")
    assert "  delete: nope\n          ^ column 9" in shown
    shown = cli("m.safetensors", "-c", "execute: transforms: [{ delete: nope }]").fails("'nope' matches")
    assert "  delete: nope\n          ^ column 9" in shown


def test_it_acts_on_nothing(folder: Path, cli: Callable) -> None:
    from safetensors.torch import save_file

    save_file({"wte": torch.zeros(2)}, "m.safetensors")
    was = sorted(folder.iterdir())
    told = cli(
        *("m.safetensors", "-c", "preview: { save: out }", "-c", "preview: { exit: null }"),
        *("-c", "preview: { load: { path: m.safetensors, alias: two } }", "-c", "prefixes"),
    ).ok()
    assert "writes 1 tensor, 8 B, to out" in told
    assert "opens m.safetensors as two" in told
    assert "* model::" in told
    assert "two::" not in told
    assert sorted(folder.iterdir()) == was


def test_it_is_no_step_of_a_plan(opened) -> None:
    opened.run("delete: wte", "preview: { delete: 'h.*' }")
    assert not any("preview" in line for line in opened.run("summarize: all: true").lines)
