"""Lines of the shell, a script, ``-c`` and standard input: OLY with redirects, pipes and ``!cmd``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from brainsurgery_shell.errors import OlySyntaxError, Source, Span, StepError, StorageError, SurgeryError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.redirect import Redirect, split_redirect
from brainsurgery_shell.lang.tree import Command
from brainsurgery_shell.session.paths import absolute
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.views.page import Page, page_for
from brainsurgery_shell.workspace.edit import Report


def run_line(
    session: Session, text: str, *, stdout: TextIO, source: Source | None = None, page: Page | None = None
) -> None:
    """Run one line and send what it prints where the line says; ``source`` is where it stands in a file.

    ``page`` is what results are drawn for, where that is not what ``stdout`` can show.

    Raises:
        SurgeryError: located in the line. A file that output was to replace is as it was.
    """
    source = source or Source(text)
    try:
        require_utf8(text)
        session.recorder.note_line(text)
        line = split_redirect(text)
        if line.shell:
            if not session.dry:
                _run_shell(line.command_text)
            return
        command = parse_line(line.command_text)
        if command is None:
            if line.redirect is not None:
                raise StepError("there is no command to redirect", span=line.redirect.span)
            return
        if line.redirect is None or session.dry:
            _print(stdout, _run(session, command), page or page_for(stdout, session.settings.color))
        else:
            _redirected(session, command, line.redirect, stdout)
    except SurgeryError as error:
        from brainsurgery_shell.session.hints import checked_hint

        raise checked_hint(error, text).on_line(source) from None


def require_utf8(text: str) -> None:
    """Fail on bytes that are not UTF-8: Python hands them on as surrogates, and nothing could write them.

    Raises:
        OlySyntaxError: there is such a byte.
    """
    for column, char in enumerate(text):
        if "\ud800" <= char <= "\udfff":
            raise OlySyntaxError(
                f"expected UTF-8 text, found the byte 0x{ord(char) & 0xFF:02x}",
                span=Span(column, column + 1),
            )


def run_lines(session: Session, lines: Iterable[str], *, file: str, stdout: TextIO) -> None:
    """Run a script or standard input; the first error stops, with its line number."""
    for number, text in enumerate(lines, 1):
        line = text.rstrip("\r\n")
        run_line(session, line, stdout=stdout, source=Source(line, file, number))
        if session.leaving:
            return


def _run(session: Session, command: Command) -> Report:
    return session.execute(command, typed=True) or Report([])


def _print(stdout: TextIO, report: Report, page: Page) -> None:
    lines = report.on(page)
    if lines:
        stdout.write("\n".join(lines) + "\n")
        stdout.flush()


def _content(report: Report, suffix: str = "") -> bytes:
    """What a file or a program gets: an image of the kind that the file's suffix says, or text."""
    if report.image is not None:
        return report.image(suffix)
    return "".join(f"{line}\n" for line in report.lines).encode("utf-8")


def _redirected(session: Session, command: Command, redirect: Redirect, stdout: TextIO) -> None:
    if redirect.mode == "|":
        content = _content(_run(session, command))
        stdout.flush()
        import subprocess

        with suppress(BrokenPipeError):
            done = subprocess.run(redirect.target, shell=True, input=content, check=False)
            if done.returncode not in (0, -13, 141):
                raise StepError(
                    f"'{redirect.target}' ended with status {done.returncode}", span=redirect.span
                )
        return
    path = absolute(redirect.target, session.folder)
    session.summary_folder = path.parent
    try:
        report = _run(session, command)
        if redirect.mode == ">>" and report.image is not None:
            raise StepError(
                "a picture cannot stand behind what a file holds",
                hint="with > it replaces the file",
                span=redirect.span,
            )
        content = _content(report, path.suffix)
    finally:
        session.summary_folder = None
    try:
        if redirect.mode == ">>":
            with path.open("ab") as file:
                file.write(content)
        else:
            replace_file(path, content)
    except OSError as error:
        raise StorageError(f"cannot write '{redirect.target}': {error.strerror or error}").located(
            span=redirect.span
        ) from error


def replace_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    replace_file(path, text.encode("utf-8"))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. What is no regular file (``/dev/null``) is written as it is."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    import tempfile

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _run_shell(command: str) -> None:
    import subprocess

    done = subprocess.run(command, shell=True, check=False)
    if done.returncode:
        raise StepError(f"'{command}' ended with status {done.returncode}")
