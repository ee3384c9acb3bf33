"""Families of operations that differ only in a computation: one tensor to one, two tensors to one.

A family member is one function from lazy tensors to a lazy tensor. The family adds the references, the
destinations, and the in-place twin whose name ends in ``_``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from brainsurgery_shell.declaration.context import Context, selection
from brainsurgery_shell.declaration.kinds import Boolean, Names, Tensors
from brainsurgery_shell.declaration.operation import (
    OPERATIONS,
    SELECTION,
    Operation,
    Parameter,
    summary_of,
)
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import fill, find, sliced
from brainsurgery_shell.workspace.writes import Destination, Must, Writes

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Evaluator

Compute = Callable[..., LazyTensor]
Prepare = Callable[[dict[str, Any]], dict[str, int]]
"""Draws what is random: completes the arguments and returns what was drawn, by parameter."""
Check = Callable[[dict[str, Any], list[tuple[str, LazyTensor]]], "Callable[[Evaluator], None] | None"]
"""What only data can show of the results, if the arguments ask for it."""

FROM = Parameter("from", Tensors(), "the tensors to read")
TO_NEW = Parameter("to", Names("new names"), "the new names")
TARGET = Parameter("target", Tensors(), "the tensors to change")
BROADCAST = Parameter(
    "broadcast", Boolean(), "let shapes broadcast as torch does", required=False, default=False
)


def tensorwise(
    name: str,
    *parameters: Parameter,
    in_place_parameters: tuple[Parameter, ...] | None = None,
    examples: tuple[str, ...] = (),
    prepare: Prepare | None = None,
    check: Check | None = None,
) -> Callable[[Compute], Compute]:
    """Declare ``compute(tensor, name=…, **arguments)`` as ``name`` (from, to) and ``name_`` (target).

    ``name=`` is the name of the tensor that is written.
    """

    def declare(compute: Compute) -> Compute:
        def out_of_place(
            context: Context, from_: Any, to: Any, except_: Any, where: Any, expect: Any, **arguments: Any
        ) -> Edit:
            drawn = prepare(arguments) if prepare else {}
            found = find(context.workspace, from_, selection(except_, where, expect))
            found.check(to)
            writes = Writes(context.workspace, len(found))
            results = []
            for match in found:
                destination = writes.destination(to, match)
                result = computed_for(
                    match.name, compute, match.selected(), name=destination.name, **arguments
                )
                writes.put(destination, result, Must.BE_NEW, match.name)
                results.append((destination.name, result))
            return _finish(writes, drawn, check, arguments, results)

        def in_place(
            context: Context, target: Any, except_: Any, where: Any, expect: Any, **arguments: Any
        ) -> Edit:
            drawn = prepare(arguments) if prepare else {}
            found = find(context.workspace, target, selection(except_, where, expect))
            writes = Writes(context.workspace, len(found))
            results = []
            for match in found:
                result = computed_for(match.name, compute, match.selected(), name=match.name, **arguments)
                destination = Destination(match.alias, match.name, match.slice, target.span)
                writes.put(destination, result, Must.BE_ANY, match.name)
                results.append((match.name, result))
            return _finish(writes, drawn, check, arguments, results)

        summary = summary_of(compute)
        OPERATIONS.add(
            Operation(
                name,
                summary,
                (FROM, TO_NEW, *parameters, *SELECTION),
                out_of_place,
                tuple(each for each in examples if each.startswith(f"{name}:")),
                "from",
            )
        )
        OPERATIONS.add(
            Operation(
                f"{name}_",
                f"{summary} In place.",
                (TARGET, *(parameters if in_place_parameters is None else in_place_parameters), *SELECTION),
                in_place,
                tuple(each for each in examples if each.startswith(f"{name}_:")),
                "target",
            )
        )
        return compute

    return declare


def _finish(
    writes: Writes,
    drawn: dict[str, int],
    check: Check | None,
    arguments: dict[str, Any],
    results: list[tuple[str, LazyTensor]],
) -> Edit:
    edit = writes.edit()
    edit.drawn.update(drawn)
    strict = check(arguments, results) if check else None
    if strict is not None:
        edit.checks.append(strict)
    return edit


def pairwise(
    name: str, *parameters: Parameter, in_place: bool = True, examples: tuple[str, ...] = ()
) -> Callable[[Compute], Compute]:
    """Declare ``compute(a, b, **arguments)`` as ``name`` (from_a, from_b, to) and ``name_`` (from, to)."""

    def declare(compute: Compute) -> Compute:
        def out_of_place(
            context: Context,
            from_a: Any,
            from_b: Any,
            to: Any,
            except_: Any,
            where: Any,
            expect: Any,
            **arguments: Any,
        ) -> Edit:
            found = find(context.workspace, from_a, selection(except_, where, expect))
            found.check(from_b, to)
            writes = Writes(context.workspace, len(found))
            for match in found:
                other = fill(context.workspace, from_b, match)
                names = f"{match.name} and {other.name}"
                result = computed_for(names, compute, match.selected(), other.selected(), **arguments)
                writes.put(writes.destination(to, match), result, Must.FIT, match.name)
            return writes.edit()

        def into(
            context: Context, from_: Any, to: Any, except_: Any, where: Any, expect: Any, **arguments: Any
        ) -> Edit:
            found = find(context.workspace, from_, selection(except_, where, expect))
            found.check(to)
            writes = Writes(context.workspace, len(found))
            for match in found:
                destination = writes.destination(to, match)
                current = sliced(writes.current(destination), destination.slice, destination.shown)
                names = f"{destination.name} and {match.name}"
                result = computed_for(names, compute, current, match.selected(), **arguments)
                writes.put(destination, result, Must.FIT, match.name)
            return writes.edit()

        summary = summary_of(compute)
        sources = (
            Parameter("from_a", Tensors(), "the first tensors"),
            Parameter("from_b", Names("a template for existing names"), "the second ones, for each match"),
            Parameter(
                "to",
                Names("a name or template"),
                "the results; existing ones must have their shape and dtype",
            ),
        )
        both = tuple(each for each in examples if each.startswith(f"{name}:"))
        OPERATIONS.add(
            Operation(name, summary, (*sources, *parameters, *SELECTION), out_of_place, both, "from_a")
        )
        if in_place:
            pair = (
                Parameter("from", Tensors(), "the second tensors"),
                Parameter("to", Names("a template for existing names"), "the tensors to change"),
            )
            alone = tuple(each for each in examples if each.startswith(f"{name}_:"))
            OPERATIONS.add(
                Operation(
                    f"{name}_", f"{summary} In place.", (*pair, *parameters, *SELECTION), into, alone, "from"
                )
            )
        return compute

    return declare


def computed_for(what: str, compute: Compute, *tensors: LazyTensor, **arguments: Any) -> LazyTensor:
    """Call ``compute``; an error names the tensors it is about."""
    try:
        return compute(*tensors, **arguments)
    except StepError as error:
        error.message = f"{what}: {error.message}"
        raise
