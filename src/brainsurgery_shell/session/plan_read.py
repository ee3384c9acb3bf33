"""Reading plan files, one or several that run as one."""

from __future__ import annotations

from pathlib import Path

from brainsurgery_shell.errors import PlanError, Source, Span, SurgeryError
from brainsurgery_shell.session.plan import Plan
from brainsurgery_shell.session.plan_fields import PlanReader
from brainsurgery_shell.session.plan_yaml import read_yaml


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
