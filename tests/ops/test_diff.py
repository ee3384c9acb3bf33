"""``diff``: how much tensors differ, in which order; and what is open against what was open."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
import torch

from brainsurgery_shell.views.page import Page
from conftest import Patient


@pytest.fixture
def pair(patient: Patient) -> Patient:
    """Differences of several sizes: ``h.2`` the largest, ``h.10`` the largest relative to it."""
    ones = torch.ones(4)
    patient.open(h__1=ones, h__2=100 * ones, h__10=ones, s=ones, d=ones, e=ones, only=ones)
    far = torch.tensor([-1.0, 1, 1, 1])
    return patient.open(
        "other", h__1=1.5 * ones, h__2=110 * ones, h__10=far, s=torch.ones(2), d=ones.half(), e=ones
    )


def document(patient: Patient, line: str) -> dict[str, Any]:
    found = json.loads("\n".join(patient.run(line).lines))
    assert isinstance(found, dict)
    return found


BOTH = "diff: left: 'model::.*', right: 'other::.*'"


def names(patient: Patient, arguments: str) -> list[str]:
    return [row["name"] for row in document(patient, f"{BOTH}, format: json, {arguments}")["differing"]]


def test_all_numbers(pair: Patient) -> None:
    found = document(pair, f"{BOTH}, format: json")
    rows = {row.pop("name"): row for row in found["differing"]}
    assert (found["missing_left"], found["missing_right"], found["same"], found["total"]) == (
        [],
        ["only"],
        1,
        6,
    )
    assert rows["h.1"] == {
        "differs": "values", "count": 4, "of": 4, "first": [0], "max": 0.5, "relative": 0.5, "cosine": 1.0,
        "left": {"dtype": "float32", "shape": [4], "value": 1.0}, "right": {"dtype": "float32", "shape": [4], "value": 1.5},
    }  # fmt: skip
    assert rows["h.10"]["cosine"] == 0.5
    assert rows["h.10"]["relative"] == 1
    assert (rows["s"]["differs"], rows["d"]["differs"]) == ("shape", "dtype")
    assert rows["s"]["right"] == {"dtype": "float32", "shape": [2]}


def test_orders(pair: Patient) -> None:
    assert names(pair, "sort: name") == ["d", "h.1", "h.2", "h.10", "s"]
    assert names(pair, "sort: max") == ["d", "s", "h.2", "h.10", "h.1"]
    assert names(pair, "sort: relative") == ["d", "s", "h.10", "h.1", "h.2"]
    assert names(pair, "sort: cosine") == ["d", "s", "h.10", "h.1", "h.2"]
    pair.fails(f"{BOTH}, sort: size", "name | max | relative | cosine")


def test_limits(pair: Patient) -> None:
    assert names(pair, "sort: max, limit: 3") == ["d", "s", "h.2"]
    lines = pair.run(f"{BOTH}, sort: max, limit: 1").lines
    assert "differing: 5" in lines
    assert "  … and 4 more" in lines
    assert lines[-1] == "equal: 1"
    pair.run(f"{BOTH}, limit: 1, expect: 6")


def test_lines_fit_the_page_and_say_the_same_elsewhere(pair: Patient) -> None:
    report = pair.run(BOTH)
    assert max(map(len, report.on(Page(60)))) <= 60
    row = next(line for line in report.lines if line.startswith("  h.10:"))
    assert re.split("  +", row.strip()) == [
        "h.10:", "1 of 4 values differ", "by at most 2", "relative 1", "cosine 0.5", "first at [0]: 1.0 and -1.0",
    ]  # fmt: skip


def test_what_has_no_numbers(patient: Patient) -> None:
    patient.open(z=torch.zeros(2), n=torch.tensor([torch.nan, 1]), i=torch.tensor([torch.inf, 1]))
    patient.open("other", z=torch.ones(2), n=torch.ones(2), i=-torch.tensor([torch.inf, 1]))
    rows = {row["name"]: row for row in document(patient, f"{BOTH}, format: json")["differing"]}
    assert [(rows[name]["relative"], rows[name]["cosine"]) for name in "zni"] == [(None, None)] * 3
    assert rows["n"]["left"]["value"] == "nan"
    assert rows["i"]["right"]["value"] == "-inf"
    assert "relative inf" in "\n".join(patient.run(BOTH).lines)


def test_against_a_moment(patient: Patient) -> None:
    ones = torch.ones(2)
    patient.open(a=ones, b=ones, c=ones, h__1=ones, h__2=ones)
    patient.run(
        "mark: start",
        "scale_: target: a, by: 2",
        "cast_: target: b, to: f16",
        "delete: c",
        "zeroes: target: n, shape: [1]",
    )
    patient.run(
        "move: from: 'h\\.(.)', to: 'g.\\1'", "copy: from: g.1, to: g.3", "prefixes: mode: add, alias: more"
    )
    patient.run("copy: from: g.2, to: 'more::x'")
    found = document(patient, "diff: against: start, format: json")
    assert (found["came"], found["went"]) == (["model::n", "model::g.3", "more::x"], ["model::c"])
    assert found["renamed"] == [{"from": f"model::h.{at}", "to": f"model::g.{at}"} for at in (1, 2)]
    assert "  model::h.1 → model::g.1" in patient.run("diff: against: start").lines
    assert [(row["name"], row["differs"]) for row in found["differing"]] == [
        ("model::a", "values"),
        ("model::b", "dtype"),
    ]
    assert found["differing"][0]["relative"] == 1
    assert found["same"] == 0
    assert document(patient, "diff: against: 5, format: json")["total"] == 4
    some = document(patient, "diff: against: start, target: 'a|b|c', except: b, format: json")
    assert (some["total"], some["went"]) == (2, ["model::c"])
    sliced = document(patient, "diff: against: start, target: 'a::[:1]', format: json")
    assert sliced["differing"][0]["of"] == 1
    small = document(patient, "diff: against: start, where: { dtype: float16 }, format: json")
    assert [row["name"] for row in small["differing"]] == ["model::b"]
    patient.fails("diff: against: start, target: nope", "nope")
    patient.fails("diff: against: start, expect: 0", "found 8", "renamed: 2")
    patient.run("undo: to: start", "diff: against: start, expect: 0")
    assert (
        document(patient, "diff: against: 2, format: json")["differing"][0]["name"] == "model::a"
    )  # what redo makes


def test_a_mark_in_another_checkpoint_or_none(patient: Patient) -> None:
    patient.open(a=torch.ones(2))
    patient.run("mark: m", "prefixes: mode: rename, from: model, to: base")
    assert document(patient, "diff: against: m, format: json")["renamed"] == [
        {"from": "model::a", "to": "base::a"}
    ]
    patient.run("prefixes: mode: remove, alias: base")
    assert document(patient, "diff: against: m, format: json")["went"] == ["model::a"]
    assert document(patient, "diff: against: m, target: 'model::a', format: json")["went"] == ["model::a"]
    patient.fails("diff: against: m, target: 'nothing::a'", "nothing")


STEPS = (
    "scale_: target: '{}', by: 2", "delete: '{}'", "copy: from: '{}', to: '{}'", "move: from: '{}', to: '{}'", "scale_: target: '{}', by: 1",
    "cast_: target: '{}', to: f16", "cast_: target: '{}', to: f32", "assign: from: '{}', to: '{}'", "reshape_: target: '{}', shape: [2, 1]",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_every_tensor_is_told_once(patient: Patient, seed: int) -> None:
    """Whatever was done: what is told fits both states, and values decide what differs."""
    chance = random.Random(seed)
    patient.open(**{name: torch.full((2,), float(at)) for at, name in enumerate("abcdef")})
    before = dict(patient.session.workspace.checkpoints["model"].tensors)
    for _ in range(12):
        try:
            patient.run(chance.choice(STEPS).format(*chance.choices("abcdefgh", k=2)))
        except Exception:
            continue
    now = patient.session.workspace.checkpoints["model"].tensors
    found = document(patient, "diff: against: 0, format: json")
    bare = {key: [each.removeprefix("model::") for each in found[key]] for key in ("came", "went")}
    renamed = [[each[key].removeprefix("model::") for key in ("from", "to")] for each in found["renamed"]]
    differing = {row["name"].removeprefix("model::") for row in found["differing"]}
    assert {*bare["went"], *(old for old, _ in renamed)} == before.keys() - now.keys()
    assert {*bare["came"], *(new for _, new in renamed)} == now.keys() - before.keys()
    for old, new in renamed:
        assert before[old] is now[new]
    shared = before.keys() & now.keys()
    whole = patient.session.evaluator.whole
    same = {
        name
        for name in shared
        if torch.equal(whole(before[name]), whole(now[name])) and before[name].dtype is now[name].dtype
    }
    assert differing == shared - same
    assert found["same"] == len(same)
