"""Pairing the tensors of two patterns, and saying how a pair differs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from brainsurgery_shell.errors import InternalError, StepError
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.workspace.matching import EVERYTHING, Columns, Found, Selection, find
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.graph.difference import Difference
    from brainsurgery_shell.graph.evaluate import Evaluator


@dataclass(frozen=True, slots=True)
class Pairing:
    """Tensors that belong together, row by row, and those without a partner."""

    left: Columns
    right: Columns
    missing_left: list[str]
    missing_right: list[str]

    def selected(self) -> Iterator[tuple[str, LazyTensor, LazyTensor]]:
        """Each pair, or the parts of it that the slices select, with the name on the left."""
        return zip(self.left.names, self.left.selected(), self.right.selected(), strict=True)


def pair_up(
    workspace: Workspace,
    left: Reference,
    right: Reference,
    selection: Selection = EVERYTHING,
    *,
    both: bool = False,
) -> Pairing:
    """Pair what two patterns match: by their captures if both have any, else by name.

    Raises:
        StepError: neither (with ``both``: one of them) matches anything, or one does not tell tensors apart.
    """
    found_left = find(workspace, left, selection, none_is_fine=not both)
    found_right = find(workspace, right, selection, none_is_fine=not both)
    if not found_left and not found_right:
        find(workspace, left, selection)  # says what is near
    by_captures = bool(found_left.matcher.group_count and found_right.matcher.group_count)
    lefts, rights = _keyed(found_left, by_captures), _keyed(found_right, by_captures)
    shared = [key for key in lefts if key in rights]
    return Pairing(
        _rows(found_left, [lefts[key] for key in shared]),
        _rows(found_right, [rights[key] for key in shared]),
        [found_right.names[at] for key, at in rights.items() if key not in lefts],
        [found_left.names[at] for key, at in lefts.items() if key not in rights],
    )


def _rows(found: Found, places: Sequence[int]) -> Columns:
    names = [found.names[at] for at in places]
    return Columns(found.alias, names, [found.tensors[at] for at in places], found.slice)


def _keyed(found: Found, by_captures: bool) -> dict[Hashable, int]:
    """What pairs a row of the columns, and where it stands."""
    keys: Sequence[Hashable] = _bound(found) if by_captures else found.names
    keyed = dict(zip(keys, range(len(keys)), strict=True))
    if len(keyed) < len(keys):
        raise _not_apart(found, keys)
    return keyed


def _bound(found: Found) -> Sequence[Hashable]:
    """For each match what it bound, equal for matches of different patterns that bound the same."""
    named = sorted((name, place) for place, name in enumerate(found.matcher.capture_names, 1))
    take = itemgetter(*(place for _, place in named))
    names = tuple(name for name, _ in named)
    return [(names, take(groups)) for groups in found.groups]


def _not_apart(found: Found, keys: Sequence[Hashable]) -> StepError:
    first: dict[Hashable, str] = {}
    for key, name in zip(keys, found.names, strict=True):
        if key in first:
            return StepError(
                f"'{found.reference.text}' gives {first[key]} and {name} the same captures",
                hint="let the captures tell the tensors apart",
                span=found.reference.span,
            )
        first[key] = name
    raise InternalError("all captures differ")


@dataclass(frozen=True, slots=True)
class Unlike:
    """Two tensors that are not the same."""

    left: LazyTensor
    right: LazyTensor
    values: Difference | None = None
    """How the values differ, where shapes and dtypes agree."""

    @property
    def kind(self) -> Literal["shape", "dtype", "values"]:
        """In what they differ."""
        if self.values is not None:
            return "values"
        return "shape" if self.left.shape != self.right.shape else "dtype"

    @property
    def what(self) -> str:
        """In what they differ, in words."""
        a, b = self.left, self.right
        if self.values is not None:
            return f"{self.values.count} of {a.numel} values differ"
        if a.shape != b.shape:
            return f"shapes {list(a.shape)} and {list(b.shape)}"
        return f"dtypes {a.dtype} and {b.dtype}"

    @property
    def most(self) -> str:
        """By how much values differ."""
        return "" if self.values is None else f"by at most {self.values.largest:.6g}"

    @property
    def first(self) -> str:
        """The first values that differ."""
        values = self.values
        return (
            "" if values is None else f"first at {list(values.index)}: {values.found} and {values.expected}"
        )


def compare(
    a: LazyTensor, b: LazyTensor, eps: float, evaluator: Evaluator, *, measured: bool = False
) -> Unlike | None:
    """How two tensors differ, or ``None``; ``measured``: also relative to the whole of them."""
    if a.shape != b.shape or a.dtype is not b.dtype:
        return Unlike(a, b)
    from brainsurgery_shell.graph.difference import difference

    found = difference(a, b, eps, evaluator, measured=measured)
    return None if found is None else Unlike(a, b, found)


def describe_difference(a: LazyTensor, b: LazyTensor, eps: float, evaluator: Evaluator) -> str | None:
    """How two tensors differ, in words, or ``None``."""
    found = compare(a, b, eps, evaluator)
    if found is None:
        return None
    if found.values is None:
        return found.what
    return f"{found.what}, {found.most}; {found.first}"
