"""What ``execute`` reads: the steps in a plan or script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.declaration.expansion import Expansion, Planned
from brainsurgery_shell.errors import Source, StorageError, UsageError, did_you_mean
from brainsurgery_shell.session.paths import absolute, load_command
from brainsurgery_shell.session.requires import require
from brainsurgery_shell.storage.read import open_checkpoint

if TYPE_CHECKING:
    from brainsurgery_shell.session.plan import Plan
    from brainsurgery_shell.session.session import Session

PLAN_SUFFIXES = (".yaml", ".yml")


def read_script(path: Path, shown: str) -> list[str]:
    """The lines of a script.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read the script '{shown}': {reason}") from error


def steps_of(session: Session, path: str) -> Expansion:
    """The steps in the plan or script at ``path``, a plan's inputs and output among them.

    An input whose alias is open is not opened again: the plan is applied to what is there.

    Raises:
        SurgeryError: the file is not there, or is no plan or script.
    """
    place = absolute(path, session.folder)
    if not place.exists():
        near = [each.name for each in place.parent.iterdir()] if place.parent.is_dir() else []
        raise StorageError(f"there is no file '{path}'", hint=did_you_mean(place.name, near))
    if place.suffix.lower() not in PLAN_SUFFIXES:
        lines = read_script(place, path)
        steps = tuple(Planned(None, Source(line, path, number)) for number, line in enumerate(lines, 1))
        return Expansion(steps, session.folder, place)
    from brainsurgery_shell.session.plan_read import read_plan

    plan = read_plan(place, [])
    for notice in plan.notices:
        session.warn(notice)
    _check_requires(session, plan)
    commands = [(load_command(each.alias, each.path), plan.source) for each in plan.inputs]
    commands = [
        each for each, wanted in zip(commands, plan.inputs, strict=True) if _wanted(session, wanted.alias)
    ]
    commands += plan.commands
    if plan.output is not None:
        commands.append((plan.output, plan.source))
    return Expansion(tuple(Planned(*each) for each in commands), plan.folder, place)


def _wanted(session: Session, alias: str) -> bool:
    if alias not in session.workspace.checkpoints:
        return True
    session.say(f"the input '{alias}' is open already: the steps apply to it")
    return False


def _check_requires(session: Session, plan: Plan) -> None:
    """Of what is open, else of what the plan will open."""
    paths = {each.alias: each.path for each in plan.inputs}
    for alias, wanted in plan.requires.items():
        checkpoint = session.workspace.checkpoints.get(alias)
        found = None
        if checkpoint is not None and checkpoint.origins:
            origin = checkpoint.origins[0]
            found = origin.shown, session.sources.opened_at(origin.path)
        elif checkpoint is None and alias in paths:
            found = paths[alias], open_checkpoint(absolute(paths[alias], plan.folder), paths[alias])
        require(session, plan, alias, wanted, found)
