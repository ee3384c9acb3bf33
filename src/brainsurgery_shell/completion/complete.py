"""``complete``: from a place in a line to the candidates there, by the declarations alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from brainsurgery_shell.completion import captures
from brainsurgery_shell.completion.candidates import LIMIT, Candidate, SessionView, chosen, distinct
from brainsurgery_shell.completion.paths import paths
from brainsurgery_shell.completion.scope import Around, Scope, around, primary_of, scope_at
from brainsurgery_shell.completion.segments import segments
from brainsurgery_shell.completion.tensors import references, templates, tensors
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.declaration.kinds import Boolean, Kind
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation, Parameter, Registry
from brainsurgery_shell.declaration.references import ListOf
from brainsurgery_shell.describe import load_declarations, summary
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.position import Position, parse_prefix
from brainsurgery_shell.lang.redirect import operators
from brainsurgery_shell.lang.tokens import Place


def complete(text: str, cursor: int, session: SessionView) -> list[Candidate]:
    """What may be written at ``cursor``: at most ``LIMIT`` candidates, the likeliest first."""
    load_declarations()
    before, after = text[:cursor], text[cursor:]
    if before.lstrip(scan.BLANKS).startswith("!"):
        return []
    redirected = _redirected(before)
    if redirected is not None:
        found: Iterable[Candidate] = paths(Pen(redirected, after), session.folder)
    else:
        found = _Place(_settled(before), before, after, session).candidates()
    return list(islice(distinct(found), LIMIT))


def _redirected(before: str) -> Position | None:
    """The position of a file name behind ``>``; behind ``|`` nothing is known."""
    for at, mode in operators(before):
        start = scan.after_blanks(before, at + len(mode))
        raw = before[start:]
        quote = raw[0] if raw and raw[0] in scan.QUOTES else ""
        typed = scan.unquote_open(raw) if quote else raw
        place = Place.COMMENT if mode == "|" else Place.VALUE
        return Position(place, None, (), raw, typed, start, quote, ())
    return None


def _settled(before: str) -> Position:
    """The position; a key with its colon is taken for one, though it may become ``alias::``."""
    position = parse_prefix(before, len(before))
    key = position.raw[:-1].rstrip(scan.BLANKS) if position.raw.endswith(":") else ""
    if position.place is not Place.PAYLOAD or not key:
        return position
    if scope_at(position).child(key) == Scope():
        return position
    inner = parse_prefix(before + " ", len(before) + 1)
    return Position(
        inner.place, inner.command, inner.path, "", "", len(before), "", inner.used, inner.given, True
    )


class _Place:
    """One place of a line, with all that decides what may stand there."""

    def __init__(self, position: Position, before: str, after: str, session: SessionView) -> None:
        self._position, self._before, self._after, self._session = position, before, after, session
        self._pen = Pen(position, after)
        self._scope = scope_at(position)

    def candidates(self) -> Iterator[Candidate]:
        place = self._position.place
        if place is Place.NAME:
            return self._commands()
        if place is Place.KEY:
            return self._keys(self._scope, self._position.used)
        if place is Place.PAYLOAD:
            return self._payload()
        return self._values(self._scope) if place is Place.VALUE else iter(())

    def _commands(self) -> Iterator[Candidate]:
        for name in chosen(OPERATIONS.names(), self._position.text):
            operation = OPERATIONS.get(name)
            if operation is not None:
                needs = any(parameter.required for parameter in operation.parameters)
                yield self._pen.plain(self._key(name) if needs else name, name, summary(operation))

    def _key(self, name: str) -> str:
        """A key with its colon, unless that stands behind the cursor already."""
        return name if self._after.lstrip(scan.BLANKS).startswith(":") else f"{name}: "

    def _keys(self, scope: Scope, used: tuple[str, ...] = (), opening: str = "") -> Iterator[Candidate]:
        """Keys of the map here; ``opening`` is the brace that is still to be written."""
        if self._before.endswith(","):
            opening = " "
        typed = self._position.text
        for name, meta in _known_keys(scope, used, typed):
            yield self._pen.plain(opening + self._key(name), name, meta)

    def _payload(self) -> Iterator[Candidate]:
        """Behind the command's colon: its parameters, and values of the primary one."""
        if self._position.quote == "" and "::" not in self._position.text:
            yield from self._keys(self._scope)
        primary = primary_of(self._scope.owner) if self._scope.owner is not None else None
        if primary is not None and not primary.whole_payload and _alone(self._scope.owner, primary):
            yield from self._values(Scope(kind=primary.kind))

    def _values(self, scope: Scope) -> Iterator[Candidate]:
        position = self._position
        if scope.owner is not None or scope.takes_expression or scope.fields:
            if not position.raw or position.raw.isidentifier():
                yield from self._keys(scope, opening="{ ")
            primary = primary_of(scope.owner) if scope.owner is not None else None
            if primary is None or primary.whole_payload or not _alone(scope.owner, primary):
                return
            scope = Scope(kind=primary.kind)
        if scope.kind is None:
            return
        if scope.segment:
            nearby = around(self._before, position.start)
            source = self._source(nearby)
            template = scope.kind.completes != "tensors"
            yield from segments(self._pen, self._session.workspace, nearby, source, template=template)
        else:
            yield from self._of_kind(scope.kind)

    def _of_kind(self, kind: Kind) -> Iterator[Candidate]:
        """Values of one kind. A list's items are completed once its bracket stands."""
        workspace, typed = self._session.workspace, self._pen.typed
        if isinstance(kind, ListOf) or Scope(kind=kind).lists_references:
            if not self._position.raw and "list" in kind.words:
                yield self._pen.plain("[", "[", kind.words)
        elif kind.completes in ("tensors", "captures", "names"):
            nearby = around(self._before, self._position.start)
            source = self._source(nearby)
            matched = kind.completes == "tensors" and not (
                source is not None and self._in_map_of_references()
            )
            yield from (
                references(self._pen, workspace) if matched else templates(self._pen, workspace, source)
            )
        elif kind.completes == "aliases":
            for alias in chosen(workspace.checkpoints, typed):
                yield self._pen.value(alias, alias, tensors(len(workspace.checkpoints[alias].tensors)))
        elif kind.completes == "paths":
            yield from paths(self._pen, self._session.folder)
        elif kind.completes in ("topics", "expressions"):
            yield from self._declared(OPERATIONS if kind.completes == "topics" else EXPRESSIONS)
        else:
            for choice in chosen(kind.choices(), typed):
                literal = isinstance(kind, Boolean) and not self._position.quote
                yield self._pen.plain(choice, choice) if literal else self._pen.value(choice, choice)

    def _declared(self, registry: Registry) -> Iterator[Candidate]:
        for declared in _named(registry, self._pen.typed):
            yield self._pen.value(declared.name, declared.name, summary(declared))

    def _in_map_of_references(self) -> bool:
        """Whether the value is one of a map of references, of which the first is matched."""
        path = self._position.path
        scope = Scope(OPERATIONS.get(self._position.command or ""))
        for step in path[:-1]:
            scope = scope.child(step)
        return scope.lists_references and isinstance(path[-1], str)

    def _source(self, nearby: Around) -> captures.Source | None:
        """The reference whose captures a template here may take."""
        position = self._position
        scope = Scope(OPERATIONS.get(position.command or ""))
        found = captures.source_of(scope.owner, nearby)
        for step in position.path:
            if scope.lists_references:
                return captures.first_source(nearby)
            scope = scope.child(step)
            if scope.owner is not None:
                found = captures.source_of(scope.owner, nearby)
        return found


def _known_keys(scope: Scope, used: tuple[str, ...], typed: str) -> Iterator[tuple[str, str]]:
    """The keys that a map may still get, with what they are."""
    if scope.takes_expression:
        if not used:
            yield from ((each.name, summary(each)) for each in _named(EXPRESSIONS, typed))
    elif scope.owner is not None:
        yield from ((each.name, _about(each)) for each in _parameters(scope.owner, used, typed))
    else:
        for name in chosen([name for name in scope.fields if name not in used], typed):
            yield name, scope.fields[name].words


def _named(registry: Registry, typed: str) -> list[Operation]:
    return [each for name in chosen(registry.names(), typed) if (each := registry.get(name)) is not None]


def _parameters(owner: Operation, used: tuple[str, ...], typed: str) -> list[Parameter]:
    """Parameters that are not given yet, required ones first."""
    taken = {parameter.name for key in used if (parameter := owner.parameter(key)) is not None}
    free = {each.name: each for each in owner.parameters if each.name not in taken}
    return sorted((free[name] for name in chosen(free, typed)), key=lambda each: not each.required)


def _alone(owner: Operation | None, primary: Parameter) -> bool:
    """Whether a bare value can be the whole payload: nothing else is required."""
    others = owner.parameters if owner is not None else ()
    return not any(each.required for each in others if each is not primary)


def _about(parameter: Parameter) -> str:
    return parameter.about if parameter.required else f"{parameter.about} (optional)"
