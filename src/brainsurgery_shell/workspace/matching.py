"""Matching: from references to the tensors of a workspace, and from templates to names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from brainsurgery_shell.errors import Span, StepError, fail
from brainsurgery_shell.graph.build import take
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.captures import Captures
from brainsurgery_shell.lang.nearest import like, nearest_names, no_match
from brainsurgery_shell.lang.pattern import Matcher, compile_reference
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


@dataclass(frozen=True, slots=True)
class Found:
    """What one reference matched: the matches, and the matcher that templates are checked against."""

    matches: list[Match]
    matcher: Matcher
    reference: Reference

    def __iter__(self) -> Iterator[Match]:
        return iter(self.matches)

    def __len__(self) -> int:
        return len(self.matches)

    def check(self, *templates: Template | None) -> None:
        """Fail if a template names a capture that the reference does not have."""
        for template in templates:
            if template is not None:
                template.check(self.matcher)


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
    tensors = checkpoint.tensors
    scanned = matcher.scan(checkpoint.names())
    if selection.leave_out is not None and (selection.leave_out.alias or alias) == alias:
        left_out = compile_reference(selection.leave_out)
        scanned = [each for each in scanned if left_out.match(each[0]) is None]
    where = selection.where
    if where is not None:
        scanned = [each for each in scanned if where.holds(tensors[each[0]])]
    by = reference.slice
    matches = [Match(alias, name, tensors[name], captures, by) for name, captures in scanned]
    _check_count(matches, reference, selection, alias, workspace, none_is_fine)
    return Found(matches, matcher, reference)


def _check_count(
    matches: Sequence[Match],
    reference: Reference,
    selection: Selection,
    alias: str,
    workspace: Workspace,
    none_is_fine: bool,
) -> None:
    expected = selection.expect
    narrowed = selection.leave_out is not None or selection.where is not None
    checkpoint = workspace.checkpoints[alias]
    if expected is not None and len(matches) != expected:
        near = None if matches or narrowed else no_match(reference, checkpoint.names()).hint
        fail(
            f"expected {expected} {_tensors(expected)}, '{reference.text}' matches {len(matches)}",
            hint=_examples(matches) or near,
            span=reference.span,
        )
    if matches or expected == 0 or none_is_fine:
        return
    if narrowed:
        fail(
            f"'{reference.text}' matches nothing that except and where leave",
            span=reference.span,
        )
    raise no_match(reference, checkpoint.names(), list(workspace.checkpoints))


def _tensors(count: int) -> str:
    return "tensor" if count == 1 else "tensors"


def _examples(matches: Sequence[Match]) -> str | None:
    if not matches:
        return None
    more = f", … and {len(matches) - 5} more" if len(matches) > 5 else ""
    return "it matches " + ", ".join(match.name for match in matches[:5]) + more


def fill(workspace: Workspace, template: Template, match: Match) -> Match:
    """The existing tensor that a further source names for ``match``.

    Raises:
        StepError: there is no such tensor.
    """
    alias = workspace.alias(template.alias, template.span)
    name = template.fill(match.captures, match.name)
    return existing(workspace, alias, name, template.slice, template.span)


def existing(
    workspace: Workspace, alias: str, name: str, by: Slice | None = None, span: Span | None = None
) -> Match:
    """The tensor with exactly that name."""
    tensor = workspace.checkpoints[alias].tensors.get(name)
    if tensor is None:
        raise missing(workspace, alias, name, span)
    return Match(alias, name, tensor, Captures((name,), {}), by)


def missing(workspace: Workspace, alias: str, name: str, span: Span | None = None) -> StepError:
    """The error for a tensor that is not there, with the nearest names."""
    names = workspace.checkpoints[alias].names()
    near = nearest_names(name, names)
    hint = f"the nearest names: {', '.join(near)}" if near else like(names)
    return StepError(f"there is no tensor '{name}' in '{alias}'", hint=hint, span=span)
