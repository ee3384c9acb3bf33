"""Paths in steps: as typed for people, absolute for the journal, relative to wherever a plan will lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from brainsurgery_shell.declaration.kinds import Text
from brainsurgery_shell.declaration.operation import OPERATIONS, Operation
from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair, Scalar


def absolute(text: str, folder: Path) -> Path:
    """A path as typed, made absolute: ``~`` is the home folder, relative ones start at ``folder``.

    Raises:
        StorageError: it cannot be one.
    """
    if not text or "\0" in text:
        raise StorageError(f"{text!r} is no path")
    # Not Path.expanduser, which fails for `~nobody`: a shell leaves that as it is.
    return Path(os.path.normpath(folder / os.path.expanduser(text)))  # noqa: PTH111


def map_paths(command: Command, change: Callable[[str], str]) -> Command:
    """``command`` with every path among its arguments changed."""
    operation = OPERATIONS.get(command.name)
    if operation is None:
        return command
    names = {each.name for each in operation.parameters if _is_path(operation, each.name)}
    if not names or command.payload is None:
        return command
    payload: Node = command.payload
    if isinstance(payload, Mapping):
        pairs = tuple(
            Pair(pair.key, _change(pair.value, change), pair.key_span) if pair.key in names else pair
            for pair in payload.pairs
        )
        return Command(command.name, Mapping(pairs, payload.span), command.name_span)
    if operation.primary in names:
        return Command(command.name, _change(payload, change), command.name_span)
    return command


def load_command(alias: str, path: str) -> Command:
    """The step that opens ``path`` under ``alias``: what an input is where there are only steps."""
    return Command("load", Mapping((Pair("path", Scalar(path)), Pair("alias", Scalar(alias)))))


def paths_in(command: Command) -> list[str]:
    """The paths among a command's arguments."""
    found: list[str] = []

    def note(path: str) -> str:
        found.append(path)
        return path

    map_paths(command, note)
    return found


def _change(node: Node, change: Callable[[str], str]) -> Node:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return Scalar(change(node.value), node.span)
    return node


def _is_path(operation: Operation, name: str) -> bool:
    parameter = operation.parameter(name)
    return parameter is not None and isinstance(parameter.kind, Text) and parameter.kind.completes == "paths"


def relative_to(text: str, typed_in: Path, base: Path) -> str:
    """A path that was typed in one folder, as it reads from another. Absolute and home paths stay."""
    if Path(text).is_absolute() or text.startswith("~"):
        return text
    return os.path.relpath(typed_in / text, base)
