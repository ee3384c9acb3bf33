"""References in strings: aliases, and names one segment at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsurgery_shell.completion import search
from brainsurgery_shell.completion.candidates import Candidate, numeric
from brainsurgery_shell.completion.captures import Source, in_text
from brainsurgery_shell.completion.names import Child, following, prefixes, twins
from brainsurgery_shell.completion.patterns import Typed, escaped, read
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.lang.pieces import Piece, take_alias
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.workspace import Workspace

_OPEN_CAPTURE = re.compile(r"\\(?:[0-9]*|g(?:<[^<>]*)?)\Z")


def references(pen: Pen, workspace: Workspace) -> Iterator[Candidate]:
    """For a string that is matched: a regex."""
    yield from alias_prefixes(pen, workspace)
    alias, rest = _alias(pen.typed)
    yield from _names(pen, workspace, alias, rest, template=False)


def templates(pen: Pen, workspace: Workspace, source: Source | None) -> Iterator[Candidate]:
    """For a string that is filled: captures, and existing names to start from."""
    typed = pen.typed
    opened = _OPEN_CAPTURE.search(typed)
    stem = typed[: opened.start()] if opened else typed
    if opened or not typed or typed[-1] in ".:":
        for capture, what in in_text(source):
            if capture.startswith(opened[0] if opened else ""):
                yield pen.value(stem + capture, capture, what)
    yield from alias_prefixes(pen, workspace)
    alias, rest = _alias(typed)
    if alias is None and source is not None:
        alias = source.reference.alias
    yield from _names(pen, workspace, alias, rest, template=True)


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


def tensors(count: int) -> str:
    """A count for the menu."""
    return "1 tensor" if count == 1 else f"{count} tensors"


def meta_of(child: Child, checkpoint: Checkpoint) -> str:
    """Dtype and shape of a leaf, how many tensors lie below an inner segment."""
    if child.leaf is None:
        return tensors(child.count) if child.count else ""
    tensor = checkpoint.tensors[child.leaf]
    facts = f"{tensor.dtype} {list(tensor.shape)}"
    return facts if child.count < 2 else f"{facts} × {child.count}"


def _alias(typed: str) -> tuple[str | None, str]:
    alias, piece = take_alias(Piece(typed))
    return alias, piece.text


def _names(
    pen: Pen, workspace: Workspace, alias: str | None, rest: str, *, template: bool
) -> Iterator[Candidate]:
    checkpoint = checkpoint_of(workspace, alias)
    if checkpoint is None or "::[" in rest:
        return
    typed = read(rest)
    if typed is None:
        return
    chosen_alias = alias or workspace.default_alias()
    writer = _Writer(pen, checkpoint, chosen_alias, pen.typed[: len(pen.typed) - len(rest)], typed, template)
    names = checkpoint.sorted_names()
    found = following(names, prefixes(names, typed.steps), typed.partial)
    for child in found:
        yield writer.candidate(child)
    if not found and typed.literal is not None and len(typed.partial) >= 2:
        before = typed.literal[: len(typed.literal) - len(typed.partial)]
        for name in sorted(search.holding(names, before, typed.partial), key=_by_number):
            if name in checkpoint.tensors:  # a name may itself hold a line break
                yield writer.whole(name, name[len(before) :])


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    return [numeric(segment) for segment in name.split(".")]


class _Writer:
    """Makes candidates of segments: what was typed stays, unless it would mean other names too."""

    def __init__(
        self, pen: Pen, checkpoint: Checkpoint, alias: str | None, front: str, typed: Typed, template: bool
    ) -> None:
        self._pen, self._checkpoint, self._typed, self._template = pen, checkpoint, typed, template
        self._front = front
        """``alias::`` as it was typed."""
        self._alias = alias
        self._twins: list[str] | None = []
        self._before = ""
        if typed.literal is not None:
            self._before = typed.literal[: len(typed.literal) - len(typed.partial)]
            if typed.dot == "." and not template:
                self._twins = twins(checkpoint.sorted_names(), self._before)

    def candidate(self, child: Child) -> Candidate:
        """A leaf, or a segment with the dot behind it."""
        typed, meta = self._typed, meta_of(child, self._checkpoint)
        text = typed.kept + escaped(child.segment, typed.dot)
        if child.leaf is None:
            text += typed.dot
            text = self._fronted(text) + text
            return self._pen.value(text, f"{child.segment}.", meta, final=False)
        if typed.literal is not None and self._is_ambiguous(child.segment):
            text = escaped(child.leaf, r"\.")
        return self._pen.value(self._fronted(child.leaf) + text, child.segment, meta)

    def whole(self, name: str, display: str) -> Candidate:
        """A name that was found in another way."""
        dot = self._typed.dot
        if dot == "." and not self._template:
            names = self._checkpoint.sorted_names()
            others = twins(names, name)
            same_length = others is None or any(other in self._checkpoint.tensors for other in others)
            dot = r"\." if same_length else dot
        meta = meta_of(Child(name, name, 1), self._checkpoint)
        return self._pen.value(self._fronted(name) + escaped(name, dot), display, meta)

    def _is_ambiguous(self, segment: str) -> bool:
        """Whether the typed dots, read as a regex, take another name along."""
        known = self._checkpoint.tensors
        return self._twins is None or any(other + segment in known for other in self._twins)

    def _fronted(self, name: str) -> str:
        """The alias as typed; one is needed if the name's own beginning would be taken for it."""
        if self._front or _alias(name)[0] is None or self._alias is None:
            return self._front
        return f"{self._alias}::"
