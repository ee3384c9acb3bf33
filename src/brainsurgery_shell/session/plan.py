"""Plans: inputs, commands and an output. ``plan_read`` reads them, ``run_plan`` checks and runs them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from brainsurgery_shell.errors import PlanError, Source, Span, SurgeryError
from brainsurgery_shell.lang.tree import Command


@dataclass(frozen=True, slots=True)
class PlanInput:
    """One checkpoint that a plan opens."""

    alias: str
    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class Requirement:
    """The fingerprint that a plan wants an input to have."""

    fingerprint: str
    span: Span


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan file says."""

    source: Source
    folder: Path
    """Relative paths start here."""
    inputs: list[PlanInput] = field(default_factory=list)
    commands: list[tuple[Command, Source]] = field(default_factory=list)
    output: Command | None = None
    """As the ``save`` that it is."""
    requires: dict[str, Requirement] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    """What was tolerated."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of plans that run as one."""

    command: Command
    source: Source
    folder: Path
    """Its relative paths start here."""
    in_script: bool = False
    """A line of a script, which may hold what a plan may not."""
    is_output: bool = False
    """It writes the output, also where ``exit`` ended the steps."""


def as_plan_error(error: SurgeryError, source: Source, span: Span | None = None) -> SurgeryError:
    """An error of the check, located in the plan; what does not check ends with the status of a bad plan."""
    from brainsurgery_shell.errors import CheckFailed

    error.located(source=source, span=span)
    if isinstance(error, (CheckFailed, PlanError)):
        return error
    wrong = PlanError(error.message)
    wrong.details = replace(error.details)
    return wrong
