"""Edits: what a step changes. Computed by operations, applied by the session, undone by their inverses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.tree import Value
from brainsurgery_shell.views.documents import json_document
from brainsurgery_shell.views.page import PLAIN, Page
from brainsurgery_shell.workspace.checkpoint import Checkpoint

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Evaluator


@dataclass(frozen=True, slots=True)
class DefaultAlias:
    """A change of the chosen default alias (``None``: none is chosen)."""

    alias: str | None


@dataclass(slots=True)
class Edit:
    """Names that become tensors (or, with ``None``, disappear), aliases that appear or disappear."""

    tensors: dict[str, dict[str, LazyTensor | None]] = field(default_factory=dict)
    """Alias → name → tensor."""
    places: dict[str, dict[str, int]] = field(default_factory=dict)
    """Alias → name → place, for names that do not keep theirs and do not go to the end."""
    aliases: dict[str, Checkpoint | None] = field(default_factory=dict)
    order: list[str] | None = None
    """The aliases in order, where an edit that is taken back had changed it."""
    default: DefaultAlias | None = None
    count: int = 0
    """Tensors that the step's first reference matched."""
    drawn: dict[str, Value] = field(default_factory=dict)
    """Arguments that the step found out (seeds, ranks), by parameter: a replay needs them."""
    assumed: bool = False
    """Whether it assumes a shape that only data decides: a check reads none, later steps may meet others."""
    checks: list[Callable[[Evaluator], None]] = field(default_factory=list)
    """What only data can show, evaluated before the edit is applied; each raises if it does not hold."""

    def detached(self) -> Edit:
        """The same edit, whose checkpoints can be edited where it is applied."""
        return replace(self, aliases={alias: each and each.copy() for alias, each in self.aliases.items()})


@dataclass(frozen=True, slots=True)
class Report:
    """What an inspection found: lines to show, and the same as data for programs."""

    lines: list[str]
    """For files and pipes: all of the text, as wide as it is."""
    data: object = None
    count: int = 0
    saved: str | None = None
    """The alias of the checkpoint that was written, if a whole one was."""
    draw: Callable[[Page], list[str]] | None = None
    """Draws the lines for a terminal, where they depend on its width or have colours."""
    image: Callable[[str], bytes] | None = None
    """What goes into a file or a pipe in place of lines: a picture, of the kind that a suffix says."""
    marked: str | None = None
    """The name that this moment was given."""

    @classmethod
    def drawn(cls, draw: Callable[[Page], list[str]], data: object = None, count: int = 0) -> Report:
        """A report whose lines depend on what they are drawn for."""
        return cls(draw(PLAIN), data, count, draw=draw)

    @classmethod
    def document(cls, data: object, count: int = 0) -> Report:
        """A report as one JSON document."""
        return cls(json_document(data), data, count)

    def on(self, page: Page) -> list[str]:
        """The lines for a page."""
        return self.lines if self.draw is None or page == PLAIN else self.draw(page)
