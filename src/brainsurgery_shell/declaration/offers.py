"""What a kind of parameter offers to complete a value with, and what it is told for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.tree import Node
from brainsurgery_shell.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Offer:
    """One value, or the beginning of one."""

    text: str
    """All of the value with the offer taken, without quotes."""
    about: str = ""
    """What it is."""
    shown: str = ""
    """What a menu shows, where that is not the text."""
    final: bool = True
    """Whether the value is complete with it."""
    literal: bool = False
    """Whether it stands without quotes: a number, a boolean, a list."""
    also: tuple[str, ...] = ()
    """Other spellings under which it is found."""


class SessionView(Protocol):
    """What completion wants to know of a session."""

    @property
    def workspace(self) -> Workspace:
        """The open checkpoints."""

    @property
    def folder(self) -> Path:
        """What relative paths are taken from."""


@runtime_checkable
class Knows(Protocol):
    """A session that knows names of things which are no tensors: ``marks``, ``sessions`` …"""

    def known(self, what: str) -> Iterable[Offer]:
        """The names of all ``what`` there are; none of what it has not heard of."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What the first reference of a step takes, as far as names alone tell."""

    count: int
    tensors: Sequence[LazyTensor]
    """Some of them, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a kind is told when it is asked for offers."""

    typed: str
    """What of the value stands before the cursor, without quotes."""
    session: SessionView
    given: Mapping[str, Node] = field(default_factory=dict)
    """The complete arguments beside it."""
    matches: Callable[[], Matches | None] = lambda: None
    """What the reference beside it matches; ``None`` where nobody can tell at once."""

    def known(self, what: str) -> list[Offer]:
        """What the session knows by that word."""
        return list(self.session.known(what)) if isinstance(self.session, Knows) else []
