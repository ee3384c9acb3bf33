"""Matching: from references to the tensors of a workspace, and from templates to names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress

from brainsurgery_shell.errors import Span, StepError, fail, listed
from brainsurgery_shell.graph.build import take
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.captures import Captures, Groups
from brainsurgery_shell.lang.nearest import like, nearest_names, no_match
from brainsurgery_shell.lang.pattern import Matcher, Scan, compile_reference
from brainsurgery_shell.lang.reference import Reference, parse_reference
from brainsurgery_shell.lang.slices import Slice
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Scalar
from brainsurgery_shell.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions on tensors; all that are given must hold. Sizes in bytes."""

    dtype: DType | None = None
    rank: int | None = None
    min_size: int | None = None
    max_size: int | None = None

    def holds(self, tensor: LazyTensor) -> bool:
        """Whether ``tensor`` satisfies every condition."""
        return (
            (self.dtype is None or tensor.dtype is self.dtype)
            and (self.rank is None or tensor.rank == self.rank)
            and (self.min_size is None or tensor.nbytes >= self.min_size)
            and (self.max_size is None or tensor.nbytes <= self.max_size)
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the matches a step takes: what is left out, what must hold, how many there must be."""

    leave_out: Reference | None = None
    where: Where | None = None
    expect: int | None = None


EVERYTHING = Selection()


@dataclass(slots=True, eq=False)
class Match:
    """One tensor that a reference matched, with its captures. Not to be changed."""

    alias: str
    name: str
    tensor: LazyTensor
    captures: Captures
    slice: Slice | None = None

    def selected(self) -> LazyTensor:
        """The tensor, or the part of it that the reference's slice selects."""
        return sliced(self.tensor, self.slice, f"{self.alias}::{self.name}")


def everything(alias: str) -> Reference:
    """All tensors of a checkpoint."""
    return parse_reference(Scalar(f"{alias}::(?s:.*)"))


def sliced(tensor: LazyTensor, by: Slice | None, what: str) -> LazyTensor:
    """``tensor`` indexed; ``what`` names it in errors."""
    return tensor if by is None else take(tensor, by.resolve(tensor.shape, what).ranges)


def sliced_all(
    tensors: Sequence[LazyTensor], by: Slice | None, alias: str, names: Sequence[str]
) -> Sequence[LazyTensor]:
    """Each tensor indexed; alias and names are for errors."""
    if by is None:
        return tensors
    ranges = {}  # many tensors have few shapes
    parts = []
    for tensor, name in zip(tensors, names, strict=True):
        if tensor.shape not in ranges:
            ranges[tensor.shape] = by.resolve(tensor.shape, f"{alias}::{name}").ranges
        parts.append(take(tensor, ranges[tensor.shape]))
    return parts


@dataclass(frozen=True, slots=True)
class Columns:
    """Existing tensors of one checkpoint: a column of names and one of tensors, not to be changed."""

    alias: str
    names: Sequence[str]
    tensors: Sequence[LazyTensor]
    slice: Slice | None = None

    def __len__(self) -> int:
        return len(self.names)

    def selected(self) -> Sequence[LazyTensor]:
        """The tensors, or the parts of them that the slice selects."""
        return sliced_all(self.tensors, self.slice, self.alias, self.names)


@dataclass(frozen=True, slots=True)
class Found(Columns):
    """What one reference matched: columns of equal length, in checkpoint order.

    Iterating makes a ``Match`` of each row, which is convenient; for 100,000 tensors the columns are faster.
    """

    groups: Sequence[Groups] = ()
    """What the pattern bound in each name, as ``Captures.groups``."""
    matcher: Matcher = field(kw_only=True)
    """Templates are checked against it."""
    reference: Reference = field(kw_only=True)

    @property
    def matches(self) -> list[Match]:
        """Every row."""
        return list(self)

    def __iter__(self) -> Iterator[Match]:
        index = self.matcher.index
        for name, tensor, groups in zip(self.names, self.tensors, self.groups, strict=True):
            yield Match(self.alias, name, tensor, Captures(groups, index), self.slice)

    def check(self, *templates: Template | None) -> None:
        """Fail if a template names a capture that the reference does not have."""
        for template in templates:
            if template is not None:
                template.check(self.matcher)

    def filled(self, template: Template) -> list[str]:
        """The name that a template makes for each match."""
        return template.fill_all(self.groups, self.matcher.index, self.names)


def find(
    workspace: Workspace,
    reference: Reference,
    selection: Selection = EVERYTHING,
    *,
    none_is_fine: bool = False,
) -> Found:
    """Every tensor that ``reference`` matches, in checkpoint order.

    Raises:
        StepError: nothing matches, or not as many as expected; the nearest names are given.
    """
    alias = workspace.alias(reference.alias, reference.span)
    checkpoint = workspace.checkpoints[alias]
    matcher = compile_reference(reference)
    scan = matcher.scan(checkpoint.names())
    if selection.leave_out is not None and (selection.leave_out.alias or alias) == alias:
        left_out = set(compile_reference(selection.leave_out).scan(scan.names).names)
        scan = _narrowed(scan, [name not in left_out for name in scan.names])
    tensors = list(map(checkpoint.tensors.__getitem__, scan.names))
    if selection.where is not None:
        holds = list(map(selection.where.holds, tensors))
        scan, tensors = _narrowed(scan, holds), list(compress(tensors, holds))
    _check_count(scan.names, reference, selection, alias, workspace, none_is_fine)
    names, groups = scan
    return Found(alias, names, tensors, reference.slice, groups, matcher=matcher, reference=reference)


def _narrowed(scan: Scan, stays: Sequence[bool]) -> Scan:
    return Scan(list(compress(scan.names, stays)), list(compress(scan.groups, stays)))


def _check_count(
    names: Sequence[str],
    reference: Reference,
    selection: Selection,
    alias: str,
    workspace: Workspace,
    none_is_fine: bool,
) -> None:
    expected = selection.expect
    narrowed = selection.leave_out is not None or selection.where is not None
    checkpoint = workspace.checkpoints[alias]
    if expected is not None and len(names) != expected:
        near = None if names or narrowed else no_match(reference, checkpoint.names()).hint
        fail(
            f"expected {expected} {_tensors(expected)}, '{reference.text}' matches {len(names)}",
            hint=_examples(names) or near,
            span=reference.span,
        )
    if names or expected == 0 or none_is_fine:
        return
    if narrowed:
        fail(
            f"'{reference.text}' matches nothing that except and where leave",
            span=reference.span,
        )
    raise no_match(reference, checkpoint.names(), list(workspace.checkpoints))


def _tensors(count: int) -> str:
    return "tensor" if count == 1 else "tensors"


def _examples(names: Sequence[str]) -> str | None:
    return f"it matches {listed(names)}" if names else None


def fill(workspace: Workspace, template: Template, match: Match) -> Match:
    """The existing tensor that a further source names for ``match``.

    Raises:
        StepError: there is no such tensor.
    """
    alias = workspace.alias(template.alias, template.span)
    name = template.fill(match.captures, match.name)
    tensor = existing(workspace, alias, (name,), template.span)[0]
    return Match(alias, name, tensor, Captures((name,), {}), template.slice)


def fill_all(workspace: Workspace, template: Template, found: Found) -> Columns:
    """The existing tensors that a further source names, for each match.

    Raises:
        StepError: one of them does not exist.
    """
    alias = workspace.alias(template.alias, template.span)
    names = found.filled(template)
    return Columns(alias, names, existing(workspace, alias, names, template.span), template.slice)


def existing(
    workspace: Workspace, alias: str, names: Sequence[str], span: Span | None = None
) -> list[LazyTensor]:
    """The tensors with exactly those names.

    Raises:
        StepError: one does not exist.
    """
    try:
        return list(map(workspace.checkpoints[alias].tensors.__getitem__, names))
    except KeyError as error:
        raise missing(workspace, alias, error.args[0], span) from None


def missing(workspace: Workspace, alias: str, name: str, span: Span | None = None) -> StepError:
    """The error for a tensor that is not there, with the nearest names."""
    names = workspace.checkpoints[alias].names()
    near = nearest_names(name, names)
    hint = f"the nearest names: {', '.join(near)}" if near else like(names)
    return StepError(f"there is no tensor '{name}' in '{alias}'", hint=hint, span=span)
