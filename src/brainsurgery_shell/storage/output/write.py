"""Fill the files of a save, by several threads, so that it can be stopped at any moment.

The work is cut into units of some 256 MiB of consecutive tensors. A unit writes at its own places of a file
that has its full length already, through its own descriptor, so that units know nothing of each other, and
one that is left behind by Ctrl-C in the middle of a long computation does no harm.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from brainsurgery_shell.errors import InternalError
from brainsurgery_shell.graph.files import FilePool, write_at
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile
from brainsurgery_shell.storage.container import OutFile, Seal
from brainsurgery_shell.storage.output.space import write_failed
from brainsurgery_shell.storage.output.syscalls import start_writing_back

Pieces = Callable[[LazyTensor], Iterator["memoryview | LazyTensor"]]

UNIT = 256 << 20
"""Bytes after which another unit begins, which another thread may take."""

_NO_ALLOCATION = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV})

_WRITE_BACK = 32 << 20
_POLL = 0.05
_GRACE = 0.05
"""Seconds: how often the main thread looks up, and how long it waits for threads that were told to stop."""


class Stopped(BaseException):
    """The save was stopped while a thread worked on it. Not an ``Exception``: no kernel may swallow it."""


@dataclass(slots=True)
class Work:
    """What the threads of one save share."""

    pieces: Pieces
    pool: FilePool
    shown: str
    fsync: bool
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    written: int = 0
    """Bytes of data, and of those that were read again for checksums."""
    told: int = 0
    """How many of them ``tick`` knows of."""
    sources: set[StoredFile] = field(default_factory=set)

    def advance(self, nbytes: int) -> None:
        """Count bytes that were written. Raises ``Stopped`` if the save is over."""
        if self.stop.is_set():
            raise Stopped
        if nbytes:
            with self.lock:
                self.written += nbytes


def units_of(path: Path, file: OutFile, work: Work) -> list[Callable[[], None]]:
    """The jobs that fill the data of ``file``, which is at ``path`` with its literals and its length."""
    jobs: list[Callable[[], None]] = []
    items: list[tuple[str, LazyTensor, int]] = []
    size = 0
    for (name, tensor), at in zip(file.tensors.items(), file.offsets, strict=True):
        items.append((name, tensor, at))
        size += tensor.nbytes
        if size >= UNIT:
            jobs.append(_Unit(path, items, work))
            items, size = [], 0
    if items:
        jobs.append(_Unit(path, items, work))
    return jobs


def then(jobs: Sequence[Callable[[], None]], last: Callable[[], None]) -> list[Callable[[], None]]:
    """``jobs``, the last of which to be done does ``last`` too."""
    lock = threading.Lock()
    left = len(jobs)

    def run(job: Callable[[], None]) -> None:
        nonlocal left
        job()
        with lock:
            left -= 1
            ready = left == 0
        if ready:
            last()

    return [partial(run, job) for job in jobs]


def create(path: Path, file: OutFile) -> None:
    """Make the file at ``path`` with its literals and its full size, allocated if possible.

    Raises:
        OSError: it cannot be made, or there is no room.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            os.posix_fallocate(fd, 0, file.size)
        except (AttributeError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_ALLOCATION:
                raise
            os.ftruncate(fd, file.size)
        for at, literal in file.literals:
            write_at(fd, memoryview(literal), at)
    finally:
        os.close(fd)


def seal_part(path: Path, seal: Seal, work: Work) -> None:
    """Write a part of what depends on all data of a file. Raises ``StorageError`` if the disk fails."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            for at, literal in seal.fill(fd, work.advance):
                write_at(fd, memoryview(literal), at)
        finally:
            os.close(fd)
    except OSError as error:
        raise write_failed(work.shown, error) from error


def sync_file(path: Path, work: Work) -> None:
    """Make the content of a file last. Raises ``StorageError`` if the disk fails."""
    work.advance(0)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise write_failed(work.shown, error) from error


def run_all(
    jobs: Sequence[Callable[[], None]], work: Work, workers: int, tick: Callable[[int], None]
) -> None:
    """Run ``jobs`` in up to ``workers`` threads. ``tick`` is called in this one, with bytes written (or 0).

    Whatever a job or ``tick`` raises, and Ctrl-C, stops all of them. A thread in the middle of a long kernel
    is not waited for: it finds out that it was stopped when the kernel is done.
    """
    executor = ThreadPoolExecutor(max(1, workers), thread_name_prefix="save")
    futures: list[Future[None]] = []
    try:
        futures += map(executor.submit, jobs)
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=_POLL, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            news = work.written - work.told
            work.told += news
            tick(news)
    except BaseException:
        work.stop.set()
        executor.shutdown(wait=False, cancel_futures=True)
        wait(futures, timeout=_GRACE)
        raise
    finally:
        executor.shutdown(wait=False)


class _Unit:
    """Writes consecutive tensors of one file. Stored ranges that follow each other are copied at one go."""

    __slots__ = ("_at", "_count", "_fd", "_items", "_offset", "_path", "_source", "_synced", "_work")

    def __init__(self, path: Path, items: list[tuple[str, LazyTensor, int]], work: Work) -> None:
        self._path = path
        self._items = items
        self._work = work
        self._fd = -1
        self._at = self._synced = items[0][2]
        self._source: StoredFile | None = None
        self._offset = self._count = 0
        """The run that waits to be copied to ``_at``: where it begins in ``_source``, and its bytes."""

    def __call__(self) -> None:
        self._work.advance(0)
        try:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise write_failed(self._work.shown, error) from error
        try:
            for name, tensor, at in self._items:
                if self._at + self._count != at:
                    self._copy_run()
                    self._at = at
                self._tensor(tensor)
                if self._at + self._count != at + tensor.nbytes:
                    raise InternalError(
                        f"tensor '{name}' of {tensor.nbytes} bytes came as {self._at + self._count - at}"
                    )
            self._copy_run()
            self._wrote(0, last=True)
        finally:
            os.close(self._fd)

    def _tensor(self, tensor: LazyTensor) -> None:
        parts: Iterable[memoryview | LazyTensor] = (
            (tensor,) if tensor.file is not None else self._work.pieces(tensor)
        )
        for part in parts:
            if isinstance(part, LazyTensor):
                self._stored(part)
            else:
                self._computed(part)

    def _stored(self, part: LazyTensor) -> None:
        if part.file is None:
            raise InternalError("a piece of a save is a lazy tensor that is not stored")
        count = part.nbytes
        if count == 0:
            return
        if self._count and (part.file is not self._source or part.offset != self._offset + self._count):
            self._copy_run()
        if not self._count:
            self._source, self._offset = part.file, part.offset
        self._count += count

    def _computed(self, part: memoryview) -> None:
        self._copy_run()
        try:
            write_at(self._fd, part.cast("B") if part.format != "B" or part.ndim != 1 else part, self._at)
        except OSError as error:
            raise write_failed(self._work.shown, error) from error
        self._wrote(part.nbytes)

    def _copy_run(self) -> None:
        if not self._count or self._source is None:
            return
        count, self._count = self._count, 0
        self._work.sources.add(self._source)
        try:
            self._work.pool.copy_range(self._source, self._offset, count, self._fd, self._at, self._wrote)
        except OSError as error:
            raise write_failed(self._work.shown, error) from error

    def _wrote(self, nbytes: int, last: bool = False) -> None:
        self._at += nbytes
        self._work.advance(nbytes)
        if self._work.fsync and (last or self._at - self._synced >= _WRITE_BACK):
            start_writing_back(self._fd, self._synced, self._at - self._synced)
            self._synced = self._at
