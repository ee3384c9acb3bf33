"""The files of a folder that are not weights: kept when it is replaced, or taken along to a new one."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.files import COPY_CHUNK, copy_chunk
from brainsurgery_shell.storage.folder import find_weights
from brainsurgery_shell.storage.names import is_companion, is_weights


def weights_in(folder: Path) -> list[Path]:
    """The files of ``folder`` that overwriting it replaces: what would be opened there, and what is named so.

    Raises:
        OSError: the folder cannot be read.
    """
    found = {path for path in folder.iterdir() if is_weights(path.name) and not path.is_dir()}
    with contextlib.suppress(StorageError):  # nothing, or several, of which none is the checkpoint
        found |= {folder / name for name in find_weights(folder, str(folder)).files}
    return sorted(found)


def keep_others(old: Path, new: Path) -> None:
    """Put everything of ``old`` but its weights into ``new``: as hard links, or copies where there are none.

    Raises:
        OSError: something cannot be linked or copied.
        StorageError: another file system is mounted inside.
    """
    replaced = set(weights_in(old))
    device = old.stat().st_dev
    pending = [(old, new)]
    folders = []
    while pending:
        source, target = pending.pop()
        folders.append((source, target))
        for path in source.iterdir():
            place = target / path.name
            if path in replaced:
                continue
            status = path.lstat()
            if status.st_dev != device:  # removing the old folder would empty what is mounted there
                raise StorageError(
                    f"cannot replace '{old}': another file system is mounted at '{path}'",
                    hint="save elsewhere",
                )
            if stat.S_ISDIR(status.st_mode):
                place.mkdir()
                pending.append((path, place))
            elif stat.S_ISLNK(status.st_mode):
                place.symlink_to(path.readlink())
            else:
                _link(path, place, status)
    for source, target in reversed(folders):  # last of all: nothing can be made in a read-only folder
        status = source.stat()
        with contextlib.suppress(OSError):
            os.chown(target, status.st_uid, status.st_gid)
        if target == new:
            shutil.copymode(source, target)
        else:
            shutil.copystat(source, target)


def companions_of(folder: Path, unless: Path | None) -> list[Path]:
    """The files at the top of ``folder`` that go along, but those that ``unless`` has. Raises ``OSError``."""
    return sorted(
        path
        for path in folder.iterdir()
        if is_companion(path.name)
        and path.is_file()  # symlinks too: in a download cache every file is one
        and not (unless is not None and os.path.lexists(unless / path.name))
    )


def copy_file(source: Path, dest: Path, tick: Callable[[int], None], fsync: bool) -> None:
    """Copy content and permissions. ``tick(0)`` is called after each chunk. Raises ``OSError``."""
    from_fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        mode = stat.S_IMODE(os.fstat(from_fd).st_mode)
        to_fd = os.open(dest, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode | stat.S_IWUSR)
        try:
            done = 0
            while got := copy_chunk(from_fd, done, COPY_CHUNK, to_fd, done):
                done += got
                tick(0)
            if fsync:
                os.fsync(to_fd)
        finally:
            os.close(to_fd)
    finally:
        os.close(from_fd)


def _link(path: Path, place: Path, status: os.stat_result) -> None:
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:
        if not stat.S_ISREG(status.st_mode):
            raise
        shutil.copy2(path, place)
