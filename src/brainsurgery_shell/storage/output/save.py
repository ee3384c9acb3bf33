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
from brainsurgery_shell.graph.leaves import leaves
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile
from brainsurgery_shell.interrupts import uninterrupted
from brainsurgery_shell.storage.container import Container, OutFile, Output
from brainsurgery_shell.storage.formats import container
from brainsurgery_shell.storage.layout import total_bytes
from brainsurgery_shell.storage.names import SUFFIXES, suffix_of
from brainsurgery_shell.storage.output.destination import check_dest, check_parent
from brainsurgery_shell.storage.output.finished import Finished, layout_key
from brainsurgery_shell.storage.output.keep import companions_of, copy_file, keep_others, weights_in
from brainsurgery_shell.storage.output.publish import Stage, mend, publish, stage, sync_folder
from brainsurgery_shell.storage.output.space import check_space, write_failed
from brainsurgery_shell.storage.output.write import (
    Pieces,
    Work,
    create,
    run_all,
    seal_part,
    sync_file,
    then,
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
        return self.container.lay_out(Output(self.tensors, self.single, self.target.shard_bytes, metadata))


@dataclass(frozen=True, slots=True)
class Resumable:
    """What lets a save into several files go on where one that was killed ended."""

    key: str
    """Stands for all that decides the tensors' values: where it is the same, so are they."""
    resume: bool
    """Whether to go on, and not only to leave behind what a later save can go on from."""


@dataclass(frozen=True, slots=True)
class SaveReport:
    """What was saved."""

    path: Path
    files: tuple[Path, ...]
    """The weights, without their index."""
    nbytes: int
    """Bytes of data."""
    tensors: int
    kept: int = 0
    """How many of the files were taken over from a save that was killed."""


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
    chosen.check(Output(tensors, single), target.shown)
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
    begin: Callable[[int], None] = lambda nbytes: None,
    resumable: Resumable | None = None,
) -> SaveReport:
    """Write what was planned; it appears at once, when all of it is written.

    ``metadata`` is the source's. ``companions`` is the folder whose config, tokenizer and other files go
    along to a new folder. ``pieces`` gives the bytes of a computed tensor, in order, as they are computed,
    or as stored tensors to copy; it is called in the worker threads. ``before_replace`` is called with each
    weight file that is about to be replaced. ``begin`` is called with the bytes of data that will be written,
    then ``tick`` with those written since, several times a second, both in this thread; they may raise to
    stop. ``sources`` are files that must not have changed, besides those that the tensors read. Without
    ``resumable`` nobody can go on with this save if it is killed.

    Raises:
        StorageError: there is no room, the disk fails, or a source changed. The destination is as it was.
        Exception: whatever ``pieces``, ``before_replace`` and ``tick`` raise. The destination is as it was.
    """
    work = Work(pieces, pool, plan.target.shown, fsync, sources=_files_read(plan) | set(sources))
    for source in work.sources:
        pool.verify(source)
    files = plan.files(metadata)
    try:
        return _Save(plan, files, work, tick, workers, resumable).run(companions, before_replace, begin)
    except OSError as error:
        raise write_failed(plan.target.shown, error) from error


class _Save:
    """One save that runs."""

    def __init__(
        self,
        plan: SavePlan,
        files: list[OutFile],
        work: Work,
        tick: Callable[[int], None],
        workers: int,
        resumable: Resumable | None,
    ) -> None:
        self.plan, self.files, self.work = plan, files, work
        self.tick, self.workers = tick, workers
        several = not plan.single and sum(file.weights for file in files) > 1
        self.key = layout_key(resumable.key, files) if resumable is not None and several else None
        self.resume = resumable is not None and resumable.resume
        self.kept: set[str] = set()

    def run(
        self,
        companions: Path | None,
        before_replace: Callable[[Path], None],
        begin: Callable[[int], None],
    ) -> SaveReport:
        """All of it."""
        plan, dest = self.plan, self.plan.dest
        along = (
            []
            if companions is None or plan.single
            else companions_of(companions, dest if plan.replaces else None)
        )
        staged = stage(dest, folder=not plan.single, takes=self._takes)
        finished = None if self.key is None else Finished(staged.hidden, self.key)
        try:
            if finished is not None and staged.taken:
                self.kept = finished.kept(self.files)
            missing = [file for file in self.files if file.name not in self.kept]
            needed = sum(file.size for file in missing) + sum(path.stat().st_size for path in along)
            check_space(dest, needed, plan.target.shown)
            begin(
                sum(total_bytes(file.tensors.values()) for file in missing)
                + sum(seal.nbytes for file in self.files for seal in file.seals)
            )
            if finished is not None:
                finished.open()
            self._fill(staged.hidden, finished)
            if finished is not None:
                finished.remove()
            if not plan.single:
                _complete_folder(plan, staged.hidden, along, self.work)
            for source in self.work.sources:
                self.work.pool.verify(source)
            if plan.replaces:
                for path in [dest] if plan.single else weights_in(dest):
                    before_replace(path)
            _publish(staged, plan, self.work.fsync)
        finally:
            if finished is not None:
                finished.close()
            staged.discard()
        written = tuple(dest / file.name for file in self.files if file.weights)
        return SaveReport(dest, written, plan.nbytes, len(plan.tensors), len(self.kept))

    def _takes(self, leftover: Path) -> bool:
        return self.resume and self.key is not None and Finished(leftover, self.key).belongs()

    def _fill(self, place: Path, finished: Finished | None) -> None:
        """Write the files: ``place`` itself, or into that folder."""
        work = self.work
        paths = [(place / file.name, file) for file in self.files]
        jobs: list[Callable[[], None]] = []
        for path, file in paths:
            if file.name in self.kept:
                continue
            create(path, file)
            units = units_of(path, file, work)
            jobs += then(units, partial(self._note, finished, path)) if finished is not None else units
        run_all(jobs, work, self.workers, self.tick)
        sealed = [partial(seal_part, path, seal, work) for path, file in paths for seal in file.seals]
        run_all(sealed, work, self.workers, self.tick)
        if work.fsync:
            # In threads too, although there is nothing to gain: Ctrl-C must not wait for the disk.
            last = [
                partial(self._note, finished, path)
                if finished is not None and file.seals  # its facts are others since
                else partial(sync_file, path, work)
                for path, file in paths
            ]
            run_all(last, work, self.workers, self.tick)

    def _note(self, finished: Finished, path: Path) -> None:
        self.work.advance(0)
        try:
            finished.note(path, self.work.fsync)
        except OSError as error:
            raise write_failed(self.plan.target.shown, error) from error


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
    with contextlib.suppress(KeyboardInterrupt), uninterrupted():  # from here on it is too late: it is saved
        publish(staged, replace=plan.replaces, fsync=fsync)
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
    return {leaf.file for leaf in leaves(plan.tensors.values()) if leaf.file is not None}
