"""The characters of OLY: where a name, a quoted text, a bare scalar begins and ends.

Everything here takes ``(text, position)`` and answers with a position; nothing raises. The parser turns
faults into errors; colours, completion and redirects go on past them: all four see the same boundaries.
The productions in the docstrings are those of ``grammar/oly.ebnf``; a test compares them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BLANKS = " \t"
QUOTES = "\"'"
CLOSER = {"(": ")", "[": "]", "{": "}"}

_BLANKS = re.compile(r"[ \t]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*:(?=[ \t\"'\[\]{},]|\Z)")
_SINGLE = re.compile(r"'[^']*+(?:''[^']*+)*+'")
_DOUBLE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ESCAPE = re.compile(r'\\([\\"nrt])')
_ESCAPED = {"\\": "\\", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_LINE_BREAK = re.compile(r"[\n\r]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_RUN_OUTSIDE = re.compile(r"[^ \t,\[\](){}\\\x00-\x1f\x7f-\x9f]+")
_RUN_INSIDE = re.compile(r"[^\[\](){}\\\x00-\x08\x0a-\x1f\x7f-\x9f]+")


class Bare(NamedTuple):
    """How far a bare scalar reaches, and its first fault if it has one."""

    end: int
    fault: int | None = None
    """Where a bracket does not balance, a control character stands, or a backslash takes nothing along."""
    opener: int | None = None
    """For a closing bracket that does not fit: the bracket that is open there."""


def after_blanks(text: str, position: int) -> int:
    """The position behind blanks, if there are any.

    blanks ::= blank*

    blank ::= [ #x9]
    """
    found = _BLANKS.match(text, position)
    return found.end() if found else position


def name_end(text: str, position: int) -> int:
    """The end of a name; where it began if there is none.

    name ::= [A-Za-z_] [A-Za-z0-9_-]*
    """
    found = _NAME.match(text, position)
    return found.end() if found else position


def key_at(text: str, position: int) -> tuple[str, int] | None:
    """A name with its colon: the name, and the position behind the colon.

    A colon counts only before a blank, a quote, a bracket, a comma or the end: ``a:b`` and ``base::x`` are
    no keys.
    """
    found = _KEY.match(text, position)
    return (found[1], found.end()) if found else None


def line_break(text: str) -> int | None:
    """Where the first line break is.

    any ::= [^#xA#xD]
    """
    found = _LINE_BREAK.search(text)
    return found.start() if found else None


def without_line_end(text: str) -> str:
    """The line without the line break that may end it.

    line_end ::= #xD? #xA | #xD
    """
    return text.removesuffix("\n").removesuffix("\r")


def is_comment(text: str, position: int) -> bool:
    """Whether a comment begins here; the caller knows that it is outside quotes and brackets.

    comment ::= "#" any*
    """
    return text.startswith("#", position) and (position == 0 or text[position - 1] in BLANKS)


def quoted_end(text: str, position: int) -> int | None:
    r"""The end of a quoted text, behind its closing quote; ``None`` if that is missing.

    quoted ::= single | double

    single ::= "'" ( any - "'" | "''" )* "'"

    double ::= '"' ( any - ["\] | "\" any )* '"'
    """
    pattern = _SINGLE if text[position] == "'" else _DOUBLE
    found = pattern.match(text, position)
    return found.end() if found else None


def unquote(text: str) -> str:
    """What a quoted text says: ``''`` is one quote; a backslash that escapes nothing stays."""
    return unquote_open(text[:-1])


def unquote_open(text: str) -> str:
    """The same for a quoted text whose closing quote is still missing."""
    if text[0] == "'":
        return text[1:].replace("''", "'")
    return _ESCAPE.sub(lambda found: _ESCAPED[found[1]], text[1:])


def bare_end(text: str, position: int) -> Bare:
    r"""How far a bare scalar reaches: brackets in it balance, a backslash takes the next character along.

    bare_text ::= ( ordinary | escape | "(" inside ")" ) ( ordinary | quote | escape | group )*

    ordinary ::= printable - ( blank | quote | bracket | [,\] )

    printable ::= any - [#x0-#x1F#x7F-#x9F]

    quote ::= ["']

    escape ::= "\" ( printable | #x9 )

    group ::= "(" inside ")" | "[" inside "]" | "{" inside "}"

    inside ::= ( blank | printable - ( bracket | "\" ) | escape | group )*

    bracket ::= [()#x5B#x5D{}]
    """
    opened: list[int] = []
    fault: Bare | None = None
    while position < len(text):
        run = (_RUN_INSIDE if opened else _RUN_OUTSIDE).match(text, position)
        if run:
            position = run.end()
            continue
        char = text[position]
        if not opened and char in " \t,]}":
            break
        problem: int | None = None
        opener: int | None = None
        if char == "\\":
            position, problem = _after_escape(text, position)
        elif char in CLOSER:
            opened.append(position)
        elif char in ")]}" and opened and CLOSER[text[opened[-1]]] == char:
            opened.pop()
        else:
            problem, opener = position, (opened[-1] if opened else None)
        if problem is not None and fault is None:
            fault = Bare(0, problem, opener)
        position += 1
    if opened and fault is None:
        fault = Bare(0, opened[-1])
    return fault._replace(end=position) if fault else Bare(position)


def _after_escape(text: str, position: int) -> tuple[int, int | None]:
    """The position of the character that a backslash takes along, and the fault if it may not."""
    if position + 1 == len(text):
        return position, position
    char = text[position + 1]
    return position + 1, (position + 1 if char != "\t" and CONTROL.match(char) else None)


def value_end(text: str, position: int) -> int:
    """Where the value that begins here ends, as far as one can tell; never past the end of the text."""
    char = text[position : position + 1]
    if char and char in QUOTES:
        return quoted_end(text, position) or len(text)
    if not char or char not in "[{":
        return bare_end(text, position).end
    depth = 0
    while position < len(text):
        char = text[position]
        if char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
            if depth == 0:
                return position + 1
        if char in "[]{}, \t:":
            position += 1
        else:
            key = key_at(text, position)
            position = key[1] if key else value_end(text, position)
    return len(text)
