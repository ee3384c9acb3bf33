"""Running plans: all of them are checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from brainsurgery_shell.declaration.bind import Step, bind
from brainsurgery_shell.declaration.operation import Operation
from brainsurgery_shell.errors import NotWritten, PlanError, SurgeryError
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.session.plan import Plan, PlanStep, as_plan_error
from brainsurgery_shell.session.plan_merge import (
    merged_inputs,
    merged_requires,
    merged_steps,
    replaced_outputs,
)
from brainsurgery_shell.session.requires import require
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.workspace.edit import Report


def run_plans(session: Session, plans: list[Plan], *, stdout: TextIO) -> None:
    """Run plans as one: all inputs, all steps in order, one output.

    Raises:
        SurgeryError: located in its plan. What the check finds is a ``PlanError``.
    """
    with _kept_settings(session):
        open_inputs(session, plans)
        steps = merged_steps(plans)
        checked = check_steps(session, steps)
        if session.settings.dry_run:
            stdout.writelines(f"would run: {print_command(step.command)}\n" for step in steps)
            return
        _run(session, steps, checked.guessed, stdout)


def open_inputs(session: Session, plans: list[Plan]) -> None:
    """Open what plans name, unless the session has something open under that alias: the command line's.

    Raises:
        PlanError: an input cannot be opened, or is not the one that is required.
    """
    for notice in [*(notice for plan in plans for notice in plan.notices), *replaced_outputs(plans)]:
        session.warn(notice)
    inputs = merged_inputs(plans)
    session.only_input = inputs[0][0].alias if len(inputs) == 1 else None
    for each, plan in inputs:
        if each.alias in session.workspace.checkpoints:
            continue
        session.folder = session.sources.folder = plan.folder
        try:
            session.open_input(each.path, each.alias)
        except SurgeryError as error:
            raise as_plan_error(error, plan.source, each.span) from None
    _check_requires(session, plans)


@dataclass(slots=True)
class Checked:
    """What a check found."""

    reports: list[Report] = field(default_factory=list)
    """What would be saved."""
    guessed: int | None = None
    """The first step that makes shapes which only data decides; what follows fits a guess, or is left out."""


def check_steps(
    session: Session, steps: list[PlanStep], problems: list[SurgeryError] | None = None
) -> Checked:
    """Run all edits on a scratch workspace; only headers are read, nothing is written.

    It ends where a step opens what an earlier one saves, for that is not there yet, and where a step does not
    fit shapes that only data decides. Given ``problems``, it puts there what is wrong, and goes on behind
    steps without which the names are the same.

    Raises:
        PlanError: a step does not check, and there are no ``problems``; located in its plan.
    """
    bound = [bound_step(each) for each in steps]
    checked = Checked()
    scratch = session.scratch()
    try:
        for number, (each, step) in enumerate(zip(steps, bound, strict=True)):
            if scratch.leaving and not each.is_output:
                continue
            scratch.folder = scratch.sources.folder = each.folder
            try:
                report = scratch.execute(each.command)
            except NotWritten:
                break
            except SurgeryError as error:
                if scratch.assumed:
                    break
                problem = as_plan_error(error, each.source, each.command.name_span)
                if problems is None:
                    raise problem from None
                problems.append(problem)
                if not _keeps_names(step.operation):
                    break
                continue
            if scratch.assumed and checked.guessed is None:
                checked.guessed = number
            if not step.operation.replays and report is not None:
                checked.reports.append(report)
    finally:
        scratch.close()
    return checked


def _keeps_names(operation: Operation) -> bool:
    """Whether names are the same after a step as before: it looks, writes files, or works in place."""
    asserts = any(each.whole_payload for each in operation.parameters)
    return asserts or operation.inspects or not operation.replays or operation.name.endswith("_")


def bound_step(planned: PlanStep) -> Step:
    """The operation and arguments of a step.

    Raises:
        PlanError: there are none such, or they have no place in a plan.
    """
    try:
        step = bind(planned.command)
        if not (step.operation.in_plans or planned.in_script):
            raise PlanError(f"'{step.operation.name}' has no place in a plan")
    except SurgeryError as error:
        raise as_plan_error(error, planned.source, planned.command.name_span) from None
    return step


def _run(session: Session, steps: list[PlanStep], guessed: int | None, stdout: TextIO) -> None:
    for number, step in enumerate(steps):
        if session.leaving and not step.is_output:
            continue
        session.folder = session.sources.folder = step.folder
        try:
            report = session.execute(step.command)
        except SurgeryError as error:
            raise error.located(source=step.source, span=step.command.name_span) from None
        if report is not None and report.lines:
            stdout.write("\n".join(report.lines) + "\n")
        if number == guessed:
            # Data has decided the shapes that the check had to guess: what follows can be checked now.
            further = check_steps(session, steps[number + 1 :]).guessed
            guessed = None if further is None else number + 1 + further


@contextmanager
def _kept_settings(session: Session) -> Iterator[None]:
    """What belongs to the plans ends with them: their folders, and ``exit``."""
    former = session.folder
    try:
        yield
    finally:
        session.folder = session.sources.folder = former
        session.only_input = None
        session.leaving = False


def _check_requires(session: Session, plans: list[Plan]) -> None:
    inputs = {each.alias: each for each in session.inputs}
    for alias, wanted, plan in merged_requires(plans):
        given = inputs.get(alias)
        opened = None if given is None else (given.shown, session.sources.opened_at(given.path))
        require(session, plan, alias, wanted, opened)
