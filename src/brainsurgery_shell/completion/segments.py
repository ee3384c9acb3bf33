"""Structured references: one segment of the list, given those before it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsurgery_shell.completion.candidates import Candidate
from brainsurgery_shell.completion.captures import Source, in_list
from brainsurgery_shell.completion.names import Step, following, prefixes
from brainsurgery_shell.completion.patterns import any_segment, step_of
from brainsurgery_shell.completion.scope import Around
from brainsurgery_shell.completion.tensors import alias_prefixes, checkpoint_of, meta_of
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.pieces import Piece, take_alias
from brainsurgery_shell.lang.segments import Literal, parse_segment
from brainsurgery_shell.lang.tree import Scalar
from brainsurgery_shell.workspace.workspace import Workspace


def segments(
    pen: Pen, workspace: Workspace, nearby: Around, source: Source | None, *, template: bool
) -> Iterator[Candidate]:
    """What may stand at the cursor, as an item of the list."""
    typed = pen.typed
    if template:
        for capture, what in in_list(source):
            if capture.startswith(typed):
                yield pen.value(capture, capture, what)
    first = not nearby.items
    if first:
        yield from alias_prefixes(pen, workspace)
    written = [_written(item) for item in nearby.items]
    alias, front = _alias_of(written, typed)
    if alias is None and template and source is not None:
        alias = source.reference.alias
    checkpoint = checkpoint_of(workspace, alias)
    steps = _steps(written)
    partial = typed[len(front) :]
    if checkpoint is None or steps is None or partial[:1] in ("$", "*", "~"):
        return
    names = checkpoint.sorted_names()
    for child in following(names, prefixes(names, steps), partial):
        text = _literal(child.segment, template)
        if text is not None:
            if first and not front and take_alias(Piece(text))[0] is not None:
                text = f"{alias or workspace.default_alias()}::{text}"  # else it would be taken for an alias
            yield pen.value(front + text, child.segment, meta_of(child, checkpoint), segment=True)


def _written(item: object) -> str:
    """A segment as text; a whole number is its digits."""
    return str(item.value) if isinstance(item, Scalar) else ""


def _alias_of(written: list[str], typed: str) -> tuple[str | None, str]:
    """The alias before the first segment, and what of it stands at the cursor."""
    alias = take_alias(Piece(written[0] if written else typed))[0]
    return alias, f"{alias}::" if alias is not None and not written else ""


def _steps(written: list[str]) -> list[Step] | None:
    steps: list[Step] = []
    for index, text in enumerate(written):
        if index == 0:
            text = take_alias(Piece(text))[1].text
            if not text:
                return None
        step = _step(text)
        if step is None:
            return None
        steps.append(step)
    return steps


def _step(text: str) -> Step | None:
    try:
        return step_of(parse_segment(Piece(text)))
    except StepError:
        return any_segment if "${" in text else None  # a template's arithmetic stands for some segment


def _literal(segment: str, template: bool) -> str | None:
    """A segment as an item of the list that means just it."""
    if not segment:
        return None
    if template:
        return re.sub(r"([\\*+?()\[\]{}|^$~])", r"\\\1", segment)
    try:
        if parse_segment(Piece(segment)) == Literal(segment):
            return segment
    except StepError:
        pass  # it looks like something else: as a regex it cannot
    return "~" + re.escape(segment)
