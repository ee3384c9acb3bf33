"""Concrete names instead of patterns: ``summarize: resolve: true``.

A step that matched 32 tensors becomes 32 steps that name them. Its matches were read at once, the steps
follow one another: so a step comes before those that write what it reads. Where that is impossible (a swap),
the pattern stays. Assertions keep their patterns too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from brainsurgery_shell.declaration.bind import Step, bind
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.operation import SELECTION
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Command, Mapping, Pair
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Match, Selection, find
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session

_SIGNS = re.compile(r"[\\.^$*+?{}\[\]|()]")


@dataclass(frozen=True, slots=True)
class _Single:
    """A step for one match, and the names it reads and writes."""

    command: Command
    reads: frozenset[str]
    writes: frozenset[str]


def resolved(session: Session) -> dict[int, list[Command]]:
    """For each edit in force (by identity) the commands that name its tensors one by one."""
    workspace = session.workspace.copy()
    for record in reversed(session.timeline.steps):
        for inverse in record.inverse:
            workspace.apply(inverse.detached())
    found: dict[int, list[Command]] = {}
    for record in session.timeline.leaves():
        if record.role != "edit":
            continue
        step = bind(record.command)
        commands = _commands(workspace, step)
        if commands is not None:
            found[id(record)] = commands
        edit = step.operation.run(Context(workspace, session.services, checking=True), **step.arguments)
        if isinstance(edit, Edit):
            workspace.apply(edit)
    return found


def _commands(workspace: Workspace, step: Step) -> list[Command] | None:
    reference = _matched(step)
    if reference is None or step.operation.together:
        return None
    chosen = Selection(step.arguments.get("except_"), step.arguments.get("where"), None)
    matches = find(workspace, reference, chosen, none_is_fine=True).matches
    singles = [_single(workspace, step, match, at) for at, match in enumerate(matches)]
    before: dict[int, set[int]] = {number: set() for number in range(len(singles))}
    readers: dict[str, list[int]] = {}
    for number, single in enumerate(singles):
        for name in single.reads:
            readers.setdefault(name, []).append(number)
    for number, single in enumerate(singles):
        for name in single.writes:
            before[number].update(other for other in readers.get(name, ()) if other != number)
    try:
        return [singles[number].command for number in TopologicalSorter(before).static_order()]
    except CycleError:
        return None


def _matched(step: Step) -> Reference | None:
    """The reference whose matches the step works through."""
    for parameter in step.operation.parameters:
        value = step.arguments.get(parameter.argument)
        if parameter not in SELECTION and value is not None:
            reference = parameter.kind.matched(value)
            if reference is not None:
                return reference
    return None


def _single(workspace: Workspace, step: Step, match: Match, at: int) -> _Single:
    reads, writes = {f"{match.alias}::{match.name}"}, set[str]()
    payload = step.command.payload
    primary = step.operation.primary or ""
    bare = (Pair(primary, payload),) if payload is not None else ()
    pairs = []
    for pair in payload.pairs if isinstance(payload, Mapping) else bare:
        parameter = step.operation.parameter(pair.key)
        if parameter is None or parameter in SELECTION:
            continue

        def name(part: Reference | Template, role: str = parameter.name) -> str:
            if isinstance(part, Reference):
                text = f"{match.alias}::{_escaped(match.name)}"
            else:
                text = _filled(workspace, part, match, role.startswith(("to", "target")), writes)
            return text if part.slice is None else f"{text}::{part.slice}"

        value = step.arguments[parameter.argument]
        node = parameter.kind.named(value, name) or parameter.kind.alone(value, at)
        pairs.append(Pair(pair.key, pair.value if node is None else node))
    command = Command(step.command.name, Mapping(tuple(pairs)))
    return _Single(command, frozenset(reads | writes), frozenset(writes))


def _filled(
    workspace: Workspace, template: Template, match: Match, destination: bool, names: set[str]
) -> str:
    alias = template.alias or (match.alias if destination else workspace.alias(None))
    name = template.fill(match.captures, match.name)
    names.add(f"{alias}::{name}")
    return f"{alias}::{_escaped(name, dots=False)}"


def _escaped(name: str, dots: bool = True) -> str:
    """A name as a pattern, or (with its dots as they are) as a template, that means just this name."""
    return _SIGNS.sub(lambda sign: sign[0] if sign[0] == "." and not dots else "\\" + sign[0], name)
