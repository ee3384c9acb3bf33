"""OLY text to a tree: one function for each rule of ``grammar/oly.ebnf``, which its docstring quotes.

Each function reads at the cursor and leaves the cursor behind what it read. Errors come from ``mends``
(where something should begin), ``follows`` (where it should have ended) and ``faults`` (within a value);
``scan`` reads the characters.
"""

from __future__ import annotations

from dataclasses import dataclass

from brainsurgery_shell.errors import OlySyntaxError, Source, Span
from brainsurgery_shell.lang import faults, follows, mends, scan
from brainsurgery_shell.lang.scalars import TooLongError, resolve
from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair, Scalar, Sequence

MAX_DEPTH = 100
"""How deep lists and maps may nest: beyond any use, and within Python's own limit for all who walk trees."""


@dataclass(slots=True)
class _Cursor:
    """A place in a line: ``depth`` counts the open lists and maps, inside which ``#`` is no comment."""

    text: str
    position: int = 0
    depth: int = 0

    @property
    def ended(self) -> bool:
        """Whether the line ends here, or a comment begins."""
        if self.position == len(self.text):
            return True
        return self.depth == 0 and scan.is_comment(self.text, self.position)

    def skip_blanks(self) -> None:
        self.position = scan.after_blanks(self.text, self.position)

    def take(self, char: str) -> bool:
        """Step over ``char`` if it stands here."""
        if self.ended or not self.text.startswith(char, self.position):
            return False
        self.position += len(char)
        return True


def parse_line(text: str) -> Command | None:
    """A whole line; ``None`` if it holds no command.

    line ::= blanks ( comment | command ( blanks | blank blanks comment ) )? line_end?
    """
    try:
        cursor = _Cursor(scan.without_line_end(text))
        broken = scan.line_break(cursor.text)
        if broken is not None:
            raise faults.line_break(broken)
        cursor.skip_blanks()
        return None if cursor.ended else _command(cursor)
    except OlySyntaxError as error:
        error.located(source=Source(text))
        raise


def parse_value(text: str, position: int = 0) -> tuple[Node, int]:
    """One value (``item`` in the grammar), and the position behind it; for those who read parts of a line."""
    cursor = _Cursor(text, position)
    return _value(cursor, None), cursor.position


def _command(cursor: _Cursor) -> Command:
    """A name and what follows it.

    command ::= name ( blanks ":" payload? )?
    """
    start = cursor.position
    cursor.position = scan.name_end(cursor.text, start)
    if cursor.position == start:
        raise mends.bad_name(cursor.text, start)
    name, span = cursor.text[start : cursor.position], Span(start, cursor.position)
    cursor.skip_blanks()
    if cursor.ended:
        return Command(name, None, span)
    if scan.key_at(cursor.text, start) is None:
        raise follows.after_name(cursor.text, span, cursor.position)
    cursor.position += 1
    cursor.skip_blanks()
    return Command(name, None if cursor.ended else _payload(cursor), span)


def _payload(cursor: _Cursor) -> Node:
    """What follows the name's colon.

    payload ::= blanks packed | blank blanks ( pairs | plain )
    """
    if scan.key_at(cursor.text, cursor.position):
        return _pairs(cursor)
    start = cursor.position
    node = _value(cursor, None)
    cursor.skip_blanks()
    if not cursor.ended:
        raise follows.after_payload(cursor.text, Span(start, node.span.end), cursor.position)
    return node


def _pairs(cursor: _Cursor) -> Mapping:
    """Pairs without braces, up to the end of the line.

    pairs ::= pair ( blanks "," blanks pair )*
    """
    pairs: list[Pair] = []
    start = cursor.position
    while True:
        pairs.append(_pair(cursor, pairs))
        cursor.skip_blanks()
        if cursor.ended:
            return Mapping(tuple(pairs), Span(start, pairs[-1].value.span.end))
        if not cursor.take(","):
            raise follows.after_pair(cursor.text, pairs[-1], cursor.position, "end of line")
        cursor.skip_blanks()


def _pair(cursor: _Cursor, earlier: list[Pair]) -> Pair:
    """A key and its value, of the line itself or (``entry``) in braces, where ``#`` is no comment.

    pair ::= name blanks ":" ( blanks packed | blank blanks plain )

    entry ::= name blanks ":" ( blanks packed | blank blanks bare )
    """
    start = cursor.position
    key = None if cursor.ended else scan.key_at(cursor.text, start)
    if key is None:
        raise mends.bad_key(cursor.text, start, bool(earlier), cursor.ended)
    name, cursor.position = key
    span = Span(start, start + len(name))
    if any(pair.key == name for pair in earlier):
        raise mends.duplicate_key(name, span)
    cursor.skip_blanks()
    return Pair(name, _value(cursor, span), span)


def _value(cursor: _Cursor, key: Span | None) -> Node:
    """A value.

    item ::= packed | bare

    packed ::= quoted | list | map
    """
    if cursor.ended:
        raise mends.no_value(cursor.text, cursor.position, key)
    char = cursor.text[cursor.position]
    if char in scan.QUOTES:
        return _quoted(cursor)
    if char in "[{":
        if cursor.depth == MAX_DEPTH:
            raise faults.too_deep(cursor.position, MAX_DEPTH)
        return _list(cursor) if char == "[" else _map(cursor)
    if char in ",]}":
        raise mends.no_value(cursor.text, cursor.position, key)
    if scan.key_at(cursor.text, cursor.position):
        raise mends.pair_as_value(cursor.text, cursor.position, key)
    return _bare(cursor)


def _list(cursor: _Cursor) -> Sequence:
    """Items in brackets.

    list ::= "[" blanks ( item blanks ( "," blanks item blanks )* )? "]"
    """
    start = cursor.position
    items: list[Node] = []
    cursor.position += 1
    cursor.depth += 1
    cursor.skip_blanks()
    while items or not cursor.text.startswith("]", cursor.position):
        if cursor.ended:
            raise mends.unclosed(cursor.text, start, bool(items))
        if cursor.text[cursor.position] in ",]":
            raise mends.no_item(cursor.text, cursor.position)
        items.append(_value(cursor, None))
        cursor.skip_blanks()
        if not cursor.take(","):
            break
        cursor.skip_blanks()
    return Sequence(tuple(items), _close(cursor, start, items[-1] if items else None))


def _map(cursor: _Cursor) -> Mapping:
    """Pairs in braces.

    map ::= "{" blanks ( entry blanks ( "," blanks entry blanks )* )? "}"
    """
    start = cursor.position
    pairs: list[Pair] = []
    cursor.position += 1
    cursor.depth += 1
    cursor.skip_blanks()
    while pairs or not cursor.text.startswith("}", cursor.position):
        if cursor.ended:
            raise mends.unclosed(cursor.text, start, bool(pairs))
        pairs.append(_pair(cursor, pairs))
        cursor.skip_blanks()
        if not cursor.take(","):
            break
        cursor.skip_blanks()
    return Mapping(tuple(pairs), _close(cursor, start, pairs[-1] if pairs else None))


def _close(cursor: _Cursor, start: int, last: Node | Pair | None) -> Span:
    """Step over the closing bracket of what began at ``start``."""
    if cursor.ended:
        raise mends.unclosed(cursor.text, start, last is not None)
    closer = scan.CLOSER[cursor.text[start]]
    if not cursor.take(closer):
        if isinstance(last, Pair):
            raise follows.after_pair(cursor.text, last, cursor.position, f"'{closer}'")
        raise follows.after_item(cursor.text, start, last, cursor.position)
    cursor.depth -= 1
    return Span(start, cursor.position)


def _quoted(cursor: _Cursor) -> Scalar:
    """The rules of quoted texts are in ``scan.quoted_end``."""
    start = cursor.position
    end = scan.quoted_end(cursor.text, start)
    if end is None:
        raise faults.unterminated_quote(cursor.text, start)
    cursor.position = end
    return Scalar(scan.unquote(cursor.text[start:end]), Span(start, end), quoted=True)


def _bare(cursor: _Cursor) -> Scalar:
    """A bare scalar: of the line itself (``plain``) it is no comment, and nowhere does it look like a pair.

    plain ::= bare - ( "#" any* )

    bare ::= bare_text - ( name ":" ( ["'[{] any* )? )
    """
    start = cursor.position
    found = scan.bare_end(cursor.text, start)
    if found.fault is not None:
        raise faults.faulty_bare(cursor.text, start, found)
    cursor.position = found.end
    text, span = cursor.text[start : found.end], Span(start, found.end)
    try:
        return Scalar(resolve(text), span)
    except TooLongError:
        raise faults.long_number(text, span) from None
