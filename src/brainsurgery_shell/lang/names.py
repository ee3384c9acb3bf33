"""Names: of commands, keys and aliases."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def is_name(text: str) -> bool:
    """Whether ``text`` can be a command, a key or an alias."""
    return _NAME.fullmatch(text) is not None


def split_alias(text: str) -> tuple[str | None, str]:
    """``alias::path`` as its two parts; the alias is ``None`` where there is none."""
    alias, separator, path = text.partition("::")
    return (alias, path) if separator and is_name(alias) else (None, text)
