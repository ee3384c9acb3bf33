"""What the command line chose for a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Provider


@dataclass(frozen=True, slots=True)
class SaveDefaults:
    """What the command line says about saves."""

    shard: int | None
    overwrite: bool = False
    workers: int = 2


@dataclass(slots=True)
class Settings:
    """What the command line chose."""

    memory: int
    """Bytes for intermediates."""
    provider: Provider = "inmemory"
    arena_root: Path | None = None
    saves: SaveDefaults = field(default_factory=lambda: SaveDefaults(5 * 2**30))
    dry_run: bool = False
    """Whether nothing is written; steps change a workspace that is dropped."""
    checking: bool = False
    """Whether no data is read either: a plan is checked."""
    ignore_fingerprints: bool = False
    """Whether inputs other than those that a plan requires are only warned of."""
    preview: bool = False
    """Whether each edit is shown before it is made."""
    verbose: bool = False
    """Whether each step tells its tensors and time."""
    journal: bool = True
    color: str = "auto"
    """Whether results are coloured: ``auto`` (on terminals), ``never`` or ``always``."""
