"""Two columns of help: a name, and what is said of it, broken where the page ends."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from brainsurgery_shell.views.page import Page

_NARROWEST = 24
"""Columns below which a text goes under its name."""


def rows(pairs: Iterable[tuple[str, str]], page: Page) -> list[str]:
    """Lines of names and texts; where all names are empty, the texts alone."""
    known = list(pairs)
    widest = max((len(name) for name, _ in known), default=0)
    indent = 4 + widest if widest else 2
    below = page.width is not None and page.width - indent < _NARROWEST
    lines: list[str] = []
    for name, text in known:
        shown = page.paint(name, "cyan")
        if below:
            lines += [f"  {shown}", *(f"    {each}" for each in _broken(text, page, 4))]
            continue
        first, *more = _broken(text, page, indent) or [""]
        room = f"{' ' * (widest - len(name))}  " if widest else ""
        lines.append(f"  {shown}{room}{first}".rstrip())
        lines += [" " * indent + each for each in more]
    return lines


def _broken(text: str, page: Page, indent: int) -> list[str]:
    if page.width is None:
        return [text]
    return textwrap.wrap(text, max(1, page.width - indent), break_long_words=False, break_on_hyphens=False)
