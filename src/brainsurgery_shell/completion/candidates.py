"""Candidates, what completion is asked about, and the choice among words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from brainsurgery_shell.workspace.workspace import Workspace

LIMIT = 200
"""Candidates at most: menus measure each of them."""


class SessionView(Protocol):
    """What completion wants to know of a session."""

    @property
    def workspace(self) -> Workspace:
        """The open checkpoints."""

    @property
    def folder(self) -> Path:
        """What relative paths are taken from."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to go on."""

    insert: str
    """What takes the place of the last ``replaces`` characters before the cursor."""
    replaces: int
    display: str
    """What the menu shows."""
    meta: str = ""
    """What it is: a summary, a dtype and shape, a count."""

    def applied(self, text: str, cursor: int) -> str:
        """The line with the candidate taken."""
        return text[: cursor - self.replaces] + self.insert + text[cursor:]


def chosen(words: Iterable[str], typed: str) -> list[str]:
    """The words that begin with what was typed; if none does, those that hold it."""
    known = list(words)
    found = [word for word in known if word.startswith(typed)]
    if found or len(typed) < 2:
        return found
    folded = typed.casefold()
    return [word for word in known if folded in word.casefold()]


def numeric(segment: str) -> tuple[bool, int, str]:
    """Sort key of segments: numbers first, by value."""
    if segment.isascii() and segment.isdigit() and len(segment) < 20:
        return False, int(segment), segment
    return True, 0, segment


def distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Each insertion once."""
    seen: set[str] = set()
    for candidate in candidates:
        if candidate.insert not in seen:
            seen.add(candidate.insert)
            yield candidate
