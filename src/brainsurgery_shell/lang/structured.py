"""Matching a list of segments against names: one regex over the whole name, or segment by segment.

Most patterns become a regex. ``Walk`` takes the rest: many ``*``, where a regex could take very long, and
segment regexes that cannot be made part of a larger one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from brainsurgery_shell.lang.captures import Bound, Groups
from brainsurgery_shell.lang.embed import embedded
from brainsurgery_shell.lang.segments import Literal, Many, One, Regex, Segment, names_of
from brainsurgery_shell.lang.walk import Walk

_LONGEST = {0: 10**9, 1: 10**9, 2: 400, 3: 120}
"""By the number of ``*``: longer names do not meet the regex, whose time grows with that power."""
_REMEMBERED = 5000


class StructuredSearch:
    """Matches one pattern; each ``*`` takes as many segments as it can, the first one first."""

    def __init__(self, segments: tuple[Segment, ...], names: tuple[str, ...]) -> None:
        literals = [part.text for part in segments if isinstance(part, Literal)]
        self.needed = max(literals, key=len, default="")
        """A text that stands in every name that matches."""
        many = {part.name for part in segments if isinstance(part, Many)}
        self._stars = [place for place, name in enumerate(names, 1) if name in many]
        self._walk = Walk(segments, names)
        text, stars = _as_regex(segments)
        self._regex = None if text is None else re.compile(text, re.DOTALL).fullmatch
        self._longest = _LONGEST.get(stars, -1)

    def scan(self, names: Iterable[str]) -> list[Groups]:
        """The names that match, each followed by the values of the captures."""
        regex, longest, stars, walk = self._regex, self._longest, self._stars, self._walk.match
        splits: dict[str, tuple[str, ...]] = {"": ()}  # `model.layers.` comes again and again
        matched: list[Groups] = []
        for name in names:
            if regex is None or len(name) > longest:
                bound = walk(name)
                if bound is not None:
                    matched.append((name, *bound))
                continue
            found = regex(name + ".")
            if found is None:
                continue
            if not stars:
                matched.append((name, *found.groups("")))
                continue
            values: list[Bound] = [*found.groups("")]
            for place in stars:
                text = found[place]
                segments = splits.get(text)
                if segments is None:
                    segments = tuple(text[:-1].split("."))
                    if len(splits) < _REMEMBERED:
                        splits[text] = segments
                values[place - 1] = segments
            matched.append((name, *values))
        return matched


def _as_regex(segments: tuple[Segment, ...]) -> tuple[str | None, int]:
    """A regex with a group for each capture, for names with a dot added at the end; and the number of ``*``.

    There is none if a segment's regex cannot be embedded, or binds a name that stands elsewhere too.
    """
    uses = Counter(name for part in segments for name in set(names_of(part)))
    numbers: dict[str, int] = {}
    parts: list[str] = []
    free = False
    stars = 0
    for part in segments:
        follows_free, free = free, isinstance(part, Many) and uses[part.name] == 1
        again = [numbers[name] for name in names_of(part) if name in numbers]
        for name in names_of(part):
            numbers.setdefault(name, len(numbers) + 1)
        if isinstance(part, Literal):
            parts.append(re.escape(part.text) + r"\.")
        elif isinstance(part, Regex):
            inside = _segment_regex(part) if all(uses[name] == 1 for name in part.names) else None
            if inside is None or len(set(part.names)) < len(part.names):
                return None, 0
            parts.append(inside + r"\.")
        elif again:
            parts.append(rf"(?:\{again[0]})" + (r"\." if isinstance(part, One) else ""))
        elif isinstance(part, One):
            parts.append(r"([^.]*+)\.")
        elif free and follows_free:
            parts.append("()")  # the one before takes all that both could
        else:
            stars += 1
            parts.append(r"((?:.*\.)?)")
    return "".join(parts), stars


def _segment_regex(part: Regex) -> str | None:
    """The regex of a segment with a group for each of its names."""
    inside = embedded(part.regex, keep_groups=bool(part.names and part.regex.groups))
    if inside is None:
        return None
    return f"({inside})" if part.names and not part.regex.groups else f"(?:{inside})"
