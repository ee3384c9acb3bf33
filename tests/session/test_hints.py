"""A hint that shows a line shows one that runs."""

from __future__ import annotations

import pytest

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.describe import help_topics, topic_names
from brainsurgery_shell.errors import OlySyntaxError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.session.hints import checked_hint
from conftest import Cli

OFFER = "put a colon after the name: "


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("exit now", "exit takes nothing: it stands alone"),
        ("help references", "put a colon after the name: help: references"),
        ("help nosuch", "there is no topic 'nosuch'; help alone lists them"),
        ("undo 3", "put a colon after the name: undo: 3"),
        ("undo all", "help: undo shows how it is written"),
        ("set foo", "help: set shows how it is written"),
        ("delete a b", "help: delete shows how it is written"),
        ("delete .*", "put a colon after the name: delete: .*"),
        ("bogus x", "there is no operation 'bogus': help lists them"),
        ("rename a", "there is no operation 'rename': did you mean 'move'?"),
        ("exit = now", "exit takes nothing: it stands alone"),
    ],
)
def test_hints(cli: Cli, line: str, hint: str) -> None:
    assert f"hint: {hint}" in cli("-c", line).fails("expected ':'", status=2).splitlines()


@pytest.mark.parametrize("name", help_topics())
def test_what_is_offered_binds(name: str) -> None:
    for word in ("x", "3", "true", "[a]", "all", "'a b'", "copy"):
        with pytest.raises(OlySyntaxError) as raised:
            parse_line(f"{name} {word}")
        hint = checked_hint(raised.value, f"{name} {word}").hint
        assert hint is not None
        if hint.startswith(OFFER):
            command = parse_line(hint.removeprefix(OFFER))
            assert command is not None
            bind(command)
        else:
            assert hint == f"help: {name} shows how it is written" or hint.startswith(
                (name, "there is no topic")
            )


@pytest.mark.parametrize("topic", topic_names())
def test_every_topic_is_explained(cli: Cli, topic: str) -> None:
    assert cli("-c", f"help: {topic}").ok()
