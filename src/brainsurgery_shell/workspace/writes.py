"""Collecting what a step writes: destinations, collisions, regions. The result is an edit.

A step may write 100,000 tensors, so writes are columns, and what must be true is asked of all at once. Only
where it is not true are they looked at one by one, to say which.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from brainsurgery_shell.errors import InternalError, Span, StepError, fail
from brainsurgery_shell.graph.build import write_region
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.captures import Captures
from brainsurgery_shell.lang.slices import Slice
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Columns, Found, Match, existing, sliced_all
from brainsurgery_shell.workspace.workspace import Workspace


class Must(enum.Enum):
    """What has to be true of a destination."""

    BE_NEW = "must not exist"
    EXIST = "must exist"
    FIT = "is created, or must have the result's shape and dtype"
    BE_ANY = "is created or replaced"


@dataclass(slots=True, eq=False)
class Destination:
    """Where a tensor goes: a name, or with a slice the region of an existing tensor. Not to be changed."""

    alias: str
    name: str
    slice: Slice | None = None
    span: Span | None = None

    @property
    def shown(self) -> str:
        """For messages."""
        return f"{self.alias}::{self.name}"


@dataclass(slots=True, eq=False)
class Destinations:
    """Where tensors go: names, or with a slice the same region of existing tensors. Not to be changed."""

    alias: str
    names: Sequence[str]
    slice: Slice | None = None
    span: Span | None = None


def literal_name(template: Template) -> str:
    """The one name that a template without captures says.

    Raises:
        StepError: it has captures, and there is no match to fill them from.
    """
    if not template.literal:
        fail(f"'{template.text}' has captures, and nothing is matched here", span=template.span)
    return template.fill(Captures((template.text,), {}), template.text)


class _Kind(NamedTuple):
    """What writes have in common that must satisfy the same."""

    alias: str
    slice: Slice | None
    span: Span | None
    must: Must


@dataclass(slots=True)
class _Batch:
    """Writes that must satisfy the same: columns of equal length."""

    names: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Writes:
    """The writes of one step. Everything is read before anything is written."""

    workspace: Workspace
    count: int = 0
    _written: dict[str, dict[str, LazyTensor]] = field(default_factory=lambda: defaultdict(dict))
    """Alias → name → tensor, in the order of writing."""
    _batches: dict[_Kind, _Batch] = field(default_factory=lambda: defaultdict(_Batch))
    _removed: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    """Alias → names, in the order in which they were removed."""
    _moved: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Alias → new name → place."""

    def destination(self, template: Template, match: Match) -> Destination:
        """Where ``template`` sends ``match``; without an alias, to the source's."""
        alias = match.alias if template.alias is None else self.workspace.alias(template.alias, template.span)
        name = template.fill(match.captures, match.name)
        return Destination(alias, name, template.slice, template.span)

    def destinations(self, template: Template, found: Found) -> Destinations:
        """Where ``template`` sends each match; without an alias, to the source's."""
        alias = found.alias if template.alias is None else self.workspace.alias(template.alias, template.span)
        return Destinations(alias, found.filled(template), template.slice, template.span)

    def current(self, to: Destination) -> LazyTensor:
        """The tensor that is at a destination now.

        Raises:
            StepError: there is none.
        """
        return existing(self.workspace, to.alias, (to.name,), to.span)[0]

    def current_all(self, to: Destinations) -> Sequence[LazyTensor]:
        """The tensors, or the regions of them, that are at the destinations now.

        Raises:
            StepError: one does not exist, or does not have the region.
        """
        tensors = existing(self.workspace, to.alias, to.names, to.span)
        return sliced_all(tensors, to.slice, to.alias, to.names)

    def put(self, to: Destination, tensor: LazyTensor, must: Must, source: str) -> None:
        """Write ``tensor``; ``source`` names, for a collision, what it comes from.

        Raises:
            StepError: the destination is not as it must be, or two sources go there.
            TypeError: ``tensor`` is none.
        """
        if type(tensor) is not LazyTensor:  # an edit would take None for a deletion
            raise TypeError(f"expected a lazy tensor for {to.shown}, found {type(tensor).__name__}")
        written = self._written[to.alias]
        batch = self._batches[_Kind(to.alias, to.slice, to.span, must)]
        batch.names.append(to.name)
        batch.sources.append(source)
        if to.name in written:
            raise self._collision(to.alias, to.span)
        written[to.name] = tensor

    def put_all(
        self, to: Destinations, tensors: Sequence[LazyTensor], must: Must, sources: Sequence[str]
    ) -> None:
        """Write each tensor; ``sources`` name, for a collision, what they come from.

        Raises:
            StepError: a destination is not as it must be, or two sources go to one.
            TypeError: one of ``tensors`` is none.
        """
        if not set(map(type, tensors)) <= {LazyTensor}:
            at = next(at for at, tensor in enumerate(tensors) if type(tensor) is not LazyTensor)
            shown = f"{to.alias}::{to.names[at]}"
            raise TypeError(f"expected a lazy tensor for {shown}, found {type(tensors[at]).__name__}")
        written = self._written[to.alias]
        before = len(written)
        written.update(zip(to.names, tensors, strict=True))
        batch = self._batches[_Kind(to.alias, to.slice, to.span, must)]
        batch.names += to.names
        batch.sources += sources
        if len(written) != before + len(to.names):
            raise self._collision(to.alias, to.span)

    def put_rows(
        self,
        to: Sequence[Destinations],
        rows: Sequence[Sequence[LazyTensor]],
        must: Must,
        sources: Sequence[str],
    ) -> None:
        """Write several tensors of each source, one to each of ``to``; what comes from one stays together.

        Raises:
            StepError: a destination is not as it must be, or two sources go to one.
        """
        for at, (row, source) in enumerate(zip(rows, sources, strict=True)):
            for each, tensor in zip(to, row, strict=True):
                self.put(Destination(each.alias, each.names[at], each.slice, each.span), tensor, must, source)

    def remove(self, match: Match) -> None:
        """Delete a tensor."""
        self._removed[match.alias][match.name] = None

    def remove_all(self, which: Columns) -> None:
        """Delete tensors."""
        self._removed[which.alias] |= dict.fromkeys(which.names)

    def move(self, match: Match, to: Destination, must: Must) -> None:
        """Rename a tensor; within its checkpoint it keeps its place."""
        source = Columns(match.alias, (match.name,), (match.tensor,))
        self.move_all(source, Destinations(to.alias, (to.name,), to.slice, to.span), must)

    def move_all(self, which: Columns, to: Destinations, must: Must) -> None:
        """Rename tensors; within their checkpoint they keep their places."""
        self.put_all(to, which.tensors, must, which.names)
        self.remove_all(which)
        if to.alias == which.alias:
            places = map(self.workspace.checkpoints[which.alias].places.__getitem__, which.names)
            self._moved[to.alias].update(zip(to.names, places, strict=True))

    def edit(self) -> Edit:
        """All of it as one edit."""
        edit = Edit(count=self.count)
        for alias, removed in self._removed.items():
            written = self._written.get(alias, {})
            edit.tensors[alias] = dict.fromkeys(name for name in removed if name not in written)
        for alias, tensors in self._written.items():
            edit.tensors.setdefault(alias, {}).update(tensors)
        for kind, batch in self._batches.items():
            if kind.slice is not None:
                edit.tensors[kind.alias].update(self._regions(kind, kind.slice, batch.names))
            else:
                self._check(kind, batch.names)
        edit.tensors = {alias: changes for alias, changes in edit.tensors.items() if changes}
        edit.places = dict(self._moved)
        return edit

    def _collision(self, alias: str, span: Span | None) -> StepError:
        """The error for the first destination that two sources go to."""
        first: dict[str, str] = {}
        for kind, batch in self._batches.items():
            if kind.alias != alias:
                continue
            for name, source in zip(batch.names, batch.sources, strict=True):
                if name not in first:
                    first[name] = source
                    continue
                shown = f"{alias}::{name}"
                return StepError(
                    f"two sources for one destination: {first[name]} and {source} both go to {shown}",
                    hint="let the destination keep what tells the sources apart, as in '\\1'",
                    span=span,
                )
        raise InternalError("no destination is written twice")

    def _check(self, kind: _Kind, names: list[str]) -> None:
        """Raise unless what is written to these names is as it must be."""
        tensors = self.workspace.checkpoints[kind.alias].tensors
        if kind.must is Must.BE_ANY:
            return
        if kind.must is Must.EXIST:
            existing(self.workspace, kind.alias, names, kind.span)
            return
        if tensors.keys().isdisjoint(names):
            return
        new = kind.must is Must.BE_NEW
        written, removed = self._written[kind.alias], self._removed.get(kind.alias, {})
        for name in names:
            before = tensors.get(name)
            if before is not None and name not in removed:
                tensor = written[name]
                if new or before.shape != tensor.shape or before.dtype is not tensor.dtype:
                    _misfit(kind, name, before, tensor)

    def _regions(self, kind: _Kind, by: Slice, names: list[str]) -> Iterator[tuple[str, LazyTensor]]:
        """The existing tensors, each with its region written."""
        written = self._written[kind.alias]
        ranges = {}
        for name, before in zip(names, existing(self.workspace, kind.alias, names, kind.span), strict=True):
            if before.shape not in ranges:
                ranges[before.shape] = by.resolve(before.shape, f"{kind.alias}::{name}").ranges
            yield name, write_region(before, ranges[before.shape], written[name])


def _misfit(kind: _Kind, name: str, before: LazyTensor, tensor: LazyTensor) -> NoReturn:
    """Say why ``tensor`` cannot stand where ``before`` does."""
    shown = f"{kind.alias}::{name}"
    if kind.must is Must.BE_NEW:
        fail(
            f"the destination {shown} exists already",
            hint=f"delete it first, or give another name; {shown} is {before.dtype} {list(before.shape)}",
            span=kind.span,
        )
    if before.shape != tensor.shape:
        fail(
            f"shapes differ: {list(tensor.shape)} goes into {shown}, which is {list(before.shape)}",
            span=kind.span,
        )
    fail(
        f"dtypes differ: {tensor.dtype} goes into {shown}, which is {before.dtype}",
        hint="cast one of them first",
        span=kind.span,
    )
