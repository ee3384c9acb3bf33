"""Opening checkpoints for a session: fingerprints, and sources that a save of the session replaced."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from brainsurgery_shell.errors import NotWritten, StorageError
from brainsurgery_shell.graph.files import FilePool
from brainsurgery_shell.graph.tensor import StoredFile
from brainsurgery_shell.session.journal import Journal
from brainsurgery_shell.session.paths import absolute
from brainsurgery_shell.session.recorder import Recorder
from brainsurgery_shell.storage.names import DCP_INDEX, INDEX_SUFFIX
from brainsurgery_shell.storage.read import Opened, open_checkpoint
from brainsurgery_shell.storage.tied import tied
from brainsurgery_shell.workspace.checkpoint import Checkpoint, Origin


@dataclass(slots=True)
class Sources:
    """All files that tensors of this session may read from."""

    files: FilePool
    folder: Path
    """What relative paths are taken from."""
    opened: list[tuple[Path, Opened]] = field(default_factory=list)
    moved: dict[Path, list[Path]] = field(default_factory=dict)
    """While a session is resumed: where later saves put what was at a path, in order."""
    expected: dict[Path, str] = field(default_factory=dict)
    """While a session is resumed: the fingerprint that a path had."""
    ready: dict[Path, Opened] = field(default_factory=dict)
    """While a session is resumed: what was opened already, to see whether it is what it was."""
    promised: list[Path] = field(default_factory=list)
    """In a dry run: what saves would have written."""
    _aside: set[int] = field(default_factory=set)
    """Identities of what was opened and is kept, because a save replaced it."""

    def open(self, path: str, layout: str | None = None) -> Checkpoint:
        """Open a checkpoint by the path as typed, in the format ``layout`` where the path does not tell.

        Raises:
            StorageError: it cannot be opened, or is not what it was when the session was recorded.
            NotWritten: a save would have written it, but this is a dry run.
        """
        place = absolute(path, self.folder)
        self._require_written(place, path)
        aside = self.moved.get(place)
        if not aside:
            self._require_here(place, path)
        ready = None if aside or layout else self.ready.get(place)
        opened = ready or open_checkpoint(aside[0] if aside else place, path, layout)
        wanted = self.expected.get(place)
        if wanted is not None and wanted != opened.fingerprint:
            raise StorageError(
                f"'{path}' is not what it was when this session was recorded",
                hint="put the original back, or open the checkpoint anew and replay the summary",
            )
        self.opened.append((place, opened))
        folder = None if opened.folder is None else _folder_of(place)
        origin = Origin(place, path, folder, opened.fingerprint)
        checkpoint = Checkpoint.of(opened.tensors, opened.metadata, (origin,))
        checkpoint.tied = tuple(tuple(group) for group in tied(opened.tensors))
        return checkpoint

    def _require_here(self, place: Path, path: str) -> None:
        """Of a path that a plan takes from its own folder: say so where the working folder has it."""
        here = Path.cwd() / path
        if not place.exists() and here.exists() and self.folder != Path.cwd():
            raise StorageError(
                f"there is no file or folder '{path}' in '{self.folder}'",
                hint="relative paths in a plan start at the plan's folder; what the working folder has is, "
                f"from there, '{os.path.relpath(here, self.folder)}'",
            )

    def _require_written(self, place: Path, path: str) -> None:
        if self.promised:
            real = Path(os.path.realpath(place))
            if any(each == real or each in real.parents or real in each.parents for each in self.promised):
                raise NotWritten(f"'{path}' is not there yet: a save would write it, and this is a dry run")

    def opened_at(self, path: Path) -> Opened:
        """What was opened at an absolute path, the first time."""
        return next(opened for place, opened in self.opened if place == path)

    def set_aside(self, path: Path, recorder: Recorder) -> str | None:
        """Before a save replaces ``path``: keep the old bytes readable, and record what was linked.

        Returns a warning if they are not kept for a resumed session.
        """
        warning = None
        for place, opened in self.opened:
            if not any(_same_file(path, file) for file in opened.files):
                continue
            if id(opened) in self._aside:
                continue  # another of its files was replaced before, and all of them were kept
            self._aside.add(id(opened))
            for file in opened.files:
                self.files.pin(file)
            if recorder.journal is not None and not _link(place, opened, recorder.journal, recorder):
                warning = (
                    f"'{path}' is a source of this session and cannot be linked aside: "
                    "once this process ends, the session cannot be resumed"
                )
        return warning


def _folder_of(place: Path) -> Path:
    """The folder that was opened, by itself or by the index in it."""
    by_index = place.name == DCP_INDEX or place.name.endswith(INDEX_SUFFIX)
    return place.parent if by_index else place


def _same_file(path: Path, file: StoredFile) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (file.facts.device, file.facts.inode)


def _link(place: Path, opened: Opened, journal: Journal, recorder: Recorder) -> bool:
    """Hard-link a source into the session's folder, and say so in the journal.

    Symlinks are followed: in another folder, a relative one would lead nowhere.
    """
    number = len(list(journal.kept_folder.iterdir())) if journal.kept_folder.is_dir() else 0
    kept = journal.kept_folder / str(number) / place.name  # the name of a file may be that of its tensor
    try:
        if opened.folder is None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            os.link(os.path.realpath(place), kept)
        else:
            kept.mkdir(parents=True)
            for file in opened.files:
                copy = kept / file.path.relative_to(opened.folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                os.link(os.path.realpath(file.path), copy)
            import shutil

            for index in opened.folder.glob("*.index.json"):
                shutil.copyfile(index, kept / index.name)
    except OSError:
        return False
    at = kept.relative_to(journal.folder)  # sessions can be renamed
    recorder.note_kept({"kind": "kept", "path": str(place), "at": str(at)})
    return True
