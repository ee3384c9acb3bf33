"""Laws of printing: OLY reads back as the same tree, printing is stable, and YAML and JSON say the same."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given, settings
from oly_corpus import accepted
from oly_lines import alphabet_lines, commands, mutated_lines, names, nodes, texts
from ruamel.yaml import YAML

from brainsurgery_shell.errors import OlySyntaxError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.printer import print_command, print_node
from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair, Scalar, Sequence, from_value, to_value
from brainsurgery_shell.lang.yaml_printer import command_to_yaml, node_to_yaml, to_json

LAWS = settings(deadline=None, max_examples=200)


def read_yaml(text: str) -> object:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)  # type: ignore[assignment]
    return yaml.load(io.StringIO(text))


def as_command(value: object) -> Command:
    assert isinstance(value, dict)
    assert len(value) == 1
    [(name, payload)] = value.items()
    assert isinstance(name, str)
    return Command(name, None if payload is None else from_value(payload))


@LAWS
@given(commands)
def test_parse_reads_what_print_wrote(command: Command) -> None:
    written = print_command(command)
    assert parse_line(written) == command
    assert "\n" not in written


@LAWS
@given(alphabet_lines() | mutated_lines([case.line for case in accepted()]))
def test_lines_read_back(line: str) -> None:
    try:
        command = parse_line(line)
    except OlySyntaxError:
        return
    if command is not None:
        written = print_command(command)
        again = parse_line(written)
        assert again == command
        assert print_command(again) == written


@LAWS
@given(texts, names)
def test_strings_read_back_in_every_place(text: str, key: str) -> None:
    scalar = Scalar(text)
    inner = Mapping((Pair(key, scalar), Pair(key + "_", Sequence((scalar, scalar)))))
    for payload in (scalar, inner, Sequence((inner, scalar))):
        assert parse_line(print_command(Command("x", payload))) == Command("x", payload)


@LAWS
@given(commands)
def test_yaml_reads_back(command: Command) -> None:
    # a payload `null` and none at all are one in YAML
    payload = None if command.payload == Scalar(None) else command.payload
    assert as_command(read_yaml(command_to_yaml(command))) == Command(command.name, payload)


@LAWS
@given(nodes)
def test_yaml_nodes_read_back_within_a_plan(node: Node) -> None:
    plan = read_yaml(f"transforms:\n  - x: {{ a: {node_to_yaml(node)}, b: 1 }}\n  - {node_to_yaml(node)}\n")
    first, second = plan["transforms"]  # type: ignore[index]
    assert from_value(first["x"]["a"]) == node
    assert from_value(second) == node


@LAWS
@given(commands)
def test_json_reads_back(command: Command) -> None:
    payload = None if command.payload == Scalar(None) else command.payload
    written = to_json(command)
    written.encode()
    assert as_command(json.loads(written)) == Command(command.name, payload)


def test_yaml_examples() -> None:
    line = r'scale_: target: ".*", by: 0.5'
    assert command_to_yaml(parse_line(line)) == "scale_: { target: '.*', by: 0.5 }"  # type: ignore[arg-type]
    assert command_to_yaml(Command("undo")) == "undo: null"
    assert command_to_yaml(Command("no", Mapping(()))) == "'no': {}"
    assert command_to_yaml(Command("undo", Scalar(3))) == "undo: 3"
    assert node_to_yaml(Scalar(1e-6)) == "1.0e-06"
    assert node_to_yaml(Scalar("a\u2028\x00b")) == '"a\\u2028\\0b"'
    assert to_json(Command("undo")) == '{"undo": null}'
    assert to_json(Command("x", Scalar(-math.inf))) == '{"x": -Infinity}'


@pytest.mark.parametrize(
    "word", ["yes", "No", "on", "y", "1_000", "0b1", "010", "1:30", "2001-01-01", "=", "<<", "0o7"]
)
def test_yaml_quotes_what_an_older_yaml_misreads(word: str) -> None:
    assert node_to_yaml(Scalar(word)) == f"'{word}'"


def test_yaml_long_keys() -> None:
    command = Command("n" * 2000, Mapping((Pair("k" * 1500, Scalar(1)), Pair("b", Scalar("x")))))
    assert as_command(read_yaml(command_to_yaml(command))) == command


def test_deepest_tree_prints_everywhere() -> None:
    command = parse_line("x: " + "[" * 100 + "]" * 100)
    assert command is not None
    assert parse_line(print_command(command)) == command
    assert as_command(read_yaml(command_to_yaml(command))) == command
    assert as_command(json.loads(to_json(command))) == command


@pytest.mark.parametrize("opening", ["[", "{a: ", "(", "a: [", "{", "a: "])
def test_depth_without_end_is_an_error_of_ours(opening: str) -> None:
    with pytest.raises(OlySyntaxError):
        parse_line("x: " + opening * 10_000)


def test_names_that_oly_cannot_write() -> None:
    with pytest.raises(OlySyntaxError, match="a name that OLY can write"):
        print_node(Mapping((Pair("a b", Scalar(1)),)))
    assert to_value(Mapping((Pair("a b", Scalar(1)),))) == {"a b": 1}
