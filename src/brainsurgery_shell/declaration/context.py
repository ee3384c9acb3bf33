"""What an operation is handed: the workspace, and for the few that need more, the session's services."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from brainsurgery_shell.graph.leaves import stored_bytes
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.views.page import Page
from brainsurgery_shell.workspace.edit import Report
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.declaration.expansion import Expansion, Planned
    from brainsurgery_shell.declaration.moments import Moment
    from brainsurgery_shell.graph.evaluate import Evaluator
    from brainsurgery_shell.workspace.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """What is to be written where."""

    path: str
    alias: str
    tensors: dict[str, LazyTensor]
    format: str | None
    shard: int | None
    """Bytes, ``None`` for no limit."""
    shard_given: bool
    overwrite: bool
    whole: bool
    """Whether it is all of the checkpoint, and not one tensor."""
    resume: bool = False
    """Whether files that a killed save of the same had finished are kept."""


@dataclass(frozen=True, slots=True)
class PastStep:
    """A step of the session."""

    number: int
    line: str
    role: str
    """edit, assert, save, inspect or mark."""
    state: Literal["in force", "undone", "replaced"]
    """What is undone can be redone, until an edit replaces it."""
    time: float | None
    """When it was over, in seconds since 1970; ``None``: its journal does not say."""
    seconds: float
    tensors: int
    nbytes: int
    mark: str | None
    """The name that it gave to the moment."""
    parts: tuple[str, ...]
    """The lines that it stands for, of an executed file."""


@dataclass(frozen=True, slots=True)
class PastLine:
    """A line that was run, as it was typed."""

    number: int
    line: str
    time: float | None
    drawn: str | None
    """Arguments that its step found out (``seed: 7``)."""


class Services(Protocol):
    """What a session does for the operations that need more than a workspace."""

    @property
    def evaluator(self) -> Evaluator:
        """For what only data can show."""

    def reading(self, nbytes: int) -> None:
        """So many bytes of files are about to be read: for showing progress."""

    def undo(self, count: int, to: Moment | None = None) -> Report:
        """Take back the last edits: so many, or those after a moment."""

    def redo(self, count: int, to: Moment | None = None) -> Report:
        """Bring back what was undone: so many edits, or those up to a moment."""

    def mark(self, name: str) -> Report:
        """Name this moment."""

    def marks(self) -> dict[str, tuple[int, bool]]:
        """Names of moments that can be reached: after which step each is, and whether that is in force."""

    def workspace_at(self, moment: Moment) -> Workspace:
        """A copy of the workspace as it was; nothing is evaluated."""

    def journal(self) -> list[PastStep]:
        """The steps so far."""

    def history(self) -> list[PastLine]:
        """The lines so far."""

    def summarize(
        self, *, everything: bool, resolve: bool, layout: str, requires: str | None = None
    ) -> Report:
        """The plan of the steps in force; ``requires``: the fingerprints in it (header or content)."""

    def help(self, topic: str | None, expression: str | None, page: Page) -> list[str]:
        """Explain an operation, expression or topic."""

    def edit(self, path: str | None, count: int) -> Expansion | Report:
        """Open a file, or the last ``count`` steps, in the user's editor; the steps to be run after that."""

    def preview(self, step: Planned, *, limit: int | None, layout: str) -> Report:
        """What a step would do, without doing it."""

    def steps_of(self, path: str) -> Expansion:
        """The steps in a plan or script."""

    def set_modes(self, *, dry_run: bool | None, preview: bool | None, verbose: bool | None) -> Report:
        """Change how further steps are run and told; ``None`` leaves a mode as it is."""

    def leave(self) -> None:
        """End the session after this step."""

    def changed_aliases(self) -> list[str]:
        """Aliases that the steps in force changed."""

    def only_input(self) -> str | None:
        """The alias of the only input of the plan that runs, if one runs and has just one."""

    def open(self, path: str, alias: str, layout: str | None) -> Checkpoint:
        """Open a checkpoint; headers only."""

    def save(self, request: SaveRequest) -> Report:
        """Write a checkpoint; in a dry run, only check that it can be written."""


@dataclass(slots=True)
class Context:
    """Handed to every operation."""

    workspace: Workspace
    services: Services
    checking: bool = False
    """The check of a plan: no data is read, nothing is written."""

    @property
    def evaluator(self) -> Evaluator:
        """The session's evaluator (not while checking)."""
        return self.services.evaluator

    def reading(self, tensors: Iterable[LazyTensor]) -> None:
        """Say that ``tensors`` are about to be evaluated, so that progress can be shown."""
        self.services.reading(stored_bytes(tensors))
