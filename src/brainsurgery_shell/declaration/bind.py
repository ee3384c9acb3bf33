"""Binding: from a command's tree to an operation with checked arguments. The same for OLY and YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.kind import Kind
from brainsurgery_shell.declaration.operation import OPERATIONS, Operation, Parameter, Registry
from brainsurgery_shell.errors import Span, StepError, did_you_mean
from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair


@dataclass(frozen=True, slots=True)
class Step:
    """An operation, its checked arguments by parameter, and the tree they came from."""

    operation: Operation
    arguments: dict[str, Any]
    command: Command


def bind(command: Command, registry: Registry = OPERATIONS) -> Step:
    """The step that a command asks for.

    Raises:
        StepError: no such operation or parameter, a parameter is missing, or an argument is not of its kind.
    """
    operation = registry.get(command.name)
    if operation is None:
        raise StepError(
            f"unknown operation '{command.name}'",
            hint=registry.hint(command.name, "help lists the operations"),
            span=command.name_span,
        )
    arguments = bind_arguments(operation, command.payload, command.name_span)
    return Step(operation, arguments, command)


def bind_arguments(operation: Operation, payload: Node | None, span: Span) -> dict[str, Any]:
    """The arguments in a payload, by the names that the operation's function has for them."""
    pairs = _pairs(operation, payload)
    arguments: dict[str, Any] = {}
    given: dict[str, Pair] = {}
    for pair in pairs:
        parameter = operation.parameter(pair.key)
        if parameter is None:
            raise _unknown(operation, pair)
        if parameter.name in given:
            raise StepError(f"'{parameter.name}' is given twice", span=pair.key_span)
        given[parameter.name] = pair
        arguments[parameter.argument] = _accepted(operation, parameter, pair)
    for parameter in operation.parameters:
        if parameter.name in given:
            continue
        if parameter.required:
            raise StepError(
                f"{operation.name} needs '{parameter.name}': {parameter.about}",
                hint=usage(operation),
                span=span,
            )
        arguments[parameter.argument] = parameter.default
    return arguments


def _accepted(operation: Operation, parameter: Parameter, pair: Pair) -> Any:
    try:
        return parameter.kind.accept(pair.value)
    except StepError as error:
        if not error.message.startswith(f"{operation.name}: "):
            error.message = f"{operation.name}: {parameter.name}: {error.message}"
        raise error.located(span=pair.key_span) from None
    except Exception as error:
        if operation.origin is None:
            raise
        raise StepError(
            f"{operation.name}: {parameter.name}: {type(error).__name__}: {error}",
            hint=f"look at {operation.origin}",
            span=pair.key_span,
        ) from error


def kinds_given(command: Command) -> list[Kind]:
    """The kinds of the parameters that a command gives; none if there is no such operation."""
    operation = OPERATIONS.get(command.name)
    if operation is None:
        return []
    parameters = (operation.parameter(pair.key) for pair in _pairs(operation, command.payload))
    return [each.kind for each in parameters if each is not None]


def usage(operation: Operation) -> str:
    """The operation's parameters in one line; optional ones with a question mark."""
    names = ", ".join(each.name + ("" if each.required else "?") for each in operation.parameters)
    return f"{operation.name} takes {names}" if names else f"{operation.name} takes nothing"


def _pairs(operation: Operation, payload: Node | None) -> tuple[Pair, ...]:
    if payload is None:
        return ()
    primary = operation.parameter(operation.primary) if operation.primary else None
    if isinstance(payload, Mapping) and not (primary is not None and _takes_all(primary, payload)):
        return payload.pairs
    if primary is None:
        raise StepError(f"{operation.name} takes no bare value", hint=usage(operation), span=payload.span)
    return (Pair(primary.name, payload, payload.span),)


def _takes_all(primary: Parameter, payload: Mapping) -> bool:
    return primary.whole_payload and payload.get(primary.name) is None


def _unknown(operation: Operation, pair: Pair) -> StepError:
    near = did_you_mean(pair.key, [each.name for each in operation.parameters])
    return StepError(
        f"{operation.name} has no parameter '{pair.key}'",
        hint=f"{near} ({usage(operation)})" if near else usage(operation),
        span=pair.key_span,
    )
