"""What becomes of names: an edit, or two workspaces, held against each other; and the same in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from brainsurgery_shell.errors import listed
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.workspace import Workspace


class Change(NamedTuple):
    """What becomes of one name."""

    alias: str
    name: str
    before: LazyTensor | None
    after: LazyTensor | None
    former: str | None = None
    """The name, with its alias, that the very same tensor has now and will not keep."""

    @property
    def shown(self) -> str:
        """The name with its alias."""
        return f"{self.alias}::{self.name}"


class Kinds(NamedTuple):
    """Changes by what they are."""

    new: list[Change]
    renamed: list[Change]
    changed: list[Change]
    deleted: list[Change]


def changes_of(workspace: Workspace, edit: Edit) -> list[Change]:
    """What an edit does to each name, in its order; the very same tensor under the same name is no change."""
    found: list[Change] = []
    for alias, written in edit.tensors.items():
        there = workspace.checkpoints[alias].tensors if alias in workspace.checkpoints else {}
        for name, after in written.items():
            before = there.get(name)
            if after is not before:
                found.append(Change(alias, name, before, after))
    return _with_former_names(found)


def differences(before: Workspace, after: Workspace) -> list[Change]:
    """What became of each name of the aliases that both have."""
    found: list[Change] = []
    for alias, checkpoint in after.checkpoints.items():
        if alias not in before.checkpoints:
            continue
        old = before.checkpoints[alias]
        gone = (name for name in old.names() if name not in checkpoint.tensors)
        found += (Change(alias, name, old.tensors[name], None) for name in gone)
        for name in checkpoint.names():
            former, tensor = old.tensors.get(name), checkpoint.tensors[name]
            if former is not tensor:
                found.append(Change(alias, name, former, tensor))
    return _with_former_names(found)


def _with_former_names(changes: list[Change]) -> list[Change]:
    """The same, where a tensor that leaves one name for another says so."""
    leaving = {id(each.before): each for each in changes if each.before is not None}
    return [
        each._replace(former=source.shown)
        if each.after is not None and (source := leaving.get(id(each.after))) is not None
        else each
        for each in changes
    ]


def by_kind(changes: Iterable[Change]) -> Kinds:
    """A tensor that is renamed is not deleted as well."""
    found = Kinds([], [], [], [])
    changes = list(changes)
    kept = {id(each.after) for each in changes if each.former is not None}
    for each in changes:
        if each.former is not None:
            found.renamed.append(each)
        elif each.before is None:
            found.new.append(each)
        elif each.after is not None:
            found.changed.append(each)
        elif id(each.before) not in kept:
            found.deleted.append(each)
    return found


def change_words(changes: Iterable[Change]) -> list[str]:
    """A phrase for each kind of change."""
    kinds = by_kind(changes)
    parts = []
    if kinds.renamed:
        parts.append(f"renames {len(kinds.renamed)}")
    if kinds.new:
        names = "1 new name" if len(kinds.new) == 1 else f"{len(kinds.new)} new names"
        parts.append(f"writes {names} ({_size(kinds.new, 'after')})")
    if kinds.changed:
        before, after = _size(kinds.changed, "before"), _size(kinds.changed, "after")
        sizes = "" if before == after else f" ({before} → {after})"
        parts.append(f"changes {len(kinds.changed)}{sizes}")
    if kinds.deleted:
        parts.append(f"deletes {len(kinds.deleted)} ({_size(kinds.deleted, 'before')})")
    return parts


def preview(workspace: Workspace, edit: Edit) -> list[str]:
    """A line each for what appears, changes and disappears, with count, bytes and the first names."""
    kinds = by_kind(each._replace(former=None) for each in changes_of(workspace, edit))
    lines = [
        f"{what} {tensor_words(len(changes))} ({_size(changes, which)}): "
        + listed([each.shown for each in changes])
        for what, changes, which in (
            ("creates", kinds.new, "after"),
            ("changes", kinds.changed, "after"),
            ("deletes", kinds.deleted, "before"),
        )
        if changes
    ]
    return [*lines, *alias_words(edit)] or ["changes no tensor"]


def alias_words(edit: Edit) -> list[str]:
    """A phrase for each alias that appears, disappears or becomes the default."""
    words = [
        f"removes the alias {alias}"
        if checkpoint is None
        else f"adds the alias {alias} ({tensor_words(len(checkpoint.tensors))})"
        for alias, checkpoint in edit.aliases.items()
    ]
    if edit.default is not None and edit.default.alias is not None:
        words.append(f"makes {edit.default.alias} the default")
    return words


def tensor_words(count: int) -> str:
    """A count in words."""
    return "1 tensor" if count == 1 else f"{count} tensors"


def nbytes_of(tensors: Iterable[LazyTensor]) -> int:
    """Bytes of tensors. Many tensors have few shapes: so they are counted, not asked one by one."""
    kinds = Counter(map(attrgetter("shape", "dtype"), tensors))
    return sum(LazyTensor(*kind).nbytes * count for kind, count in kinds.items())


def _size(changes: list[Change], which: str) -> str:
    return size_words(nbytes_of(map(attrgetter(which), changes)))
