"""What is wrong where a name, a key or a value should begin: one function for each kind of mistake.

The message says what was expected and what was found; the hint shows, in the user's own words where it
can, what to write instead. Nothing here decides whether a line is right: the parser did that.
"""

from __future__ import annotations

from brainsurgery_shell.errors import OlySyntaxError, Span
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.faults import NAME_HINT, error, expected, in_quotes, nested
from brainsurgery_shell.lang.follows import is_redirect, pair_end, rest

_DEEPEST_MEND = 8
"""How many pairs within pairs a hint takes along."""


def bad_name(text: str, position: int) -> OlySyntaxError:
    """The line does not begin with a name."""
    char = text[position]
    hint = f"a name {NAME_HINT}"
    if char == "{":
        hint = "leave out the outer braces: name: key: value, key: value"
    elif char == "!":
        hint = "shell commands (!ls) work in the shell and in scripts; they are no part of OLY itself"
    elif is_redirect(text, position):
        hint = "a command stands before a redirect: summarize > FILE"
    elif char in scan.QUOTES:
        hint = "a command's name stands without quotes"
    elif char == "-" and text[position + 1 : position + 2] in (" ", "\t"):
        hint = f"leave out the '-': {rest(text, scan.after_blanks(text, position + 1))}"
    elif char == "\ufeff":
        hint = "remove the invisible byte order mark at the start"
    return expected("a command name", text, position, hint)


def _blank_after_colon(text: str, name: str, colon: int) -> OlySyntaxError:
    following = text[colon + 1 :]
    value = following[: scan.value_end(following, 0)] or following
    return expected(
        f"a blank after '{name}:'", text, colon + 1, f"put a blank after the colon: {name}: {value}"
    )


def bad_key(text: str, position: int, later: bool, ended: bool) -> OlySyntaxError:
    """A pair does not begin with a key and its colon."""
    if ended or text[position] in ",]}":
        hint = "remove the comma: nothing follows it" if later else "a pair is written key: value"
        if not ended and text[position] == ",":
            hint = "remove the comma: nothing stands before it"
        return expected("a key", text, position, hint)
    name_end = scan.name_end(text, position)
    if text[position] in scan.QUOTES or name_end == position:
        hint = f"a key {NAME_HINT}"
        inner = text[position + 1 : scan.value_end(text, position) - 1]
        if text[position] in scan.QUOTES and inner and scan.name_end(inner, 0) == len(inner):
            hint = f"a key stands without quotes: {inner}"
        return expected("a key", text, position, hint)
    return _after_key(text, position, name_end)


def _after_key(text: str, position: int, name_end: int) -> OlySyntaxError:
    """There is a key, but no colon that counts behind it."""
    name = text[position:name_end]
    colon = scan.after_blanks(text, name_end)
    if text[colon : colon + 1] == ":":
        return _blank_after_colon(text, name, colon)
    if text[colon : colon + 1] == "=":
        value = scan.after_blanks(text, colon + 1)
        mend = f"{name}: {text[value : scan.value_end(text, value)]}"
        return expected(f"':' after '{name}'", text, colon, f"a colon and a blank follow a key: {mend}")
    hint = f"a parameter is written with its key ({name}: VALUE), a list in brackets"
    if colon < len(text) and text[colon] not in ",]}#":
        hint = f"put a colon after the key: {name}: {text[colon : scan.value_end(text, colon)]}"
        if colon == name_end:
            hint = "a key holds letters, digits, '_' and '-' only; a colon and a blank follow it"
    return expected(f"':' after '{name}'", text, colon, hint)


def duplicate_key(name: str, span: Span) -> OlySyntaxError:
    """A key stands twice in one mapping."""
    return error(
        f"expected each key once, found '{name}' again",
        span.start,
        span.end,
        f"keep one '{name}'; several values stand in a list: {name}: [a, b]",
    )


def no_value(text: str, position: int, key: Span | None) -> OlySyntaxError:
    """Nothing stands where a value should."""
    what = "a value" if key is None else f"a value after '{text[key.start : key.end]}:'"
    hint = "an empty text is written '', nothing at all null"
    char = text[position : position + 1]
    if char == "," and key is None:
        hint = "remove the comma: nothing stands before it"
    elif char in ("]", "}") and not nested(text, position):
        hint = "quote a value that begins with a bracket"
    elif scan.is_comment(text, position):
        hint = "quote a value that begins with '#'"
    return expected(what, text, position, hint)


def no_item(text: str, position: int) -> OlySyntaxError:
    """A comma of a list has nothing before or behind it."""
    where = "stands before" if text[position] == "," else "follows"
    return expected(
        "a value", text, position, f"remove the comma: nothing {where} it; an empty text is written ''"
    )


def pair_as_value(text: str, position: int, key: Span | None) -> OlySyntaxError:
    """A bare ``key: value`` stands where one value should."""
    inner = text[position : scan.name_end(text, position)]
    end = pair_end(text, position)
    mended = _braced(text[:end], position)[0] if key is None else _braced(text, position)[0]
    what = "a value"
    if key is not None:
        what += f" after '{text[key.start : key.end]}:'"
        mended = f"{text[key.start : key.end]}: {mended}"
    hint = f"put a pair that is a value in braces: {mended}"
    if end == len(text) or text[end] in ",]}":
        written = text[position:end].rstrip(scan.BLANKS)
        if written.endswith(":"):
            hint = f"quote a value that ends in a colon: {in_quotes(written)}"
    return error(f"expected {what}, found '{inner}:'", position, position + len(inner), hint)


def _braced(text: str, position: int, depth: int = 1) -> tuple[str, int]:
    """The pairs that begin here in braces, those that are their values too; and where they end."""
    parts: list[str] = []
    end = position
    while key := scan.key_at(text, position):
        start = scan.after_blanks(text, key[1])
        if scan.key_at(text, start) and depth < _DEEPEST_MEND:
            value, end = _braced(text, start, depth + 1)
        else:
            end = scan.value_end(text, start)
            value = text[start:end] or "…"
        parts.append(f"{key[0]}: {value}")
        comma = scan.after_blanks(text, end)
        if not text.startswith(",", comma):
            break
        position = scan.after_blanks(text, comma + 1)
    return "{ " + ", ".join(parts) + " }", end


def unclosed(text: str, start: int, items: bool) -> OlySyntaxError:
    """The line ends inside a list or a map."""
    closer = scan.CLOSER[text[start]]
    kind, first = ("list", "a value") if closer == "]" else ("map", "a key")
    what = (
        f"',' or '{closer}'"
        if items and not text.rstrip(scan.BLANKS).endswith(",")
        else f"{first} or '{closer}'"
    )
    hint = f"close the {kind} that begins at column {start + 1} with '{closer}'"
    return expected(what, text, len(text), hint)
