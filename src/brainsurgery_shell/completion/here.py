"""One place of a line, with all that decides what may stand there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from brainsurgery_shell.completion import captures
from brainsurgery_shell.completion.matches import matches_of
from brainsurgery_shell.completion.scope import Around, Scope, around, scope_at
from brainsurgery_shell.completion.tensors import checkpoint_of
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.declaration.offers import Asked, Matches, SessionView
from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.position import Position

_REST_OF_KEY = re.compile(r"[A-Za-z0-9_-]*[ \t]*:[ \t]*")


@dataclass(frozen=True)
class Here:
    """A place: what stands before and behind it, and what the declarations say of it."""

    position: Position
    before: str
    after: str
    session: SessionView

    @cached_property
    def pen(self) -> Pen:
        """Writes candidates here."""
        return Pen(self.position, self.after)

    @cached_property
    def scope(self) -> Scope:
        """What the declarations say."""
        return scope_at(self.position)

    @cached_property
    def around(self) -> Around:
        """What is complete around the cursor."""
        return around(self.before, self.position.start)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The keys in the map around the cursor, those behind it included."""
        return (*self.position.used, *_keys_behind(self.position.quote, self.after))

    @cached_property
    def source(self) -> captures.Source | None:
        """The reference whose captures a template here may take."""
        scope = Scope(OPERATIONS.get(self.position.command or ""))
        found = captures.source_of(scope.owner, self.around)
        for step in self.position.path:
            if scope.lists_references:
                return captures.first_source(self.around)
            scope = scope.child(step)
            if scope.owner is not None:
                found = captures.source_of(scope.owner, self.around)
        return found

    @property
    def in_map_of_references(self) -> bool:
        """Whether the value is one of a map of references, of which the first is matched."""
        path = self.position.path
        scope = Scope(OPERATIONS.get(self.position.command or ""))
        for step in path[:-1]:
            scope = scope.child(step)
        return scope.lists_references and isinstance(path[-1], str)

    def asked(self) -> Asked:
        """What a kind is told."""
        return Asked(self.position.text, self.session, self.around.pairs, self._matches)

    def _matches(self) -> Matches | None:
        source = self.source
        if source is None or self.around.pairs.keys() & {"except", "where"}:
            return None
        checkpoint = checkpoint_of(self.session.workspace, source.reference.alias)
        return matches_of(checkpoint, source.reference) if checkpoint is not None else None


def _keys_behind(quote: str, after: str) -> list[str]:
    """The keys that follow in the same map; ``quote`` is the one that is open at the cursor."""
    found: list[str] = []
    at = after.find(quote) + 1 if quote else scan.value_end(after, _behind_key(after))
    while (at := scan.after_blanks(after, at)) < len(after) and after[at] == ",":
        key = scan.key_at(after, scan.after_blanks(after, at + 1))
        if key is None:
            break
        found.append(key[0])
        at = scan.value_end(after, scan.after_blanks(after, key[1]))
    return found


def _behind_key(after: str) -> int:
    """Where the value begins if the cursor is in a key."""
    word = _REST_OF_KEY.match(after)
    return word.end() if word is not None else 0
