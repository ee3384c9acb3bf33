"""What F1 explains: the operation, assertion or topic that the cursor is in."""

from __future__ import annotations

from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation
from brainsurgery_shell.describe import help_text, load_declarations, topic_names
from brainsurgery_shell.errors import SurgeryError, render
from brainsurgery_shell.lang.position import Position, parse_prefix
from brainsurgery_shell.lang.scan import after_blanks, name_end
from brainsurgery_shell.views.page import Page


def help_at(line: str, column: int, page: Page) -> list[str]:
    """Help for the place ``column`` of ``line``; the overview where nothing is typed."""
    load_declarations()
    start = after_blanks(line, 0)
    name = line[start : name_end(line, start)]
    operation = OPERATIONS.get(name)
    if operation is None:
        known = [each for each in OPERATIONS.names() if each.startswith(name)] if name else []
        return _help(known[0] if len(known) == 1 else name or None, None, page)
    position = parse_prefix(line, column)
    expression = _expression(operation, position)
    if expression is not None:
        return _help(None, expression, page)
    return _help(_topic(operation, line) or name, None, page)


def _help(topic: str | None, expression: str | None, page: Page) -> list[str]:
    try:
        return help_text(topic, expression, page)
    except SurgeryError as error:
        return render(error).splitlines()


def _expression(operation: Operation, position: Position) -> str | None:
    """The innermost assertion around the place."""
    if not any(each.whole_payload for each in operation.parameters):
        return None
    keys = [*position.path, position.text]
    return next((key for key in reversed(keys) if isinstance(key, str) and EXPRESSIONS.get(key)), None)


def _topic(operation: Operation, line: str) -> str | None:
    """What a line asks help for already."""
    if operation.primary is None:
        return None
    primary = operation.parameter(operation.primary)
    if primary is None or primary.kind.completes != "topics":
        return None
    topic = line.partition(":")[2].strip()
    known = {*OPERATIONS.names(), *EXPRESSIONS.names(), *topic_names()}
    return topic if topic in known else None
