"""Matching a list of segments against the segments of a name, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from brainsurgery_shell.lang.captures import Bound
from brainsurgery_shell.lang.segments import Literal, Many, One, Regex, Segment, names_of


class Walk:
    """Tries the longest for each ``*``, and looks only where the rest of the pattern may still fit.

    The places from which the rest fits are sets of bits, computed from the end of the pattern, leaving aside
    that captures must be equal. Without repeated captures the search then never turns back; with them it
    remembers what failed.
    """

    def __init__(self, segments: tuple[Segment, ...], names: tuple[str, ...]) -> None:
        self._segments = segments
        self._names = names
        uses = [frozenset(names_of(part)) for part in segments]
        # what was bound before and is compared later decides whether a failure will repeat itself
        self._shared = [
            tuple(sorted(frozenset().union(*uses[:place]) & frozenset().union(*uses[place:])))
            for place in range(len(segments) + 1)
        ]

    def match(self, name: str) -> tuple[Bound, ...] | None:
        """The values of the captures, or ``None``."""
        parts = name.split(".")
        fits = self._fits(parts)
        if not fits[0] & 1:
            return None
        bound = self._spread(parts, fits, 0, 0, {}, set())
        return None if bound is None else tuple([bound[key] for key in self._names])

    def _fits(self, parts: list[str]) -> list[int]:
        """For each place in the pattern, the places in the name from which the rest of the pattern fits."""
        fits = 1 << len(parts)
        found = [fits]
        for segment in reversed(self._segments):
            if isinstance(segment, Many):
                fits = (1 << fits.bit_length()) - 1
            else:
                fits >>= 1
                if not isinstance(segment, One):
                    fits &= _places(segment, parts)
            found.append(fits)
            if not fits:
                return [0]
        return found[::-1]

    def _spread(
        self,
        parts: list[str],
        fits: list[int],
        place: int,
        at: int,
        bound: dict[str, Bound],
        failed: set[tuple[object, ...]],
    ) -> dict[str, Bound] | None:
        """What the segments from ``place`` bind in the parts from ``at``, with what was bound before."""
        if place == len(self._segments):
            return bound
        state = (place, at, *[bound[name] for name in self._shared[place]])
        if state in failed:
            return None
        segment = self._segments[place]
        for end in range(len(parts), at - 1, -1) if isinstance(segment, Many) else (at + 1,):
            if not fits[place + 1] >> end & 1:
                continue
            more = _bind(segment, parts[at:end], bound)
            if more is None:
                continue
            result = self._spread(parts, fits, place + 1, end, more, failed)
            if result is not None:
                return result
        failed.add(state)
        return None


def _places(segment: Literal | Regex, parts: list[str]) -> int:
    """Where in the name the segment may stand, as bits."""
    bits = 0
    for at, part in enumerate(parts):
        if part == segment.text if isinstance(segment, Literal) else segment.bind(part) is not None:
            bits |= 1 << at
    return bits


def _bind(segment: Segment, parts: list[str], bound: dict[str, Bound]) -> dict[str, Bound] | None:
    """``bound`` and what the segment binds, or ``None`` if a name is bound to something else."""
    values: Sequence[Bound] | None
    if isinstance(segment, Literal):
        return bound
    if isinstance(segment, Regex):
        values = segment.bind(parts[0])
    else:
        values = (tuple(parts) if isinstance(segment, Many) else parts[0],)
    if values is None:
        return None
    more = dict(bound)
    for name, value in zip(names_of(segment), values, strict=True):
        if more.setdefault(name, value) != value:
            return None
    return more
