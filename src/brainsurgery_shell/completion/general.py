r"""From one name to patterns: escaped, and with its numbers left open, as in ``h\.(\d+)\.attn\.weight``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from brainsurgery_shell.completion.matches import count
from brainsurgery_shell.completion.names import Child, Step
from brainsurgery_shell.completion.patterns import escaped
from brainsurgery_shell.declaration.offers import Matches
from brainsurgery_shell.workspace.checkpoint import Checkpoint

NUMBER = r"(\d+)"
_MOST_NUMBERS = 3
_MOST_COUNTED = 4
_is_number = re.compile(r"\d+").fullmatch


def is_number(segment: str) -> bool:
    """Whether a segment is a whole number, as of a layer."""
    return _is_number(segment) is not None


def pattern(segments: Sequence[str], open_at: Iterable[int]) -> str:
    r"""The segments as a regex, with ``(\d+)`` at some places."""
    places = set(open_at)
    return r"\.".join(
        NUMBER if place in places else escaped(each, r"\.") for place, each in enumerate(segments)
    )


def widened(checkpoint: Checkpoint, name: str) -> Iterator[tuple[str, Matches | None]]:
    """Patterns for a name with its numbers open: all of them, then one alone; only if they match more.

    Several open numbers may stand for very many names, which are not counted.
    """
    segments = name.split(".")
    numbers = [place for place, each in enumerate(segments) if is_number(each)]
    if not numbers or len(numbers) > _MOST_NUMBERS:
        return
    choices = [numbers, *([each] for each in numbers if len(numbers) > 1)]
    for places in choices:
        steps: list[Step] = [is_number if at in places else each for at, each in enumerate(segments)]
        found = count(checkpoint, steps) if len(places) == 1 else None
        if found is None or found.count > 1:
            yield pattern(segments, places), found


def folded(checkpoint: Checkpoint, names: Iterable[str]) -> Iterator[tuple[str, str, Matches | None]]:
    """Patterns that take several of the names, each with the first of those; counted where that is cheap."""
    groups: dict[str, list[str]] = {}
    for name in names:
        segments = name.split(".")
        numbers = [place for place, each in enumerate(segments) if is_number(each)]
        if numbers:
            groups.setdefault(pattern(segments, numbers), []).append(name)
    left = _MOST_COUNTED
    for text, found in groups.items():
        if len(found) < 2:
            continue
        segments = found[0].split(".")
        cheap = left > 0 and sum(map(is_number, segments)) == 1
        left -= cheap
        yield (
            text,
            found[0],
            count(checkpoint, [is_number if is_number(each) else each for each in segments])
            if cheap
            else None,
        )


def numbered(children: Iterable[Child]) -> list[Child]:
    """The children that are numbers and lead on, if there are several."""
    found = [child for child in children if child.leaf is None and is_number(child.segment)]
    return found if len(found) > 1 else []
