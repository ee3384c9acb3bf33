"""Hints that show a whole line: one that would not run either is no mend, and is replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation
from brainsurgery_shell.describe import topic_names
from brainsurgery_shell.errors import OlySyntaxError, SurgeryError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.scan import after_blanks, name_end

Error = TypeVar("Error", bound=SurgeryError)

_OFFERS = ("put a colon after the name: ", "a colon and a blank follow the name: ")
"""What the parser says before a line of its own making; it does not know which operations there are."""


def checked_hint(error: Error, line: str) -> Error:
    """The error, with another hint if its own shows a line that does not check."""
    hint = error.hint or ""
    offer = next((each for each in _OFFERS if hint.startswith(each)), None)
    if isinstance(error, OlySyntaxError) and offer is not None:
        start = after_blanks(line, 0)
        mend = _mend(line[start : name_end(line, start)], hint.removeprefix(offer))
        if mend is not None:
            error.details = replace(error.details, hint=mend)
    return error


def _mend(name: str, offered: str) -> str | None:
    """What to say in place of the line ``offered``; nothing if that is right."""
    operation = OPERATIONS.get(name)
    if operation is None:
        return f"there is no operation '{name}': {OPERATIONS.hint(name, 'help lists them')}"
    if not operation.parameters:
        return f"{name} takes nothing: it stands alone"
    explained = f"help: {name} shows how it is written"
    try:
        command = parse_line(offered)
        arguments = {} if command is None else bind(command).arguments
    except SurgeryError:
        return explained
    unknown = _unknown_topic(operation, arguments)
    return None if unknown is None else f"there is no topic '{unknown}'; {name} alone lists them"


def _unknown_topic(operation: Operation, arguments: dict[str, Any]) -> str | None:
    """What is asked about and does not exist: found out when the step runs, but it can be said now."""
    known = {*OPERATIONS.names(), *EXPRESSIONS.names(), *topic_names()}
    asked = [arguments.get(each.argument) for each in operation.parameters if each.kind.completes == "topics"]
    return next((str(each) for each in asked if each is not None and each not in known), None)
