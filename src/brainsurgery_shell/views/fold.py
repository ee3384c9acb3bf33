"""Names as a tree in which siblings that differ by their number alone are one entry: ``layers.{0..31}``.

Siblings are folded if what is below them has the same names, shapes and dtypes. Sizes are equal then, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_NUMBERED = re.compile(r"(.*?)(0|[1-9][0-9]{0,17})([^0-9]*)\Z", re.DOTALL)
"""A segment with its last number. Numbers have no needless zeroes: a range says how they are written."""

_FEWEST = 3
"""So many of ``norm1``, ``norm2`` … are folded; of segments that are numbers, two."""


class Leaf(NamedTuple):
    """What is shown of one tensor."""

    dtype: str
    shape: tuple[int, ...]
    nbytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the folded tree: tensors of one shape, or what lies below a name."""

    depth: int
    label: str
    """Its own segments."""
    path: str
    """All segments."""
    times: int
    """How many tensors or subtrees it stands for, all alike."""
    tensors: int
    """In one of them."""
    nbytes: int
    """Of one of them."""
    dtypes: tuple[str, ...]
    """The one with the most bytes first."""
    shape: tuple[int, ...] | None
    """``None``: it stands for subtrees."""
    open: bool = False
    """Whether what is below it follows."""


class _Node:
    __slots__ = ("children", "leaf", "signature")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.leaf: Leaf | None = None
        self.signature = 0


class _Total(NamedTuple):
    """Of all that has one signature: the same."""

    tensors: int
    nbytes: int
    dtypes: tuple[str, ...]
    bytes_of: dict[str, int]


class _Item(NamedTuple):
    """Children that are alike, as one."""

    label: str
    times: int
    node: _Node


class FoldedTree:
    """The tree over some names, each with its leaf, in order."""

    def __init__(self, names: Sequence[str], leaves: Sequence[Leaf]) -> None:
        self._root = _Node()
        nodes = self._grow(names, leaves)
        self._totals: list[_Total] = []
        self._sign(nodes)

    def entries(self, depth: int | None = None) -> Iterator[Entry]:
        """The lines, from the root down, as deep as ``depth`` (the root alone is 0), which may have a label.

        A segment with one entry below it shares its line.
        """
        stack = [(0, "", "", 1, self._root)]
        while stack:
            level, label, path, times, node = stack.pop()
            items = self._items(node)
            while node.leaf is None and len(items) == 1:
                only = items[0]
                label = only.label if node is self._root else f"{label}.{only.label}"
                path = only.label if node is self._root else f"{path}.{only.label}"
                times, node = times * only.times, only.node
                items = self._items(node)
            if node.leaf is not None:
                dtype, shape, nbytes = node.leaf
                yield Entry(level, label, path, times, 1, nbytes, (dtype,), shape)
            if not items:
                continue
            deeper = depth is None or level < depth
            tensors, nbytes, dtypes = self._below(node)
            yield Entry(level, label, path, times, tensors, nbytes, dtypes, None, deeper)
            if deeper:
                before = "" if node is self._root else f"{path}."
                stack.extend(
                    (level + 1, item.label, before + item.label, times * item.times, item.node)
                    for item in reversed(items)
                )

    def _grow(self, names: Sequence[str], leaves: Sequence[Leaf]) -> list[_Node]:
        """Hang the leaves up; all nodes, each after its parent."""
        nodes = [self._root]
        known = {"": self._root}
        ends: dict[Leaf, _Node] = {}
        """Nodes without children are shared: most are alike."""
        for name, leaf in zip(names, leaves, strict=True):
            last = name[name.rfind(".") + 1 :]
            above = name[: len(name) - len(last)]
            siblings = (known.get(above) or self._branch(above, known, nodes)).children
            node = siblings.get(last)
            if node is not None:
                node.leaf = leaf
                continue
            end = ends.get(leaf)
            if end is None:
                end = ends[leaf] = _Node()
                end.leaf = leaf
            siblings[last] = end
        return nodes + list(ends.values())

    def _branch(self, path: str, known: dict[str, _Node], nodes: list[_Node]) -> _Node:
        """The node of ``path``, which ends in a dot, and those above it."""
        missing = []
        while path not in known:
            missing.append(path)
            path = path[: path.rfind(".", 0, -1) + 1]
        node = known[path]
        for each in reversed(missing):
            segment = each[len(path) : -1]
            child = _Node()
            end = node.children.get(segment)  # a tensor, so far: what is below it is new
            if end is not None:
                child.leaf = end.leaf
            nodes.append(child)
            known[each] = node.children[segment] = child
            node = child
            path = each
        return node

    def _sign(self, nodes: Sequence[_Node]) -> None:
        """Give nodes that are alike the same number."""
        known: dict[object, int] = {}
        for node in reversed(nodes):
            children = node.children
            below: object
            if len(children) == 1:
                [(segment, child)] = children.items()
                below = segment, child.signature
            else:
                below = frozenset([(segment, child.signature) for segment, child in children.items()])
            key = (node.leaf, below)
            found = known.get(key)
            if found is None:
                found = known[key] = len(self._totals)
                self._totals.append(self._sum(node))
            node.signature = found

    def _sum(self, node: _Node) -> _Total:
        tensors = 0
        bytes_of: dict[str, int] = {}
        if node.leaf is not None:
            tensors, bytes_of = 1, {node.leaf.dtype: node.leaf.nbytes}
        for child in node.children.values():
            below = self._totals[child.signature]
            tensors += below.tensors
            for dtype, nbytes in below.bytes_of.items():
                bytes_of[dtype] = bytes_of.get(dtype, 0) + nbytes
        return _Total(tensors, sum(bytes_of.values()), _most_first(bytes_of), bytes_of)

    def _below(self, node: _Node) -> tuple[int, int, tuple[str, ...]]:
        """Of a node without its own leaf."""
        total = self._totals[node.signature]
        if node.leaf is None:
            return total.tensors, total.nbytes, total.dtypes
        bare = _Node()
        bare.children = node.children
        total = self._sum(bare)
        return total.tensors, total.nbytes, total.dtypes

    def _items(self, node: _Node) -> list[_Item]:
        """What is below a node, alike children folded; numbered ones in the order of their numbers."""
        families: dict[tuple[str, str] | str, dict[int, _Node]] = {}
        for segment, child in node.children.items():
            found = _NUMBERED.match(segment)
            if found is None:
                families[segment] = {0: child}
            else:
                families.setdefault((found[1], found[3]), {})[int(found[2])] = child
        items = []
        for family, members in families.items():
            if isinstance(family, str):
                items.append(_Item(family, 1, members[0]))
            else:
                items += _alike(*family, members)
        return items


def _alike(before: str, after: str, members: dict[int, _Node]) -> list[_Item]:
    """The items of one family: segments that differ by their number."""
    groups: dict[int, list[int]] = {}
    for number in sorted(members):
        groups.setdefault(members[number].signature, []).append(number)
    items: list[tuple[int, _Item]] = []
    fewest = _FEWEST if before or after else 2
    for numbers in groups.values():
        if len(numbers) >= fewest:
            label = f"{before}{{{ranges(numbers)}}}{after}"
            items.append((numbers[0], _Item(label, len(numbers), members[numbers[0]])))
        else:
            items += [(each, _Item(f"{before}{each}{after}", 1, members[each])) for each in numbers]
    return [item for _, item in sorted(items, key=lambda each: each[0])]


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as a shell writes them in braces: ``0..4,6..31``, ``0..30..2``, ``1,7``."""
    parts = []
    at = 0
    while at < len(numbers):
        step = numbers[at + 1] - numbers[at] if at + 1 < len(numbers) else 1
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] - numbers[end] == step:
            end += 1
        if step == 1 and end > at:
            parts.append(f"{numbers[at]}..{numbers[end]}")
        elif end - at >= 2:
            parts.append(f"{numbers[at]}..{numbers[end]}..{step}")
        else:
            end = at
            parts.append(str(numbers[at]))
        at = end + 1
    return ",".join(parts)


def _most_first(bytes_of: dict[str, int]) -> tuple[str, ...]:
    return tuple(sorted(bytes_of, key=lambda dtype: (-bytes_of[dtype], dtype)))
