"""``dump``, ``diff``, ``help``: what they show, and that they change nothing."""

from __future__ import annotations

import json
import math

import pytest
import torch

from conftest import Patient


@pytest.fixture
def world(patient: Patient) -> Patient:
    patient.open(
        h__0__w=torch.tensor([[1.0, -2.0], [0.0, 4.0]]), h__1__w=torch.ones(2, 2), n=torch.tensor([math.nan, math.inf, 0.0]),
        ids=torch.arange(3), q=torch.ones(2).to(torch.float8_e4m3fn), b=torch.tensor([True]), e=torch.zeros(0, 2),
    )  # fmt: skip
    return patient.open("other", h__0__w=torch.ones(2, 2), h__1__w=torch.ones(2, 2), extra=torch.zeros(1))


def rows(patient: Patient, line: str) -> dict[str, dict[str, object]]:
    before = patient.state()
    found = json.loads("\n".join(patient.run(line).lines))
    assert patient.state() == before
    return {row["name"]: row for row in found}


def test_json(world: Patient) -> None:
    found = rows(world, "dump: target: 'model::.*', format: json")
    assert list(found) == world.names()
    assert found["h.0.w"] == {
        "alias": "model",
        "name": "h.0.w",
        "shape": [2, 2],
        "dtype": "float32",
        "nbytes": 16,
    }
    assert found["q"]["dtype"] == "float8_e4m3fn"
    assert found["e"]["nbytes"] == 0


def test_json_without_target_shows_every_checkpoint(world: Patient) -> None:
    found = json.loads("\n".join(world.run("dump: format: json").lines))
    assert [row["alias"] for row in found] == ["model"] * 7 + ["other"] * 3


def test_statistics(world: Patient) -> None:
    found = rows(world, "dump: target: 'h.0.w', format: json, verbosity: stat")["h.0.w"]
    values = torch.tensor([1.0, -2.0, 0.0, 4.0])
    assert (found["min"], found["max"], found["mean"]) == (-2, 4, 0.75)
    assert found["std"] == pytest.approx(values.std().item())
    assert (found["zeros"], found["nan"], found["inf"]) == (1, 0, 0)
    found = rows(world, "dump: target: n, format: json, verbosity: stat")["n"]
    assert (found["zeros"], found["nan"], found["inf"]) == (1, 1, 1)


def test_values(world: Patient) -> None:
    found = rows(world, "dump: target: '[qbe]|ids|h.0.w', format: json, verbosity: full")
    assert found["h.0.w"]["values"] == [[1, -2], [0, 4]]
    assert found["ids"]["values"] == [0, 1, 2]
    assert found["q"]["values"] == [1, 1]
    assert found["b"]["values"] == [True]
    assert found["e"]["values"] == []
    assert {"min", "max", "std"} <= found["q"].keys()


def test_slices_and_selections(world: Patient) -> None:
    found = rows(world, "dump: target: 'h.*::[:, 0]', except: h.1.w, format: json, verbosity: full")
    assert list(found) == ["h.0.w"]
    assert found["h.0.w"]["shape"] == [2]
    assert found["h.0.w"]["values"] == [1, 0]


@pytest.mark.parametrize("form", ["tree", "compact"])
@pytest.mark.parametrize("verbosity", ["shape", "stat", "full"])
def test_other_forms_name_everything(world: Patient, form: str, verbosity: str) -> None:
    text = "\n".join(world.run(f"dump: target: '.*', format: {form}, verbosity: {verbosity}").lines)
    for word in ("float8_e4m3fn", "[2, 2]", "ids", "int64"):
        assert word in text


def test_diff(world: Patient) -> None:
    report = world.run("diff: left: 'model::.*', right: 'other::.*'")
    assert set(report.data["missing_left"]) == {"extra"}
    assert set(report.data["missing_right"]) == {"n", "ids", "q", "b", "e"}
    assert [row["name"] for row in report.data["differing"]] == ["h.0.w"]
    text = "\n".join(report.lines)
    for word in ("missing on left", "missing on right", "differing", "extra", "h.0.w"):
        assert word in text
    by_alias = world.run("diff: mode: aliases, left_alias: model, right_alias: other")
    assert by_alias.lines == report.lines


def test_diff_pairs_by_captures(world: Patient) -> None:
    report = world.run("diff: left: [h, $i, w], right: ['other::h', $i, w], eps: 3")
    assert report.data["differing"] == []
    world.run("diff: left: [h, $i, w], right: ['other::h', $i, w], eps: 3, expect: 0")
    world.fails("diff: left: [h, $i, w], right: ['other::h', $i, w], expect: 0", "1", "h.0.w")
    world.run(
        "diff: left: 'model::h.*', right: 'other::h.*', expect: 1", "diff: left: n, right: n, expect: 0"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("dump: nope", ("nope",)),
        ("dump: target: ids, format: jsn", ("json",)),
        ("dump: target: ids, verbosity: loud", ("shape | stat | full",)),
        ("diff: left: ids", ("right",)),
        ("diff: mode: aliases, left_alias: model", ("right_alias",)),
        ("diff: mode: aliases, left_alias: model, right_alias: nope", ("nope",)),
        ("diff: left: x.y, right: y.x", ("x.y",)),
        ("diff: left: ids, right: ids, eps: -1", ("from 0 up", "-1")),
        ("diff: left: ids, right: ids, eps: .nan", ("from 0 up", "nan")),
        ("diff: left: ids, right: ids, expect: 1", ("1", "0")),
        ("help: copi", ("copy",)),
        ("help: assert: shpe", ("shape",)),
    ],
)
def test_errors(world: Patient, line: str, words: tuple[str, ...]) -> None:
    world.fails(line, *words)


def test_help_explains_every_operation_and_expression(world: Patient) -> None:
    from brainsurgery_shell.assertions import load_all
    from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS
    from brainsurgery_shell.lang.parser import parse_line

    load_all()
    overview = "\n".join(world.run("help").lines)
    for operation in OPERATIONS.all():
        text = "\n".join(world.run(f"help: {operation.name}").lines)
        assert operation.summary.replace("``", "") in text.replace("``", "")
        assert operation.name in overview
        for parameter in operation.parameters:
            assert parameter.whole_payload or parameter.name in text
        for example in operation.examples:
            assert example in text
            assert parse_line(example) is not None
    for expression in EXPRESSIONS.all():
        assert world.run(f"help: assert: {expression.name}").lines


def test_examples_bind() -> None:
    """Every example in the help is a command that its operation takes."""
    from brainsurgery_shell.assertions import load_all
    from brainsurgery_shell.declaration.bind import bind
    from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS
    from brainsurgery_shell.lang.parser import parse_line

    load_all()
    for declared in (*OPERATIONS.all(), *EXPRESSIONS.all()):
        assert declared.examples or declared.name.endswith("_") or declared.name in ("redo", "history")
        for example in declared.examples:
            command = parse_line(example)
            assert command is not None
            bind(command)


def test_diff_of_references(world: Patient) -> None:
    named = world.run("diff: mode: refs, left: 'model::h.*', right: 'other::h.*', eps: 1")
    assert named.lines == world.run("diff: left: 'model::h.*', right: 'other::h.*', eps: 1").lines
    assert [row["name"] for row in named.data["differing"]] == ["h.0.w"]
