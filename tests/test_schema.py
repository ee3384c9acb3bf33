"""The JSON Schema of plans: it takes every plan that is read, and refuses what the declarations refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from brainsurgery_shell.assertions.declare import Expression
from brainsurgery_shell.declaration.expansion import Steps
from brainsurgery_shell.declaration.kinds import Kind
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.errors import SurgeryError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.tree import from_value, to_value
from brainsurgery_shell.schema import plan_schema
from brainsurgery_shell.session.plan_yaml import read_yaml
from conftest import Cli

ROOT = Path(__file__).parent.parent
load_declarations()
SCHEMA = plan_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
KINDS: list[Kind] = list(
    {
        repr((type(p.kind), p.kind.words)): p.kind
        for each in (*OPERATIONS.all(), *EXPRESSIONS.all())
        for p in each.parameters
    }.values()
)
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 7, 1.5, -0.5, float("inf"), "", "a", "h.0.w", "yes", "5GB", "none", "float32", "bf16", "1:3", "b + 1", "constant",
    [], ["a"], ["h", 0, "w"], ["h", "$i"], [1, 2], [-1, 4], [1.5], [[1, 2], [3, 4]], ["1:3", 4], [True], [None], [["a"], "b"], {}, {"a": 1},
    {"dtype": "f32"}, {"rank": 2, "min_size": "1MB"}, {"min_size": 0}, {"a": "h.0"}, {"a": ["h", 0]}, {"exists": "a"}, {"finite": {"of": "a"}},
    [{"exists": "a"}], [{"delete": "a"}, "delete: b", {"exit": None}], {"not": {"exists": "a"}}, {"all": [{"exists": "a"}]}, {"nope": 1},
]  # fmt: skip


def plan(*steps: Any) -> dict[str, Any]:
    return {"inputs": ["m"], "transforms": list(steps), "output": "o"}


def problems(tree: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tree)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA, allow_nan=False)) == SCHEMA


def test_every_part_is_described() -> None:
    for definitions in (SCHEMA["$defs"]["operations"], SCHEMA["$defs"]["expressions"]):
        for name, payload in definitions.items():
            assert payload["description"], name
            for parameter, schema in payload["anyOf"][0]["properties"].items():
                assert schema["description"], (name, parameter)
                assert len(schema) > 1, f"{name}: {parameter}: the kind has no schema"


@pytest.mark.parametrize(
    "name", [each.name for each in (*OPERATIONS.all(), *EXPRESSIONS.all()) if each.in_plans]
)
def test_examples_of_the_declarations(name: str) -> None:
    declared = OPERATIONS.get(name) or EXPRESSIONS.get(name)
    assert declared is not None
    for example in declared.examples:
        command = parse_line(example)
        assert command is not None
        payload = None if command.payload is None else to_value(command.payload)
        assert not problems(plan({command.name: payload})), example
        assert not problems(plan(example))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{type(kind).__name__}: {kind.words}")
def test_the_schema_of_a_kind_takes_what_the_kind_takes(kind: Kind) -> None:
    validator = Draft202012Validator({**kind.schema(), "$defs": SCHEMA["$defs"]})
    wrong_types = 0
    for value in VALUES:
        try:
            kind.accept(from_value(value))
            accepted = True
        except SurgeryError:
            accepted = False
        if accepted and not isinstance(kind, Steps):  # which binds its steps when they are executed
            assert validator.is_valid(value), value
        wrong_types += not accepted and not validator.is_valid(value)
    assert wrong_types > 5, "it refuses hardly anything"
    if isinstance(kind, Expression | Steps):
        assert not validator.is_valid({"nope": 1})


def plan_files() -> list[Path]:
    return sorted((ROOT / "examples").rglob("*.yaml"))


def documented() -> list[str]:
    import re

    found = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        found += re.findall(
            r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
    return [each for each in found if "transforms:" in each]


@pytest.mark.parametrize("path", plan_files(), ids=lambda path: path.stem)
def test_plans_of_the_examples(path: Path) -> None:
    root = read_yaml(path.read_text(encoding="utf-8"), str(path)).root
    assert root is not None
    assert not problems(to_value(root))


def test_plans_of_the_documentation() -> None:
    assert documented()
    for text in documented():
        root = read_yaml(text, "page").root
        assert root is not None
        assert not problems(to_value(root)), text


GOOD = [
    [{"delete": "a"}],
    {"input": "m", "scale_": {"target": "a", "by": 2}},
    {"inputs": None, "transforms": None, "output": None, "requires": None},
    {"inputs": "m", "output": {"path": "o", "shard": None, "format": None, "overwrite": True}},
    {"requires": {"model": "header:0"}},
    plan({"exit": None}, {"exit": {}}, {"dump": None}, {"diff": {"left": "a", "right": "b"}}),
    plan({"cast_": {"target": "a", "to": "f32"}}, {"cast_": {"target": "a", "dtype": "f32"}}),
    plan({"assert": {"that": {"exists": "a"}}}, {"assert": {"all": [{"not": {"exists": {"of": "a"}}}]}}),
    plan({"delete": {"target": ["h", "$i"], "expect": 0, "where": {"rank": 2}, "except": "b"}}),
]
WRONG = [
    {},
    "hello",
    {"input": "m", "inputs": ["m"]},
    {"transfroms": []},
    {"transforms": [], "delete": "a"},
    {"inputs": [3]},
    {"inputs": {"base": "m"}},
    {"output": 3},
    {"output": {"shard": "1GB"}},
    {"output": {"path": "o", "shrad": "1GB"}},
    {"output": {"path": "o", "overwrite": "maybe"}},
    {"requires": {"model": 3}},
    plan(3),
    plan({"undo": None}),
    plan({"delete": "a", "exit": None}),
    plan({}),
    plan({"scale_": {"target": "a"}}),
    plan({"scale_": "a"}),
    plan({"scale_": {"target": "a", "by": "x"}}),
    plan({"scale_": {"target": "a", "by": True}}),
    plan({"scale_": {"target": "a", "by": 2, "bye": 3}}),
    plan({"cast_": {"target": "a", "to": "f32", "dtype": "f32"}}),
    plan({"cast_": {"target": "a"}}),
    plan({"delete": None}),
    plan({"assert": {"exsts": "a"}}),
    plan({"assert": {"exists": "a", "finite": "a"}}),
    plan({"assert": {"all": []}}),
    plan({"fill_": {"target": "a", "mode": "constnt", "value": 1}}),
    plan({"execute": {"transforms": [{"nope": 1}]}}),
    plan({"reshape_": {"target": "a", "shape": [1.5]}}),
]


@pytest.mark.parametrize("tree", GOOD, ids=str)
def test_good_plans(tree: Any) -> None:
    assert not problems(tree)


@pytest.mark.parametrize("tree", WRONG, ids=str)
def test_wrong_plans(tree: Any) -> None:
    assert problems(tree)


@pytest.mark.parametrize("tree", WRONG, ids=str)
def test_what_the_schema_refuses_the_command_line_refuses(folder: Path, cli: Cli, tree: Any) -> None:
    Path("p.yaml").write_text(json.dumps(tree))
    cli("check", "p.yaml").fails("p.yaml", status=2)


def test_the_command_prints_it(cli: Cli) -> None:
    assert json.loads(cli("schema").ok()) == SCHEMA
    cli("schema", "p.yaml").fails("no files", status=2)
