"""``summarize``: the steps in force as a plan or a script that replays them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.declaration.bind import kinds_given
from brainsurgery_shell.declaration.moments import Moments
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.tree import Command, Mapping, Pair, Scalar
from brainsurgery_shell.lang.yaml_printer import command_to_yaml, node_to_yaml
from brainsurgery_shell.session.fingerprint import CONTENT, fingerprint
from brainsurgery_shell.session.paths import load_command, map_paths, relative_to
from brainsurgery_shell.session.record import Record

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Input, Session


def summarize(
    session: Session, *, everything: bool, resolve: bool, layout: str, requires: str | None = None
) -> list[str]:
    """Lines of a YAML plan, or of a script (which loads its inputs itself).

    ``requires`` (header or content) adds the fingerprints of the inputs to a plan.
    """
    from brainsurgery_shell.session.resolve import resolved

    base = session.summary_folder or session.folder
    records = [record for record in session.timeline.leaves() if _is_in_plan(record, everything)]
    output = _output(records) if layout == "yaml" else None
    commands: list[Command] = []
    chosen = [record for record in records if record is not output]
    concrete = resolved(session) if resolve else {}
    for record in chosen:
        for command in concrete.get(id(record), [record.command]):
            commands.append(_moved(command, record, base))
    inputs = [(each.alias, _input_path(each, base)) for each in session.inputs]
    if layout == "oly":
        loads = [load_command(alias, path) for alias, path in inputs]
        return [print_command(command) for command in [*loads, *commands]]
    lines = ["inputs:"] if inputs else []
    lines += [f"  - {node_to_yaml(Scalar(f'{alias}::{path}'))}" for alias, path in inputs]
    if requires is not None and session.inputs:
        lines += ["requires:", *_requires_lines(session, requires)]
    lines.append("transforms:" if commands else "transforms: []")
    lines += [f"  - {command_to_yaml(command)}" for command in commands]
    if output is not None:
        lines += ["output:", *_output_lines(_moved(output.command, output, base), output.saved_alias)]
    return lines


def _is_in_plan(record: Record, everything: bool) -> bool:
    """Marks are not, nor is what looks back at a moment: another session has other moments."""
    if record.role != "inspect":
        return record.role != "mark"
    return everything and not any(isinstance(kind, Moments) for kind in kinds_given(record.command))


def _moved(command: Command, record: Record, base: Path) -> Command:
    """``command`` with its relative paths as they read from ``base``."""
    return map_paths(command, lambda text: relative_to(text, record.folder, base))


def _input_path(each: Input, base: Path) -> str:
    """An input's path as typed if that was absolute, else as it reads from ``base``."""
    if Path(each.shown).is_absolute() or each.shown.startswith("~"):
        return each.shown
    return os.path.relpath(each.path, base)


def _requires_lines(session: Session, requires: str) -> list[str]:
    found = (
        (
            each.alias,
            fingerprint(session.sources.opened_at(each.path), session.evaluator, content=requires == CONTENT),
        )
        for each in session.inputs
    )
    return [f"  {node_to_yaml(Scalar(alias))}: {node_to_yaml(Scalar(text))}" for alias, text in found]


def _output(records: list[Record]) -> Record | None:
    """The save that comes after every edit, if it writes a whole checkpoint: a plan's output."""
    for record in reversed(records):
        if record.role == "save" and record.saved_alias is not None:
            return record
        if record.role in ("edit", "save"):
            return None
    return None


def _output_lines(command: Command, alias: str | None) -> list[str]:
    payload = command.payload
    pairs = payload.pairs if isinstance(payload, Mapping) else (Pair("path", payload or Scalar("")),)
    known = {pair.key: pair.value for pair in pairs}
    known.setdefault("alias", Scalar(alias))
    return [f"  {key}: {node_to_yaml(value)}" for key, value in known.items()]
