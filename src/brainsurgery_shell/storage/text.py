"""Text that a file's writer chose: which of it may name a tensor, and how messages show it."""

from __future__ import annotations


def is_text(name: str) -> bool:
    """Whether ``name`` is Unicode text: halves of surrogate pairs can be neither printed nor written."""
    return name.isascii() or not any("\ud800" <= char <= "\udfff" for char in name)


def printable(text: str) -> str:
    """Text of a file for a message: nothing that a terminal would obey, and not too long."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:100])
    return shown + "…" * (len(text) > 100)
