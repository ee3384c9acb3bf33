"""Collecting what a step writes: destinations, collisions, regions. The result is an edit."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, field

from brainsurgery_shell.errors import Span, fail
from brainsurgery_shell.graph.build import write_region
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.captures import Captures
from brainsurgery_shell.lang.slices import Slice
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Match, missing
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


def literal_name(template: Template) -> str:
    """The one name that a template without captures says.

    Raises:
        StepError: it has captures, and there is no match to fill them from.
    """
    if not template.literal:
        fail(f"'{template.text}' has captures, and nothing is matched here", span=template.span)
    return template.fill(Captures((template.text,), {}), template.text)


@dataclass(slots=True)
class Writes:
    """The writes of one step. Everything is read before anything is written."""

    workspace: Workspace
    count: int = 0
    _written: dict[tuple[str, str], tuple[Destination, LazyTensor, Must, str]] = field(default_factory=dict)
    _removed: set[tuple[str, str]] = field(default_factory=set)
    _moved: dict[tuple[str, str], int] = field(default_factory=dict)

    def destination(self, template: Template, match: Match) -> Destination:
        """Where ``template`` sends ``match``; without an alias, to the source's."""
        alias = match.alias if template.alias is None else self.workspace.alias(template.alias, template.span)
        name = template.fill(match.captures, match.name)
        return Destination(alias, name, template.slice, template.span)

    def current(self, to: Destination) -> LazyTensor:
        """The tensor that is at a destination now.

        Raises:
            StepError: there is none.
        """
        tensor = self.workspace.checkpoints[to.alias].tensors.get(to.name)
        if tensor is None:
            raise missing(self.workspace, to.alias, to.name, to.span)
        return tensor

    def put(self, to: Destination, tensor: LazyTensor, must: Must, source: str) -> None:
        """Write ``tensor``; ``source`` names, for a collision, what it comes from.

        Raises:
            StepError: the destination is not as it must be, or two sources go there.
            TypeError: ``tensor`` is none.
        """
        if not isinstance(tensor, LazyTensor):  # an edit would take None for a deletion
            raise TypeError(f"expected a lazy tensor for {to.shown}, found {type(tensor).__name__}")
        key = (to.alias, to.name)
        other = self._written.get(key)
        if other is not None:
            fail(
                f"two sources for one destination: {other[3]} and {source} both go to {to.shown}",
                hint="let the destination keep what tells the sources apart, as in '\\1'",
                span=to.span,
            )
        self._written[key] = (to, tensor, must, source)

    def remove(self, match: Match) -> None:
        """Delete a tensor."""
        self._removed.add((match.alias, match.name))

    def move(self, match: Match, to: Destination, must: Must) -> None:
        """Rename a tensor; within its checkpoint it keeps its place."""
        self.put(to, match.tensor, must, match.name)
        self.remove(match)
        if to.alias == match.alias:
            places = self.workspace.checkpoints[match.alias].places
            self._moved[to.alias, to.name] = places[match.name]

    def edit(self) -> Edit:
        """All of it as one edit."""
        edit = Edit(count=self.count)
        tensors: dict[str, dict[str, LazyTensor | None]] = defaultdict(dict)
        places: dict[str, dict[str, int]] = defaultdict(dict)
        for alias, name in self._removed - self._written.keys():
            tensors[alias][name] = None
        for key, (to, tensor, must, _) in self._written.items():
            tensors[key[0]][key[1]] = self._result(key, to, tensor, must)
        for (alias, name), place in self._moved.items():
            places[alias][name] = place
        edit.tensors, edit.places = dict(tensors), dict(places)
        return edit

    def _result(self, key: tuple[str, str], to: Destination, tensor: LazyTensor, must: Must) -> LazyTensor:
        if must is Must.BE_ANY and to.slice is None:
            return tensor
        before = self.workspace.checkpoints[to.alias].tensors.get(to.name)
        if to.slice is not None:
            before = self.current(to)
            ranges = to.slice.resolve(before.shape, to.shown).ranges
            return write_region(before, ranges, tensor)
        if before is None and must is Must.EXIST:
            raise missing(self.workspace, to.alias, to.name, to.span)
        if before is None or key in self._removed or must is Must.BE_ANY:
            return tensor
        if must is Must.BE_NEW:
            fail(
                f"the destination {to.shown} exists already",
                hint=f"delete it first, or give another name; {to.shown} is "
                f"{before.dtype} {list(before.shape)}",
                span=to.span,
            )
        if before.shape != tensor.shape:
            fail(
                f"shapes differ: {list(tensor.shape)} goes into {to.shown}, which is {list(before.shape)}",
                span=to.span,
            )
        if before.dtype is not tensor.dtype:
            fail(
                f"dtypes differ: {tensor.dtype} goes into {to.shown}, which is {before.dtype}",
                hint="cast one of them first",
                span=to.span,
            )
        return tensor
