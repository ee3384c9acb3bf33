"""Whatever code of a user raises becomes an error of ours that names the operation, its file and line."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from brainsurgery_shell.assertions.declare import Undecided
from brainsurgery_shell.errors import StepError, SurgeryError
from brainsurgery_shell.extensions.sources import UserCode

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Blame:
    """Which operation runs, and whose code that is."""

    operation: str
    code: UserCode

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``function(…)``.

        Raises:
            StepError: it raised something that is no error of ours.
        """
        running = _RUNNING.set(self)
        try:
            return function(*args, **kwargs)
        except (SurgeryError, Undecided):
            raise
        except (Exception, SystemExit) as error:
            where = place(error, self.code)
            raise StepError(f"{self.operation} failed: {said(error)}", hint=f"look at {where}") from error
        finally:
            _RUNNING.reset(running)

    def wrap(self, function: Callable[..., R]) -> Callable[..., R]:
        """``function``, called so."""

        def blamed(*args: Any, **kwargs: Any) -> R:
            return self.call(function, *args, **kwargs)

        return blamed

    def wrong(self, problem: str) -> StepError:
        """The error that the operation does not do what it must."""
        return StepError(f"{self.operation} failed: {problem}", hint=f"look at {self.code.shown}")


_RUNNING: ContextVar[Blame | None] = ContextVar("running", default=None)


def running() -> Blame | None:
    """Whose operation is running now: code that it leaves behind for later is blamed on the same."""
    return _RUNNING.get()


def said(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, SurgeryError):
        return error.message
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    first = text.strip().split("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def place(error: BaseException, code: UserCode) -> str:
    """The file, and the line where it was when ``error`` was raised."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if code.owns_frame(frame.f_code, frame.f_globals.get("__name__", "")):
            found = f"{frame.f_code.co_filename}, line {trace.tb_lineno}"
        trace = trace.tb_next
    if found is None and isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{error.filename}, line {error.lineno}"
    return found or code.shown
