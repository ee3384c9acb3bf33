"""``complete``: from a place in a line to the candidates there, by the declarations alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from brainsurgery_shell.completion import search
from brainsurgery_shell.completion.candidates import Candidate, SessionView, capped, distinct
from brainsurgery_shell.completion.follow import followed
from brainsurgery_shell.completion.here import Here
from brainsurgery_shell.completion.paths import paths
from brainsurgery_shell.completion.scope import Scope, scope_at
from brainsurgery_shell.completion.values import payload, values
from brainsurgery_shell.completion.words import behind_name, behind_value, commands, keys
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.position import Position, parse_prefix
from brainsurgery_shell.lang.redirect import operators
from brainsurgery_shell.lang.tokens import Place


def complete(text: str, cursor: int, session: SessionView) -> list[Candidate]:
    """What may be written at ``cursor``: at most ``LIMIT`` candidates, the likeliest first.

    A candidate that stands alone and completes its value brings along what must follow. Notes, which only
    tell something, are the last.
    """
    load_declarations()
    before, after = text[:cursor], text[cursor:]
    if before.lstrip(scan.BLANKS).startswith("!"):
        return []
    redirected = _redirected(before)
    if redirected is not None:
        return capped(list(distinct(paths(Pen(redirected, after), session.folder))))
    here = Here(_settled(before), before, after, session)
    try:
        return _offered(here)
    except Exception:
        operation = OPERATIONS.get(here.position.command or "")
        if operation is None or operation.origin is None:
            raise
        return []  # a kind of a user's operation fails; the step itself will say so


def _offered(here: Here) -> list[Candidate]:
    found = _candidates(here)
    if here.after[:1] not in (*scan.BLANKS, *",]}:'\"", "") and not here.position.quote:
        found = (each for each in found if each.insert.lstrip()[:1] not in ("'", '"'))  # the word goes on
    return followed(here, capped(list(distinct(found))))


def prepare(session: SessionView) -> None:
    """Do now what the first key after an edit would wait for: sort the names, join them for searching."""
    load_declarations()
    for checkpoint in list(session.workspace.checkpoints.values())[-search.MOST_LISTS :]:
        search.prepare(checkpoint.sorted_names())


def _candidates(here: Here) -> Iterator[Candidate]:
    place = here.position.place
    if place is Place.NAME:
        return commands(here)
    if place is Place.COLON:
        return behind_name(here)
    if place is Place.AFTER:
        return behind_value(here)
    if place is Place.KEY:
        return keys(here, here.scope, here.used)

    def inner(text: str) -> list[Candidate]:
        return complete(text, len(text), here.session)

    if place is Place.PAYLOAD:
        return payload(here, inner)
    return values(here, here.scope, inner) if place is Place.VALUE else iter(())


def _redirected(before: str) -> Position | None:
    """The position of a file name behind ``>``; behind ``|`` nothing is known."""
    for at, mode in operators(before):
        start = scan.after_blanks(before, at + len(mode))
        raw = before[start:]
        quote = raw[0] if raw and raw[0] in scan.QUOTES else ""
        typed = scan.unquote_open(raw) if quote else raw
        place = Place.COMMENT if mode == "|" else Place.VALUE
        return Position(place, None, (), raw, typed, start, quote, ())
    return None


def _settled(before: str) -> Position:
    """The position; a key with its colon is taken for one, though it may become ``alias::``."""
    position = parse_prefix(before, len(before))
    key = position.raw[:-1].rstrip(scan.BLANKS) if position.raw.endswith(":") else ""
    if position.place is not Place.PAYLOAD or not key:
        return position
    if scope_at(position).child(key) == Scope():
        return position
    inner = parse_prefix(before + " ", len(before) + 1)
    return replace(inner, raw="", text="", start=len(before), quote="", needs_blank=True)
