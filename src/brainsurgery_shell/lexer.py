"""Colours for OLY: a Pygments lexer made of the parser's own tokens.

It goes line by line, so that a script has as many mistakes as it has wrong lines; what does not parse is an
error token, and the rest of the line is coloured all the same. Redirects and shell commands are known too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.token import (  # type: ignore[import-untyped]
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.redirect import operators
from brainsurgery_shell.lang.scalars import TooLongError, resolve
from brainsurgery_shell.lang.tokens import Kind, Token, tokens

_COLOURS: dict[Kind, _TokenType] = {
    Kind.BLANK: Whitespace,
    Kind.NAME: Name.Function,
    Kind.KEY: Name.Attribute,
    Kind.COLON: Punctuation,
    Kind.COMMA: Punctuation,
    Kind.OPEN: Punctuation,
    Kind.CLOSE: Punctuation,
    Kind.COMMENT: Comment.Single,
    Kind.ERROR: Error,
}
_LINE = re.compile(r"([^\n]*?)(\r?\n|\Z)")
_Piece = tuple[int, _TokenType, str]


class OlyLexer(Lexer):  # type: ignore[misc]
    """OLY lines and scripts."""

    name = "OLY"
    aliases: ClassVar[list[str]] = ["oly"]
    filenames: ClassVar[list[str]] = ["*.oly"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[_Piece]:
        """Index, kind and text of each token."""
        position = 0
        while position < len(text):
            found = _LINE.match(text, position)
            if found is None:  # pragma: no cover - the pattern matches every text
                return
            for start, kind, piece in _line(found[1]):
                yield position + start, kind, piece
            if found[2]:
                yield found.start(2), Whitespace, found[2]
            position = found.end()


def _line(text: str) -> Iterator[_Piece]:
    """The tokens of one line of a script."""
    start = scan.after_blanks(text, 0)
    if text.startswith("!", start):
        if start:
            yield 0, Whitespace, text[:start]
        yield start, Operator, "!"
        if text[start + 1 :]:
            yield start + 1, String.Other, text[start + 1 :]
        return
    redirect = next(operators(text), None)
    end = len(text) if redirect is None else redirect[0]
    for token in tokens(text[:end]):
        piece = text[token.start : token.end]
        yield token.start, _colour(token, piece), piece
    if redirect is not None:
        yield end, Operator, redirect[1]
        yield end + len(redirect[1]), String.Other, text[end + len(redirect[1]) :]


def _colour(token: Token, text: str) -> _TokenType:
    if token.kind is Kind.QUOTED:
        return String.Double if text[0] == '"' else String.Single
    if token.kind is not Kind.BARE:
        return _COLOURS[token.kind]
    try:
        value = resolve(text)
    except TooLongError:
        return Error
    if value is None or isinstance(value, bool):
        return Keyword.Constant
    if isinstance(value, int):
        return Number.Integer
    return Number.Float if isinstance(value, float) else String
