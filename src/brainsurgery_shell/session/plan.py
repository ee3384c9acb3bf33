"""Plans: YAML files as inputs, commands and an output. ``run_plan`` checks all of them, then runs them."""

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


def read_plan(path: Path, overrides: list[tuple[str, str]]) -> Plan:
    """Read a plan file and apply ``key=value`` overrides.

    Raises:
        PlanError: it cannot be read, is not YAML or not a plan.
    """
    return read_plans([path], overrides)[0]


def read_plans(
    paths: list[Path], overrides: list[tuple[str, str]], problems: list[SurgeryError] | None = None
) -> list[Plan]:
    """Read plan files that are to run as one, and apply ``key=value`` overrides to them as a whole.

    With ``problems``, what is wrong within a plan goes there, and the plan lacks the step or field.

    Raises:
        PlanError: one cannot be read, is not YAML or not a plan.
        UsageError: an override does not fit.
    """
    from brainsurgery_shell.session.plan_fields import PlanReader
    from brainsurgery_shell.session.plan_yaml import read_yaml

    texts = [_text(path) for path in paths]
    documents = [read_yaml(text, str(path)) for text, path in zip(texts, paths, strict=True)]
    found: list[SurgeryError] = []
    readers = [
        PlanReader(Source(text, str(path)), path.parent.absolute(), document.missing_commas, found)
        for text, path, document in zip(texts, paths, documents, strict=True)
    ]
    roots = [reader.root(each.root) for reader, each in zip(readers, documents, strict=True)]
    if overrides:
        from brainsurgery_shell.session.overrides import override

        roots = override(roots, overrides)
    plans = [reader.read(root) for reader, root in zip(readers, roots, strict=True)]
    found.sort(key=lambda error: _place(error, paths))
    if problems is not None:
        problems.extend(found)
    elif found:
        raise found[0]
    return plans


def _place(error: SurgeryError, paths: list[Path]) -> tuple[int, int, int]:
    """File, line and column, to sort by."""
    source, span = error.details.source, error.details.span or Span(0, 0)
    files = [str(path) for path in paths]
    if source is None or source.file is None:
        return len(files), 0, 0
    return files.index(source.file), source.first_line + span.line, span.start


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PlanError(f"cannot read the plan '{path}': {reason}") from error


def as_plan_error(error: SurgeryError, source: Source, span: Span | None = None) -> SurgeryError:
    """An error of the check, located in the plan; what does not check ends with the status of a bad plan."""
    from brainsurgery_shell.errors import CheckFailed

    error.located(source=source, span=span)
    if isinstance(error, (CheckFailed, PlanError)):
        return error
    wrong = PlanError(error.message)
    wrong.details = replace(error.details)
    return wrong
