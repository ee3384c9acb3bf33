"""The shell's keys: what help shows, and what the shell binds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """A key and what it does."""

    shown: str
    about: str


KEYS = (
    Key("Tab", "complete; again: the next candidate"),
    Key("F1", "explain the command, assertion or topic at the cursor"),
    Key("F2", "show what the line would change, in full"),
    Key("F3, Ctrl-X Ctrl-E", "edit the line in $VISUAL or $EDITOR (vi mode: v)"),
    Key("Alt-Enter", "break the line: several commands are run one after the other (vi mode: o)"),
    Key("Up, Down", "the lines typed before"),
    Key("Ctrl-R", "search them; again: further back"),
    Key("Ctrl-C", "drop the line; stop what runs, which then has changed nothing"),
    Key("Ctrl-D", "on an empty line: leave"),
    Key("Ctrl-Z", "go to the background; fg comes back"),
)
