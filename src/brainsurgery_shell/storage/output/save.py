"""Save a checkpoint: everything that can be checked first, then all of its bytes, then one rename."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.files import FilePool
from brainsurgery_shell.graph.kernel import Kernel
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile
from brainsurgery_shell.storage.container import Container, OutFile
from brainsurgery_shell.storage.formats import container
from brainsurgery_shell.storage.layout import total_bytes
from brainsurgery_shell.storage.names import SUFFIXES, suffix_of
from brainsurgery_shell.storage.output.destination import check_dest, check_parent
from brainsurgery_shell.storage.output.keep import companions_of, copy_file, keep_others, weights_in
from brainsurgery_shell.storage.output.publish import Stage, mend, publish, stage, sync_folder
from brainsurgery_shell.storage.output.space import check_space, write_failed
from brainsurgery_shell.storage.output.write import (
    Pieces,
    Work,
    create,
    run_all,
    seal_file,
    sync_file,
    units_of,
)


@dataclass(frozen=True, slots=True)
class SaveTarget:
    """Where to save and how."""

    path: Path
    shard_bytes: int | None
    """Bytes of data of one file, at most; ``None`` for one file. Means nothing where ``path`` is a file."""
    overwrite: bool
    shown: str
    """The path as the user typed it, for messages."""
    layout: str | None = None
    """The format; by the path's suffix if it is ``None``, else safetensors."""


@dataclass(frozen=True, slots=True)
class SavePlan:
    """A save that was checked as far as it can be without data."""

    target: SaveTarget
    dest: Path
    """Absolute, symlinks resolved."""
    single: bool
    """One file, and not a folder."""
    tensors: Mapping[str, LazyTensor]
    container: Container
    replaces: bool
    """Whether something is at ``dest``."""

    @property
    def nbytes(self) -> int:
        """Bytes of data."""
        return total_bytes(self.tensors.values())

    def files(self, metadata: Mapping[str, str]) -> list[OutFile]:
        """What will be written."""
        shard = self.target.shard_bytes
        return self.container.lay_out(self.tensors, shard_bytes=shard, single=self.single, metadata=metadata)


@dataclass(frozen=True, slots=True)
class SaveReport:
    """What was saved."""

    path: Path
    files: tuple[Path, ...]
    """The weights, without their index."""
    nbytes: int
    """Bytes of data."""
    tensors: int


def plan_save(target: SaveTarget, tensors: Mapping[str, LazyTensor]) -> SavePlan:
    """Check a save: format, destination, dtypes and names. Reads no data and writes nothing.

    Raises:
        StorageError: it would fail.
    """
    named = SUFFIXES.get(suffix_of(target.path.name))
    if None not in (named, target.layout) and named != target.layout:
        raise StorageError(
            f"cannot save '{target.shown}' as {target.layout}: "
            f"files that end in {suffix_of(target.path.name)} are {named}",
            hint="leave format out, or give a path with another suffix, or none for a folder",
        )
    chosen = container(target.layout or named or "safetensors").variant(suffix_of(target.path.name))
    dest = Path(os.path.realpath(target.path))
    single = named is not None
    mend(dest)  # or a folder that a killed save had renamed would not seem to be there
    try:
        replaces = check_dest(dest, single, target.overwrite, target.shown)
        check_parent(dest, target.shown)
    except OSError as error:
        raise StorageError(f"cannot save '{target.shown}': {error.strerror or error}") from error
    chosen.check(tensors, single, target.shown)
    return SavePlan(target, dest, single, tensors, chosen, replaces)


def execute_save(
    plan: SavePlan,
    *,
    metadata: Mapping[str, str],
    companions: Path | None,
    pieces: Pieces,
    pool: FilePool,
    before_replace: Callable[[Path], None],
    tick: Callable[[int], None],
    workers: int = 1,
    sources: Collection[StoredFile] = (),
    fsync: bool = True,
) -> SaveReport:
    """Write what was planned; it appears at once, when all of it is written.

    ``metadata`` is the source's. ``companions`` is the folder whose config, tokenizer and other files go
    along to a new folder. ``pieces`` gives the bytes of a computed tensor, in order, as they are computed,
    or as stored tensors to copy; it is called in the worker threads. ``before_replace`` is called with each
    weight file that is about to be replaced. ``tick`` is called in this thread with the bytes written
    since; it may raise to stop. ``sources`` are files that must not have changed, besides those that the
    tensors read.

    Raises:
        StorageError: there is no room, the disk fails, or a source changed. The destination is as it was.
        Exception: whatever ``pieces``, ``before_replace`` and ``tick`` raise. The destination is as it was.
    """
    work = Work(pieces, pool, plan.target.shown, fsync, sources=_files_read(plan) | set(sources))
    for source in work.sources:
        pool.verify(source)
    files = plan.files(metadata)
    try:
        return _save(plan, files, None if plan.single else companions, work, before_replace, tick, workers)
    except OSError as error:
        raise write_failed(plan.target.shown, error) from error


def _save(
    plan: SavePlan,
    files: list[OutFile],
    companions: Path | None,
    work: Work,
    before_replace: Callable[[Path], None],
    tick: Callable[[int], None],
    workers: int,
) -> SaveReport:
    dest = plan.dest
    along = companions_of(companions, dest if plan.replaces else None) if companions is not None else []
    needed = sum(file.size for file in files) + sum(path.stat().st_size for path in along)
    check_space(dest, needed, plan.target.shown)
    staged = stage(dest, folder=not plan.single)
    try:
        _fill(plan, files, staged.hidden, work, tick, workers)
        if not plan.single:
            _complete_folder(plan, staged.hidden, along, work)
        for source in work.sources:
            work.pool.verify(source)
        if plan.replaces:
            for path in [dest] if plan.single else weights_in(dest):
                before_replace(path)
        _publish(staged, plan, work.fsync)
    finally:
        staged.discard()
    written = (dest,) if plan.single else tuple(dest / file.name for file in files if file.weights)
    return SaveReport(dest, written, plan.nbytes, len(plan.tensors))


def _fill(
    plan: SavePlan, files: list[OutFile], place: Path, work: Work, tick: Callable[[int], None], workers: int
) -> None:
    """Write the files: into ``place`` itself if the plan is for one file, else into that folder."""
    paths = [place if plan.single else place / file.name for file in files]
    jobs: list[Callable[[], None]] = []
    for path, file in zip(paths, files, strict=True):
        create(path, file)
        jobs += units_of(path, file, work)
    run_all(jobs, work, workers, tick)
    sealed = [partial(seal_file, *each, work) for each in zip(paths, files, strict=True) if each[1].seal]
    run_all(sealed, work, workers, tick)
    if work.fsync:
        # In threads too, although there is nothing to gain: Ctrl-C must not wait for the disk.
        run_all([partial(sync_file, path, work) for path in paths], work, workers, tick)


def _complete_folder(plan: SavePlan, folder: Path, along: list[Path], work: Work) -> None:
    """Add the files of the folder that is replaced, and the companions."""
    if plan.replaces:
        keep_others(plan.dest, folder)
    for path in along:
        copy_file(path, folder / path.name, work.advance, work.fsync)
    if work.fsync:
        for root, _, _ in os.walk(folder):
            sync_folder(Path(root))


def _publish(staged: Stage, plan: SavePlan, fsync: bool) -> None:
    here = _working_folder()
    publish(staged, replace=plan.replaces, fsync=fsync)
    with contextlib.suppress(KeyboardInterrupt):  # too late: it is saved
        if here is not None and here.is_relative_to(plan.dest):
            # The working folder is the one that was replaced: go on in the new one of that name.
            with contextlib.suppress(OSError):
                os.chdir(here)
        staged.discard()


def _working_folder() -> Path | None:
    try:
        return Path(os.path.realpath(Path.cwd()))
    except OSError:
        return None


def _files_read(plan: SavePlan) -> set[StoredFile]:
    """Every file that the tensors read, through however many kernels."""
    files: set[StoredFile] = set()
    seen: set[Kernel] = set()
    pending = list(plan.tensors.values())
    while pending:  # no recursion: 10,000 edits of one tensor are a chain of 10,000
        tensor = pending.pop()
        if tensor.file is not None:
            files.add(tensor.file)
        elif tensor.kernel is not None and tensor.kernel not in seen:
            seen.add(tensor.kernel)
            pending.extend(tensor.kernel.inputs)
    return files
