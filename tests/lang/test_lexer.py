"""Colours: the tokens cover the text exactly, and for right lines they are the parser's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oly_corpus import Accept, accepted, rejected
from oly_lines import alphabet_lines, mutated_lines
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.tokens import Kind, tokens
from brainsurgery_shell.lang.tree import Mapping, Node, Scalar, Sequence
from brainsurgery_shell.lexer import OlyLexer


def lexed(text: str) -> list[tuple[object, str]]:
    return [
        (kind, piece) for _, kind, piece in OlyLexer().get_tokens_unprocessed(text) if kind is not Whitespace
    ]


def scalar_spans(node: Node | None) -> list[tuple[int, int]]:
    if isinstance(node, Scalar):
        return [(node.span.start, node.span.end)]
    if isinstance(node, Sequence):
        return [span for item in node.items for span in scalar_spans(item)]
    if isinstance(node, Mapping):
        return [span for pair in node.pairs for span in scalar_spans(pair.value)]
    return []


def key_spans(node: Node | None) -> list[tuple[int, int]]:
    if isinstance(node, Sequence):
        return [span for item in node.items for span in key_spans(item)]
    if isinstance(node, Mapping):
        return [
            span
            for pair in node.pairs
            for span in [(pair.key_span.start, pair.key_span.end), *key_spans(pair.value)]
        ]
    return []


def test_colours() -> None:
    line = "scale_: target: \"a\", by: 0.5, n: 1, x: [true, 'b', c] # done"
    assert lexed(line) == [
        (Name.Function, "scale_"),
        (Punctuation, ":"),
        (Name.Attribute, "target"),
        (Punctuation, ":"),
        (String.Double, '"a"'),
        (Punctuation, ","),
        (Name.Attribute, "by"),
        (Punctuation, ":"),
        (Number.Float, "0.5"),
        (Punctuation, ","),
        (Name.Attribute, "n"),
        (Punctuation, ":"),
        (Number.Integer, "1"),
        (Punctuation, ","),
        (Name.Attribute, "x"),
        (Punctuation, ":"),
        (Punctuation, "["),
        (Keyword.Constant, "true"),
        (Punctuation, ","),
        (String.Single, "'b'"),
        (Punctuation, ","),
        (String, "c"),
        (Punctuation, "]"),
        (Comment.Single, "# done"),
    ]


def test_scripts() -> None:
    script = "# a script\nundo\n\n!ls -l\ndump: x > 'a b'\r\ndump | less\nbad bad\n"
    kinds = lexed(script)
    assert (Comment.Single, "# a script") in kinds
    assert (Operator, "!") in kinds
    assert (Operator, ">") in kinds
    assert (String.Other, " 'a b'") in kinds
    assert (Operator, "|") in kinds
    assert [piece for kind, piece in kinds if kind is Error] == ["bad"]


@pytest.mark.parametrize(
    "text", ["copy from: a", 'a: "b', "a: [b}", "a: b: c: d", "1a", "a: b,", "a: (b", "a: b c"]
)
def test_wrong_lines_are_covered(text: str) -> None:
    assert "".join(piece for _, piece in OlyLexer().get_tokens(text)) == text + "\n"


def test_marks_errors() -> None:
    assert (Error, '"b') in lexed('a: "b')
    assert (Error, "}") in lexed("a: [b}")
    assert (Error, "c") in lexed("a: b c")


def test_is_registered() -> None:
    assert isinstance(get_lexer_by_name("oly"), OlyLexer)


@pytest.mark.parametrize(
    "case", [case for case in accepted() if "\n" not in case.line], ids=lambda case: case.place
)
def test_tokens_are_the_parsers(case: Accept) -> None:
    command = parse_line(case.line)
    found = tokens(case.line)
    assert not [token for token in found if token.kind is Kind.ERROR]
    payload = command.payload if command else None
    values = [(token.start, token.end) for token in found if token.kind in (Kind.QUOTED, Kind.BARE)]
    keys = [(token.start, token.end) for token in found if token.kind is Kind.KEY]
    assert values == scalar_spans(payload)
    assert keys == key_spans(payload)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        alphabet_lines() | mutated_lines([case.line for case in [*accepted(), *rejected()]]), max_size=3
    ).map("\n".join)
)
def test_text_is_reproduced(text: str) -> None:
    pieces = list(OlyLexer().get_tokens_unprocessed(text))
    assert "".join(piece for _, _, piece in pieces) == text
    assert all(text.startswith(piece, start) and piece for start, _, piece in pieces)
