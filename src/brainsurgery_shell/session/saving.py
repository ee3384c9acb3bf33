"""Saving a checkpoint of a session: from a request to storage, with warnings about overflow on the way."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from brainsurgery_shell.declaration.context import SaveRequest
from brainsurgery_shell.errors import SurgeryError, listed
from brainsurgery_shell.graph.cast import Cast
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.session.attend import Watch
from brainsurgery_shell.session.config import disagreements
from brainsurgery_shell.session.paths import absolute
from brainsurgery_shell.session.settings import SaveDefaults
from brainsurgery_shell.storage.names import SUFFIXES, suffix_of
from brainsurgery_shell.storage.output.save import (
    Resumable,
    SavePlan,
    SaveReport,
    SaveTarget,
    execute_save,
    plan_save,
)
from brainsurgery_shell.storage.tied import tied
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.edit import Report

_ALIKE = 0.78
"""From here on two suffixes are taken for the same: ``.cpkt`` for ``.ckpt``, not ``.bit`` for ``.bin``."""


def check_save(request: SaveRequest, folder: Path, defaults: SaveDefaults) -> SavePlan:
    """Everything about a save that can be known without data.

    Raises:
        StorageError: it would fail.
    """
    target = SaveTarget(
        absolute(request.path, folder),
        request.shard if request.shard_given else defaults.shard,
        request.overwrite or defaults.overwrite,
        request.path,
        request.format,
    )
    return plan_save(target, request.tensors)


def warn_of_suffix(request: SaveRequest, plan: SavePlan, warn: Callable[[str], None]) -> None:
    """Say that a new folder's name looks like a misspelt file's."""
    suffix = suffix_of(plan.dest.name)
    if plan.single or not suffix or plan.dest.is_dir():
        return
    near = difflib.get_close_matches(suffix, SUFFIXES, n=1, cutoff=_ALIKE)
    if near:
        meant = request.path[: -len(suffix)] + near[0]
        warn(f"{request.path} will be a folder, for no file ends in '{suffix}': did you mean '{meant}'?")


def save(
    request: SaveRequest,
    plan: SavePlan,
    checkpoint: Checkpoint,
    evaluator: Evaluator,
    *,
    workers: int,
    before_replace: Callable[[Path], None],
    warn: Callable[[str], None],
    say: Callable[[str], None],
    watch: Watch,
    key: str | None,
) -> Report:
    """Write what was planned. ``key`` stands for all that decides the values, if something can."""
    companions = next((origin.folder for origin in checkpoint.origins if origin.folder is not None), None)
    evaluator.overflows.clear()
    try:
        with evaluator.outputs(request.tensors.values()):
            report = execute_save(
                plan,
                metadata=checkpoint.metadata,
                companions=companions,
                pieces=evaluator.pieces,
                pool=evaluator.files,
                before_replace=before_replace,
                tick=watch.advance,
                workers=workers,
                begin=partial(watch.begin, f"saving {request.path}"),
                resumable=None if key is None else Resumable(key, request.resume),
            )
    finally:
        watch.end()
    if request.resume:
        say(f"{request.path}: {_kept(report)}")
    warn_of_overflow(evaluator, warn)
    for names in untied(plan, checkpoint):
        warn(f"{request.path}: tied tensors are written apart: {listed(names)}")
    if not plan.single:
        for each in disagreements(plan.dest, request.tensors):
            warn(f"{request.path}: {each}")
    files = f"{len(report.files)} file" + ("" if len(report.files) == 1 else "s")
    line = f"saved {report.tensors} tensors, {size_words(report.nbytes)}, to {request.path} ({files})"
    data = {"path": request.path, "tensors": report.tensors, "nbytes": report.nbytes}
    return Report([line], data, report.tensors, request.alias if request.whole else None)


def _kept(report: SaveReport) -> str:
    if not report.kept:
        return "there is no killed save of the same to resume; all of it was written"
    return f"{report.kept} of {len(report.files)} files were finished, and are kept"


def untied(plan: SavePlan, checkpoint: Checkpoint) -> list[list[str]]:
    """The groups of names that share their data, or did when they were opened, and will no longer."""
    kept = tied(plan.tensors) if plan.container.ties else []
    together = {name for group in kept for name in group}
    groups = tied(plan.tensors) + [
        [name for name in each if name in plan.tensors] for each in checkpoint.tied
    ]
    found = [group for group in groups if len(group) > 1 and not together.issuperset(group)]
    return [group for at, group in enumerate(found) if group not in found[:at]]


def warn_of_overflow(evaluator: Evaluator, warn: Callable[[str], None]) -> None:
    """Say which casts overflowed, with tensor and count, and forget them. It is saved: nothing fails."""
    casts = [kernel for kernel in list(evaluator.overflows) if isinstance(kernel, Cast)]
    evaluator.overflows.clear()
    found: list[str] = []
    with suppress(KeyboardInterrupt, SurgeryError):
        for cast in casts:
            count = cast.count_overflow(evaluator.chunks)
            found.append(f"{cast.name} ({count} value{'' if count == 1 else 's'})")
    found += [cast.name for cast in casts[len(found) :]]
    if found:
        warn(f"the cast overflowed: the dtype cannot hold all values of {listed(found)}")
