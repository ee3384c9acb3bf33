"""Where a line is wrong, whatever is open: what can be underlined at every key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.errors import Span, SurgeryError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.redirect import split_redirect
from brainsurgery_shell.lang.tokens import Kind, Walker
from brainsurgery_shell.lang.tree import Command

LONGEST = 5000
"""Characters of a line that is still looked at."""


@lru_cache(maxsize=128)
def faults(line: str) -> tuple[Span, ...]:
    """Syntax that is wrong, unknown operations and parameters, values of the wrong kind.

    A parameter that is missing is no fault of a place, and most lines lack some while they are typed.
    """
    if len(line) > LONGEST:
        return ()
    try:
        parts = split_redirect(line)
        command = None if parts.shell else parse_line(parts.command_text)
    except SurgeryError as error:
        span = error.details.span
        return (*_unknown_words(line), *(() if span is None else (span,)))
    if command is None:
        return ()
    try:
        bind(command)
    except SurgeryError as error:
        span = error.details.span
        return () if span is None or lacks_parameter(command, error) else (span,)
    return ()


def lacks_parameter(command: Command, error: SurgeryError) -> bool:
    """Whether the command could not be bound because a parameter is missing."""
    return error.details.span == command.name_span and OPERATIONS.get(command.name) is not None


def settled(spans: Iterable[Span], cursor: int | None) -> list[Span]:
    """Those that the cursor is not in or at: what is still being typed is not wrong yet."""
    return [span for span in spans if cursor is None or not span.start <= cursor <= span.end]


def _unknown_words(line: str) -> Iterator[Span]:
    """The operation, and the parameters outside brackets, of a line that does not parse."""
    operation = None
    depth = 0
    for token in Walker(line).tokens():
        word = line[token.start : token.end]
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        if token.kind is Kind.NAME:
            operation = OPERATIONS.get(word)
            if operation is None:
                yield Span(token.start, token.end)
                return
        elif token.kind is Kind.KEY and depth == 0 and operation is not None:
            primary = operation.parameter(operation.primary or "")
            anything = primary is not None and primary.whole_payload
            if not anything and operation.parameter(word) is None:
                yield Span(token.start, token.end)
