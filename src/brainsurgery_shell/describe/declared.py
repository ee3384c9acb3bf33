"""One operation or assertion in words, from its declaration alone."""

from __future__ import annotations

from functools import cache

from brainsurgery_shell import assertions, ops
from brainsurgery_shell.declaration.kinds import Size, Text
from brainsurgery_shell.declaration.operation import EXPRESSIONS, Operation, Parameter
from brainsurgery_shell.declaration.references import ListOf
from brainsurgery_shell.describe.rows import rows
from brainsurgery_shell.views.page import Page


@cache
def load_declarations() -> None:
    """Fill the registries, once: looking for operations reads a folder."""
    ops.load_all()
    assertions.load_all()


def summary(declared: Operation) -> str:
    """Its sentence, without the marks that only documentation reads."""
    return declared.summary.replace("``", "")


def declared_lines(declared: Operation, before: str, page: Page) -> list[str]:
    """One operation, or (with ``assert: `` before its name) one expression."""
    lines = [page.paint(f"{before}{declared.name}", "bold"), *rows([("", summary(declared))], page)]
    whole = len(declared.parameters) == 1  # what takes all of the payload has no name to write
    shown = [each for each in declared.parameters if not (whole and each.whole_payload)]
    if shown:
        heading = page.paint("parameters", "bold")
        lines += ["", heading, *rows([_parameter(each, declared) for each in shown], page)]
    elif declared.parameters:
        only = declared.parameters[0]
        lines += ["", f"takes {only.kind.words}", "", *_expressions(only, page)]
    if declared.examples:
        lines += ["", page.paint("examples", "bold"), *(f"  {example}" for example in declared.examples)]
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


def _expressions(parameter: Parameter, page: Page) -> list[str]:
    if parameter.kind.completes != "expressions" or isinstance(parameter.kind, ListOf):
        return []
    known = [(each.name, summary(each)) for each in EXPRESSIONS.all()]
    return [page.paint("expressions", "bold"), *rows(known, page)]
