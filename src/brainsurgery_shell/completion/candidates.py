"""Candidates, and the choice among words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from brainsurgery_shell.declaration.offers import Offer, SessionView

__all__ = ["LIMIT", "Candidate", "SessionView", "capped", "distinct", "going_on", "more", "numeric"]

LIMIT = 200
"""Candidates at most: menus measure each of them."""


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
    final: bool = False
    """Whether the value or word is complete with it."""
    variant: bool = False
    """Whether it is another way to write, or to widen, one of those before it."""

    @property
    def is_note(self) -> bool:
        """Whether it only tells something: taking it changes nothing."""
        return not self.insert and not self.replaces

    def applied(self, text: str, cursor: int) -> str:
        """The line with the candidate taken."""
        return text[: cursor - self.replaces] + self.insert + text[cursor:]


def note(display: str, meta: str = "") -> Candidate:
    """Something to read in the menu."""
    return Candidate("", 0, display, meta)


def more(count: int, what: str = "", *, at_least: bool = False) -> Candidate:
    """The note that there are ``count`` further ones, or at least so many."""
    words = f"+{count:,} or more" if at_least else f"+{count:,} more"
    return note(words, f"{what}: type on to narrow down" if what else "type on to narrow down")


def going_on(offers: Iterable[Offer], typed: str) -> list[Offer]:
    """What begins with what was typed; else what has such another name; else what holds it."""
    known = list(offers)
    found = [each for each in known if each.text.startswith(typed)]
    if found or not typed:
        return found
    folded = typed.casefold()
    found = [each for each in known if any(also.casefold().startswith(folded) for also in each.also)]
    if found or len(typed) < 2:
        return found
    return [each for each in known if folded in each.text.casefold()]


def numeric(segment: str) -> tuple[bool, int, str]:
    """Sort key of segments: numbers first, by value."""
    if segment.isascii() and segment.isdigit() and len(segment) < 20:
        return False, int(segment), segment
    return True, 0, segment


def distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Each insertion once; notes come last, and only the first of them."""
    seen: set[str] = set()
    notes: list[Candidate] = []
    for candidate in candidates:
        if candidate.is_note:
            notes.append(candidate)
        elif candidate.insert not in seen:
            seen.add(candidate.insert)
            yield candidate
    yield from notes[:1]


def capped(candidates: list[Candidate]) -> list[Candidate]:
    """At most ``LIMIT`` of them; how many are left out is said at the end."""
    if len(candidates) <= LIMIT:
        return candidates
    kept, last = candidates[: LIMIT - 1], candidates[-1]
    return [*kept, last if last.is_note else more(len(candidates) - len(kept))]
