"""The command line: arguments, modes, exit status. Everything heavy is imported when it is needed."""

from __future__ import annotations

import gc
import io
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the return value is the exit status."""
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):  # of a name that the locale cannot write, escapes are shown
        sys.stdout.reconfigure(errors="backslashreplace")
    status = _run(argv)
    threads = any(thread is not threading.main_thread() for thread in threading.enumerate())
    if argv is None and (threads or "torch" in sys.modules):
        _leave(status)
    return status


def _leave(status: int) -> None:
    """End now. Python would wait for threads that were interrupted in the middle of a long kernel.

    It would also take torch to pieces, for half a second.
    """
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _run(argv: list[str] | None) -> int:
    try:
        status = _main(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _drop_output()  # whoever read it has left
        return 141
    except OSError as error:
        # Those of checkpoints, plans and scripts were told before. Left is our output, on a full disk.
        _drop_output()
        print(f"error: {error.filename or 'standard output'}: {error.strerror or error}", file=sys.stderr)
        return 1


def _open_closed_streams() -> None:
    """Put nothing where a standard stream was closed: the next file would get its number and our messages."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _drop_output() -> None:
    """Let what is still to be printed go nowhere: Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(arguments: list[str]) -> int:
    if arguments[:1] == ["--version"]:
        from brainsurgery_shell import __version__

        print(f"brainsurgery {__version__}")
        return 0
    if "--help" in arguments or "-h" in arguments:
        from brainsurgery_shell.usage import usage

        sys.stdout.write(usage())
        return 0
    from brainsurgery_shell.errors import SurgeryError, UsageError
    from brainsurgery_shell.messages import show_error

    try:
        for word in arguments:
            if not word.isascii() and any("\ud800" <= char <= "\udfff" for char in word):
                shown = word.encode("utf-8", "replace").decode()
                raise UsageError(f"an argument is not UTF-8 text: {shown}")
        subcommand = _subcommand(arguments[0]) if arguments else None
        if subcommand is not None:
            return subcommand(arguments[1:])
        gc.disable()  # start-up makes many small objects and no garbage
        from brainsurgery_shell.modes import run
        from brainsurgery_shell.options import parse_options

        return run(parse_options(arguments))
    except SurgeryError as error:
        show_error(error)
        return error.exit_status


def _subcommand(name: str) -> Callable[[list[str]], int] | None:
    """What a first word that names no file asks for."""
    if name == "oly":
        from brainsurgery_shell.convert import convert_line

        return convert_line
    if name == "sessions":
        from brainsurgery_shell.sessions import sessions

        return sessions
    if name == "check":
        from brainsurgery_shell.check import check_files

        return check_files
    if name == "schema":
        from brainsurgery_shell.schema import show_schema

        return show_schema
    if name == "complete":
        from brainsurgery_shell.suggest import suggest

        return suggest
    if name == "completion":
        from brainsurgery_shell.completion_scripts import show_script

        return show_script
    return None
