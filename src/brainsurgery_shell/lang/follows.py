"""What is wrong behind something that is complete: a name, a pair, an item, a whole payload.

The message says what could stand there; the hint guesses what was meant from what does.
"""

from __future__ import annotations

from brainsurgery_shell.errors import OlySyntaxError, Span
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.faults import NAME_HINT, expected, in_quotes
from brainsurgery_shell.lang.tree import Node, Pair

_REDIRECTS = (">", ">>", "|")
_REDIRECT_HINT = (
    "redirects (> FILE, >> FILE, | PROGRAM, between blanks) end a command in the shell, in a script and "
    "with -c; they are no part of OLY itself"
)
_WHOLE_QUOTED = {
    "'": "put all of the value inside its quotes; a single quote inside is written ''",
    '"': 'put all of the value inside its quotes; a double quote inside is written \\"',
}


def rest(text: str, position: int) -> str:
    """What follows, without the blanks at its end."""
    return text[position:].rstrip(scan.BLANKS)


def is_redirect(text: str, position: int) -> bool:
    """Whether something that looks like a redirect stands here."""
    return text[position : position + 1] in (">", "|")


def pair_end(text: str, position: int) -> int:
    """Where the pair that begins here ends, as far as one can tell."""
    key = scan.key_at(text, position)
    return scan.value_end(text, scan.after_blanks(text, key[1])) if key else position


def after_name(text: str, name: Span, position: int) -> OlySyntaxError:
    """Something other than a colon follows the command's name, or a colon without its blank."""
    written = text[name.start : name.end]
    following = rest(text, position)
    if text[position] == ":":
        mend = f"{written}: {rest(text, position + 1)}"
        return expected(
            f"a blank after '{written}:'", text, position + 1, f"put a blank after the colon: {mend}"
        )
    hint = f"put a colon after the name: {written}: {following}"
    if is_redirect(text, position):
        hint = _REDIRECT_HINT
    elif following[0] == "=":
        hint = f"a colon and a blank follow the name: {written}: {following[1:].lstrip(scan.BLANKS)}"
    elif position == name.end:
        hint = "a name holds letters, digits, '_' and '-' only; a colon and a blank follow it"
    return expected("':' or end of line", text, position, hint)


def after_payload(text: str, value: Span, position: int) -> OlySyntaxError:
    """Something follows a payload that is one value."""
    written = text[value.start : value.end]
    comma = text[position] == ","
    another = scan.key_at(text, scan.after_blanks(text, position + 1) if comma else position)
    if is_redirect(text, position) or written in _REDIRECTS:
        hint = _REDIRECT_HINT
    elif written[0] == "{" and text[position] not in "]})":
        hint = "a map in braces is the whole payload: put everything inside the braces, or leave them out"
    elif _key_without_blank(written):
        key, _, argument = written.partition(":")
        hint = f"put a blank after the colon: {key}: {argument}" if argument else f"a key {NAME_HINT}"
    elif another:
        following = rest(text, position).lstrip(", \t")
        hint = f"beside other parameters every value needs its key, as in: target: {written}, {following}"
    elif comma:
        items = written + rest(text, position)
        hint = "remove the comma"
        if items != written + ",":
            hint = f"a list stands in brackets: [{items}]; parameters need a key each: target: {written}, …"
    else:
        hint = _after_value(text, value, position, len(rest(text, 0)))
    return expected("end of line", text, position, hint)


def after_pair(text: str, pair: Pair, position: int, closer: str) -> OlySyntaxError:
    """Something other than a comma or the end follows a pair."""
    value = pair.value.span
    written = text[pair.key_span.start : value.end]
    at_top = closer == "end of line"
    if scan.key_at(text, position):
        hint = f"separate parameters with a comma: {written}, {text[position : pair_end(text, position)]}"
    elif at_top and (is_redirect(text, position) or text[value.start : value.end] in _REDIRECTS):
        hint = _REDIRECT_HINT
    else:
        hint = _after_value(text, value, position, scan.value_end(text, position), f"{pair.key}: ")
    return expected(f"',' or {closer}", text, position, hint)


def after_item(text: str, start: int, item: Node | None, position: int) -> OlySyntaxError:
    """Something other than a comma or ``]`` follows an item of a list."""
    hint = f"close the list that begins at column {start + 1} with ']'"
    if item is not None and text[position] not in "})":
        following = text[position : scan.value_end(text, position)]
        hint = f"separate items with a comma: [{text[item.span.start : item.span.end]}, {following}]"
        if position == item.span.end or text[position] in ":#":
            hint = _after_value(text, item.span, position, scan.value_end(text, position))
    return expected("',' or ']'", text, position, hint)


def _key_without_blank(written: str) -> bool:
    """Whether a bare value such as ``from:a`` was probably meant as a pair (``base::a`` was not)."""
    name, colon, value = written.partition(":")
    return bool(colon) and name.isalnum() and not value.startswith(":")


def _after_value(text: str, value: Span, position: int, end: int, key: str = "") -> str:
    """The hint where a value should have ended; ``end`` is where it was perhaps meant to end."""
    written = text[value.start : value.end]
    first, char = written[0], text[position]
    whole = in_quotes(text[value.start : max(end, position + 1)])
    if char in "]})":
        if first in "\"'[{":
            return f"there is no bracket open that '{char}' could close"
        return f"brackets in a bare value must balance; else quote it: {key}{whole}"
    if char == "#":
        return "a comment stands behind a blank, outside brackets; quote a value that holds '#'"
    if first in scan.QUOTES:
        if char == ":":
            return f"a key stands without quotes: {written[1:-1]}{rest(text, position)}"
        return _WHOLE_QUOTED[first]
    if first in "[{":
        kind = "list" if first == "[" else "map"
        return f"quote a value that begins with '{first}' but is no {kind}: {key}{whole}"
    if char == ":":
        return "quote a value that holds a blank and a colon"
    return f"quote a value that holds blanks: {key}{whole}"
