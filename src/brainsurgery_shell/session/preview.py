"""What a line would do, told without doing it.

An operation returns its edit and changes nothing, so the answer is that edit, held against the workspace and
dropped. It comes from headers alone: operations are told that they are being checked, and the services they
are handed do nothing. What can only be known by acting (a checkpoint that would be opened) is said in words.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from brainsurgery_shell.collector import collector_paused
from brainsurgery_shell.declaration.bind import Step, bind
from brainsurgery_shell.declaration.context import Context, Services
from brainsurgery_shell.declaration.expansion import Expansion, Planned
from brainsurgery_shell.declaration.operation import OPERATIONS, Operation
from brainsurgery_shell.errors import Source, Span, StepError, SurgeryError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.position import parse_prefix
from brainsurgery_shell.lang.redirect import split_redirect
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.lang.tokens import Place
from brainsurgery_shell.lang.tree import Command, Node, Scalar
from brainsurgery_shell.lang.tree import Mapping as MapNode
from brainsurgery_shell.session.changes import (
    Change,
    alias_words,
    change_words,
    changes_of,
    differences,
    nbytes_of,
    tensor_words,
)
from brainsurgery_shell.session.faults import lacks_parameter
from brainsurgery_shell.session.onlooker import Onlooker, Unseen
from brainsurgery_shell.workspace.edit import Edit, Report
from brainsurgery_shell.workspace.matching import Columns, Selection, Where, find
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session


@dataclass(slots=True)
class Foreseen:
    """What a line would do."""

    matched: Columns | None = None
    """What the step's first reference matches."""
    matches: str = ""
    """The same in words."""
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What it does besides, in words."""
    error: SurgeryError | None = None
    """Why it would fail."""
    unfinished: bool = False
    """Whether that is at its very end, where it is being typed."""
    lacks: bool = False
    """Whether that is only because a parameter is missing, which is nowhere in the line."""
    place: int = 0
    """Of several lines, which one would fail, from 0."""
    reads: bool = False
    """Whether it may read data when it is executed."""
    leaves: Edit | Workspace | None = None
    """What it makes of the workspace; ``None``: it leaves it as it is."""
    opaque: bool = False
    """Whether what it leaves cannot be known: nothing can be said of what follows."""

    def summary(self) -> str:
        """One line, as in "32 tensors, 1.2 GiB; writes 32 new names"."""
        parts = [self.matches] if self.matches else []
        if self.error is not None:
            # that nothing matches is said by the error, and better
            parts = parts if (self.matched and self.matched.names) or self.unfinished else []
            return "; ".join(parts if self.unfinished else [*parts, self.error.message.split("\n")[0]])
        parts += change_words(self.changes)
        if self.leaves is not None and not self.changes and not self.notes:
            parts.append("changes nothing")
        return "; ".join(parts + self.notes)

    def span(self, line: str) -> Span | None:
        """Where the error is in the line, unless it is about another text, as a step in a string is."""
        details = self.error.details if self.error is not None else None
        if self.lacks or details is None or details.source is None or details.source.text != line:
            return None
        return details.span


Early = Callable[[str], None]
"""Is told what a step matches, in words, before the rest is known."""


def foresee(session: Session, text: str, early: Early | None = None) -> Foreseen:
    """What a line, or several one after the other, would do. Nothing is read, written, opened or run."""
    look = _Look(session, session.workspace, early)
    lines = text.split("\n")
    if sum(bool(line.strip()) for line in lines) > 1:
        return look.several(Planned(None, Source(line)) for line in lines)
    for place, line in enumerate(lines):
        if line.strip():
            found = look.line(line)
            found.place = place
            return found
    return Foreseen()


def foresee_step(session: Session, planned: Planned) -> Foreseen:
    """What one step would do. Where it stands in another's line, an error is located in that by others."""
    if planned.command is None or planned.source.text:
        return _Look(session, session.workspace, None).planned(planned)
    return _Look(session, session.workspace, None).step(planned.command, "")


class _Look:
    """Looks at steps in a workspace, which stays as it is."""

    def __init__(self, session: Session, workspace: Workspace, early: Early | None) -> None:
        self._session, self._workspace, self._early = session, workspace, early

    def line(self, text: str) -> Foreseen:
        """What a line would do; where its result would go does not matter."""
        try:
            line = split_redirect(text)
            if line.shell:
                return Foreseen(notes=["runs a program"])
            command = parse_line(line.command_text)
        except SurgeryError as error:
            return self._unparsed(text, error.on_line(Source(text)))
        return Foreseen() if command is None else self.planned(Planned(command, Source(text)))

    def planned(self, planned: Planned) -> Foreseen:
        """What a step would do."""
        if planned.command is None:
            return self.line(planned.source.text)
        found = self.step(planned.command, planned.source.text)
        if found.error is not None:
            found.error.on_line(planned.source)
        return found

    def several(self, steps: Iterable[Planned]) -> Foreseen:
        """What steps would do together: each stands where those before it would leave the workspace."""
        scratch = self._workspace.copy()
        total = Foreseen(leaves=scratch)
        for place, planned in enumerate(steps):
            found = _Look(self._session, scratch, None).planned(planned)
            if found.error is not None:
                found.place = place
                return found
            if isinstance(found.leaves, Workspace):
                total.leaves = scratch = found.leaves
            elif found.leaves is not None:
                scratch.apply(found.leaves.detached())
            total.notes += found.notes
            total.reads |= found.reads
            if found.opaque:
                total.notes.append("what follows cannot be told before")
                total.opaque = True
                break
        total.changes = differences(self._workspace, scratch)
        return total

    def step(self, command: Command, text: str) -> Foreseen:
        """What a command would do, which stands in ``text``."""
        found = Foreseen()
        try:
            step = bind(command)
        except SurgeryError as error:
            found.error = error
            found.unfinished = _is_at_end(error, text)
            found.lacks = lacks_parameter(command, error)
            self._match_given(found, command.name, _nodes_of(command))
            return found
        try:
            found.reads = step.operation.reads
            self._match(found, step.operation, step.arguments)
            if not step.operation.inspects:
                self._look_at(step, found)
            elif not step.operation.reads:
                found.opaque = self._steers(step)
        except Unseen as unseen:
            found.notes += [unseen.says] if unseen.says else []
            found.reads |= unseen.reads
            found.opaque = unseen.changes
        except SurgeryError as error:
            found.error = error
        return found

    def _unparsed(self, text: str, error: SurgeryError) -> Foreseen:
        """A line that does not parse: if its end is missing, what it matches so far is told all the same."""
        found = Foreseen(error=error, unfinished=_is_at_end(error, text))
        if found.unfinished:
            position = parse_prefix(text, len(text))
            nodes = dict(position.given)
            if position.place in (Place.VALUE, Place.PAYLOAD) and len(position.path) < 2 and position.text:
                nodes[str(*position.path)] = Scalar(position.text)
            self._match_given(found, position.command or "", nodes)
            if found.matched is not None and not found.matched.names:
                found.matches = ""  # no reproach while a name is being typed
        return found

    def _match_given(self, found: Foreseen, name: str, nodes: Mapping[str, Node]) -> None:
        """What the first reference matches in a step that is not complete or not right."""
        operation = OPERATIONS.get(name)
        if operation is None:
            return
        arguments = {}
        for key, node in nodes.items():
            parameter = operation.parameter(key or operation.primary or "")
            with contextlib.suppress(SurgeryError):
                if parameter is not None:
                    arguments[parameter.argument] = parameter.kind.accept(node)
        with contextlib.suppress(SurgeryError):
            self._match(found, operation, arguments)

    def _steers(self, step: Step) -> bool:
        """Whether a step that changes no tensor itself asks the session for something, as ``undo`` does."""
        try:
            step.operation.run(self._context(), **step.arguments)
        except Unseen as unseen:
            return unseen.changes
        except SurgeryError:
            return False
        return False

    def _context(self) -> Context:
        return Context(self._workspace, cast(Services, Onlooker(self._session)), checking=True)

    def _look_at(self, step: Step, found: Foreseen) -> None:
        """Have the operation say what it would change."""
        with collector_paused():
            result = step.operation.run(self._context(), **step.arguments)
        if isinstance(result, Expansion):
            several = self.several(result.steps)
            found.changes, found.error, found.leaves = several.changes, several.error, several.leaves
            found.notes += several.notes
            found.reads |= several.reads
            found.opaque = several.opaque
        elif isinstance(result, Edit):
            found.leaves = result
            found.changes = changes_of(self._workspace, result)
            found.notes += alias_words(result)
            found.reads |= bool(result.checks)
        elif isinstance(result, Report) and step.operation.reads:
            found.notes.append("nothing in the headers is against it")

    def _match(self, found: Foreseen, operation: Operation, arguments: Mapping[str, Any]) -> None:
        """Find what the first reference matches, if there is one.

        What is wrong with it is left to the operation, if that is going to be asked.
        """
        references = (
            each.kind.matched(arguments[each.argument])
            for each in operation.parameters
            if arguments.get(each.argument) is not None
        )
        reference = next((each for each in references if each is not None), None)
        if reference is None:
            return
        where = arguments.get("where")
        selection = Selection(arguments.get("except_"), where if isinstance(where, Where) else None)
        try:
            matched = find(self._workspace, reference, selection, none_is_fine=True)
            found.matches = _words(matched)
        except StepError:
            if operation.inspects:
                raise
            return
        if operation.inspects and not operation.reads and not matched.names:
            found.matches = ""  # it may list what lies below a name: only it can tell
        found.matched = matched
        if self._early is not None:
            self._early(found.matches)


def _words(matched: Columns) -> str:
    """How many tensors, and how large; with a slice, how large the parts are."""
    if not matched.names:
        return "matches no tensor"
    return f"{tensor_words(len(matched))}, {size_words(nbytes_of(matched.selected()))}"


def _nodes_of(command: Command) -> dict[str, Node]:
    """What a command gives, by parameter; a bare value belongs to the primary one, which has no name here."""
    if command.payload is None:
        return {}
    if isinstance(command.payload, MapNode):
        return {pair.key: pair.value for pair in command.payload.pairs}
    return {"": command.payload}


def _is_at_end(error: SurgeryError, text: str) -> bool:
    span = error.details.span
    return span is not None and span.end >= len(text.rstrip())
