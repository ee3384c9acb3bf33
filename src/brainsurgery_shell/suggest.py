"""``brainsurgery complete``: what completion offers at a place of a line, as JSON."""

from __future__ import annotations

import json

from brainsurgery_shell import messages
from brainsurgery_shell.completion import complete
from brainsurgery_shell.errors import UsageError
from brainsurgery_shell.extensions.load import load_user_operations
from brainsurgery_shell.modes import open_session
from brainsurgery_shell.options import parse_options

_SHAPE = "brainsurgery complete 'scale_: tar' [--cursor N] [FILE | ALIAS::FILE ...]"


def suggest(arguments: list[str]) -> int:
    """Print the candidates; the return value is the exit status. Of checkpoints, only headers are read.

    Raises:
        UsageError: there is no line, or the cursor is not in it.
        StorageError: a checkpoint cannot be opened.
    """
    rest, cursor = _without_cursor(arguments)
    if not rest:
        raise UsageError("complete takes a line", hint=_SHAPE)
    line = rest.pop(0)
    options = parse_options(rest)
    if options.plans or options.scripts or options.commands:
        raise UsageError("complete takes a line and checkpoints", hint=_SHAPE)
    at = len(line) if cursor is None else _position(cursor, line)
    load_user_operations(options.ops_dirs, messages.warn)
    options.journal = False
    session = open_session(options)
    try:
        candidates = complete(line, at, session)
    finally:
        session.close()
    found = [
        {"insert": each.insert, "replaces": each.replaces, "display": each.display, "meta": each.meta}
        for each in candidates
    ]
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0


def _without_cursor(arguments: list[str]) -> tuple[list[str], str | None]:
    rest: list[str] = []
    cursor = None
    words = iter(arguments)
    for word in words:
        if word == "--cursor":
            cursor = next(words, "")
        elif word.startswith("--cursor="):
            cursor = word.removeprefix("--cursor=")
        else:
            rest.append(word)
    return rest, cursor


def _position(text: str, line: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= len(line)):
        raise UsageError(f"--cursor takes a place in the line, from 0 to {len(line)}, not '{text}'")
    return int(text)
