"""What is wrong within one value, and the words all errors of the parser are made of.

``expected`` makes the message: what was expected, what was found there instead.
"""

from __future__ import annotations

from brainsurgery_shell.errors import OlySyntaxError, Span
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.tokens import Walker

_LONGEST_SHOWN = 32
NAME_HINT = "begins with a letter or '_' and goes on with letters, digits, '_' and '-'"


def error(message: str, start: int, end: int | None = None, hint: str | None = None) -> OlySyntaxError:
    """An error at some characters; at one if there is no ``end``."""
    return OlySyntaxError(message, hint=hint, span=Span(start, start + 1 if end is None else end))


def in_quotes(text: str) -> str:
    """Text in the quotes that leave it as it is."""
    return "'" + text.replace("'", "''") + "'"


def _word(text: str, position: int) -> str:
    """The piece of text a person would point at: a name, a scalar, a single sign."""
    if text[position] in ",:[]{}()":
        return text[position]
    name = scan.name_end(text, position)
    if name > position and (name == len(text) or text[name] in " \t:,]}"):
        return text[position:name]
    word = text[position : max(scan.value_end(text, position), position + 1)]
    return word.rstrip(":") or word


def nested(text: str, position: int) -> bool:
    """Whether a list or map is open here."""
    walker = Walker(text[:position])
    list(walker.tokens())
    return walker.depth > 0


def found(text: str, position: int) -> str:
    """What stands at ``position``, for a message."""
    if position >= len(text):
        return "found end of line"
    if scan.is_comment(text, position) and not nested(text, position):
        return "found a comment"
    word = _word(text, position)
    if len(word) > _LONGEST_SHOWN:
        word = word[: _LONGEST_SHOWN - 1] + "…"
    shown = "".join([char if char.isprintable() else repr(char)[1:-1] for char in word])
    return f'found "{shown}"' if "'" in shown else f"found '{shown}'"


def expected(what: str, text: str, position: int, hint: str | None = None) -> OlySyntaxError:
    """An error that says what should stand at ``position``, and what does."""
    end = position + len(_word(text, position)) if position < len(text) else position
    return error(f"expected {what}, {found(text, position)}", position, end, hint)


def line_break(position: int) -> OlySyntaxError:
    """A line break within a line."""
    return error(
        "expected one line, found a line break",
        position,
        hint='a command is one line; a line break inside a text is written \\n in double quotes: "a\\nb"',
    )


def too_deep(position: int, limit: int) -> OlySyntaxError:
    """Lists and maps nest beyond the limit."""
    return error(f"expected at most {limit} lists and maps inside each other, found more", position)


def unterminated_quote(text: str, start: int) -> OlySyntaxError:
    """A quoted text has no end. The caret shows its beginning: the end of the line tells nothing."""
    quote = text[start]
    hint = f"the text that begins here needs a closing {quote}"
    if quote == '"' and text.rstrip(scan.BLANKS).endswith('\\"'):
        hint = '\\" is a quote inside the text; a backslash at its end is written \\\\'
    elif quote == "'" and len(text) > start + 1:
        hint += "; a quote inside it is written ''"
    shown = "'" if quote == '"' else '"'
    return error(f"expected a closing {shown}{quote}{shown}, found end of line", start, len(text), hint)


def faulty_bare(text: str, start: int, bare: scan.Bare) -> OlySyntaxError:
    """A bare scalar has a bracket without its other half, a control character, or ends in a backslash."""
    fault = bare.fault if bare.fault is not None else start
    char = text[fault]
    word = text[start : _unbalanced_end(text, start)]
    if char == "\\":
        return error(
            "expected a character after the backslash, found end of line",
            fault,
            hint=f"quote a value that ends in a backslash: {in_quotes(word)}",
        )
    if scan.CONTROL.match(char):
        hint = "control characters stand in double quotes: \\n, \\r and \\t, others as they are"
        return error(f"expected a value, {found(text, fault)}", fault, hint=hint)
    hint = f"brackets in a bare value must balance; else quote it: {in_quotes(word)}"
    if char in scan.CLOSER:
        closer = scan.CLOSER[char]
        return error(f"expected '{closer}' to close this '{char}', found end of line", fault, hint=hint)
    if bare.opener is None:
        return error(f"expected a bracket that '{char}' could close, found none", fault, hint=hint)
    opener = text[bare.opener]
    what = f"'{scan.CLOSER[opener]}' to close the '{opener}' of column {bare.opener + 1}"
    return expected(what, text, fault, hint)


def _unbalanced_end(text: str, start: int) -> int:
    """Where a value whose brackets do not balance was probably meant to end: before a blank, or its comma."""
    end = start
    while end < len(text) and text[end] not in scan.BLANKS:
        end += 1
    return end - 1 if end > start + 1 and end < len(text) and text[end - 1] == "," else end


def long_number(text: str, span: Span) -> OlySyntaxError:
    """A whole number with thousands of digits."""
    return error(
        f"expected a number, found one of {len(text)} digits",
        span.start,
        span.end,
        "quote it if it is text",
    )
