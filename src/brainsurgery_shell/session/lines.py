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


def run_line(session: Session, text: str, *, stdout: TextIO, source: Source | None = None) -> None:
    """Run one line and send what it prints where the line says; ``source`` is where it stands in a file.

    Raises:
        SurgeryError: located in the line. A file that output was to replace is as it was.
    """
    source = source or Source(text)
    try:
        require_utf8(text)
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
            _print(stdout, _run(session, command))
        else:
            _redirected(session, command, line.redirect, stdout)
    except SurgeryError as error:
        raise error.on_line(source) from None


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


def _run(session: Session, command: Command) -> list[str]:
    report = session.execute(command)
    return report.lines if report is not None else []


def _print(stdout: TextIO, lines: list[str]) -> None:
    if lines:
        stdout.write("\n".join(lines) + "\n")
        stdout.flush()


def _redirected(session: Session, command: Command, redirect: Redirect, stdout: TextIO) -> None:
    if redirect.mode == "|":
        lines = _run(session, command)
        stdout.flush()
        text = "".join(f"{line}\n" for line in lines)
        import subprocess

        with suppress(BrokenPipeError):
            done = subprocess.run(redirect.target, shell=True, input=text, text=True, check=False)
            if done.returncode not in (0, -13, 141):
                raise StepError(
                    f"'{redirect.target}' ended with status {done.returncode}", span=redirect.span
                )
        return
    path = absolute(redirect.target, session.folder)
    session.summary_folder = path.parent
    try:
        text = "".join(f"{line}\n" for line in _run(session, command))
    finally:
        session.summary_folder = None
    try:
        if redirect.mode == ">>":
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        else:
            replace_text(path, text)
    except OSError as error:
        raise StorageError(f"cannot write '{redirect.target}': {error.strerror or error}").located(
            span=redirect.span
        ) from error


def replace_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all. What is no regular file (``/dev/null``) is written as it is."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    import tempfile

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
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
