"""``key=value`` on the command line: fields of a plan replaced, as in ``output.path=out2``."""

from __future__ import annotations

import re

from brainsurgery_shell.errors import OlySyntaxError, UsageError
from brainsurgery_shell.lang.parser import parse_line, parse_value
from brainsurgery_shell.lang.tree import Mapping, Node, Pair, Scalar, Sequence

_PART = re.compile(r"([^.\[\]]+)|\[(-?\d+)\]")


def override(root: Node | None, overrides: list[tuple[str, str]]) -> Node:
    """``root`` with every override applied.

    Raises:
        UsageError: a path leads nowhere, or a value is not OLY.
    """
    tree: Node = root if root is not None else Mapping(())
    for path, text in overrides:
        tree = _set(tree, _parts(path), _value(path, text), path)
    return tree


def _parts(path: str) -> list[str | int]:
    parts: list[str | int] = []
    at = 0
    while at < len(path):
        found = _PART.match(path, at)
        if found is None:
            raise UsageError(f"'{path}' is no path to a plan's field", hint="as in transforms[0].scale_.by=2")
        parts.append(found[1] if found[1] is not None else int(found[2]))
        at = found.end()
        if path[at : at + 1] == ".":
            at += 1
    return parts


def _value(path: str, text: str) -> Node:
    if not text:
        return Scalar("")
    try:
        node, end = parse_value(text)
    except OlySyntaxError as error:
        raise UsageError(f"the value of '{path}': {error.message}", hint=error.hint) from None
    return node if end == len(text) else Scalar(text)


def _oly(text: str, path: str) -> Mapping:
    """A step that the plan writes as a line of OLY, as the map that it means."""
    command = parse_line(text)
    if command is None or command.payload is None:
        raise UsageError(f"'{path}': '{text}' has no parameters")
    return Mapping((Pair(command.name, command.payload),))


def _set(node: Node, parts: list[str | int], value: Node, path: str) -> Node:
    if not parts:
        return value
    first, rest = parts[0], parts[1:]
    if isinstance(first, int):
        if not isinstance(node, Sequence) or not -len(node.items) <= first < len(node.items):
            raise UsageError(f"'{path}': there is no item [{first}]")
        items = list(node.items)
        items[first] = _set(items[first], rest, value, path)
        return Sequence(tuple(items), node.span)
    if isinstance(node, Scalar) and (node.value is None or first == "path") and not rest:
        # `output: out` and `output.path=out2`: the short form of a map
        return value if node.value is not None else Mapping((Pair(first, value),), node.span)
    if isinstance(node, Scalar) and isinstance(node.value, str):
        node = _oly(node.value, path)
    if not isinstance(node, Mapping):
        raise UsageError(f"'{path}': there is no field '{first}' here")
    pairs = list(node.pairs)
    for at, pair in enumerate(pairs):
        if pair.key == first:
            pairs[at] = Pair(first, _set(pair.value, rest, value, path), pair.key_span)
            return Mapping(tuple(pairs), node.span)
    added = _set(Mapping(()), rest, value, path) if rest else value
    return Mapping((*pairs, Pair(first, added)), node.span)
