"""Running a plan: all of it is checked before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.errors import PlanError, Source, SurgeryError
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.tree import Command, Mapping, Pair, Scalar
from brainsurgery_shell.session.paths import absolute
from brainsurgery_shell.session.plan import Plan, as_plan_error
from brainsurgery_shell.session.session import Session


def run_plan(session: Session, plan: Plan, *, stdout: TextIO, ignore_fingerprints: bool = False) -> None:
    """Open a plan's inputs, check every step, run every step, write the output.

    Raises:
        SurgeryError: located in the plan. What the check finds is a ``PlanError``.
    """
    former = session.folder
    session.folder = session.sources.folder = plan.folder
    try:
        for each in plan.inputs:
            try:
                session.open_input(each.path, each.alias)
            except SurgeryError as error:
                raise as_plan_error(error, plan.source, each.span) from None
        _check_fingerprints(session, plan, ignore_fingerprints)
        commands = list(plan.commands)
        if plan.output is not None:
            commands.append((_complete_output(plan.output), plan.source))
        check_commands(session, commands)
        if session.settings.dry_run:
            stdout.writelines(f"would run: {print_command(command)}\n" for command, _ in commands)
            return
        _run(session, commands, stdout)
    finally:
        session.folder = session.sources.folder = former


def check_commands(session: Session, commands: list[tuple[Command, Source]]) -> None:
    """Run all edits on a scratch workspace; only headers are read, nothing is written.

    It ends where a step loads what an earlier one saves, for that is not there yet.
    """
    scratch = session.scratch()
    saved: set[Path] = set()
    try:
        for command, source in commands:
            try:
                step = bind(command)
                if not step.operation.in_plans:
                    raise PlanError(f"'{command.name}' has no place in a plan", span=command.name_span)
                path = step.arguments.get("path")
                place = absolute(path, session.folder) if isinstance(path, str) else None
                if command.name == "load" and place in saved:
                    return
                scratch.execute(command)
                if command.name == "save" and place is not None:
                    saved.add(place)
                if command.name == "exit":
                    return
            except SurgeryError as error:
                raise as_plan_error(error, source, command.name_span) from None
    finally:
        scratch.close()


def _run(session: Session, commands: list[tuple[Command, Source]], stdout: TextIO) -> None:
    for command, source in commands:
        try:
            report = session.execute(command)
        except SurgeryError as error:
            raise error.located(source=source, span=command.name_span) from None
        if report is not None and report.lines:
            stdout.write("\n".join(report.lines) + "\n")
        if session.leaving:
            return


def _complete_output(command: Command) -> Command:
    """A plan's output may hold nulls for what is left to its default."""
    if not isinstance(command.payload, Mapping):
        return command
    pairs: list[Pair] = [
        pair
        for pair in command.payload.pairs
        if pair.key == "shard" or not (isinstance(pair.value, Scalar) and pair.value.value is None)
    ]
    return Command("save", Mapping(tuple(pairs), command.payload.span), command.name_span)


def _check_fingerprints(session: Session, plan: Plan, ignore: bool) -> None:
    actual = {each.alias: each.fingerprint for each in session.inputs}
    for alias, wanted in plan.requires.items():
        if actual.get(alias) == wanted:
            continue
        what = f"the input '{alias}' is not the one that this plan was made on"
        if ignore:
            session.warn(what)
            continue
        raise PlanError(what, hint="--ignore-fingerprints runs it all the same").located(source=plan.source)
