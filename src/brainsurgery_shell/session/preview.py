"""What an edit would change, in a few lines."""

from __future__ import annotations

from brainsurgery_shell.errors import listed
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.workspace import Workspace


def preview(workspace: Workspace, edit: Edit) -> list[str]:
    """A line each for what appears, changes and disappears, with count, bytes and the first names."""
    found: dict[str, list[tuple[str, LazyTensor]]] = {"creates": [], "changes": [], "deletes": []}
    for alias, tensors in edit.tensors.items():
        there = workspace.checkpoints[alias].tensors if alias in workspace.checkpoints else {}
        for name, tensor in tensors.items():
            former = there.get(name)
            if tensor is not None:
                found["creates" if former is None else "changes"].append((f"{alias}::{name}", tensor))
            elif former is not None:
                found["deletes"].append((f"{alias}::{name}", former))
    lines = [_line(what, each) for what, each in found.items() if each]
    for alias, checkpoint in edit.aliases.items():
        if checkpoint is None:
            lines.append(f"removes the alias {alias}")
        else:
            lines.append(f"adds the alias {alias} ({len(checkpoint.tensors)} tensors)")
    return lines or ["changes no tensor"]


def _line(what: str, tensors: list[tuple[str, LazyTensor]]) -> str:
    size = size_words(sum(tensor.nbytes for _, tensor in tensors))
    count = "1 tensor" if len(tensors) == 1 else f"{len(tensors)} tensors"
    return f"{what} {count} ({size}): {listed([name for name, _ in tensors])}"
