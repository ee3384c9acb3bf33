"""Completion: a pure function from a line, a cursor and a session to candidates."""

from brainsurgery_shell.completion.candidates import LIMIT, Candidate, SessionView
from brainsurgery_shell.completion.complete import complete, prepare

__all__ = ["LIMIT", "Candidate", "SessionView", "complete", "prepare"]
