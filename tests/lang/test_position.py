"""Where the cursor is, in lines that are still being written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oly_corpus import accepted
from oly_lines import alphabet_lines, mutated_lines

from brainsurgery_shell.lang.position import Position, parse_prefix
from brainsurgery_shell.lang.tokens import Place
from brainsurgery_shell.lang.tree import Scalar, to_value


def at(text: str) -> Position:
    """The position at ``|`` in the text."""
    cursor = text.index("¦")
    return parse_prefix(text.replace("¦", ""), cursor)


@pytest.mark.parametrize(
    ("text", "place", "path", "raw", "used"),
    [
        ("¦", Place.NAME, (), "", ()),
        ("sca¦le_: x", Place.NAME, (), "sca", ()),
        ("scale_ ¦", Place.COLON, (), "", ()),
        ("scale_:¦", Place.PAYLOAD, (), "", ()),
        ("scale_: ta¦", Place.PAYLOAD, (), "ta", ()),
        ("load: base:¦", Place.PAYLOAD, (), "base:", ()),
        ("delete: base::¦", Place.PAYLOAD, (), "base::", ()),
        ('delete: "h.¦', Place.PAYLOAD, (), '"h.', ()),
        ("copy: from: ¦", Place.VALUE, ("from",), "", ("from",)),
        ("copy: from: a¦", Place.VALUE, ("from",), "a", ("from",)),
        ("copy: from: base:¦", Place.VALUE, ("from",), "base:", ("from",)),
        ("copy: from: a ¦", Place.AFTER, (), "", ("from",)),
        ('copy: from: "a"¦', Place.AFTER, (), "", ("from",)),
        ("copy: from: a,¦", Place.KEY, (), "", ("from",)),
        ("copy: from: a, t¦", Place.KEY, (), "t", ("from",)),
        ("copy: from: a, to:¦", Place.VALUE, ("to",), "", ("from", "to")),
        ("copy: from: h.(0|1¦", Place.VALUE, ("from",), "h.(0|1", ("from",)),
        ("copy: from: w::[:8, ¦", Place.VALUE, ("from",), "w::[:8, ", ("from",)),
        ("copy: from: [*p, $¦", Place.VALUE, ("from", 1), "$", ("from",)),
        ("copy: from: [*p, ¦", Place.VALUE, ("from", 1), "", ("from",)),
        ("copy: from: [*p ¦", Place.AFTER, ("from",), "", ("from",)),
        ("concat: [a, b¦", Place.VALUE, (1,), "b", ()),
        ("copy: { from: a, ¦", Place.KEY, (), "", ("from",)),
        ("assert: { all: [{ exists: a }, { not: { ex¦", Place.KEY, ("all", 1, "not"), "ex", ()),
        ("assert: shape: { of: w, is: [1, ¦", Place.VALUE, ("shape", "is", 1), "", ("of", "is")),
        ("assert: not: exists:¦", Place.VALUE, ("not",), "exists:", ("not",)),
        ("scale_: target: a by: ¦", Place.VALUE, ("by",), "", ("target", "by")),
        ("undo # ¦", Place.COMMENT, (), "", ()),
        ("copy: {from: a} ¦", Place.AFTER, (), "", ()),
    ],
)
def test_place(text: str, place: Place, path: tuple[str | int, ...], raw: str, used: tuple[str, ...]) -> None:
    found = at(text)
    assert (found.place, found.path, found.raw, found.used) == (place, path, raw, used)
    assert found.start == text.index("¦") - len(raw)


def test_text_and_quote() -> None:
    assert (at("a: 'it''s¦").text, at("a: 'it''s¦").quote) == ("it's", "'")
    assert (at(r'a: "\d\\\"¦').text, at(r'a: "\d\\\"¦').quote) == ('\\d\\"', '"')
    assert (at("a: b: x'y¦").text, at("a: b: x'y¦").quote) == ("x'y", "")


def test_needs_blank() -> None:
    assert at("a:¦").needs_blank
    assert at("a: b: x, c:¦").needs_blank
    assert not at("a: ¦").needs_blank
    assert not at("a: b: x,¦").needs_blank


def test_command() -> None:
    assert at("cop¦").command is None
    assert at("copy ¦").command == "copy"
    assert at("copy: a: 1, ¦").command == "copy"


def test_given() -> None:
    found = at("x: a: [1, b], b: 0.5, c: { d: e }, f: g, g: hh¦, i: 1")
    assert {key: to_value(node) for key, node in found.given.items()} == {
        "a": [1, "b"],
        "b": 0.5,
        "c": {"d": "e"},
        "f": "g",
    }
    assert at("x: {a: 1, b: [c, ¦").given == {"a": Scalar(1)}
    assert at("x: {a: 1, b: 2¦").given == {"a": Scalar(1)}
    assert at("x: a: 1, b: [2]¦").given["b"] is not None
    assert at("x: a: [1, , 2], b: ¦").given == {}
    assert at("x: [{a: 1}, {b: ¦").given == {}


@settings(deadline=None, max_examples=200)
@given(alphabet_lines() | mutated_lines([case.line for case in accepted()]), st.integers(0, 60))
def test_answers_for_every_text(line: str, cursor: int) -> None:
    found = parse_prefix(line, cursor)
    assert 0 <= found.start <= min(cursor, len(line))
    assert found.raw == line[found.start : cursor]


def test_fast() -> None:
    line = "copy: from: [*prefix, $i, attn, *rest], to: [*prefix, '${i+1}', *rest], where: { dtype: f"
    times = []
    for _ in range(20):
        began = time.perf_counter()
        parse_prefix(line, len(line))
        times.append(time.perf_counter() - began)
    assert min(times) < 0.001
