"""Bars drawn with characters: one line of them, or a chart with its axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from brainsurgery_shell.views.page import PLAIN, Page, Style
from brainsurgery_shell.views.text import shortened, width

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:#"
_STYLE: Style = "cyan"


def sparkline(values: Sequence[float], page: Page = PLAIN) -> str:
    """One line of bars, from zero to the largest value. What is not zero is seen."""
    return page.paint(_rows(values, 1, page)[0], _STYLE)


def chart(
    values: Sequence[float],
    *,
    height: int = 5,
    top: str = "",
    left: str = "",
    right: str = "",
    indent: int = 0,
    page: Page = PLAIN,
) -> list[str]:
    """Bars from zero to the largest value, which ``top`` names; ``left`` and ``right`` name the axis's ends.

    Where the page is too narrow, the highest of neighbouring bars stands for them; where even the labels do
    not fit, there is no chart. Lines of the chart are never wider than the page.
    """
    upright, corner, flat = ("│", "└", "─") if page.unicode else ("|", "+", "-")
    margin = max(width(top), 1)
    room = None if page.width is None else page.width - indent - margin - 2
    if room is not None and room < 1:
        return []
    if room is not None:
        values = merged(values, room)
    rows = _rows(values, height, page)
    before = " " * indent
    lines = [
        f"{before}{top if at == 0 else '':>{margin}} {upright}{page.paint(row.rstrip(), _STYLE)}".rstrip()
        for at, row in enumerate(rows)
    ]
    lines.append(f"{before}{'0':>{margin}} {corner}{flat * len(values)}")
    axis = between(left, right, len(values))
    if axis and room is not None:
        axis = shortened(axis, room, page.ellipsis)
    if axis:
        lines.append(f"{before}{'':>{margin}}  {axis}")
    return lines


def between(left: str, right: str, columns: int) -> str:
    """Two labels at the ends of a line of so many columns; it may be longer where they need it."""
    gap = columns - width(left) - width(right)
    return f"{left}{' ' * max(gap, 1)}{right}" if left or right else ""


def merged(values: Sequence[float], columns: int) -> list[float]:
    """At most so many values: the largest of each run of neighbours."""
    if len(values) <= columns:
        return list(values)
    edges = [at * len(values) // columns for at in range(columns + 1)]
    return [max(values[start:stop]) for start, stop in pairwise(edges)]


def _rows(values: Sequence[float], height: int, page: Page) -> list[str]:
    """The bars, the highest row first."""
    signs = _EIGHTHS if page.unicode else _ASCII
    steps = len(signs) - 1
    most = max(values, default=0)
    scale = height * steps / most if most > 0 else 0
    levels = [max(round(value * scale), 1) if value > 0 else 0 for value in values]
    return [
        "".join(signs[min(max(level - row * steps, 0), steps)] for level in levels)
        for row in range(height - 1, -1, -1)
    ]
