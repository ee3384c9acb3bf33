"""What a complete reference matches, found by walking the names: no regex runs over all of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from brainsurgery_shell.completion.names import MANY, MOST_PREFIXES, Step, children, end_of, prefixes, twins
from brainsurgery_shell.completion.patterns import exact_steps, step_of
from brainsurgery_shell.declaration.offers import Matches
from brainsurgery_shell.lang.reference import Reference, RegexExpr
from brainsurgery_shell.workspace.checkpoint import Checkpoint

_MOST_TENSORS = 50
"""Tensors that are looked at of those that match."""


def matches_of(checkpoint: Checkpoint, reference: Reference) -> Matches | None:
    """How many tensors match and the first of them; ``None`` where that cannot be told at once."""
    if reference.slice is not None:
        return None
    expr = reference.expr
    steps: list[Step] | None
    if isinstance(expr, RegexExpr):
        steps = exact_steps(expr.text)
        if steps is not None and _is_ambiguous(checkpoint, expr.text, steps):
            return None
    else:
        found = [step_of(segment) for segment in expr.segments]
        # a list's *xs may also stand for no segment at all, which a range of names does not show
        steps = None if None in found or MANY in found else [step for step in found if step is not None]
    return None if steps is None else count(checkpoint, steps)


def _is_ambiguous(checkpoint: Checkpoint, text: str, steps: Sequence[Step]) -> bool:
    """Whether a name whose dots are not escaped, read as a regex, may take others along."""
    if "." not in text.replace(r"\.", "") or not all(isinstance(step, str) for step in steps):
        return False
    others = twins(checkpoint.sorted_names(), ".".join(map(str, steps)))
    return others is None or any(other in checkpoint.tensors for other in others)


def count(checkpoint: Checkpoint, steps: Sequence[Step]) -> Matches | None:
    """The same for segments; of "any number" there may be one, at the end."""
    *inner, last = steps
    names = checkpoint.sorted_names()
    if MANY in inner:
        return None
    starts = prefixes(names, inner)
    if len(starts) >= MOST_PREFIXES:
        return None
    total, first = 0, list[str]()
    for start in starts:
        if isinstance(last, str):
            found = [start + last] if start + last in checkpoint.tensors else []
        elif callable(last):
            leaves = [child for child in children(names, start) if child.leaf is not None]
            found = [start + child.segment for child in leaves if last(child.segment)]
        else:
            low = bisect_left(names, start)
            high = end_of(names, start, low)
            found = names[low : min(high, low + _MOST_TENSORS)]
            total += high - low - len(found)
        total += len(found)
        first += found[: _MOST_TENSORS - len(first)]
    return Matches(total, [checkpoint.tensors[name] for name in first])
