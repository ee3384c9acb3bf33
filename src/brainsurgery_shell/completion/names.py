"""Tensor names as a tree of segments, walked by bisection of the sorted list: no index is built or kept.

Sorted by code points, all names with one prefix are neighbours, so that a step over a whole subtree costs
one bisection, whatever lies in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from brainsurgery_shell.completion.candidates import LIMIT, numeric

_MOST_CHILDREN = 500
"""Children of one prefix that are looked at, in the names' own order."""
_MOST_PREFIXES = 100
"""Prefixes that a pattern's wildcards may stand for."""
_MOST_TWINS = 64


class Many(Enum):
    """Any number of segments."""

    MANY = "*"


MANY = Many.MANY
Step = str | Callable[[str], bool] | Many
"""One literal segment, one segment that satisfies a condition, or any number of segments."""


@dataclass(frozen=True, slots=True)
class Child:
    """A segment that may come next."""

    segment: str
    leaf: str | None
    """A tensor whose name ends with it; ``None`` if the segment leads on."""
    count: int
    """How many tensors: those below it, or for a leaf those that the same pattern takes; 0 if not counted."""


def end_of(names: Sequence[str], prefix: str, low: int = 0) -> int:
    """Where the names that begin with ``prefix`` end."""
    if not prefix or prefix[-1] == "\U0010ffff":
        return len(names)
    return bisect_left(names, prefix[:-1] + chr(ord(prefix[-1]) + 1), low)


def children(names: Sequence[str], prefix: str, partial: str = "") -> Iterator[Child]:
    """What may follow ``prefix`` (empty, or ending in a dot), beginning with ``partial``."""
    at = bisect_left(names, prefix + partial)
    stop = end_of(names, prefix + partial, at)
    start = len(prefix)
    for _ in range(_MOST_CHILDREN):
        if at >= stop:
            return
        name = names[at]
        dot = name.find(".", start)
        if dot < 0:
            yield Child(name[start:], name, 1)
            at += 1
        else:
            end = end_of(names, name[: dot + 1], at)
            yield Child(name[start:dot], None, end - at)
            at = end
    if at < stop and names[at][start : start + 1].isdigit():
        yield from _numbered(names, prefix, partial)


def _numbered(names: Sequence[str], prefix: str, partial: str) -> Iterator[Child]:
    """Where children are many and numbers: the first of them by value, which are not the first by text."""
    found = 0
    for number in _numbers(partial):
        for child in _exactly(names, prefix, number):
            yield child
            found += 1
        if found >= LIMIT:
            return


def _numbers(partial: str) -> Iterator[str]:
    if not partial:
        yield from map(str, range(1111))
    elif partial.isdigit():
        yield partial
        for width in (1, 2, 3):
            yield from (f"{partial}{rest:0{width}}" for rest in range(10**width))


def _exactly(names: Sequence[str], prefix: str, segment: str) -> Iterator[Child]:
    """The leaf and the subtree of just this segment."""
    name = prefix + segment
    at = bisect_left(names, name)
    if at < len(names) and names[at] == name:
        yield Child(segment, name, 1)
    at = bisect_left(names, name + ".", at)
    end = end_of(names, name + ".", at)
    if end > at:
        yield Child(segment, None, end - at)


def prefixes(names: Sequence[str], steps: Sequence[Step]) -> list[str]:
    """The prefixes, each empty or ending in a dot, that a pattern's segments stand for; capped."""
    current = [""]
    for step in steps:
        longer: dict[str, None] = {}
        for prefix in current:
            if len(longer) >= _MOST_PREFIXES:
                break
            if step is MANY:
                longer.update(dict.fromkeys(_below(names, prefix, _MOST_PREFIXES - len(longer))))
            elif isinstance(step, str):
                inner = [child for child in _exactly(names, prefix, step) if child.leaf is None]
                longer.update({f"{prefix}{step}.": None for _ in inner})
            else:
                takes = [c.segment for c in children(names, prefix) if c.leaf is None and step(c.segment)]
                longer.update({f"{prefix}{segment}.": None for segment in takes})
        current = list(longer)[:_MOST_PREFIXES]
    return current


def _below(names: Sequence[str], prefix: str, most: int) -> list[str]:
    """``prefix`` and the prefixes below it, breadth first."""
    found = [prefix]
    for each in found:
        if len(found) >= most:
            break
        found += [f"{each}{child.segment}." for child in children(names, each) if child.leaf is None]
    return found[:most]


def following(names: Sequence[str], starts: Sequence[str], partial: str) -> list[Child]:
    """What may follow any of some prefixes: leaves and inner segments, numbers by value."""
    merged: dict[tuple[str, bool], Child] = {}
    for prefix in starts:
        for child in children(names, prefix, partial):
            key = child.segment, child.leaf is None
            known = merged.get(key)
            merged[key] = child if known is None else replace(known, count=known.count + child.count)
        if len(merged) > _MOST_CHILDREN:
            break
    found = sorted(merged.values(), key=lambda child: (numeric(child.segment), child.leaf is None))[:LIMIT]
    counted = len(starts) < _MOST_PREFIXES
    return found if counted else [replace(child, count=0) for child in found]


def twins(names: Sequence[str], text: str) -> list[str] | None:
    """Other beginnings of names that ``text``, read as a regex whose dots are any sign, takes as well.

    ``None`` if there are very many.
    """
    current = [""]
    pieces = text.split(".")
    for index, piece in enumerate(pieces):
        longer: list[str] = []
        for each in current:
            beginning = each + piece
            at = bisect_left(names, beginning)
            stop = end_of(names, beginning, at)
            if index == len(pieces) - 1:
                longer += [beginning] if at < stop else []
                continue
            while at < stop:
                if len(names[at]) == len(beginning):
                    at += 1
                    continue
                longer.append(names[at][: len(beginning) + 1])
                at = end_of(names, longer[-1], at)
        if len(longer) > _MOST_TWINS:
            return None
        current = longer
    return [each for each in current if each != text]
