"""A tree as one line of YAML, or of JSON.

Any YAML 1.2 parser reads the line back as the same tree, and those of YAML 1.1 too where they can: what
either would take for something else is quoted (``yes``, ``010``, ``1:30``, dates), and floats have the dot
and the sign that 1.1 wants.
"""

from __future__ import annotations

import json
import re

from brainsurgery_shell.lang.printer import plain_scalar
from brainsurgery_shell.lang.tree import Command, Node, Scalar, Sequence, Value, to_value

_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]",
)
_ESCAPES = {"\0": "\\0", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_KEY = 1000
"""YAML reads an implicit key only within 1024 characters; a longer one must be announced by ``?``."""


def command_to_yaml(command: Command) -> str:
    """``name: payload`` with the payload in flow form; ``null`` where there is none."""
    value = "null" if command.payload is None else node_to_yaml(command.payload)
    pair = _pair(command.name, value)
    return "{ " + pair + " }" if pair.startswith("?") else pair


def node_to_yaml(node: Node) -> str:
    """A value in YAML's flow form."""
    if isinstance(node, Scalar):
        return _string(node.value) if isinstance(node.value, str) else _plain(node.value)
    if isinstance(node, Sequence):
        return "[" + ", ".join([node_to_yaml(item) for item in node.items]) + "]"
    pairs = [_pair(pair.key, node_to_yaml(pair.value)) for pair in node.pairs]
    return "{ " + ", ".join(pairs) + " }" if pairs else "{}"


def to_json(command: Command) -> str:
    """The tree as JSON, with ``Infinity`` and ``NaN`` as Python reads and writes them."""
    payload: Value = None if command.payload is None else to_value(command.payload)
    written = json.dumps({command.name: payload}, ensure_ascii=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def _pair(key: str, value: str) -> str:
    written = _string(key)
    return f"? {written} : {value}" if len(written) > _LONGEST_KEY else f"{written}: {value}"


def _plain(value: int | float | bool | None) -> str:
    written = plain_scalar(value)
    if isinstance(value, float) and "e" in written and "." not in written:
        return written.replace("e", ".0e")
    return written


def _string(text: str) -> str:
    if _SAFE.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if _UNPRINTABLE.search(text):
        return '"' + re.sub(r'["\\]|' + _UNPRINTABLE.pattern, _escape, text) + '"'
    return "'" + text.replace("'", "''") + "'"


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    code = ord(char)
    return _ESCAPES.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
