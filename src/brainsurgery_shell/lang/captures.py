"""What a pattern bound in one name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Bound: TypeAlias = str | tuple[str, ...]
"""A piece of text or, for ``*xs``, segments."""
Groups: TypeAlias = tuple[str, *tuple[Bound, ...]]
"""What one match bound: the whole name, then the value of each capture in the order of the pattern."""


class Captures:
    """What one match bound: a tuple of values, and one table of their names for all matches of a pattern."""

    __slots__ = ("groups", "index")

    def __init__(self, groups: tuple[Bound, ...], index: Mapping[str, int]) -> None:
        self.groups = groups
        """The whole name first, then the value of each capture in the order of the pattern."""
        self.index = index
        """The places in ``groups`` of the captures that have a name; shared by all matches of a pattern."""

    def __getitem__(self, capture: int | str) -> Bound:
        return self.groups[self.index[capture] if isinstance(capture, str) else capture]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Captures) and self.groups == other.groups and self.index == other.index

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Captures({self.as_dict()})"

    def as_dict(self) -> dict[str, Bound]:
        """Capture to value; a capture without a name goes by its number."""
        names = {place: name for name, place in self.index.items()}
        return {names.get(place, str(place)): self.groups[place] for place in range(1, len(self.groups))}

    def key(self) -> tuple[tuple[str, Bound], ...]:
        """Equal for two matches that bound the same, of different patterns too: ``diff`` pairs by it."""
        return tuple(sorted(self.as_dict().items()))
