r"""The lines of a plan that are OLY and no YAML, as published plans have them.

``- copy: from: a, to: b`` is such an item, ``scale_: target: a, by: 2`` such a line at the top. Each is
replaced by an empty string in quotes, which the reader of the plan knows by its place. An item that only
begins as OLY (``- assert: equal:``, its parameters on the lines below) is written as the YAML that it means.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from brainsurgery_shell.errors import OlySyntaxError, Span
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.tree import Command, shifted

_NAME = r"[A-Za-z_][\w-]*"
_OLY = re.compile(
    rf"(?P<before>[ ]*-[ \t]+|)(?P<step>(?P<name>{_NAME}):[ \t]+(?P<key>{_NAME}):(?:[ \t].*)?)$"
)
_BLOCK = re.compile(r"^([ ]*)(?:.*[\s:-])?[|>][-+1-9]*[ \t]*(?:#.*)?$")
_NOTHING = re.compile(r"[ \t]*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the plan (1-based), and by how many columns it was moved."""

    line: int
    moved: int = 0


@dataclass(slots=True)
class Mended:
    """A plan as YAML, and where everything in it stands in the plan."""

    lines: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    steps: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Lines of the plan that are OLY: where it begins, and the OLY."""
    _starts: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What a YAML parser is given."""
        return "\n".join(self.lines)

    def at(self, index: int) -> tuple[int, int]:
        """Line (1-based) and column (0-based) in the plan of a character of ``text``."""
        if not self._starts:
            self._starts = [0, *accumulate(len(line) + 1 for line in self.lines)][:-1]
        number = bisect_right(self._starts, index) - 1
        place = self.places[number]
        return place.line, max(index - self._starts[number] - place.moved, 0)

    def add(self, line: str, place: Place) -> None:
        """One more line."""
        self.lines.append(line)
        self.places.append(place)


def unchanged(text: str) -> Mended:
    """A plan as it stands."""
    lines = text.split("\n")
    return Mended(lines, [Place(number) for number in range(1, len(lines) + 1)])


def mended(text: str) -> Mended:
    """A plan with its lines of OLY replaced."""
    result = Mended()
    lines = [(line, Place(number)) for number, line in enumerate(text.split("\n"), 1)]
    _mend(lines, result)
    return result


def parse_step(text: str, column: int, line: int) -> tuple[Command | None, list[Span]]:
    """A step of OLY that stands at a place of a plan, and the keys in front of which a comma is missing.

    Raises:
        OlySyntaxError: it is not OLY; its span points into the plan.
    """
    missing: list[Span] = []
    while True:
        try:
            command = parse_line(text)
        except OlySyntaxError as error:
            span = error.details.span or Span(0, 1)
            if _lacks_comma(text, span.start):
                # A blank becomes the comma, so that columns stay what they are.
                text = f"{text[: span.start - 1]},{text[span.start :]}"
                missing.append(_placed(span, column, line))
                continue
            raise OlySyntaxError(error.message, hint=error.hint, span=_placed(span, column, line)) from None
        return None if command is None else shifted(command, column, line), missing


def _placed(span: Span, column: int, line: int) -> Span:
    return Span(span.start + column, span.end + column, line)


def _lacks_comma(text: str, position: int) -> bool:
    """Whether a key follows a quoted value here."""
    before = text[:position]
    return (
        before[-1:] in tuple(scan.BLANKS)
        and before.rstrip(scan.BLANKS)[-1:] in tuple(scan.QUOTES)
        and scan.key_at(text, position) is not None
    )


Line = tuple[str, Place]


def _mend(lines: list[Line], result: Mended) -> None:
    at = 0
    while at < len(lines):
        line, place = lines[at]
        found = _OLY.match(line)
        if found is None:
            end = at + 1 + _body(lines[at + 1 :], _BLOCK.match(line))
            for text, where in lines[at:end]:
                result.add(text, where)
            at = end
        elif _NOTHING.match(line, found.end("key") + 1) and _body(lines[at + 1 :], found):
            end = at + 1 + _body(lines[at + 1 :], found)
            _mend(list(_as_yaml(found, lines[at:end])), result)
            at = end
        else:
            before = found["before"]
            result.steps[place.line] = (len(before) - place.moved, found["step"])
            result.add(f"{before}''" if before else f"{found['name']}: ''", place)
            at += 1


def _body(below: list[Line], owner: re.Match[str] | None) -> int:
    """How many of the lines below belong to a line: those indented further, and blank ones between."""
    if owner is None:
        return 0
    indent = len(owner.string) - len(owner.string.lstrip(" "))
    count = 0
    for number, (line, _) in enumerate(below, 1):
        if line.strip(" "):
            if not line.startswith(" " * (indent + 1)):
                break
            count = number
    return count


def _as_yaml(found: re.Match[str], lines: list[Line]) -> Iterator[Line]:
    """``- name: key:`` and its body with each name on a line of its own."""
    place = lines[0][1]
    indent = len(found["before"]) + 2
    yield f"{found['before']}{found['name']}:", place
    yield (
        f"{' ' * indent}{found.string[found.start('key') :]}",
        Place(place.line, place.moved + indent - found.start("key")),
    )
    for line, where in lines[1:]:
        yield f"{' ' * indent}{line}" if line.strip() else line, Place(where.line, where.moved + indent)
