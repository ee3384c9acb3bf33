"""``key=value`` on the command line: fields of a plan replaced, as in ``output.path=out2``."""

from __future__ import annotations

import re

from brainsurgery_shell.errors import OlySyntaxError, Span, UsageError
from brainsurgery_shell.lang.parser import parse_line, parse_value
from brainsurgery_shell.lang.tree import Mapping, Node, Pair, Scalar, Sequence

_HINT = "as in transforms[0].scale_.by=2"
_PART = re.compile(r"([^.\[\]]+)|\[(-?\d+)\]")


def override(roots: list[Mapping], overrides: list[tuple[str, str]]) -> list[Mapping]:
    """Plans that run as one, with every override applied.

    Indexes count over the lists of all of them. Another field is the last plan's that has it; replaced whole,
    it is the only one.

    Raises:
        UsageError: a path leads nowhere, or a value is not OLY.
    """
    found = list(roots)
    for path, text in overrides:
        parts, value = _parts(path), _value(path, text)
        key = parts[0]
        if not isinstance(key, str):
            raise UsageError(f"'{path}' is no path to a plan's field", hint=_HINT)
        if len(parts) > 1 and isinstance(parts[1], int):
            at, parts[1] = _item(found, key, parts[1], path)
        else:
            at = max((at for at, root in enumerate(found) if root.get(key) is not None), default=-1)
        if len(parts) == 1:
            chosen = at % len(found)
            found = [root if place == chosen else _without(root, key) for place, root in enumerate(found)]
        changed = _set(found[at], parts, value, path)
        assert isinstance(changed, Mapping)
        found[at] = changed
    return found


def _item(roots: list[Mapping], key: str, index: int, path: str) -> tuple[int, int]:
    """Which plan holds an item of the lists of all plans, and which of its own items that is."""
    lists = [root.get(key) for root in roots]
    places = [
        (at, number)
        for at, node in enumerate(lists)
        for number in range(len(node.items) if isinstance(node, Sequence) else 0)
    ]
    if not -len(places) <= index < len(places):
        raise UsageError(f"'{path}': there is no item [{index}]", hint=_count(key, len(places)))
    return places[index]


def _count(key: str, count: int) -> str:
    return f"{key} has {count} item{'' if count == 1 else 's'}, and the first is [0]"


def _without(root: Mapping, key: str) -> Mapping:
    return Mapping(tuple(pair for pair in root.pairs if pair.key != key), root.span)


def _parts(path: str) -> list[str | int]:
    parts: list[str | int] = []
    at = 0
    while at < len(path):
        found = _PART.match(path, at)
        if found is None:
            raise UsageError(f"'{path}' is no path to a plan's field", hint=_HINT)
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


def placed(node: Node, span: Span) -> Node:
    """A node that stands nowhere in the plan, with the place of what it replaces."""
    if isinstance(node, Scalar):
        return Scalar(node.value, span, node.quoted)
    if isinstance(node, Sequence):
        return Sequence(tuple(placed(item, span) for item in node.items), span)
    return Mapping(tuple(Pair(each.key, placed(each.value, span), span) for each in node.pairs), span)


def _set(node: Node, parts: list[str | int], value: Node, path: str) -> Node:
    if not parts:
        return placed(value, node.span)
    first, rest = parts[0], parts[1:]
    if isinstance(first, int):
        if not isinstance(node, Sequence) or not -len(node.items) <= first < len(node.items):
            raise UsageError(f"'{path}': there is no item [{first}]")
        items = list(node.items)
        items[first] = _set(items[first], rest, value, path)
        return Sequence(tuple(items), node.span)
    if isinstance(node, Scalar) and (node.value is None or first == "path") and not rest:
        # `output: out` and `output.path=out2`: the short form of a map
        if node.value is not None:
            return placed(value, node.span)
        return Mapping((Pair(first, placed(value, node.span), node.span),), node.span)
    if isinstance(node, Scalar) and isinstance(node.value, str):
        node = placed(_oly(node.value, path), node.span)
    if not isinstance(node, Mapping):
        raise UsageError(f"'{path}': there is no field '{first}' here")
    pairs = list(node.pairs)
    for at, pair in enumerate(pairs):
        if pair.key == first:
            pairs[at] = Pair(first, _set(pair.value, rest, value, path), pair.key_span)
            return Mapping(tuple(pairs), node.span)
    added = _set(Mapping((), node.span), rest, value, path) if rest else placed(value, node.span)
    return Mapping((*pairs, Pair(first, added, node.span)), node.span)
