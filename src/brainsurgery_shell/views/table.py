"""Tables of text: as wide as they need, or fitted to a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from brainsurgery_shell.views.page import PLAIN, Page, Style
from brainsurgery_shell.views.text import Where, shortened, visible, width

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    title: str = ""
    right: bool = False
    """Whether cells stand at its right edge, as numbers do."""
    shorten: Where | None = None
    """Where cells are shortened if the table is too wide; ``None``: never, while another column can be."""
    least: int = 8
    """Shortened to no fewer columns, while another column can be."""
    style: Style | None = None


class Styled(NamedTuple):
    """A cell in a style of its own."""

    text: str
    style: Style | None


Cell = str | Styled


def table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    page: Page = PLAIN,
    *,
    titles: bool = True,
    indent: int = 0,
) -> list[str]:
    """The lines of a table; none is wider than the page.

    A line of titles comes first, if there are rows and any column has a title. Rows may be shorter than the
    columns are. What a terminal would obey in a cell is shown as an escape.
    """
    body = [[_plain(cell) for cell in row] for row in rows]
    if not body:
        return []
    if titles and any(column.title for column in columns):
        body.insert(0, [Styled(column.title, "bold") for column in columns])
    room = None if page.width is None else page.width - indent - len(_GAP) * (len(columns) - 1)
    widths = [
        max((width(row[at].text) for row in body if at < len(row)), default=0) for at in range(len(columns))
    ]
    if room is not None and sum(widths) > room:
        widths = fitted(widths, columns, room)
    return [_line(row, columns, widths, page, indent) for row in body]


def fitted(natural: Sequence[int], columns: Sequence[Column], room: int) -> list[int]:
    """Widths that fit ``room``, if it has 1 for each. The widest that may be shortened gives first."""
    widths = [min(each, max(room, 1)) for each in natural]
    stages: tuple[list[int | None], ...] = (
        [column.least if column.shorten else None for column in columns],
        [4 for _ in columns],
        [1 for _ in columns],
    )
    for least in stages:
        while sum(widths) > room:
            able = [at for at, low in enumerate(least) if low is not None and widths[at] > low]
            if not able:
                break
            widths[max(able, key=widths.__getitem__)] -= 1
    return widths


def _plain(cell: Cell) -> Styled:
    if isinstance(cell, str):
        return Styled(visible(cell), None)
    return Styled(visible(cell.text), cell.style)


def _line(
    row: Sequence[Styled], columns: Sequence[Column], widths: Sequence[int], page: Page, indent: int
) -> str:
    line, used, edge = "", 0, indent
    for (text, style), column, room in zip(row, columns, widths, strict=False):
        text = shortened(text, room, page.ellipsis, column.shorten or "end")
        taken = width(text)
        start = edge + (room - taken if column.right else 0)
        edge += room + len(_GAP)
        if text and (page.width is None or start + taken <= page.width):
            line += " " * (start - used) + page.paint(text, style or column.style)
            used = start + taken
    return line
