"""Templates: the names that destinations, and sources after the first, make from what a pattern bound.

A template is checked against its pattern once and then filled for all matches, 100,000 perhaps: captures come
and names go as columns, so that the loops are Python's own.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

from brainsurgery_shell.errors import Span, StepError, did_you_mean
from brainsurgery_shell.lang.captures import Bound, Captures
from brainsurgery_shell.lang.pieces import Piece, shown
from brainsurgery_shell.lang.slices import Slice
from brainsurgery_shell.lang.template_parts import Splice, Value, parse_list_segment, parse_text
from brainsurgery_shell.lang.tree import Node

if TYPE_CHECKING:
    from brainsurgery_shell.lang.pattern import Matcher

_WHOLE = re.compile(r"-?[0-9]{1,200}")
_TOO_LARGE = 10**200
_Rows = Sequence[tuple[Bound, ...]]
"""What each match bound, as ``Captures.groups``."""


class Template(ABC):
    """A name with places for captures, in one checkpoint, or a region of the tensors so named."""

    is_list: ClassVar[bool]

    def __init__(
        self, *, alias: str | None, slice: Slice | None, text: str, node: Node, span: Span | None
    ) -> None:
        self.alias = alias
        self.slice = slice
        self.text = text
        """As written, for messages: ``str`` prints it."""
        self.span = span
        self._node = node

    def __str__(self) -> str:
        return self.text

    def to_node(self) -> Node:
        """The tree that reads as this template."""
        return self._node

    @property
    @abstractmethod
    def literal(self) -> bool:
        """Whether it says the same name for every match."""

    @abstractmethod
    def check(self, matcher: Matcher) -> None:
        """Raise unless every capture that it takes is one of the pattern's."""

    @abstractmethod
    def _made(self, rows: _Rows, index: Mapping[str, int]) -> list[str]:
        """The name for each row, unchecked; ``index`` says where each named capture lies."""

    def fill(self, captures: Captures, source_name: str) -> str:
        """The name for one match, after ``check``; ``source_name`` is the tensor that matched, for errors."""
        return self._checked(captures.groups, captures.index, source_name)

    def fill_all(self, rows: _Rows, index: Mapping[str, int], source_names: Sequence[str]) -> list[str]:
        """The name for each match, as ``fill`` makes it; ``rows`` and ``index`` as in ``Captures``.

        Raises:
            StepError: as ``fill``, for the first match that it fails for.
        """
        try:
            names = self._made(rows, index)
        except _NoNumber:
            names = []
        # one search in one text: it finds an empty name, and a segment that is empty
        if names and ".." not in f".{'.'.join(names)}.":
            return names
        return [self._checked(row, index, name) for row, name in zip(rows, source_names, strict=True)]

    def _checked(self, row: tuple[Bound, ...], index: Mapping[str, int], source_name: str) -> str:
        try:
            (name,) = self._made((row,), index)
        except _NoNumber as problem:
            raise self._error(
                f"{problem} (from tensor '{source_name}')", problem.hint, problem.span
            ) from None
        if not name:
            raise self._error(
                f"'{self.text}' makes an empty name of tensor '{source_name}'", "write some text"
            )
        if (name[0] == "." or name[-1] == "." or ".." in name) and "" not in source_name.split("."):
            raise self._error(
                f"'{self.text}' makes '{name}' of tensor '{source_name}', which has an empty segment",
                "a capture is empty there: make the pattern's group not optional, or take the dot into it",
            )
        return name

    def _check_kind(self, matcher: Matcher) -> None:
        if matcher.is_list != self.is_list:
            kinds = ("string", "list")
            raise self._error(
                f"from and to are both strings or both lists: '{matcher.text}' is a {kinds[matcher.is_list]}"
                f" and '{self.text}' a {kinds[self.is_list]}",
                f"write '{self.text}' as a {kinds[matcher.is_list]}",
            )

    def _error(self, message: str, hint: str | None, span: Span | None = None) -> StepError:
        return StepError(message, hint=hint, span=span or self.span)


class TextTemplate(Template):
    r"""A string: text with ``\1`` and ``\g<name>``."""

    is_list = False

    def __init__(
        self,
        piece: Piece,
        *,
        alias: str | None,
        slice: Slice | None,
        text: str,
        node: Node,
        span: Span | None,
    ) -> None:
        super().__init__(alias=alias, slice=slice, text=text, node=node, span=span)
        self._parts = parse_text(piece)

    @property
    def literal(self) -> bool:
        """Whether it says the same name for every match."""
        return all(isinstance(part, str) for part in self._parts)

    def check(self, matcher: Matcher) -> None:
        """Raise unless every capture that it takes is one of the pattern's."""
        self._check_kind(matcher)
        for part in self._parts:
            if isinstance(part, str):
                continue
            known = matcher.index if isinstance(part.capture, str) else range(matcher.group_count + 1)
            if part.capture not in known:
                near = did_you_mean(part.capture, matcher.index) if isinstance(part.capture, str) else None
                raise self._error(
                    f"unknown capture '{part.written}' in '{self.text}': the pattern '{shown(matcher.text)}'"
                    f" captures {_listed(matcher)}",
                    near or _group_hint(part.capture, matcher.group_count),
                    part.span,
                )

    def _made(self, rows: _Rows, index: Mapping[str, int]) -> list[str]:
        places = [
            index[part.capture] if isinstance(part.capture, str) else part.capture
            for part in self._parts
            if not isinstance(part, str)
        ]
        form = "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in self._parts)
        if not places:
            return [form % ()] * len(rows)
        return list(map(form.__mod__, map(itemgetter(*places), rows)))  # a string's groups are all strings


class ListTemplate(Template):
    """A list: segments with ``$x``, ``${i+1}`` and ``*xs``."""

    is_list = True

    def __init__(
        self,
        pieces: list[Piece],
        *,
        alias: str | None,
        slice: Slice | None,
        text: str,
        node: Node,
        span: Span | None,
    ) -> None:
        super().__init__(alias=alias, slice=slice, text=text, node=node, span=span)
        self._segments = [parse_list_segment(piece) for piece in pieces]

    @property
    def literal(self) -> bool:
        """Whether it says the same name for every match."""
        return all(isinstance(part, str) for segment in self._segments for part in segment)

    def check(self, matcher: Matcher) -> None:
        """Raise unless every capture that it takes is one of the pattern's, and of the right kind."""
        self._check_kind(matcher)
        for part in (part for segment in self._segments for part in segment):
            if isinstance(part, str):
                continue
            names = (part.name,) if isinstance(part, Splice) else part.names
            for name in names:
                self._check_name(name, part, matcher)

    def _check_name(self, name: str, part: Splice | Value, matcher: Matcher) -> None:
        if name not in matcher.index:
            raise self._error(
                f"unknown capture '{name}' in '{self.text}': the pattern '{shown(matcher.text)}'"
                f" captures {_listed(matcher)}",
                did_you_mean(name, matcher.index),
                part.span,
            )
        if isinstance(part, Splice) and name not in matcher.many:
            raise self._error(f"'{name}' is one segment, not a list of them", f"write ${name}", part.span)
        if isinstance(part, Value) and name in matcher.many:
            raise self._error(
                f"'{name}' is a list of segments, not one",
                f"write *{name}, as a segment of its own",
                part.span,
            )

    def _made(self, rows: _Rows, index: Mapping[str, int]) -> list[str]:
        form = ""
        columns: list[Iterable[str]] = []
        for segment in self._segments:
            for part in segment:
                if isinstance(part, str):
                    form += part.replace("%", "%%")
                else:
                    form += "%s"
                    columns.append(_column(part, rows, index))
            if not isinstance(segment[0], Splice):  # whose segments bring their dots along
                form += "."
        if not columns:
            return [(form % ())[:-1]] * len(rows)
        return [name[:-1] for name in map(form.__mod__, zip(*columns, strict=True))]


class _NoNumber(Exception):
    """Arithmetic that has no whole-number result which can stand in a name."""

    def __init__(self, message: str, hint: str, span: Span | None) -> None:
        super().__init__(message)
        self.hint = hint
        self.span = span


def _column(part: Splice | Value, rows: _Rows, index: Mapping[str, int]) -> Iterable[str]:
    """What stands for ``part`` in each name; the segments of a splice each with a dot behind it."""
    names = (part.name,) if isinstance(part, Splice) else part.names
    if isinstance(part, Value) and part.evaluate is None:
        return map(itemgetter(index[names[0]]), rows)  # check() refuses lists of segments
    # layers have few numbers, and names few ways to go on: each is made once
    bound = [tuple(row[index[name]] for name in names) for row in rows]
    make = _joined if isinstance(part, Splice) else partial(_number, part)
    made = {values: make(values) for values in dict.fromkeys(bound)}
    return map(made.__getitem__, bound)


def _joined(values: tuple[Bound, ...]) -> str:
    (segments,) = values
    return "".join([f"{segment}." for segment in segments])


def _number(part: Value, values: tuple[Bound, ...]) -> str:
    """What arithmetic makes of the captures."""
    assert part.evaluate is not None
    bound = dict(zip(part.names, values, strict=True))

    def number(name: str) -> int:
        value = bound[name]
        if not isinstance(value, str) or not _WHOLE.fullmatch(value):
            raise _NoNumber(
                f"'{part.written}' needs a whole number, but {name} is '{value}'",
                rf"bind only numbers: ~{name}::\d+",
                part.span,
            )
        return int(value)

    result = part.evaluate(number)
    if result < 0:
        raise _NoNumber(
            f"'{part.written}' is {result}, and no name gets a negative number",
            "leave that tensor out with a narrower pattern or 'except'",
            part.span,
        )
    if result >= _TOO_LARGE:
        raise _NoNumber(f"'{part.written}' is too large for a name", "use smaller numbers", part.span)
    return str(result)


def _listed(matcher: Matcher) -> str:
    names = matcher.capture_names
    if matcher.is_list:
        words = [f"*{name}" if name in matcher.many else f"${name}" for name in names]
    else:
        words = [f"\\{name}" if name.isdecimal() else f"\\g<{name}>" for name in names]
    if len(words) > 10:
        words[10:] = [f"… and {len(words) - 10} more"]
    return ", ".join(words) or "nothing"


def _group_hint(capture: int | str, count: int) -> str:
    if isinstance(capture, int) and capture > 9 and capture // 10 <= count:
        group, digit = divmod(capture, 10)
        return rf"for group {group} before the digit {digit}, write \g<{group}>{digit}"
    return (
        "put parentheses around what the pattern should capture: (.*)" if count == 0 else "name one of these"
    )
