"""``brainsurgery check``: all that can be said of plans and scripts without running them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brainsurgery_shell import messages
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.errors import PlanError, Source, SurgeryError, UsageError
from brainsurgery_shell.extensions.load import load_user_operations
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.redirect import split_redirect
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.modes import open_session
from brainsurgery_shell.options import Options, parse_options
from brainsurgery_shell.session.files import read_script
from brainsurgery_shell.session.plan import Plan, PlanStep, as_plan_error
from brainsurgery_shell.session.plan_merge import merged_steps
from brainsurgery_shell.session.plan_read import read_plans
from brainsurgery_shell.session.run_plan import bound_step, check_steps, open_inputs


def check_files(arguments: list[str]) -> int:
    """Check what the arguments name, all of it as one; the return value is the exit status.

    What is wrong in the files themselves is told at once, by line; else what does not fit their inputs, up to
    the first step without which later ones could not be judged.

    Raises:
        UsageError: there is nothing to check.
        PlanError: it does not check.
    """
    options = parse_options(arguments)
    if not options.plans and not options.scripts:
        raise UsageError("check takes plans and scripts", hint="brainsurgery check plan.yaml")
    load_user_operations(options.ops_dirs, messages.warn)
    load_declarations()
    problems: list[SurgeryError] = []
    plans = read_plans(options.plans, options.overrides, problems)
    scripted = [step for path in options.scripts for step in _script(path, problems)]
    for step in [*_steps(plans), *scripted]:
        try:
            bound_step(step)
        except SurgeryError as error:
            problems.append(error)
    if problems:
        for problem in sorted(problems, key=_place):
            messages.show_error(problem)
        return PlanError.exit_status
    return _check(options, plans, scripted)


def _steps(plans: list[Plan]) -> Iterator[PlanStep]:
    """The steps of all plans; their outputs were bound when they were read."""
    return (PlanStep(command, source, plan.folder) for plan in plans for command, source in plan.commands)


def _script(path: Path, problems: list[SurgeryError]) -> Iterator[PlanStep]:
    for number, text in enumerate(read_script(path, str(path)), 1):
        source = Source(text, str(path), number)
        try:
            line = split_redirect(text)
            command = None if line.shell else parse_line(line.command_text)
        except SurgeryError as error:
            problems.append(as_plan_error(error.on_line(source), source))
            continue
        if command is not None:
            yield PlanStep(command, source, Path.cwd(), in_script=True)


def _check(options: Options, plans: list[Plan], scripted: list[PlanStep]) -> int:
    """On a copy of the inputs; the exit status."""
    options.dry_run, options.journal = True, False
    problems: list[SurgeryError] = []
    session = open_session(options)
    try:
        open_inputs(session, plans)
        steps = merged_steps(plans) + scripted
        reports = check_steps(session, steps, problems).reports
        inputs = len(session.inputs)
    finally:
        session.close()
    if problems:
        for problem in problems:
            messages.show_error(problem)
        return problems[0].exit_status
    files = ", ".join(str(path) for path in (*options.plans, *options.scripts))
    outputs = len([plan for plan in plans if plan.output is not None][-1:])
    said = [_counted(len(steps) - outputs, "step"), _counted(inputs, "input")]
    for report in reports:
        if isinstance(report.data, dict):
            size = size_words(report.data["nbytes"])
            said.append(f"would write {report.data['path']} ({_counted(report.count, 'tensor')}, {size})")
    print(f"{files}: ok, {', '.join(said)}")
    return 0


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _place(error: SurgeryError) -> tuple[str, int, int]:
    source, span = error.details.source, error.details.span
    line = source.first_line if source is not None else 0
    file = source.file if source is not None else None
    return file or "", line + (span.line if span is not None else 0), span.start if span is not None else 0
