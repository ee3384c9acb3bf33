"""Open files, shared by every thread that evaluates or saves.

Tensors stay lazy for a whole session, and a checkpoint may have hundreds of shards, so files are opened when
they are read and only so many stay open. A file is compared with the facts it had when its header was read:
lazy tensors of a file that changed would be nonsense.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import OrderedDict
from collections.abc import Callable

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.tensor import FileFacts, StoredFile

COPY_CHUNK = 32 << 20
"""Bytes of one ``copy_file_range``: some 10 ms, so that progress shows and Ctrl-C is heard."""

_BUFFER = 1 << 20
_NO_KERNEL_COPY = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
_TOO_MANY_OPEN = frozenset({errno.EMFILE, errno.ENFILE})


def facts_from(status: os.stat_result) -> FileFacts:
    """The facts that a ``stat`` holds."""
    return FileFacts(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def facts_of(fd: int) -> FileFacts:
    """The facts of an open file. Raises ``OSError`` if it cannot be asked."""
    return facts_from(os.fstat(fd))


class _Handle:
    """An open descriptor. It is closed with the last reference, as Python's own files are, if not before."""

    __slots__ = ("checked", "fd", "gone", "uses")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.uses = 0
        self.checked = True
        """Compared with the file's facts since the step began."""
        self.gone = False
        """Left the pool while in use: whoever uses it last closes it."""

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        os.close(fd)

    def __del__(self) -> None:
        if self.fd >= 0:
            self.close()


class FilePool:
    """At most ``limit`` open files, the least recently used closed first; and pinned ones."""

    def __init__(self, limit: int = 128) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: OrderedDict[StoredFile, _Handle] = OrderedDict()
        self._pinned: dict[StoredFile, _Handle] = {}

    def read_into(self, file: StoredFile, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` (of bytes) from byte ``offset`` of ``file``.

        Raises:
            StorageError: the file is gone, changed, unreadable or too short.
        """
        self.read_runs(file, offset, buffer, 1, 0)

    def read_runs(self, file: StoredFile, offset: int, buffer: memoryview, runs: int, stride: int) -> None:
        """Fill ``buffer`` (of bytes) with as many bytes of ``file`` from ``runs`` places.

        The first is at byte ``offset``, each other ``stride`` bytes after the one before.

        Raises:
            StorageError: the file is gone, changed, unreadable or too short.
        """
        length = len(buffer) // runs
        handle = self._lease(file)
        try:
            for run in range(runs):
                part = buffer[run * length : (run + 1) * length] if runs > 1 else buffer
                if not read_at(handle.fd, part, offset):
                    raise _too_short(file, offset + length)
                offset += stride
        except OSError as error:
            raise _unreadable(file, error) from error
        finally:
            self._give_back(handle)

    def copy_range(
        self,
        file: StoredFile,
        offset: int,
        count: int,
        out_fd: int,
        out_offset: int,
        tick: Callable[[int], None],
    ) -> None:
        """Copy ``count`` bytes of ``file`` into an open file, in the kernel where it can.

        ``tick`` is called with the bytes of each chunk that was copied; it may raise to stop.

        Raises:
            StorageError: the source is gone, changed or too short.
            OSError: the copy itself failed (no space, a broken disk …): the caller knows the destination.
        """
        handle = self._lease(file)
        try:
            done = 0
            while done < count:
                most = min(COPY_CHUNK, count - done)
                got = copy_chunk(handle.fd, offset + done, most, out_fd, out_offset + done)
                if got == 0:
                    raise _too_short(file, offset + count)
                done += got
                tick(got)
        finally:
            self._give_back(handle)

    def pin(self, file: StoredFile) -> None:
        """Keep ``file`` open until the pool is closed: its path is about to become another file's.

        Raises:
            StorageError: the file is gone, changed or unreadable.
        """
        with self._lock:
            if file not in self._pinned:
                handle = self._open.pop(file, None) or _Handle(self._open_checked(file))
                self._pinned[file] = handle

    def distrust(self) -> None:
        """Compare every file again before it is read next: time has passed."""
        with self._lock:
            for handle in (*self._open.values(), *self._pinned.values()):
                handle.checked = False

    def verify(self, file: StoredFile) -> None:
        """Check that ``file`` is still what it was when its header was read.

        Raises:
            StorageError: it is gone or changed.
        """
        with self._lock:
            pinned = self._pinned.get(file)
            try:
                now = facts_of(pinned.fd) if pinned is not None else facts_from(file.path.stat())
            except OSError as error:
                raise _unreadable(file, error) from error
        _compare(file, now)

    def close(self) -> None:
        """Close every file. Files in use are closed when their reader is done."""
        with self._lock:
            for handle in (*self._open.values(), *self._pinned.values()):
                self._drop(handle)
            self._open.clear()
            self._pinned.clear()

    def _lease(self, file: StoredFile) -> _Handle:
        """The open file, which stays open until it is given back. Called for each of 100,000 tensors."""
        with self._lock:
            handle = self._pinned.get(file) or self._open.get(file)
            if handle is None:
                handle = self._open[file] = _Handle(self._open_checked(file))
            else:
                if not handle.checked:
                    _compare(file, facts_of(handle.fd))
                    handle.checked = True
                if file in self._open:
                    self._open.move_to_end(file)
            handle.uses += 1
            if len(self._open) > self._limit:
                self._evict(self._limit)
        return handle

    def _give_back(self, handle: _Handle) -> None:
        with self._lock:
            handle.uses -= 1
            if handle.gone and handle.uses == 0:
                handle.close()

    def _open_checked(self, file: StoredFile) -> int:
        try:
            fd = self._open_path(file)
        except OSError as error:
            raise _unreadable(file, error) from error
        try:
            _compare(file, facts_of(fd))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _open_path(self, file: StoredFile) -> int:
        flags = os.O_RDONLY | os.O_CLOEXEC
        try:
            return os.open(file.path, flags)
        except OSError as error:
            if error.errno not in _TOO_MANY_OPEN or not self._open:
                raise
        self._evict(0)  # the process has fewer descriptors than we thought: give up ours and try once more
        return os.open(file.path, flags)

    def _evict(self, keep: int) -> None:
        for file in [file for file, handle in self._open.items() if handle.uses == 0]:
            if len(self._open) <= keep:
                break
            self._drop(self._open.pop(file))

    @staticmethod
    def _drop(handle: _Handle) -> None:
        handle.gone = True
        if handle.uses == 0:
            handle.close()


def copy_chunk(fd: int, offset: int, count: int, out_fd: int, out_offset: int) -> int:
    """Copy up to ``count`` bytes and say how many; 0 is the end of the source."""
    if hasattr(os, "copy_file_range"):
        try:
            got = os.copy_file_range(fd, out_fd, count, offset, out_offset)
        except OSError as error:
            if error.errno not in _NO_KERNEL_COPY:
                raise
        else:
            if got:  # some file systems answer 0 for what they cannot copy: then reading tells the truth
                return got
    data = os.pread(fd, min(count, _BUFFER), offset)
    write_at(out_fd, memoryview(data), out_offset)
    return len(data)


def read_at(fd: int, buffer: memoryview, offset: int) -> bool:
    """Fill ``buffer`` (of bytes) from byte ``offset``; whether the file is that long. Raises ``OSError``."""
    done = 0
    while done < len(buffer):
        got = os.preadv(fd, [buffer[done:] if done else buffer], offset + done)
        if got == 0:
            return False
        done += got
    return True


def write_at(fd: int, data: memoryview, offset: int) -> None:
    """Write all of ``data`` (bytes) at byte ``offset``. Raises ``OSError``."""
    done = 0
    while done < len(data):
        took = os.pwrite(fd, data[done:], offset + done)
        if took == 0:
            raise OSError(errno.EIO, "the device took no bytes")
        done += took


def _compare(file: StoredFile, now: FileFacts) -> None:
    then = file.facts
    if now == then:
        return
    if (now.device, now.inode) != (then.device, then.inode):
        what = "another file is there now"
    elif now.size != then.size:
        what = f"it had {then.size} bytes and has {now.size}"
    else:
        what = "it was written to"
    raise StorageError(
        f"'{file.shown}' changed on disk since it was opened: {what}",
        hint="load it again, or put the former file back",
    )


def _unreadable(file: StoredFile, error: OSError) -> StorageError:
    if isinstance(error, FileNotFoundError):
        return StorageError(
            f"'{file.shown}' is gone: it was moved or deleted since it was opened", hint="put the file back"
        )
    return StorageError(f"cannot read '{file.shown}': {error.strerror or error}")


def _too_short(file: StoredFile, wanted: int) -> StorageError:
    return StorageError(
        f"'{file.shown}' ended before byte {wanted}: it was cut short since it was opened",
        hint="load it again, or put the former file back",
    )
