"""The second try: names that hold what was typed somewhere. Bounded in time and in what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

MOST_FOUND = 30
MOST_LISTS = 4
"""Checkpoints whose names are kept ready."""
_MOST_COUNTED = 100
_MOST_LINES = 300
"""Lines that are looked at: half a millisecond."""


@dataclass(slots=True)
class Held:
    """What was found."""

    names: list[str] = field(default_factory=list)
    rest: int = 0
    """How many further ones were counted."""
    at_least: bool = False
    """Whether there may be more than that."""


class _Joined:
    """All names of one list in one text, where a search is one call of ``str.find``."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.text = "\n" + "\n".join(names) + "\n"

    @cached_property
    def folded(self) -> str:
        """The text in small letters; empty if that changes its length, so that places would not fit."""
        small = self.text.lower()
        return small if len(small) == len(self.text) else ""


_recent: list[_Joined] = []
"""The lists that were searched last, the newest at the end."""


def _joined(names: Sequence[str]) -> _Joined:
    """The names, a line each. Lists are never changed: identity says whether one is known."""
    found = next((each for each in _recent if each.names is names), None)
    if found is None:
        found = _Joined(names)
        _recent.append(found)
        del _recent[:-MOST_LISTS]
    return found


def prepare(names: Sequence[str]) -> None:
    """Do now what the first search would wait for."""
    _ = _joined(names).folded


def holding(names: Sequence[str], prefix: str, needle: str) -> Held:
    """Names that begin with ``prefix`` and hold ``needle`` behind it.

    Small letters stand for capital ones too; capital ones do so if nothing holds them.
    """
    if not needle or "\n" in needle:
        return Held()
    joined = _joined(names)
    small = needle.lower()
    if needle != small or not joined.folded:
        found = _search(joined.text, joined.text, prefix, needle)
        if found.names or found.at_least or not joined.folded:
            return found
    return _search(joined.text, joined.folded, prefix, small)


def _search(text: str, searched: str, prefix: str, needle: str) -> Held:
    """``searched`` has the same lines as ``text``, perhaps in small letters."""
    held = Held()
    start = text.find("\n" + prefix)
    for _ in range(_MOST_LINES):
        if start < 0:
            return held
        at = searched.find(needle, start + 1 + len(prefix))
        if at < 0:
            return held
        line, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
        if not text.startswith(prefix, line):
            return held  # sorted: what begins with the prefix lies behind us
        if at < line + len(prefix):
            start = line - 1  # it lies in the prefix: once more behind that
            continue
        if len(held.names) < MOST_FOUND:
            held.names.append(text[line:end])
        elif held.rest < _MOST_COUNTED:
            held.rest += 1
        else:
            break
        start = end
    held.at_least = True
    return held
