"""References: which tensors a step means. ``alias::expr::[slice]``; expr is a regex or a list of segments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from brainsurgery_shell.errors import Span, StepError
from brainsurgery_shell.lang.pieces import Piece, refuse_bad_slice, refuse_misplaced, take_alias, take_slice
from brainsurgery_shell.lang.segments import Many, One, Regex, Segment, compile_regex, names_of, parse_segment
from brainsurgery_shell.lang.slices import Slice
from brainsurgery_shell.lang.template import ListTemplate, Template, TextTemplate
from brainsurgery_shell.lang.tree import NOWHERE, Mapping, Node, Scalar, Sequence


@dataclass(frozen=True, slots=True)
class RegexExpr:
    """A regex, matched against whole names."""

    text: str
    regex: re.Pattern[str] = field(compare=False)


@dataclass(frozen=True, slots=True)
class SegmentsExpr:
    """A structured pattern, matched against the dot-separated segments of names."""

    segments: tuple[Segment, ...]


Expr: TypeAlias = RegexExpr | SegmentsExpr


@dataclass(frozen=True, slots=True)
class Reference:
    """A matched reference: the tensors of one checkpoint that a pattern names, or the same region of each."""

    alias: str | None
    expr: Expr
    slice: Slice | None
    text: str
    """As written, for messages and journals: ``str`` prints it."""
    node: Node = field(compare=False)
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text

    def to_node(self) -> Node:
        """The tree that reads as this reference."""
        return self.node


def parse_reference(node: Node) -> Reference:
    """The reference that a node says: a regex if it is a string, a structured pattern if it is a list."""
    if isinstance(node, Sequence):
        alias, pieces, found = _list_pieces(node, "reference")
        segments = tuple(parse_segment(piece) for piece in pieces)
        _refuse_two_kinds(segments)
        return Reference(alias, SegmentsExpr(segments), found, text_of(node), node, _span(node))
    piece = _text_piece(node, "reference")
    rest, found = take_slice(piece)
    if found is None:
        refuse_bad_slice(piece)
    alias, rest = take_alias(rest)
    if not rest.text:
        raise _empty("reference", piece)
    return Reference(alias, RegexExpr(rest.text, compile_regex(rest)), found, piece.text, node, _span(node))


def parse_template(node: Node) -> Template:
    """The template that a node says: a destination, or a source after the first."""
    if isinstance(node, Sequence):
        alias, pieces, found = _list_pieces(node, "template")
        return ListTemplate(pieces, alias=alias, slice=found, text=text_of(node), node=node, span=_span(node))
    piece = _text_piece(node, "template")
    rest, found = take_slice(piece)
    if found is None:
        refuse_bad_slice(piece)
    alias, rest = take_alias(rest)
    if not rest.text:
        raise _empty("template", piece)
    return TextTemplate(rest, alias=alias, slice=found, text=piece.text, node=node, span=_span(node))


def text_of(node: Node) -> str:
    """A reference as one reads it in messages."""
    if isinstance(node, Sequence):
        return f"[{', '.join(text_of(item) for item in node.items)}]"
    return str(node.value) if isinstance(node, Scalar) else "{…}"


def _span(node: Node) -> Span | None:
    return node.span if node.span != NOWHERE else None


def _empty(role: str, piece: Piece) -> StepError:
    if not piece.text:
        return StepError(
            f"a {role} may not be empty",
            hint="write a tensor name or a pattern, or '.*' for all",
            span=piece.span,
        )
    return StepError(
        f"'{piece.text}' says no tensor: the expression is empty",
        hint="write alias::name, or alias::.* for all of them",
        span=piece.span,
    )


def _text_piece(node: Node, role: str) -> Piece:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return Piece.of(node, node.value)
    if isinstance(node, Mapping):
        raise StepError(
            f"expected a {role}, found a map", hint="write a string, or a list of segments", span=_span(node)
        )
    value = node.value if isinstance(node, Scalar) else None
    raise StepError(
        f"expected a {role}, found {_kind(value)}", hint=f"quote a name: '{_plain(value)}'", span=_span(node)
    )


def _list_pieces(node: Sequence, role: str) -> tuple[str | None, list[Piece], Slice | None]:
    """Alias, the text of each segment, slice."""
    if not node.items:
        raise StepError(
            f"a {role} may not be empty", hint="write its segments: [h, $i, weight]", span=_span(node)
        )
    pieces = [_segment_piece(item) for item in node.items]
    for place, piece in enumerate(pieces):
        if not take_alias(piece)[1].text.startswith("~"):
            refuse_misplaced(piece, first=place == 0, last=place == len(pieces) - 1)
    # a regex may end in what looks like a class, `~x::[ab]`; what reads as a slice is one all the same
    pieces[-1], found = take_slice(pieces[-1])
    alias, pieces[0] = take_alias(pieces[0])
    if len(pieces) == 1 and not pieces[0].text:
        written = text_of(node)[1:-1]
        raise _empty(role, Piece(written, _span(node)))
    return alias, pieces, found


def _segment_piece(item: Node) -> Piece:
    if not isinstance(item, Scalar):
        kind = "list" if isinstance(item, Sequence) else "map"
        raise StepError(
            f"a segment is a string, found a {kind}",
            hint="a structured reference is one flat list: [h, $i, weight]",
            span=_span(item),
        )
    value = item.value
    if isinstance(value, str):
        return Piece.of(item, value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Piece(str(value), _span(item))
    raise StepError(
        f"a segment is a string, found {_kind(value)}", hint=f"quote it: '{_plain(value)}'", span=_span(item)
    )


def _kind(value: str | int | float | bool | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return _plain(value)
    return f"the number {_plain(value)}"


def _plain(value: str | int | float | bool | None) -> str:
    return (
        {None: "null", True: "true", False: "false"}[value]
        if value is None or value is True or value is False
        else str(value)
    )


def _refuse_two_kinds(segments: tuple[Segment, ...]) -> None:
    """One name for a segment and for a list of segments can never be equal."""
    many = {segment.name for segment in segments if isinstance(segment, Many)}
    for segment in segments:
        if not isinstance(segment, One | Regex):
            continue
        clash = [name for name in names_of(segment) if name in many]
        if clash:
            raise StepError(
                f"'{clash[0]}' binds one segment and, as *{clash[0]}, a list of segments",
                hint="give one of them another name",
                span=segment.span,
            )
