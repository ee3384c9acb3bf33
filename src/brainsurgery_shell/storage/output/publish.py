"""Output that appears whole or not at all: built in a hidden sibling, then renamed into place.

A killed save leaves its hidden sibling behind; the next save to the same place removes it. A lock (``flock``,
which the kernel drops with the process) tells those from the siblings of a save that is still running.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.interrupts import uninterrupted
from brainsurgery_shell.storage.names import HIDDEN_SUFFIX
from brainsurgery_shell.storage.output.syscalls import exchange, rename_new

_FORMER = ".was"
"""Marks a replaced folder between the two renames of a system that cannot exchange."""

_TOKEN = re.compile(r"[0-9a-f]{16}(\.was)?")


@dataclass(slots=True)
class Stage:
    """An output under construction at ``hidden``, which will be ``dest``."""

    dest: Path
    hidden: Path
    lock: int | None
    """A descriptor of ``hidden`` that holds its lock; ``None`` when all is done."""
    made: list[Path] = field(default_factory=list)
    """Parent folders that were made for it, outermost first."""
    published: bool = False
    taken: bool = False
    """Whether it is what a killed save left."""

    def discard(self) -> None:
        """Remove what was built; after ``publish``, what it replaced. What cannot be removed stays."""
        if self.lock is None:
            return
        with uninterrupted():  # one Ctrl-C may have ended the save; another shall not end this
            remove(self.hidden)
            _unlock(self.lock)
            self.lock = None
            if not self.published:
                _remove_made(self.made)


def stage(dest: Path, *, folder: bool, takes: Callable[[Path], bool] = lambda leftover: False) -> Stage:
    """Make the hidden sibling of ``dest`` and its missing parents, after removing those of killed saves.

    One of them that ``takes`` accepts is taken over instead.

    Raises:
        OSError: it cannot be made.
    """
    mend(dest)
    taken: Stage | None = None
    for leftover, held in _abandoned(dest):
        if taken is None and folder and leftover.is_dir() and takes(leftover):
            taken = Stage(dest, leftover, held, taken=True)
            continue
        remove(leftover)
        _unlock(held)
    if taken is not None:
        return taken
    made: list[Path] = []
    hidden: Path | None = None
    try:
        _make_parents(dest.parent, made)
        while True:
            hidden = _hidden(dest)
            if folder:
                hidden.mkdir()
            else:
                os.close(os.open(hidden, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
            lock = _lock(hidden)
            if lock is not None:
                return Stage(dest, hidden, lock, made)
            # Between making and locking, another save took it for abandoned: it is gone, so make another.
    except BaseException:
        if hidden is not None:
            remove(hidden)
        _remove_made(made)
        raise


def publish(staged: Stage, *, replace: bool, fsync: bool) -> None:
    """Rename what was built into place. With ``replace``, what is there goes; without, nothing may be there.

    Raises:
        OSError: it cannot be renamed; nothing has changed then.
        StorageError: something appeared at the destination meanwhile.
    """
    dest, hidden = staged.dest, staged.hidden
    if not replace:
        try:
            rename_new(hidden, dest)
        except FileExistsError as error:
            raise StorageError(
                f"'{dest}' was made by someone else while it was being saved", hint="give 'overwrite: true'"
            ) from error
    elif hidden.is_dir():
        if not exchange(hidden, dest):
            _swap_in_two(hidden, dest)
    else:
        hidden.replace(dest)
    staged.published = True
    if fsync:
        sync_folder(dest.parent)


def mend(dest: Path) -> None:
    """Put back the former folder ``dest`` if a save was killed between its two renames."""
    if os.path.lexists(dest):
        return
    for leftover, lock in _abandoned(dest):
        if leftover.name.removesuffix(HIDDEN_SUFFIX).endswith(_FORMER) and not os.path.lexists(dest):
            with contextlib.suppress(OSError):
                leftover.rename(dest)
        _unlock(lock)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` last. Raises ``OSError``; where folders cannot be synced, does nothing."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:  # one may write to it, and not read it
        return
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(fd)


def _swap_in_two(hidden: Path, dest: Path) -> None:
    former = _hidden(dest, _FORMER)
    lock = _lock(dest)
    try:
        dest.rename(former)
        try:
            hidden.rename(dest)
        except BaseException:
            former.rename(dest)
            raise
        remove(former)
    finally:
        _unlock(lock)


def _hidden(dest: Path, mark: str = "") -> Path:
    return dest.with_name(f"{_prefix(dest)}{secrets.token_hex(8)}{mark}{HIDDEN_SUFFIX}")


def _prefix(dest: Path) -> str:
    name = dest.name
    if len(os.fsencode(name)) > 200:  # a file name has room for 255 bytes
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}."


def _abandoned(dest: Path) -> Iterator[tuple[Path, int]]:
    """The hidden siblings of ``dest`` that no process works on, locked so that nobody else takes them."""
    prefix = _prefix(dest)
    try:
        names = sorted(path.name for path in dest.parent.iterdir())
    except OSError:
        return
    for name in names:
        if not (name.startswith(prefix) and name.endswith(HIDDEN_SUFFIX)):
            continue
        if _TOKEN.fullmatch(name[len(prefix) : -len(HIDDEN_SUFFIX)]):
            lock = _lock(dest.with_name(name))
            if lock is not None and lock >= 0:
                yield dest.with_name(name), lock


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock of ``path``; ``None`` if another process does or it is gone.

    -1 where the file system has no locks: then nothing is ever taken for abandoned.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), path.stat()):
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(fd)
        return -1
    os.close(fd)
    return None


def _unlock(lock: int | None) -> None:
    if lock is not None and lock >= 0:
        os.close(lock)


def remove(path: Path) -> None:
    """Remove a file or a folder; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _make_parents(folder: Path, made: list[Path]) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        made.append(each)


def _remove_made(made: list[Path]) -> None:
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            folder.rmdir()
