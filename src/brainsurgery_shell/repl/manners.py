"""How the user wants the shell to behave."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Manners:
    """What the command line and the configuration say of it."""

    plain: bool = False
    """No colours, menus, redrawing or pager: for screen readers."""
    editing_mode: Literal["emacs", "vi"] = "emacs"
    pager: str = "auto"
    """``auto``: $PAGER, or less where it is there; ``never``; or a command."""
    color: Literal["auto", "never", "always"] = "auto"
    preview: bool = True
    """Whether what a line would change is shown while it is typed."""
    offer: str | None = None
    """A further line of the welcome."""

    @property
    def bare(self) -> bool:
        """Whether the terminal shall, or can, do no more than print lines."""
        return self.plain or os.environ.get("TERM") in ("dumb", "unknown")
