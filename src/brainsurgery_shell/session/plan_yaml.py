r"""YAML plans as text: to trees with spans, tolerant where published plans need it.

Two things that published plans hold are no YAML: unknown escapes in double quotes (``"\d+"``), which keep
their backslash here, and lines that are OLY (``- copy: from: a, to: b``), which are read as such.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scanner import Scanner

from brainsurgery_shell.errors import OlySyntaxError, PlanError, Source, Span
from brainsurgery_shell.lang import tree
from brainsurgery_shell.lang.parser import MAX_DEPTH
from brainsurgery_shell.lang.scalars import resolve
from brainsurgery_shell.session.plan_oly import Mended, mended, parse_step, unchanged

MOST_NODES = 1_000_000
"""A plan with more nodes, its anchors expanded, is an anchor bomb."""

_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML does not allow in a text."""
_MERGE = "<<"


@dataclass(slots=True)
class Document:
    """What a plan's text says."""

    root: tree.Node | None
    """``None`` if it is empty."""
    missing_commas: list[Span] = field(default_factory=list)
    """Keys of OLY steps in front of which a comma should stand."""


def read_yaml(text: str, file: str) -> Document:
    """The tree of a YAML document, spans counting lines and columns of ``text``.

    Raises:
        PlanError: it is not YAML, has tags or a key twice, or expands without bound.
    """
    source = Source(text, file)
    forbidden = _FORBIDDEN.search(text)
    if forbidden is not None:
        line = text.count("\n", 0, forbidden.start()) + 1
        column = forbidden.start() - text.rfind("\n", 0, forbidden.start()) - 1
        problem = f"this is not YAML: the character U+{ord(forbidden[0]):04X} may not stand in it"
        raise PlanError(problem, span=Span(column, column + 1, line)).located(source=source)
    plain = unchanged(text)
    try:
        node, lines = _compose(plain, source), plain
    except PlanError:
        lines = mended(text)
        if not lines.steps and lines.text == text:
            raise
        node = _compose(lines, source)
    if node is None:
        return Document(None)
    reader = _Reader(source, lines)
    return Document(reader.read(node), reader.missing_commas)


class _Escapes(dict[str, str]):
    """YAML's escapes; an unknown one keeps its backslash."""

    def __contains__(self, char: object) -> bool:
        return super().__contains__(char) or (
            isinstance(char, str) and char not in "xuU\n\r\x85\u2028\u2029\0"
        )

    def __missing__(self, char: str) -> str:
        return "\\" + char


class _Scanner(Scanner):
    ESCAPE_REPLACEMENTS = _Escapes(Scanner.ESCAPE_REPLACEMENTS)


class _RefusedError(MarkedYAMLError):
    """YAML that a plan may not hold."""


class _Composer(Composer):
    """Refuses tags and deep nesting where they stand."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self.open = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        if getattr(event, "tag", None) is not None:
            raise _RefusedError(
                problem=f"tags have no meaning in a plan: {event.tag}", problem_mark=event.start_mark
            )
        if self.open > MAX_DEPTH:
            raise _RefusedError(
                problem=f"at most {MAX_DEPTH} lists and maps may stand inside each other",
                problem_mark=event.start_mark,
            )
        self.open += 1
        node = super().compose_node(parent, index)
        self.open -= 1
        return node


def _compose(lines: Mended, source: Source) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _Scanner
    yaml.Composer = _Composer
    try:
        node: Node | None = yaml.compose(lines.text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = _span(lines, mark.index, mark.index + 1) if mark is not None else None
        problem = str(error.problem or error.context or "a syntax error").split("\n")[0]
        if problem == "but found another document":
            problem = "a plan is one document, and here begins another"
        if not isinstance(error, _RefusedError):
            problem = f"this is not YAML: {problem}"
        raise PlanError(problem, span=span).located(source=source) from None
    except (YAMLError, ValueError, OverflowError) as error:
        problem = (str(error).splitlines() or ["a syntax error"])[0]
        raise PlanError(f"this is not YAML: {problem}").located(source=source) from None
    return node


def _span(lines: Mended, start: int, end: int) -> Span:
    line, column = lines.at(start)
    end_line, end_column = lines.at(end)
    return Span(column, max(end_column if end_line == line else 0, column + 1), line)


class _Reader:
    """From ruamel's nodes to ours."""

    def __init__(self, source: Source, lines: Mended) -> None:
        self.source = source
        self.lines = lines
        self.sizes: dict[int, tuple[int, int]] = {}
        """Nodes and depth of a node, its anchors expanded."""
        self.missing_commas: list[Span] = []

    def read(self, node: Node) -> tree.Node:
        """The tree, once it is known that it ends."""
        self._measure(node)
        return self._read(node)

    def _measure(self, node: Node) -> tuple[int, int]:
        known = self.sizes.get(id(node))
        if known is not None:
            if known == (0, 0):
                self.fail(node, "an anchor may not stand inside itself")
            return known
        self.sizes[id(node)] = (0, 0)
        size, depth = 1, 0
        if not isinstance(node, ScalarNode):
            children = (
                [part for pair in node.value for part in pair]
                if isinstance(node, MappingNode)
                else node.value
            )
            for each in map(self._measure, children):
                size, depth = size + each[0], max(depth, each[1])
        if size > MOST_NODES or depth > MAX_DEPTH:
            self.fail(node, "the anchors of this plan expand without bound")
        self.sizes[id(node)] = (size, depth + 1)
        return self.sizes[id(node)]

    def _read(self, node: Node) -> tree.Node:
        if isinstance(node, MappingNode):
            return self._mapping(node)
        if isinstance(node, SequenceNode):
            return tree.Sequence(tuple(self._read(item) for item in node.value), self.span(node))
        return self._scalar(node)

    def _mapping(self, node: MappingNode) -> tree.Mapping:
        pairs: dict[str, tree.Pair] = {}
        merged: dict[str, tree.Pair] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.fail(key, "a key is a name, not a list or map")
            if key.value == _MERGE and not key.style:
                for pair in self._merged(value):
                    merged.setdefault(pair.key, pair)
                continue
            if key.value in pairs:
                self.fail(key, f"the key '{key.value}' stands twice")
            pairs[key.value] = tree.Pair(key.value, self._read(value), self.span(key))
        added = [pair for key, pair in merged.items() if key not in pairs]
        return tree.Mapping((*pairs.values(), *added), self.span(node))

    def _merged(self, node: Node) -> list[tree.Pair]:
        """The pairs that a merge key brings: of a map, or of a list of maps, the first of which wins."""
        maps = node.value if isinstance(node, SequenceNode) else [node]
        found: list[tree.Pair] = []
        for each in maps:
            if not isinstance(each, MappingNode):
                self.fail(each, "'<<' merges a map, or a list of maps")
            found += self._mapping(each).pairs
        return found

    def _scalar(self, node: Any) -> tree.Node:
        span = self.span(node)
        if node.style in ('"', "'", "|", ">"):
            text = self._text(node)
            oly = self.lines.steps.get(span.line) if node.value == "" and node.style == "'" else None
            return tree.Scalar(text, span, quoted=True) if oly is None else self._oly(*oly, span)
        if node.value == "":
            return tree.Scalar(None, span)
        try:
            return tree.Scalar(resolve(node.value), span)
        except ValueError:
            self.fail(node, "this number is too long")

    def _text(self, node: Any) -> str:
        """A quoted text; what escapes made of halves of characters is put together."""
        text: str = node.value
        if not any("\ud800" <= char <= "\udfff" for char in text):
            return text
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.fail(node, "half of a character is escaped here")

    def _oly(self, column: int, text: str, span: Span) -> tree.Node:
        """A line of OLY: an item is a map with one key; at the top its name is the key already."""
        try:
            command, missing = parse_step(text, column, span.line)
        except OlySyntaxError as error:
            raise PlanError(error.message, hint=error.hint, span=error.details.span).located(
                source=self.source
            ) from None
        assert command is not None
        self.missing_commas += missing
        payload = command.payload if command.payload is not None else tree.Scalar(None, span)
        if span.start != column:
            return payload
        return tree.Mapping((tree.Pair(command.name, payload, command.name_span),), span)

    def span(self, node: Node) -> Span:
        """Where a node stands."""
        return _span(self.lines, node.start_mark.index, node.end_mark.index)

    def fail(self, node: Node, message: str) -> NoReturn:
        raise PlanError(message, span=self.span(node)).located(source=self.source)
