"""Pairing the tensors of two patterns, and saying how a pair differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import fail
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.workspace.matching import EVERYTHING, Found, Match, Selection, find
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Evaluator


@dataclass(frozen=True, slots=True)
class Pairing:
    """Tensors that belong together, and those without a partner."""

    pairs: list[tuple[Match, Match]]
    missing_left: list[str]
    missing_right: list[str]


def pair_up(
    workspace: Workspace, left: Reference, right: Reference, selection: Selection = EVERYTHING
) -> Pairing:
    """Pair what two patterns match: by their captures if both have any, else by name."""
    found_left = find(workspace, left, selection, none_is_fine=True)
    found_right = find(workspace, right, selection, none_is_fine=True)
    if not found_left.matches and not found_right.matches:
        find(workspace, left, selection)  # says what is near
    by_captures = bool(found_left.matcher.group_count and found_right.matcher.group_count)
    lefts, rights = _keyed(found_left, by_captures), _keyed(found_right, by_captures)
    return Pairing(
        [(match, rights[key]) for key, match in lefts.items() if key in rights],
        [match.name for key, match in rights.items() if key not in lefts],
        [match.name for key, match in lefts.items() if key not in rights],
    )


def _keyed(found: Found, by_captures: bool) -> dict[object, Match]:
    keyed: dict[object, Match] = {}
    for match in found:
        key: object = match.captures.key() if by_captures else match.name
        if key in keyed:
            fail(
                f"'{found.reference.text}' gives {keyed[key].name} and {match.name} the same captures",
                hint="let the captures tell the tensors apart",
                span=found.reference.span,
            )
        keyed[key] = match
    return keyed


def describe_difference(left: Match, right: Match, eps: float, evaluator: Evaluator) -> str | None:
    """How two tensors differ, in words, or ``None``."""
    a, b = left.selected(), right.selected()
    if a.shape != b.shape:
        return f"shapes {list(a.shape)} and {list(b.shape)}"
    if a.dtype is not b.dtype:
        return f"dtypes {a.dtype} and {b.dtype}"
    from brainsurgery_shell.graph.compare import difference

    found = difference(a, b, eps, evaluator)
    if found is None:
        return None
    return (
        f"{found.count} of {a.numel} values differ, by at most {found.largest:.6g}; "
        f"first at {list(found.index)}: {found.found} and {found.expected}"
    )
