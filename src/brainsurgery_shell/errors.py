"""One exception tree. Errors carry fields; ``render`` is the only place that turns them into words.

Every user-facing error says what was wrong, where, what was expected, and the mend where there is one.
A piece of code that finds a problem knows *what* and often *which span*; the caller who knows the line,
the file or the step adds that with ``located`` while the error travels upwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, Self


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` to ``end`` (0-based, end excluded) of one line (``line`` is 1-based)."""

    start: int
    end: int
    line: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Text that a span points into: an OLY line, or a plan or script with its file name."""

    text: str
    file: str | None = None
    first_line: int = 1
    """The number, in ``file``, of the first line of ``text``."""

    def line(self, number: int) -> str | None:
        """The text of line ``number`` (as a span counts), if there is one."""
        lines = self.text.split("\n")
        return lines[number - 1] if 0 < number <= len(lines) else None


@dataclass(frozen=True, slots=True)
class Details:
    """What an error knows beyond its message."""

    hint: str | None = None
    span: Span | None = None
    source: Source | None = None
    step: str | None = None
    """The step an error of a later evaluation comes from."""


class SurgeryError(Exception):
    """Anything a user can mend. ``exit_status`` is what the process ends with if it comes to that."""

    exit_status = 1

    def __init__(self, message: str, *, hint: str | None = None, span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = Details(hint=hint, span=span)

    @property
    def hint(self) -> str | None:
        """The mend, if one is known."""
        return self.details.hint

    def located(
        self, *, source: Source | None = None, span: Span | None = None, step: str | None = None
    ) -> Self:
        """Add where it happened; what is already known, being nearer to the cause, is kept."""
        known = self.details
        if source is not None and known.source is None:
            known = replace(known, source=source)
        if span is not None and known.span is None:
            known = replace(known, span=span)
        if step is not None and known.step is None:
            known = replace(known, step=step)
        self.details = known
        return self

    def on_line(self, source: Source) -> Self:
        """Say where the line that it is about stands, unless that is known, or it is about another text."""
        known = self.details.source
        if known is None or (known.file is None and known.text == source.text):
            self.details = replace(self.details, source=source)
        return self


class UsageError(SurgeryError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_status = 2


class OlySyntaxError(SurgeryError):
    """A line is not OLY."""

    exit_status = 2


class PlanError(SurgeryError):
    """A plan file is not YAML, or not a plan."""

    exit_status = 2


class StepError(SurgeryError):
    """A step does not check: unknown operation, wrong argument, name, shape or dtype."""


class CheckFailed(SurgeryError):
    """An assertion does not hold."""


class StorageError(SurgeryError):
    """A file cannot be read or written, or is not what it says it is."""


class NotWritten(StorageError):
    """What a dry run only promises to write cannot be read."""


class InternalError(SurgeryError):
    """A bug of ours: something that was checked earlier turned out otherwise."""


def render(error: SurgeryError) -> str:
    """The whole error as a person reads it: message, place, line with caret, hint."""
    details = error.details
    lines = [f"error: {_printable(error.message)}"]
    source, span = details.source, details.span
    if source is not None and source.file is not None:
        where = source.file
        if span is not None:
            where += f", line {source.first_line + span.line - 1}, column {span.start + 1}"
        elif "\n" not in source.text:
            where += f", line {source.first_line}"
        lines.append(f"  at {where}")
    if source is not None:
        lines.extend(_excerpt(source, span))
    if details.step is not None:
        lines.append(f"  in step: {details.step}")
    if details.hint is not None:
        lines.append(f"hint: {_printable(details.hint)}")
    return "\n".join(lines)


def _excerpt(source: Source, span: Span | None) -> list[str]:
    text = source.line(span.line if span is not None else 1)
    if text is None or (span is None and "\n" in source.text):
        return []
    shown = "".join(_visible(char) for char in text)
    if span is None:
        return [f"  {shown}"] if shown.strip() else []
    return [f"  {shown}", f"  {' ' * span.start}^ column {span.start + 1}"]


def _printable(text: str) -> str:
    """Names of tensors come from files, and may hold anything."""
    return "".join(char if char == "\n" else _visible(char) for char in text)


def _visible(char: str) -> str:
    """One column for one character; what a terminal would obey or cannot print is not handed on."""
    if char < " " or "\x7f" <= char <= "\x9f":
        return " "
    return "?" if "\ud800" <= char <= "\udfff" else char


def fail(message: str, *, hint: str | None = None, span: Span | None = None) -> NoReturn:
    """Raise a ``StepError``: the short way for the checks of operations."""
    raise StepError(message, hint=hint, span=span)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, if any is like enough to be meant."""
    import difflib

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint that names the nearest known name, or ``None``."""
    near = nearest(name, known)
    return f"did you mean '{near}'?" if near is not None else None


def listed(names: Sequence[str], limit: int = 5) -> str:
    """Names for a message: at most ``limit`` of them, then how many more."""
    shown = ", ".join(names[:limit])
    return f"{shown}, … and {len(names) - limit} more" if len(names) > limit else shown
