"""References in strings: aliases, names one segment at a time, patterns made of them, slices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsurgery_shell.completion import search
from brainsurgery_shell.completion.candidates import Candidate, more, note, numeric
from brainsurgery_shell.completion.captures import Source, in_text, same_name
from brainsurgery_shell.completion.facts import leaf_meta, metas, tensors
from brainsurgery_shell.completion.names import following, prefixes
from brainsurgery_shell.completion.patterns import Typed, read
from brainsurgery_shell.completion.spelling import Spelling
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.lang.pieces import Piece, take_alias
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.workspace import Workspace

_OPEN_CAPTURE = re.compile(r"\\(?:[0-9]*|g(?:<[^<>]*)?)\Z")
_OPEN_SLICE = re.compile(r"(.*?)(:{1,2}|::\[.*)", re.DOTALL)
_MOST_WIDENED = 4
"""Names in one menu that are offered with their numbers open too."""


def references(pen: Pen, workspace: Workspace) -> Iterator[Candidate]:
    """For a string that is matched: a regex."""
    yield from alias_prefixes(pen, workspace)
    alias, rest = _alias(pen.typed)
    if alias is None and workspace.default_alias() is None and rest:
        for each in workspace.checkpoints:
            yield from _names(pen, workspace, each, rest, f"{each}::", template=False)
    else:
        yield from _names(
            pen, workspace, alias, rest, pen.typed[: len(pen.typed) - len(rest)], template=False
        )


def templates(pen: Pen, workspace: Workspace, source: Source | None) -> Iterator[Candidate]:
    """For a string that is filled: captures, and existing names to start from."""
    typed = pen.typed
    alias, rest = _alias(typed)
    opened = _OPEN_CAPTURE.search(typed)
    stem = typed[: opened.start()] if opened else typed
    if opened or not typed or typed[-1] in ".:":
        for capture, what in in_text(source):
            if capture.startswith(opened[0] if opened else ""):
                yield pen.value(stem + capture, capture, what)
    mirrored = same_name(source)
    if mirrored is not None and source is not None and mirrored != rest and mirrored.startswith(rest):
        front = typed[: len(typed) - len(rest)]
        elsewhere = alias is not None and alias != (source.reference.alias or workspace.default_alias())
        yield pen.value(front + mirrored, mirrored, "the same name", final=elsewhere)
    yield from alias_prefixes(pen, workspace)
    if alias is None and source is not None:
        alias = source.reference.alias
    yield from _names(pen, workspace, alias, rest, typed[: len(typed) - len(rest)], template=True)


def alias_prefixes(pen: Pen, workspace: Workspace) -> Iterator[Candidate]:
    """``alias::``, where an alias may stand and there is a choice or it is being typed."""
    typed = pen.typed
    if len(workspace.checkpoints) < 2 and not typed:
        return
    for alias, checkpoint in workspace.checkpoints.items():
        if f"{alias}::".startswith(typed) and typed != f"{alias}::":
            yield pen.value(f"{alias}::", f"{alias}::", tensors(len(checkpoint.tensors)), final=False)


def checkpoint_of(workspace: Workspace, alias: str | None) -> Checkpoint | None:
    """The checkpoint meant, if it is open."""
    return workspace.checkpoints.get(alias or workspace.default_alias() or "")


def _alias(typed: str) -> tuple[str | None, str]:
    alias, piece = take_alias(Piece(typed))
    return alias, piece.text


def _names(
    pen: Pen, workspace: Workspace, alias: str | None, rest: str, front: str, *, template: bool
) -> Iterator[Candidate]:
    checkpoint = checkpoint_of(workspace, alias)
    if checkpoint is None:
        return
    if sliced := _OPEN_SLICE.fullmatch(rest):
        yield from _slice(pen, checkpoint, front, sliced[1], sliced[2])
    typed = read(rest)
    if typed is None or "::[" in rest:
        return
    spelling = Spelling(
        pen, checkpoint, alias or workspace.default_alias(), front, typed, is_template=template
    )
    names = checkpoint.sorted_names()
    found = following(names, prefixes(names, typed.steps), typed.partial)
    if not template:
        yield from spelling.any_number(found.children)
    for child, meta in zip(found.children, metas(found.children, checkpoint), strict=True):
        yield spelling.candidate(child, meta)
    leaves = [child.leaf for child in found.children if child.leaf is not None and child.count == 1]
    if not template and typed.literal is not None and len(leaves) <= _MOST_WIDENED:
        for name in leaves:
            yield from spelling.widened(name, escaped=len(leaves) == 1 == len(found.children))
    if found.rest:
        yield more(found.rest, "tensors")
    if not found.children:
        yield from _holding(spelling, checkpoint, typed, template=template)


def _holding(
    spelling: Spelling, checkpoint: Checkpoint, typed: Typed, *, template: bool
) -> Iterator[Candidate]:
    """The second try: names that hold what was typed. What takes several of them comes first."""
    if typed.literal is None:
        return
    before = typed.literal[: len(typed.literal) - len(typed.partial)]
    if not prefixes(checkpoint.sorted_names(), typed.steps):
        before = ""  # no name begins like that
    needle = typed.literal[len(before) :]
    if len(needle) < 2:
        return
    found = search.holding(checkpoint.sorted_names(), before, needle)
    names = [name for name in found.names if name in checkpoint.tensors]  # a name may hold a line break
    names.sort(key=lambda name: [numeric(segment) for segment in name.split(".")])
    if not template:
        yield from spelling.fold(names)
    for name in names:
        yield spelling.whole(name, name[len(before) :])
    if found.rest:
        yield more(found.rest, "tensors", at_least=found.at_least)


def _slice(pen: Pen, checkpoint: Checkpoint, front: str, name: str, written: str) -> Iterator[Candidate]:
    """Behind a whole name: a slice, and how large the dims are."""
    typed = read(name)
    tensor = checkpoint.tensors.get(typed.literal or "") if typed is not None else None
    if tensor is None:
        return
    if "[" in written:
        yield note(str(list(tensor.shape)), "its dims; a slice is Python's indexing, as in [:8, -1]")
    else:
        yield pen.value(f"{front}{name}::[", "::[", f"a slice of {leaf_meta(tensor)}", final=False)
