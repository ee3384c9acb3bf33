"""The captures that a template may take: those of the reference that is matched."""

from __future__ import annotations

from dataclasses import dataclass

from brainsurgery_shell.completion.scope import Around
from brainsurgery_shell.declaration.operation import Operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import SurgeryError
from brainsurgery_shell.lang.pattern import Matcher, compile_reference
from brainsurgery_shell.lang.reference import Reference, parse_reference
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
    r"""``\1`` and ``\g<name>``, each with what it is."""
    if source is None or source.matcher.is_list:
        return []
    names = source.matcher.capture_names
    return [
        (rf"\{name}", f"group {name}") if name.isdigit() else (rf"\g<{name}>", f"group {place}")
        for place, name in enumerate(names, 1)
    ]


def in_list(source: Source | None) -> list[tuple[str, str]]:
    """``$x``, ``${x+1}`` and ``*xs``, each with what it is."""
    if source is None or not source.matcher.is_list:
        return []
    found: list[tuple[str, str]] = []
    for name in source.matcher.capture_names:
        if name in source.matcher.many:
            found.append((f"*{name}", "the segments bound to it"))
        else:
            found += [(f"${name}", "the segment bound to it"), (f"${{{name}+1}}", "one more")]
    return found
