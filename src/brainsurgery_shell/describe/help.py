"""What ``help`` answers: the overview, an operation, an assertion, a topic."""

from __future__ import annotations

from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation, Registry
from brainsurgery_shell.describe.declared import declared_lines, load_declarations, summary
from brainsurgery_shell.describe.rows import rows
from brainsurgery_shell.describe.topics import TOPICS, topic_lines
from brainsurgery_shell.errors import StepError, did_you_mean
from brainsurgery_shell.views.page import PLAIN, Page


def help_topics() -> list[str]:
    """The operations. Expressions are asked for with ``help: assert: NAME``; topics are named elsewhere."""
    load_declarations()
    return OPERATIONS.names()


def help_text(topic: str | None, expression: str | None, page: Page = PLAIN) -> list[str]:
    """The lines that ``help`` prints.

    Raises:
        StepError: there is nothing of that name.
    """
    load_declarations()
    if expression is not None:
        return declared_lines(_found(EXPRESSIONS, expression, "expression"), "assert: ", page)
    if topic is None:
        return _overview(page)
    operation, known = OPERATIONS.get(topic), EXPRESSIONS.get(topic)
    if operation is None and topic in TOPICS:
        return topic_lines(TOPICS[topic], page)
    if operation is None and known is not None:
        return declared_lines(known, "assert: ", page)
    return declared_lines(operation or _found(OPERATIONS, topic, "operation or topic"), "", page)


def _found(registry: Registry, name: str, what: str) -> Operation:
    found = registry.get(name)
    if found is None:
        known = "help lists them" if registry is OPERATIONS else f"known: {', '.join(registry.names())}"
        if registry is OPERATIONS:
            known = did_you_mean(name.lower(), TOPICS) or f"{known}; topics: {', '.join(TOPICS)}"
        raise StepError(f"unknown {what} '{name}'", hint=registry.hint(name, known))
    return found


def _overview(page: Page) -> list[str]:
    """Every operation by its summary; in-place twins share the line of the operation they belong to."""
    known: list[tuple[str, str]] = []
    for operation in OPERATIONS.all():
        twin = OPERATIONS.get(f"{operation.name}_")
        if operation.name.endswith("_") and OPERATIONS.get(operation.name[:-1]) is not None:
            continue
        name = f"{operation.name}, {twin.name}" if twin is not None else operation.name
        known.append((name, summary(operation)))
    return [
        page.paint("operations", "bold") + " (those whose name ends in _ change tensors in place)",
        *rows(known, page),
        "",
        "help: NAME explains one, with its parameters and examples.",
        "",
        page.paint("assertions", "bold") + " (assert: NAME: …)",
        *rows([(each.name, summary(each)) for each in EXPRESSIONS.all()], page),
        "",
        "help: assert: NAME explains one.",
        "",
        page.paint("topics", "bold") + " (help: NAME)",
        *rows([(name, topic.summary) for name, topic in TOPICS.items()], page),
    ]
