"""Concrete names instead of patterns: ``summarize: resolve: true``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsurgery_shell.lang.tree import Command

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session


def resolved(session: Session) -> dict[int, list[Command]]:
    """For each step in force (by number), the commands that name its tensors one by one."""
    return {}
