"""Lines of the shell, a script and ``-c``: OLY, and where its printed result goes.

``COMMAND > FILE``, ``COMMAND >> FILE``, ``COMMAND | PROGRAM …`` and ``!PROGRAM …``. An operator
counts between blanks, outside quotes and brackets; the text before it is plain OLY, its columns unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from brainsurgery_shell.errors import OlySyntaxError, Source, Span
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.tokens import Kind, Walker

OPERATORS = (">", ">>", "|")


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a result goes: into a file (``>``), to its end (``>>``), or to a program (``|``)."""

    mode: str
    target: str
    """The file's name, or the program's whole shell command."""
    span: Span
    """From the operator to the end of its target."""


@dataclass(frozen=True, slots=True)
class Line:
    """OLY and its redirect, or (``shell``) a command for the operating system's shell."""

    command_text: str
    redirect: Redirect | None = None
    shell: bool = False


def split_redirect(text: str) -> Line:
    """Take a line apart. The OLY in it is not checked here."""
    body = scan.without_line_end(text)
    start = scan.after_blanks(body, 0)
    if body.startswith("!", start):
        return Line(body[start + 1 :].strip(scan.BLANKS), shell=True)
    for position, mode in operators(body):
        try:
            if position == start:
                raise _missing("a command", position, mode, f"before '{mode}'", f"summarize {mode} …")
            return Line(body[:position], _redirect(body, position, mode))
        except OlySyntaxError as error:
            error.located(source=Source(text))
            raise
    return Line(body)


def operators(text: str) -> Iterator[tuple[int, str]]:
    """Where operators stand: between blanks, outside quotes, brackets and comments."""
    walker = Walker(text)
    for token in walker.tokens():
        word = text[token.start : token.end]
        if token.kind in (Kind.BARE, Kind.ERROR) and word in OPERATORS and walker.depth == 0:
            before = token.start == 0 or text[token.start - 1] in scan.BLANKS
            if before and text[token.end : token.end + 1] in (" ", "\t"):
                yield token.start, word


def _redirect(text: str, position: int, mode: str) -> Redirect:
    start = scan.after_blanks(text, position + len(mode))
    if mode == "|":
        program = text[start:].rstrip(scan.BLANKS)
        if not program:
            raise _missing("a program", position, mode, "after '|'", "dump | less")
        return Redirect(mode, program, Span(position, start + len(program)))
    if start == len(text) or scan.is_comment(text, start):
        raise _missing("a file name", position, mode, f"after '{mode}'", f"summarize {mode} plan.yaml")
    target, end = _file(text, start)
    after = scan.after_blanks(text, end)
    if after < len(text) and not (after > end and scan.is_comment(text, after)):
        raise OlySyntaxError(
            f"expected end of line after the file name, found '{text[after:].rstrip(scan.BLANKS)}'",
            hint="quote a file name that holds blanks: "
            + mode
            + " '"
            + text[start:].rstrip(scan.BLANKS)
            + "'",
            span=Span(after, len(text)),
        )
    return Redirect(mode, target, Span(position, end))


def _file(text: str, start: int) -> tuple[str, int]:
    """A file name, in OLY's quotes or up to the next blank, and where it ends."""
    if text[start] in scan.QUOTES:
        end = scan.quoted_end(text, start)
        if end is None:
            raise OlySyntaxError(
                f"expected a closing {text[start]} of the file name, found end of line",
                hint="a file name stands bare or in quotes: > 'my plan.yaml'",
                span=Span(start, len(text)),
            )
        return scan.unquote(text[start:end]), end
    end = start
    while end < len(text) and text[end] not in scan.BLANKS:
        end += 1
    return text[start:end], end


def _missing(what: str, position: int, mode: str, where: str, example: str) -> OlySyntaxError:
    return OlySyntaxError(
        f"expected {what} {where}, found none",
        hint=f"as in: {example}",
        span=Span(position, position + len(mode)),
    )
