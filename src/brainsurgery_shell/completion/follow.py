"""What must follow a candidate that stands alone and completes its value: ``, `` or what closes the map."""

from __future__ import annotations

from dataclasses import replace

from brainsurgery_shell.completion.candidates import Candidate
from brainsurgery_shell.completion.here import Here
from brainsurgery_shell.completion.scope import scope_at
from brainsurgery_shell.completion.words import free
from brainsurgery_shell.lang.position import parse_prefix
from brainsurgery_shell.lang.tokens import Place


def followed(here: Here, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates; those that complete a value bring along what must follow it, if only one value is left.

    Patterns made of that value are the same value here.
    """
    real = [each for each in candidates if not each.is_note and not each.variant]
    if len(real) != 1 or not real[0].final or here.after.strip():
        return candidates
    if here.position.place not in (Place.VALUE, Place.PAYLOAD):
        return candidates
    return [
        replace(each, insert=each.insert + _follow(each.applied(here.before, len(here.before))))
        if each.final and not each.insert.endswith(" ")
        else each
        for each in candidates
    ]


def _follow(line: str) -> str:
    """What must stand behind the value that ends the line."""
    position = parse_prefix(line + " ", len(line) + 1)
    if position.place is not Place.AFTER or not position.frames or position.frames[-1] == "[":
        return ""
    scope = scope_at(position)
    if scope.takes_expression or scope.is_step:
        closes = True
    elif scope.owner is not None:
        left = free(scope.owner, position.used)
        if any(each.required for each in left):
            return ", "
        closes = not left
    else:
        closes = False
    if not closes or position.frames[-1] != "{":
        return ""
    return " }" + _follow(line + " }")
