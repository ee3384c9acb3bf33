"""What an invocation does: plans, scripts, commands, standard input, the shell, in this order."""

from __future__ import annotations

import gc
import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from brainsurgery_shell import messages
from brainsurgery_shell.errors import SurgeryError, UsageError, listed
from brainsurgery_shell.extensions.load import load_user_operations
from brainsurgery_shell.options import Options
from brainsurgery_shell.progress import Progress
from brainsurgery_shell.session.lines import replace_text, run_line, run_lines
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import SaveDefaults, Settings
from brainsurgery_shell.session.store import check_name, latest_session, left_unsaved

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Provider


def run(options: Options) -> int:
    """Do what the command line asks for; the return value is the exit status.

    Raises:
        SurgeryError: something failed.
    """
    load_user_operations(options.ops_dirs, messages.warn)
    session = open_session(options)
    try:
        status = _work(session, options)
        if options.summarize_path is not None and options.dry_run:
            messages.say(f"would write the summary {options.summarize_path}")
        elif options.summarize_path is not None:
            _write_summary(session, options.summarize_path)
        return status
    finally:
        _end_journal(session, options)
        session.close()


def _end_journal(session: Session, options: Options) -> None:
    """A session without a name in which nothing was done is none, nor are commands that only looked."""
    journal = session.recorder.journal
    if journal is None:
        return
    done = session.timeline.everything
    if _is_batch(options) and not options.interactive:
        done = [record for record in done if record.role != "inspect"]
    if options.session is not None or options.resume or done or session.settings.dry_run:
        journal.end()
    else:
        journal.discard()


def open_session(options: Options) -> Session:
    """A session with the checkpoints that the command line names.

    Raises:
        SurgeryError: one cannot be opened.
    """
    settings = Settings(
        memory=options.memory,
        provider=cast("Provider", options.provider),
        arena_root=options.arena_root,
        saves=SaveDefaults(options.shard_size, options.overwrite, options.workers),
        dry_run=options.dry_run,
        ignore_fingerprints=options.ignore_fingerprints,
        journal=options.journal,
        color=options.configuration.color,
    )
    session = _named_session(settings, options)
    try:
        if options.resume:
            from brainsurgery_shell.session.resume import resume

            resume(session, {str(alias): path for alias, path in options.checkpoints})
            messages.inform(f"resumed {session.name}: {len(session.timeline.steps)} steps in force")
        for alias, path in () if options.resume else _with_aliases(options.checkpoints):
            session.open_input(path, alias)
    except BaseException:
        session.close()
        raise
    # Nothing that start-up made is garbage; from here on there may be some.
    gc.freeze()
    gc.enable()
    return session


def _named_session(settings: Settings, options: Options) -> Session:
    name = options.session
    if options.resume:
        name = latest_session() if name is None else name
        if name is None:
            raise UsageError("there is no session to resume")
    elif name is not None:
        check_name(name)
    progress = Progress(sys.stderr, plain=options.plain or os.environ.get("TERM") in ("dumb", "unknown"))

    def above(tell: Callable[[str], None]) -> Callable[[str], None]:
        def told(text: str) -> None:
            progress.clear()
            tell(text)

        return told

    return Session(settings, name=name, warn=above(messages.warn), say=above(messages.say), watch=progress)


def _with_aliases(checkpoints: list[tuple[str | None, str]]) -> list[tuple[str, str]]:
    """One checkpoint without alias is ``model``; several are named."""
    found: dict[str, str] = {}
    for alias, path in checkpoints:
        if alias is None and len(checkpoints) > 1:
            raise UsageError(
                f"with several checkpoints each needs an alias: '{path}' has none", hint=f"as in base::{path}"
            )
        name = alias or "model"
        if name in found:
            raise UsageError(f"the alias '{name}' is given twice")
        found[name] = path
    return list(found.items())


def _is_batch(options: Options) -> bool:
    return bool(options.plans or options.scripts or options.commands)


def _work(session: Session, options: Options) -> int:
    batch = _is_batch(options)
    resumed = len(session.timeline.everything)
    if options.plans:
        from brainsurgery_shell.session.plan_read import read_plans
        from brainsurgery_shell.session.run_plan import run_plans

        plans = read_plans(options.plans, options.overrides)
        run_plans(session, plans, stdout=sys.stdout)
    for path in options.scripts:
        from brainsurgery_shell.session.files import read_script

        run_lines(session, read_script(path, str(path)), file=str(path), stdout=sys.stdout)
        session.leaving = False  # exit ended the script
    for command in options.commands:
        if not session.leaving:
            run_line(session, command, stdout=sys.stdout)
    if session.leaving or (batch and not options.interactive):
        _warn_of_unsaved(session, options, resumed)
        return 0
    if not sys.stdin.isatty():
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
        run_lines(session, sys.stdin, file="standard input", stdout=sys.stdout)
        _warn_of_unsaved(session, options, resumed)
        return 0
    from brainsurgery_shell.repl.manners import Manners
    from brainsurgery_shell.repl.shell import run_shell

    chosen = options.configuration
    manners = Manners(
        plain=options.plain,
        editing_mode=chosen.editing_mode,
        pager=chosen.pager,
        color=chosen.color,
        preview=chosen.preview,
        offer=None if options.resume else _offer(session),
    )
    return run_shell(session, stdout=sys.stdout, stderr=sys.stderr, manners=manners)


def _warn_of_unsaved(session: Session, options: Options, resumed: int) -> None:
    """Where nobody is asked before leaving: of edits behind ``resumed`` ones. Their plan may be enough."""
    edited = any(record.role == "edit" for record in session.timeline.everything[resumed:])
    if not (edited and session.unsaved) or session.dry or options.summarize_path is not None:
        return
    aliases = listed([f"'{alias}'" for alias in sorted(session.unsaved_aliases)])
    kept = f" (brainsurgery resume {session.name} goes on from here)" if options.journal else ""
    messages.warn(f"the edits of {aliases} were not saved{kept}")


def _offer(session: Session) -> str | None:
    """How to go on with what was left unsaved, if the last work on these inputs, or in this folder, was."""
    left = left_unsaved([each.path for each in session.inputs], session.folder)
    if left is None:
        return None
    how = "killed" if left.state == "killed" else "left"
    return f"{how} {_ago(left.modified)} with unsaved edits: brainsurgery resume {left.name}"


def _ago(moment: float) -> str:
    minutes = max(0, int(time.time() - moment)) // 60
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _write_summary(session: Session, path: Path) -> None:
    session.summary_folder = path.absolute().parent
    lines = session.services.summarize(
        everything=False, resolve=False, layout="oly" if path.suffix == ".oly" else "yaml"
    )
    try:
        replace_text(path, "".join(f"{line}\n" for line in lines.lines))
    except OSError as error:
        raise SurgeryError(f"cannot write the summary '{path}': {error.strerror or error}") from error
