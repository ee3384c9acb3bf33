"""Every case of ``grammar/corpus`` through the parser and the printer."""

from __future__ import annotations

import pytest
from oly_corpus import Accept, Reject, accepted, rejected, tagged_command

from brainsurgery_shell.errors import OlySyntaxError, render
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.printer import print_command


def test_corpus_is_there() -> None:
    assert len(accepted()) >= 150
    assert len(rejected()) >= 60


def test_no_case_stands_twice() -> None:
    lines = [case.line for case in [*accepted(), *rejected()]]
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("case", accepted(), ids=lambda case: case.place)
def test_accept(case: Accept) -> None:
    command = parse_line(case.line)
    assert tagged_command(command) == case.tree
    if command is not None:
        assert print_command(command) == case.canonical
        assert parse_line(case.canonical) == command


@pytest.mark.parametrize("case", rejected(), ids=lambda case: case.place)
def test_reject(case: Reject) -> None:
    with pytest.raises(OlySyntaxError) as caught:
        parse_line(case.line)
    assert render(caught.value) == case.error
