"""Tensor names as a tree of segments, walked by bisection of the sorted list: no index is built or kept.

Sorted by code points, all names with one prefix are neighbours, so that a step over a whole subtree costs
one bisection, whatever lies in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, groupby, islice

from brainsurgery_shell.completion.candidates import numeric

MOST_NAMES = 120
"""Names and segments in one menu: room is left for other candidates."""
_MOST_CHILDREN = 300
"""Children of one prefix that are looked at, in the names' own order."""
MOST_PREFIXES = 100
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
    ranges: tuple[tuple[int, int], ...] = ()
    """Where they lie among the sorted names."""


@dataclass(frozen=True, slots=True)
class Following:
    """What may come next."""

    children: list[Child]
    rest: int
    """How many tensors lie below what is left out."""


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
            yield Child(name[start:], name, 1, ((at, at + 1),))
            at += 1
        else:
            end = end_of(names, name[: dot + 1], at)
            yield Child(name[start:dot], None, end - at, ((at, end),))
            at = end
    if at < stop and names[at][start : start + 1].isdigit():
        yield from _numbered(names, prefix, partial, at)


def _numbered(names: Sequence[str], prefix: str, partial: str, low: int) -> Iterator[Child]:
    """Where children are many and numbers: the first of them by value, which are not the first by text.

    Those before ``low`` are known already.
    """
    found = 0
    for number in _numbers(partial):
        for child in _exactly(names, prefix, number):
            found += 1
            if child.ranges[0][0] >= low:
                yield child
        if found >= MOST_NAMES:
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
        yield Child(segment, name, 1, ((at, at + 1),))
    at = bisect_left(names, name + ".", at)
    end = end_of(names, name + ".", at)
    if end > at:
        yield Child(segment, None, end - at, ((at, end),))


def prefixes(names: Sequence[str], steps: Sequence[Step]) -> list[str]:
    """The prefixes, each empty or ending in a dot, that a pattern's segments stand for; capped."""
    current = [""]
    for literal, run in groupby(steps, key=lambda step: isinstance(step, str)):
        if literal:
            # one bisection, however many segments
            tail = "".join([f"{step}." for step in run])
            current = [prefix + tail for prefix in current if _begins(names, prefix + tail)]
            continue
        for step in run:
            found: Iterator[str] = chain.from_iterable(_longer(names, prefix, step) for prefix in current)
            current = list(dict.fromkeys(islice(found, MOST_PREFIXES)))
    return current


def _begins(names: Sequence[str], prefix: str) -> bool:
    """Whether a name begins like that."""
    at = bisect_left(names, prefix)
    return at < len(names) and names[at].startswith(prefix)


def _longer(names: Sequence[str], prefix: str, step: Step) -> Iterator[str]:
    """The prefixes that are longer by one step, which is not literal."""
    if callable(step):
        for child in children(names, prefix):
            if child.leaf is None and step(child.segment):
                yield f"{prefix}{child.segment}."
    else:
        yield from _below(names, prefix, MOST_PREFIXES)


def _below(names: Sequence[str], prefix: str, most: int) -> list[str]:
    """``prefix`` and the prefixes below it, breadth first."""
    found = [prefix]
    for each in found:
        if len(found) >= most:
            break
        found += [f"{each}{child.segment}." for child in children(names, each) if child.leaf is None]
    return found[:most]


def following(names: Sequence[str], starts: Sequence[str], partial: str) -> Following:
    """What may follow any of some prefixes: leaves and inner segments, numbers by value."""
    merged: dict[tuple[str, bool], Child] = {}
    for prefix in starts:
        for child in children(names, prefix, partial):
            key = child.segment, child.leaf is None
            known = merged.get(key)
            merged[key] = child if known is None else _both(known, child)
        if len(merged) > _MOST_CHILDREN:
            break
    found = sorted(merged.values(), key=lambda child: (numeric(child.segment), child.leaf is None))[
        :MOST_NAMES
    ]
    if len(starts) >= MOST_PREFIXES:
        return Following([replace(child, count=0, ranges=()) for child in found], 0)
    total = sum(end_of(names, each + partial) - bisect_left(names, each + partial) for each in starts)
    return Following(found, total - sum(child.count for child in found))


def _both(one: Child, other: Child) -> Child:
    return replace(one, count=one.count + other.count, ranges=one.ranges + other.ranges)


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
