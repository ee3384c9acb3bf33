"""Sessions for completion: just open checkpoints and a folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from brainsurgery_shell.completion import Candidate, complete
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.workspace import Workspace

GPT = [
    "wte.weight",
    "ln_f.bias",
    *(f"h.{i}.{part}" for i in range(12) for part in ("attn.weight", "attn.bias", "mlp.weight")),
]


@dataclass
class View:
    """What completion sees of a session."""

    workspace: Workspace = field(default_factory=Workspace)
    folder: Path = Path("/nowhere")

    def at(self, text: str, cursor: int | None = None) -> list[Candidate]:
        return complete(text, len(text) if cursor is None else cursor, self)

    def shown(self, text: str) -> list[str]:
        return [candidate.display for candidate in self.at(text)]

    def lines(self, text: str) -> list[str]:
        return [candidate.applied(text, len(text)) for candidate in self.at(text)]


def view(folder: Path = Path("/nowhere"), **checkpoints: Iterable[str]) -> View:
    """A session with checkpoints by alias."""
    return View(Workspace({alias: checkpoint(names) for alias, names in checkpoints.items()}), folder)


def checkpoint(names: Iterable[str]) -> Checkpoint:
    return Checkpoint.of({name: LazyTensor((8, 4), BY_NAME["bfloat16"]) for name in names}, {}, ())
