"""Help comes from the declarations, and what the declarations show works."""

from __future__ import annotations

import pytest

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation
from brainsurgery_shell.describe import help_text, help_topics, load_declarations
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.tree import Command

load_declarations()
DECLARED = [*OPERATIONS.all(), *EXPRESSIONS.all()]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda each: each.name)
def test_examples_parse_and_bind(declared: Operation) -> None:
    for example in declared.examples:
        command = parse_line(example)
        assert command is not None
        step = bind(command)
        assert step.operation.name in (declared.name, "assert")


@pytest.mark.parametrize("declared", DECLARED, ids=lambda each: each.name)
def test_everything_declared_is_described(declared: Operation) -> None:
    assert declared.summary.endswith(".")
    assert all(parameter.about for parameter in declared.parameters)


@pytest.mark.parametrize("topic", help_topics())
def test_an_operation_is_explained(topic: str) -> None:
    lines = help_text(topic, None)
    operation = OPERATIONS.get(topic)
    assert operation is not None
    assert lines[0] == topic
    for parameter in operation.parameters:
        if not parameter.whole_payload:
            mark = "" if parameter.required else "?"
            assert any(line.startswith(f"  {parameter.name}{mark} ") for line in lines), parameter.name
    for example in operation.examples:
        assert f"  {example}" in lines


@pytest.mark.parametrize("name", EXPRESSIONS.names())
def test_an_expression_is_explained(name: str) -> None:
    assert help_text(None, name)[0] == f"assert: {name}"


def test_the_overview_names_everything() -> None:
    text = "\n".join(help_text(None, None))
    for declared in DECLARED:
        assert declared.name in text


def test_an_expression_is_found_as_a_topic_too() -> None:
    assert help_text("shape", None) == help_text(None, "shape")


@pytest.mark.parametrize(("topic", "expression"), [("cop", None), (None, "shap")])
def test_what_is_unknown_has_a_nearest_name(topic: str | None, expression: str | None) -> None:
    with pytest.raises(StepError) as raised:
        help_text(topic, expression)
    assert "did you mean" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("word", "name"),
    [("quit", "exit"), ("rename", "move"), ("SCALE_", "scale_"), ("ls", "dump"), ("sclae", "scale")],
)
def test_words_of_other_tools_are_answered(word: str, name: str) -> None:
    with pytest.raises(StepError) as caught:
        bind(Command(word))
    assert caught.value.hint == f"did you mean '{name}'?"
