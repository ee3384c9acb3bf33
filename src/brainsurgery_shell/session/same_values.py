"""What decides the values that a session would save, as one hash: to go on with a save that was killed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import astuple
from importlib.metadata import version
from typing import TYPE_CHECKING

from brainsurgery_shell import __version__
from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.graph.leaves import leaves
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.printer import print_command

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session


def values_key(session: Session, alias: str, tensors: Iterable[LazyTensor]) -> str | None:
    """A hash over the inputs, the edits in force and the files that ``tensors`` read.

    A plan run on the same inputs gives the same values, so where the hash is the same, they are. ``None``
    where a user's own operation was used: its code may have changed.
    """
    running = (part for group in session.recorder.groups for part in group.parts)
    records = [*session.timeline.leaves(), *(leaf for part in running for leaf in part.leaves())]
    edits = [record for record in records if record.role == "edit"]
    for record in edits:
        operation = OPERATIONS.get(record.command.name)
        if operation is None or operation.origin is not None:
            return None
    files = {leaf.file.facts for leaf in leaves(tensors) if leaf.file is not None}
    facts = (
        (__version__, version("torch"), alias),
        [(each.alias, each.fingerprint) for each in session.inputs],
        [(print_command(record.command), record.fingerprint) for record in edits],
        sorted(astuple(each) for each in files),
    )
    return hashlib.sha256(repr(facts).encode("utf-8", "backslashreplace")).hexdigest()
