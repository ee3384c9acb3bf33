"""A tree to OLY, in the canonical form: what was written, without what means nothing.

A string stands bare where it reads back as the same string in every place of a line, else in single
quotes, else (control characters) in double quotes. So ``parse(print(tree)) == tree``, and printing again
changes nothing.
"""

from __future__ import annotations

import math

from brainsurgery_shell.errors import OlySyntaxError
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.scalars import TooLongError, resolve
from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair, Scalar, Sequence

_DOUBLE = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def print_command(command: Command) -> str:
    """The canonical line of a command."""
    name, payload = _name(command.name), command.payload
    if payload is None:
        return name
    if isinstance(payload, Mapping) and payload.pairs:
        return f"{name}: {_pairs(payload)}"
    return f"{name}: {print_node(payload)}"


def print_node(node: Node) -> str:
    """The canonical form of a value."""
    if isinstance(node, Scalar):
        return print_scalar(node.value)
    if isinstance(node, Sequence):
        return "[" + ", ".join([print_node(item) for item in node.items]) + "]"
    return "{ " + _pairs(node) + " }" if node.pairs else "{}"


def print_scalar(value: str | int | float | bool | None) -> str:
    """The canonical form of a scalar."""
    if isinstance(value, str):
        return print_string(value)
    return plain_scalar(value)


def plain_scalar(value: int | float | bool | None) -> str:
    """A scalar that is no string, as YAML's core schema writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return repr(value)


def print_string(text: str) -> str:
    """A string: bare, else in single quotes, else in double quotes."""
    if scan.CONTROL.search(text):
        return '"' + text.translate(_DOUBLE) + '"'
    return text if _stands_bare(text) else "'" + text.replace("'", "''") + "'"


def _stands_bare(text: str) -> bool:
    """Whether the parser reads the text as itself, wherever a value may stand."""
    if not text or text[0] in "\"'[{#" or scan.key_at(text, 0):
        return False
    bare = scan.bare_end(text, 0)
    if bare.fault is not None or bare.end != len(text):
        return False
    try:
        return isinstance(resolve(text), str)
    except TooLongError:
        return False


def _pairs(mapping: Mapping) -> str:
    return ", ".join([_pair(pair) for pair in mapping.pairs])


def _pair(pair: Pair) -> str:
    return f"{_name(pair.key)}: {print_node(pair.value)}"


def _name(name: str) -> str:
    """A name or key; trees that come from YAML may hold some that OLY cannot write."""
    if not name or scan.name_end(name, 0) != len(name):
        raise OlySyntaxError(
            f"expected a name that OLY can write, found {name!r}",
            hint="a name begins with a letter or '_' and goes on with letters, digits, '_' and '-'",
        )
    return name
