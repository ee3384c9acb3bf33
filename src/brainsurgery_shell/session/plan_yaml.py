r"""YAML plans as text: to trees with spans, tolerant where published plans need it.

Two things that published plans hold are no YAML: unknown escapes in double quotes (``"\d+"``), which keep
their backslash here, and list items that are OLY (``- copy: from: a, to: b``), which are read as such.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scanner import RoundTripScanner

from brainsurgery_shell.errors import PlanError, Source, Span
from brainsurgery_shell.lang import tree
from brainsurgery_shell.lang.scalars import resolve

MOST_NODES = 1_000_000
"""A plan with more nodes is an anchor bomb."""

_OLY_ITEM = re.compile(r"^(\s*-\s+)([A-Za-z_][\w-]*:[ \t]+[A-Za-z_][\w-]*:(?:[ \t].*|$))")


class _Escapes(dict[str, str]):
    """YAML's escapes; an unknown one keeps its backslash."""

    def __contains__(self, char: object) -> bool:
        return super().__contains__(char) or (
            isinstance(char, str) and char not in "xuU\n\r\x85\u2028\u2029\0"
        )

    def __missing__(self, char: str) -> str:
        return "\\" + char


class _Scanner(RoundTripScanner):
    ESCAPE_REPLACEMENTS = _Escapes(RoundTripScanner.ESCAPE_REPLACEMENTS)


def read_yaml(text: str, file: str) -> tree.Node | None:
    """The tree of a YAML document, spans counting lines and columns of ``text``; ``None`` for an empty one.

    Raises:
        PlanError: it is not YAML, has tags or a key twice, or expands without bound.
    """
    source = Source(text, file)
    quoted = "\n".join(_quote_oly(line) for line in text.split("\n"))
    yaml = YAML(pure=True)
    yaml.Scanner = _Scanner
    try:
        node = yaml.compose(quoted)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(mark.column, mark.column + 1, mark.line + 1) if mark is not None else None
        problem = str(error.problem or error.context or "a syntax error").split("\n")[0]
        raise PlanError(f"this is not YAML: {problem}", span=span).located(source=source) from None
    except YAMLError as error:
        raise PlanError(f"this is not YAML: {str(error).splitlines()[0]}").located(source=source) from None
    return None if node is None else _Reader(source).read(node)


def _quote_oly(line: str) -> str:
    """An item such as ``- copy: from: a, to: b``, never YAML, as the string that it means."""
    found = _OLY_ITEM.match(line)
    if found is None:
        return line
    return found[1] + "'" + found[2].rstrip().replace("'", "''") + "'"


class _Reader:
    """From ruamel's nodes to ours."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = 0

    def read(self, node: Node) -> tree.Node:
        self.count += 1
        if self.count > MOST_NODES:
            self.fail(node, "this plan's anchors expand without bound")
        tag = str(node.tag or "")
        if tag and not tag.startswith("tag:yaml.org,2002:"):
            self.fail(node, f"tags have no meaning in a plan: {tag}")
        if isinstance(node, MappingNode):
            return self._mapping(node)
        if isinstance(node, SequenceNode):
            return tree.Sequence(tuple(self.read(item) for item in node.value), _span(node))
        return self._scalar(node)

    def _mapping(self, node: MappingNode) -> tree.Mapping:
        pairs: dict[str, tree.Pair] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.fail(key, "a key is a name, not a list or map")
            if key.value in pairs:
                self.fail(key, f"the key '{key.value}' stands twice")
            pairs[key.value] = tree.Pair(key.value, self.read(value), _span(key))
        return tree.Mapping(tuple(pairs.values()), _span(node))

    def _scalar(self, node: Any) -> tree.Scalar:
        if node.style in ('"', "'", "|", ">"):
            return tree.Scalar(node.value, _span(node), quoted=True)
        if node.value == "":
            return tree.Scalar(None, _span(node))
        try:
            return tree.Scalar(resolve(node.value), _span(node))
        except ValueError:
            self.fail(node, "this number is too long")

    def fail(self, node: Node, message: str) -> NoReturn:
        raise PlanError(message, span=_span(node)).located(source=self.source)


def _span(node: Node) -> Span:
    start, end = node.start_mark, node.end_mark
    stop = end.column if end.line == start.line else start.column + 1
    return Span(start.column, max(stop, start.column + 1), start.line + 1)
