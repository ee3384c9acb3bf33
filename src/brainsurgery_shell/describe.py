"""Help, from the declarations alone: an overview, one operation, one assertion."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from brainsurgery_shell import assertions, ops
from brainsurgery_shell.declaration.kinds import Size, Text
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation, Parameter, Registry
from brainsurgery_shell.declaration.references import ListOf
from brainsurgery_shell.errors import StepError


@cache
def load_declarations() -> None:
    """Fill the registries, once: looking for operations reads a folder."""
    ops.load_all()
    assertions.load_all()


def help_topics() -> list[str]:
    """What ``help`` explains: the operations. Expressions are asked for with ``help: assert: NAME``."""
    load_declarations()
    return OPERATIONS.names()


def help_text(topic: str | None, expression: str | None) -> list[str]:
    """The lines that ``help`` prints.

    Raises:
        StepError: there is no such operation or expression.
    """
    load_declarations()
    if expression is not None:
        return _declared(_found(EXPRESSIONS, expression, "expression"), "assert: ")
    if topic is None:
        return _overview()
    if OPERATIONS.get(topic) is None and EXPRESSIONS.get(topic) is not None:
        return _declared(_found(EXPRESSIONS, topic, "expression"), "assert: ")
    return _declared(_found(OPERATIONS, topic, "operation"), "")


def summary(declared: Operation) -> str:
    """Its sentence, without the marks that only documentation reads."""
    return declared.summary.replace("``", "")


def _found(registry: Registry, name: str, what: str) -> Operation:
    found = registry.get(name)
    if found is None:
        known = "help lists them" if registry is OPERATIONS else f"known: {', '.join(registry.names())}"
        raise StepError(f"unknown {what} '{name}'", hint=registry.hint(name, known))
    return found


def _overview() -> list[str]:
    """Every operation by its summary; in-place twins share the line of the operation they belong to."""
    rows: list[tuple[str, str]] = []
    for operation in OPERATIONS.all():
        twin = OPERATIONS.get(f"{operation.name}_")
        if operation.name.endswith("_") and OPERATIONS.get(operation.name[:-1]) is not None:
            continue
        rows.append(
            (f"{operation.name}, {twin.name}" if twin is not None else operation.name, summary(operation))
        )
    return [
        "operations (those whose name ends in _ change tensors in place)",
        *_table(rows),
        "",
        "help: NAME explains one, with its parameters and examples.",
        "",
        "assertions (assert: NAME: …)",
        *_table([(each.name, summary(each)) for each in EXPRESSIONS.all()]),
        "",
        "help: assert: NAME explains one.",
        "",
        "COMMAND > FILE, COMMAND >> FILE and COMMAND | PROGRAM send what a command prints elsewhere;",
        "!PROGRAM runs a program.",
    ]


def _declared(declared: Operation, before: str) -> list[str]:
    """One operation, or (with ``assert: `` before its name) one expression."""
    lines = [f"{before}{declared.name}", f"  {summary(declared)}"]
    shown = [each for each in declared.parameters if not each.whole_payload]
    if shown:
        lines += ["", "parameters", *_table([_parameter(each, declared) for each in shown])]
    elif declared.parameters:
        only = declared.parameters[0]
        lines += ["", f"takes {only.kind.words}", "", *_expressions(only)]
    if declared.examples:
        lines += ["", "examples", *(f"  {example}" for example in declared.examples)]
    if declared.origin is not None:
        lines += ["", f"declared in {declared.origin}"]
    return lines


def _parameter(parameter: Parameter, declared: Operation) -> tuple[str, str]:
    """Its name (with a question mark if it is optional), and what it takes."""
    name = parameter.name + ("" if parameter.required else "?")
    about, words = parameter.about, parameter.kind.words
    notes = [about if words in about else f"{about}: {words}"]
    default = parameter.default
    if isinstance(default, (str, bool, int, float)) and not isinstance(parameter.kind, Size):
        notes.append(f"default {_value(default, parameter)}")
    if parameter.name == declared.primary:
        notes.append("a bare value goes here")
    return name, "; ".join(notes)


def _value(default: str | bool | int | float, parameter: Parameter) -> str:
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, str) and isinstance(parameter.kind, Text):
        return f"'{default}'"
    return str(default)


def _expressions(parameter: Parameter) -> list[str]:
    if parameter.kind.completes != "expressions" or isinstance(parameter.kind, ListOf):
        return []
    return ["expressions", *_table([(each.name, summary(each)) for each in EXPRESSIONS.all()])]


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Two columns."""
    known = list(rows)
    width = max((len(name) for name, _ in known), default=0)
    return [f"  {name:<{width}}  {text}".rstrip() for name, text in known]
