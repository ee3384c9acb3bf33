"""torch before it is needed: loaded beside the prompt, in sessions that will compute."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn, cast

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.errors import SurgeryError
from brainsurgery_shell.graph.early import load_early
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.redirect import split_redirect

if TYPE_CHECKING:
    from brainsurgery_shell.declaration.context import Services
    from brainsurgery_shell.session.session import Session


def session_computes(session: Session) -> bool:
    """Whether saving what is open, or looking at it, must compute: some tensor is no range of a file."""
    return any(
        tensor.kernel is not None
        for checkpoint in session.workspace.checkpoints.values()
        for tensor in checkpoint.tensors.values()
    )


def line_computes(session: Session, line: str) -> bool:
    """Whether a line that inspects wants more than headers: it is run as far as that."""
    try:
        command = parse_line(split_redirect(line).command_text)
        step = None if command is None else bind(command)
        if step is not None and step.operation.reads:
            step.operation.run(Context(session.workspace, cast("Services", _Headers())), **step.arguments)
    except _DataWantedError:
        return True
    except (SurgeryError, AttributeError):  # it is wrong, or wants services that say nothing of data
        return False
    return False


def load_ahead() -> None:
    """Begin to import torch, in a thread that nobody waits for."""
    threading.Thread(target=load_early, name="torch", daemon=True).start()


class _DataWantedError(Exception):
    """A step was about to read data."""


class _Headers:
    """Services that have headers alone."""

    @property
    def evaluator(self) -> NoReturn:
        raise _DataWantedError

    def reading(self, nbytes: int) -> None:
        if nbytes:
            raise _DataWantedError
