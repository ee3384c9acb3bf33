"""Families of operations that differ only in a computation: one tensor to one, two tensors to one.

A family member is one function from lazy tensors to a lazy tensor. The family adds the references, the
destinations, and the in-place twin whose name ends in ``_``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Boolean
from brainsurgery_shell.declaration.operation import (
    OPERATIONS,
    SELECTION,
    Operation,
    Parameter,
    Run,
    selecting,
    summary_of,
)
from brainsurgery_shell.declaration.references import Names, Tensors
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Found, Selection, fill_all, find
from brainsurgery_shell.workspace.writes import Destinations, Must, Writes

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Evaluator

Compute = Callable[..., LazyTensor]
T = TypeVar("T")
Prepare = Callable[[dict[str, Any]], dict[str, int]]
"""Draws what is random: completes the arguments and returns what was drawn, by parameter."""
Results = list[tuple[str, LazyTensor]]
Check = Callable[[dict[str, Any], Results], "Callable[[Evaluator], None] | None"]
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
    prepare: Prepare = lambda arguments: {},
    check: Check = lambda arguments, results: None,
) -> Callable[[Compute], Compute]:
    """Declare ``compute(tensor, name=…, **arguments)`` as ``name`` (from, to) and ``name_`` (target).

    ``name=`` is the name of the tensor that is written.
    """

    def declare(compute: Compute) -> Compute:
        member = _Tensorwise(compute, prepare, check)
        twin = parameters if in_place_parameters is None else in_place_parameters
        _declare(name, compute, (FROM, TO_NEW, *parameters), member.out_of_place, examples)
        _declare(f"{name}_", compute, (TARGET, *twin), member.in_place, examples)
        return compute

    return declare


def pairwise(
    name: str, *parameters: Parameter, examples: tuple[str, ...] = (), in_place: bool = True
) -> Callable[[Compute], Compute]:
    """Declare ``compute(a, b, **arguments)`` as ``name`` (from_a, from_b, to) and ``name_`` (from, to).

    The second one only if ``in_place``.
    """
    fitting = "the results; existing ones must have their shape and dtype"
    three = (
        Parameter("from_a", Tensors(), "the first tensors"),
        Parameter("from_b", Names("a template for existing names"), "the second ones, for each match"),
        Parameter("to", Names("a name or template"), fitting),
    )
    two = (
        Parameter("from", Tensors(), "the second tensors"),
        Parameter("to", Names("a template for existing names"), "the tensors to change"),
    )

    def declare(compute: Compute) -> Compute:
        member = _Pairwise(compute)
        _declare(name, compute, (*three, *parameters), member.out_of_place, examples)
        if in_place:
            _declare(f"{name}_", compute, (*two, *parameters), member.in_place, examples)
        return compute

    return declare


def computed_each(
    names: Callable[[int], str], compute: Callable[..., T], /, *columns: Sequence[Any], **arguments: Any
) -> list[T]:
    """``compute`` of each row of the columns; an error names the tensors that it is about."""
    done: list[T] = []
    try:
        for row in zip(*columns, strict=True):
            done.append(compute(*row, **arguments))
    except StepError as error:
        error.message = f"{names(len(done))}: {error.message}"
        raise
    return done


def _declare(
    name: str, compute: Compute, parameters: tuple[Parameter, ...], run: Run, examples: tuple[str, ...]
) -> None:
    summary = summary_of(compute) + (" In place." if name.endswith("_") else "")
    own = tuple(each for each in examples if each.startswith(f"{name}:"))
    OPERATIONS.add(
        Operation(name, summary, (*parameters, *SELECTION), selecting(run), own, parameters[0].name)
    )


@dataclass(frozen=True, slots=True)
class _Tensorwise:
    compute: Compute
    prepare: Prepare
    check: Check

    def out_of_place(
        self, context: Context, *, from_: Reference, to: Template, selection: Selection, **arguments: Any
    ) -> Edit:
        drawn = self.prepare(arguments)
        found = find(context.workspace, from_, selection)
        found.check(to)
        writes = Writes(context.workspace, len(found))
        destinations = writes.destinations(to, found)
        results = self._results(found, destinations.names, arguments)
        writes.put_all(destinations, results, Must.BE_NEW, found.names)
        return self._finish(writes, drawn, arguments, list(zip(destinations.names, results, strict=True)))

    def in_place(
        self, context: Context, *, target: Reference, selection: Selection, **arguments: Any
    ) -> Edit:
        drawn = self.prepare(arguments)
        found = find(context.workspace, target, selection)
        writes = Writes(context.workspace, len(found))
        results = self._results(found, found.names, arguments)
        destinations = Destinations(found.alias, found.names, found.slice, target.span)
        writes.put_all(destinations, results, Must.BE_ANY, found.names)
        return self._finish(writes, drawn, arguments, list(zip(found.names, results, strict=True)))

    def _results(self, found: Found, names: Sequence[str], arguments: dict[str, Any]) -> list[LazyTensor]:
        """The result for each match, which will have these names."""
        compute = self.compute
        return computed_each(
            found.names.__getitem__,
            lambda tensor, name: compute(tensor, name=name, **arguments),
            found.selected(),
            names,
        )

    def _finish(
        self, writes: Writes, drawn: dict[str, int], arguments: dict[str, Any], results: Results
    ) -> Edit:
        edit = writes.edit()
        edit.drawn.update(drawn)
        strict = self.check(arguments, results)
        if strict is not None:
            edit.checks.append(strict)
        return edit


@dataclass(frozen=True, slots=True)
class _Pairwise:
    compute: Compute

    def out_of_place(
        self,
        context: Context,
        *,
        from_a: Reference,
        from_b: Template,
        to: Template,
        selection: Selection,
        **arguments: Any,
    ) -> Edit:
        found = find(context.workspace, from_a, selection)
        found.check(from_b, to)
        writes = Writes(context.workspace, len(found))
        others = fill_all(context.workspace, from_b, found)
        results = computed_each(
            lambda at: f"{found.names[at]} and {others.names[at]}",
            self.compute,
            found.selected(),
            others.selected(),
            **arguments,
        )
        writes.put_all(writes.destinations(to, found), results, Must.FIT, found.names)
        return writes.edit()

    def in_place(
        self, context: Context, *, from_: Reference, to: Template, selection: Selection, **arguments: Any
    ) -> Edit:
        found = find(context.workspace, from_, selection)
        found.check(to)
        writes = Writes(context.workspace, len(found))
        to_all = writes.destinations(to, found)
        results = computed_each(
            lambda at: f"{to_all.names[at]} and {found.names[at]}",
            self.compute,
            writes.current_all(to_all),
            found.selected(),
            **arguments,
        )
        writes.put_all(to_all, results, Must.FIT, found.names)
        return writes.edit()
