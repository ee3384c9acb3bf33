"""Matchers: compiled references, run over the names of a checkpoint.

A checkpoint may have 100,000 names, and completion matches while the user types. So a text that every match
must hold is looked for first, with ``in``, and only the names that hold it meet the regex.
"""

from __future__ import annotations

import importlib
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

from brainsurgery_shell.collector import collector_paused
from brainsurgery_shell.lang.captures import Captures, Groups
from brainsurgery_shell.lang.reference import Reference, RegexExpr, SegmentsExpr
from brainsurgery_shell.lang.segments import Many, names_of
from brainsurgery_shell.lang.structured import StructuredSearch


class Scan(NamedTuple):
    """Names that match, and what the pattern binds in each: two columns, cheaper than 100,000 objects."""

    names: list[str]
    groups: list[Groups]


class Matcher(ABC):
    """Says which names a pattern matches, and what it binds in them."""

    is_list: ClassVar[bool]
    text: str
    """The pattern as written."""
    index: Mapping[str, int]
    """Where each capture that has a name lies in ``Captures.groups``."""
    many: frozenset[str]
    """The captures that bind lists of segments."""
    group_count: int
    capture_names: tuple[str, ...]
    """The captures in their order; those without a name go by their number."""

    @abstractmethod
    def match(self, name: str) -> Captures | None:
        """What the pattern binds if it matches the whole name."""

    @abstractmethod
    def scan(self, names: Iterable[str]) -> Scan:
        """The names that match, in their order, with what the pattern binds in each."""


class RegexMatcher(Matcher):
    """Python's ``re.fullmatch``."""

    is_list = False

    def __init__(self, text: str, expr: RegexExpr) -> None:
        self.text = text
        self.index = dict(expr.regex.groupindex)
        self.many = frozenset()
        self.group_count = expr.regex.groups
        named = {place: name for name, place in self.index.items()}
        self.capture_names = tuple(named.get(place, str(place)) for place in range(1, self.group_count + 1))
        self._fullmatch = expr.regex.fullmatch
        self._needed = needed_text(expr.regex)

    def match(self, name: str) -> Captures | None:
        """What the pattern binds if it matches the whole name."""
        found = self._fullmatch(name)
        return Captures((name, *found.groups("")), self.index) if found else None

    def scan(self, names: Iterable[str]) -> Scan:
        """The names that match, in their order, with what the pattern binds in each."""
        needed, fullmatch = self._needed, self._fullmatch
        if needed:
            names = [name for name in names if needed in name]
        with collector_paused():
            if not self.group_count:
                matched = [name for name in names if fullmatch(name)]
                return Scan(matched, [(name,) for name in matched])
            groups: list[Groups] = [(name, *found.groups("")) for name in names if (found := fullmatch(name))]
            return Scan([each[0] for each in groups], groups)


class SegmentsMatcher(Matcher):
    """A structured pattern against dot-separated segments."""

    is_list = True

    def __init__(self, text: str, expr: SegmentsExpr) -> None:
        self.text = text
        self.capture_names = tuple(dict.fromkeys(name for part in expr.segments for name in names_of(part)))
        self.index = {name: place for place, name in enumerate(self.capture_names, 1)}
        self.many = frozenset(part.name for part in expr.segments if isinstance(part, Many))
        self.group_count = len(self.capture_names)
        self._search = StructuredSearch(expr.segments, self.capture_names)

    def match(self, name: str) -> Captures | None:
        """What the pattern binds if it matches the whole name."""
        found = self._search.scan((name,))
        return Captures(found[0], self.index) if found else None

    def scan(self, names: Iterable[str]) -> Scan:
        """The names that match, in their order, with what the pattern binds in each."""
        needed = self._search.needed
        if needed:
            names = [name for name in names if needed in name]
        with collector_paused():
            groups = self._search.scan(names)
            return Scan([each[0] for each in groups], groups)


def compile_reference(reference: Reference) -> Matcher:
    """What finds the tensors that a reference means."""
    if isinstance(reference.expr, RegexExpr):
        return RegexMatcher(reference.text, reference.expr)
    return SegmentsMatcher(reference.text, reference.expr)


def needed_text(regex: re.Pattern[str]) -> str:
    """A text that stands in everything the regex matches; the longest that is easily seen, or ``""``.

    Python's own parser of regexes takes the pattern apart. It is not public: where it has changed, no text is
    found, and every name meets the regex.
    """
    if regex.flags & re.IGNORECASE:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser = importlib.import_module("re._parser")
            runs = _literal_runs(parser.parse(regex.pattern, regex.flags & re.VERBOSE))
    except Exception:
        return ""
    return max(runs, key=len, default="")


def _literal_runs(parsed: Any) -> list[str]:
    """The texts of one sequence, groups included, that every match holds."""
    runs = [""]
    for op, argument in parsed:
        kind = str(op)
        if kind == "LITERAL":
            runs[-1] += chr(argument)
        elif kind == "SUBPATTERN" and not (argument[1] & re.IGNORECASE):
            inner = _literal_runs(argument[3])
            runs[-1] += inner[0]
            runs += inner[1:]
        elif kind == "MAX_REPEAT" and argument[0] >= 1:
            # `(abc)+`: abc stands there once at least, but what follows need not follow the same round
            runs += ["", *_literal_runs(argument[2]), ""]
        elif kind != "AT":
            runs.append("")
    return runs
