"""What is underlined in a line, whatever is open."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.errors import Span, SurgeryError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.ops import load_all
from brainsurgery_shell.session.faults import LONGEST, faults, settled

load_all()
SIGNS = [*"[]{}(),:'\"\\#|> ", "a", "by: ", "::", "1"]
EXAMPLES = [example for operation in OPERATIONS.all() for example in operation.examples]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("bogus: x", ["bogus"]),
        ("bogus: [a", ["bogus", ""]),
        ("scale_: target: 'h.*', bi: 2", ["bi"]),
        ("scale_: target: 'h.*', bi: [", ["bi", ""]),
        ("scale_: target: 'h.*', by: two", ["two"]),
        ("scale_: target: 'h.*' by: 2", ["by"]),
        ("scale_: target: 'h(', by: 2", ["("]),
        ("scale_: target: 'h.*'", []),
        ("assert: exits: wte", ["exits"]),
        ("assert: not: { exits: wte", [""]),
        ("preview: { bogus: x }", []),
        ("scale_: { target: a, bi: 2 }", ["bi"]),
        ("dump: x > ", [">"]),
        ("dump: x > a b", ["b"]),
        ("!ls [", []),
        ("# [", []),
        ("", []),
    ],
)
def test_faults(line: str, wrong: list[str]) -> None:
    assert [line[span.start : span.end] for span in faults(line)] == wrong


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_have_none(line: str) -> None:
    assert faults(line) == ()


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """An example with a piece taken out and another put in."""
    line = draw(st.sampled_from(EXAMPLES))
    start = draw(st.integers(0, len(line)))
    return line[:start] + draw(st.sampled_from(SIGNS)) + line[start + draw(st.integers(0, 5)) :]


@settings(deadline=None, max_examples=300)
@given(spoilt())
def test_what_binds_has_none(line: str) -> None:
    spans = faults(line)
    assert all(0 <= span.start <= span.end <= len(line) for span in spans)
    try:
        command = parse_line(line)
        if command is not None:
            bind(command)
    except SurgeryError:
        return
    assert spans == ()


def test_a_long_line_is_left_alone() -> None:
    assert faults("bogus: " + "x" * LONGEST) == ()


def test_the_cursor_shields_what_it_is_in() -> None:
    spans = [Span(3, 6)]
    assert [settled(spans, cursor) == [] for cursor in (2, 3, 6, 7)] == [False, True, True, False]
    assert settled(spans, None) == spans


@given(st.text(max_size=20))
def test_any_text_will_do(text: str) -> None:
    faults(text)
