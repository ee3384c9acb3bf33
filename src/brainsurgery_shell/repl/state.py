"""What the prompt and the toolbar show of a session."""

from __future__ import annotations

from dataclasses import dataclass

from brainsurgery_shell.session.session import Session

KEYS = "F1 help F2 preview F3 edit ^R search ^D leave"


@dataclass(frozen=True, slots=True)
class State:
    """What must be known before the next line: it stands in the prompt itself."""

    alias: str
    """What references without an alias mean."""
    unsaved: bool = False
    dry: bool = False

    @property
    def marks(self) -> str:
        """Behind the alias: whether edits are unsaved, and whether they are no more than tried."""
        return ("*" if self.unsaved else "") + (" (dry run)" if self.dry else "")

    @property
    def prompt(self) -> str:
        """The prompt as text."""
        return f"{self.alias}{self.marks}> "


def state_of(session: Session) -> State:
    """The state of a session."""
    alias = session.workspace.default_alias()
    if alias is None:
        alias = "no default" if session.workspace.checkpoints else "brainsurgery"
    return State(alias, session.unsaved, session.dry)


def status(session: Session) -> str:
    """The toolbar's words on a session: what the prompt says too, and what commands tell."""
    modes = {
        "unsaved": session.unsaved,
        "dry run": session.dry,
        "preview": session.settings.preview,
        "verbose": session.settings.verbose,
    }
    return ", ".join([session.name, *(mode for mode, on in modes.items() if on)])
