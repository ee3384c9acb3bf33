"""Help comes from the declarations, and what the declarations show works."""

from __future__ import annotations

import pytest

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation
from brainsurgery_shell.describe import help_text, help_topics, load_declarations, topic_names
from brainsurgery_shell.describe.topics import TOPICS
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.tree import Command
from brainsurgery_shell.views.page import Page

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


@pytest.mark.parametrize("topic", topic_names())
def test_a_topic_is_in_the_overview_and_fits_a_screen(topic: str) -> None:
    assert any(line.split()[:1] == [topic] for line in help_text(None, None))
    for width in (40, 80):
        lines = help_text(topic, None, Page(width=width))
        assert max(len(line) for line in lines if line not in _examples(topic)) <= width
    assert "\x1b[" in "".join(help_text(topic, None, Page(colour=True)))
    assert "\x1b[" not in "".join(help_text(topic, None))


def _examples(topic: str) -> list[str]:
    return [f"  {example}" for example in TOPICS[topic].examples]


def test_topics_have_names_of_their_own() -> None:
    assert not set(topic_names()) & {*OPERATIONS.names(), *EXPRESSIONS.names()}


@pytest.mark.parametrize(("topic", "expression"), [("cop", None), ("referense", None), (None, "shap")])
def test_what_is_unknown_has_a_nearest_name(topic: str | None, expression: str | None) -> None:
    with pytest.raises(StepError) as raised:
        help_text(topic, expression)
    assert "did you mean" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("word", "name"),
    [("quit", "exit"), ("rename", "move"), ("SCALE_", "scale_"), ("tree", "ls"), ("sclae", "scale")],
)
def test_words_of_other_tools_are_answered(word: str, name: str) -> None:
    with pytest.raises(StepError) as caught:
        bind(Command(word))
    assert caught.value.hint == f"did you mean '{name}'?"
