"""Structured references: one segment of the list, given those before it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsurgery_shell.completion.candidates import Candidate, more
from brainsurgery_shell.completion.captures import Source, in_list
from brainsurgery_shell.completion.facts import metas, tensors
from brainsurgery_shell.completion.general import numbered
from brainsurgery_shell.completion.names import Child, Following, Step, following, prefixes
from brainsurgery_shell.completion.patterns import any_segment, step_of
from brainsurgery_shell.completion.scope import Around
from brainsurgery_shell.completion.tensors import alias_prefixes, checkpoint_of
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.pieces import Piece, take_alias
from brainsurgery_shell.lang.segments import Literal, parse_segment
from brainsurgery_shell.lang.tree import Scalar
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.workspace import Workspace

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def segments(
    pen: Pen, workspace: Workspace, nearby: Around, source: Source | None, *, template: bool
) -> Iterator[Candidate]:
    """What may stand at the cursor, as an item of the list."""
    typed = pen.typed
    place = len(nearby.items)
    if template:
        for capture, what in in_list(source, place):
            if capture.startswith(typed):
                yield pen.value(capture, capture, what)
    if not place:
        yield from alias_prefixes(pen, workspace)
    written = [_written(item) for item in nearby.items]
    alias, front = _alias_of(written, typed)
    if alias is None and template and source is not None:
        alias = source.reference.alias
    checkpoint = checkpoint_of(workspace, alias)
    steps = _steps(written)
    if checkpoint is None or steps is None:
        return
    starts = prefixes(checkpoint.sorted_names(), steps)
    captures: list[Candidate] = []
    found = following(checkpoint.sorted_names(), starts, typed[len(front) :])
    if not template:
        bound = typed[len(front) :][:1] in ("$", "*")
        known = following(checkpoint.sorted_names(), starts, "").children if bound else found.children
        captures = list(_captures(pen, front, written, known))
        yield from (each for each in captures if each.display[0] == "$")
    if typed[len(front) :][:1] not in ("$", "*", "~"):
        # a first segment that looks like an alias needs one in front
        needed = f"{alias or workspace.default_alias()}::" if not place and not front else ""
        yield from _literals(pen, checkpoint, found, front, needed, template=template)
    yield from (each for each in captures if each.display[0] == "*")


def _literals(
    pen: Pen, checkpoint: Checkpoint, found: Following, front: str, needed: str, *, template: bool
) -> Iterator[Candidate]:
    """Segments of names as they are."""
    for child, meta in zip(found.children, metas(found.children, checkpoint), strict=True):
        text = _literal(child.segment, template)
        if text is not None:
            is_alias = take_alias(Piece(text))[0] is not None
            text = f"{front}{needed if is_alias else ''}{text}"
            yield pen.value(text, child.segment, meta, segment=True)
    if found.rest:
        yield more(found.rest, "tensors")


def _captures(pen: Pen, front: str, written: list[str], children: list[Child]) -> Iterator[Candidate]:
    """What stands for any segment, and for any number of them, under names that are not taken yet."""
    partial = pen.typed[len(front) :]
    taken = {name for each in written for name in _NAME.findall(each)}
    name = next((each for each in "ijklmn" if each not in taken), None)
    numbers = numbered(children)
    offers = []
    if name is not None and children:
        meta = f"any number: {tensors(sum(each.count for each in numbers))}" if numbers else "any segment"
        offers.append((f"${name}", meta))
    if "rest" not in taken and children:
        offers.append(("*rest", "any number of segments"))
    for text, meta in offers:
        if text.startswith(partial) and (partial or text[0] == "*" or numbers):
            yield pen.value(front + text, text, meta, variant=True)


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
    if "::" in segment:  # it looks like an alias or a slice
        return f"~(?:{re.escape(segment)})"
    try:
        if parse_segment(Piece(segment)) == Literal(segment):
            return segment
    except StepError:
        pass  # it looks like something else: as a regex it cannot
    return "~" + re.escape(segment)
