"""The captures that a template may take: those of the reference that is matched."""

from __future__ import annotations

import re
from dataclasses import dataclass

from brainsurgery_shell.completion.scope import Around
from brainsurgery_shell.declaration.operation import Operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import SurgeryError
from brainsurgery_shell.lang.pattern import Matcher, compile_reference
from brainsurgery_shell.lang.reference import Reference, RegexExpr, SegmentsExpr, parse_reference
from brainsurgery_shell.lang.segments import Many, One
from brainsurgery_shell.lang.tree import Mapping, Node, Sequence


@dataclass(frozen=True, slots=True)
class Source:
    """The reference that a template is filled for, and its matcher."""

    reference: Reference
    matcher: Matcher


def source_of(owner: Operation | None, nearby: Around) -> Source | None:
    """What was given for the first parameter that is matched, if it is complete and right."""
    for parameter in owner.parameters if owner is not None else ():
        if parameter.kind.completes == "tensors" and parameter.name != "except":
            node = nearby.pairs.get(parameter.name)
            return compiled(node if isinstance(parameter.kind, Tensors) else _first(node))
    return None


def first_source(nearby: Around) -> Source | None:
    """The first of a list or map of references."""
    known = nearby.items or tuple(nearby.pairs.values())
    return compiled(known[0]) if known else None


def _first(node: Node | None) -> Node | None:
    """The first reference of a list or map of them."""
    if isinstance(node, Sequence):
        return node.items[0] if node.items else None
    return node.pairs[0].value if isinstance(node, Mapping) and node.pairs else None


def compiled(node: Node | None) -> Source | None:
    """A reference that is complete, if it is one."""
    if node is None:
        return None
    try:
        reference = parse_reference(node)
        return Source(reference, compile_reference(reference))
    except SurgeryError:
        return None  # the step itself will say what is wrong


def in_text(source: Source | None) -> list[tuple[str, str]]:
    r"""``\1``, ``\g<name>`` and ``\g<0>``, each with what it is."""
    if source is None or source.matcher.is_list:
        return []
    names = source.matcher.capture_names
    found = [
        (rf"\{name}", f"group {name}") if name.isdigit() else (rf"\g<{name}>", f"group {place}")
        for place, name in enumerate(names, 1)
    ]
    return [*found, (r"\g<0>", "the whole name")]


def same_name(source: Source | None) -> str | None:
    """The template that makes every name what it is, where the pattern is text and groups."""
    if source is None or not isinstance(source.reference.expr, RegexExpr):
        return None
    text, at, groups = source.reference.expr.text, 0, 0
    parts: list[str] = []
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            return None
        if found["group"]:
            groups += 1
            name = found["name"]
            at_digit = text[found.end() : found.end() + 1].isdigit()
            parts.append(rf"\g<{name or groups}>" if name or at_digit else rf"\{groups}")
            groups += len(_INNER.findall(found["group"], 1))
        else:
            parts.append("." if found[0] == r"\." else found[0])
        at = found.end()
    return "".join(parts) if groups == source.matcher.group_count else None


_PIECE = re.compile(
    r"(?:(?P<group>\((?!\?(?!P<))(?:\?P<(?P<name>\w+)>)?(?:[^()\[\]\\]|\\.|\((?:[^()\[\]\\]|\\.)*\))*\))"
    r"|[^\\*+?()\[\]{}|^$]|\\\W)"
    r"(?![*+?{])"
)
"""A group (with groups in it, one level deep), a character, or an escaped sign; nothing that repeats."""
_INNER = re.compile(r"\((?!\?(?!P<))")


def in_list(source: Source | None, place: int) -> list[tuple[str, str]]:
    """``$x``, ``${x+1}`` and ``*xs``, each with what it is; first what the pattern has at this place."""
    if source is None or not source.matcher.is_list:
        return []
    found: dict[str, str] = {}
    expr = source.reference.expr
    if isinstance(expr, SegmentsExpr) and place < len(expr.segments):
        segment = expr.segments[place]
        if isinstance(segment, One):
            found[f"${segment.name}"] = "as in the pattern"
        elif isinstance(segment, Many):
            found[f"*{segment.name}"] = "as in the pattern"
    for name in source.matcher.capture_names:
        if name in source.matcher.many:
            found.setdefault(f"*{name}", "the segments bound to it")
        else:
            found.setdefault(f"${name}", "the segment bound to it")
            found[f"${{{name}+1}}"] = "one more"
    return list(found.items())
