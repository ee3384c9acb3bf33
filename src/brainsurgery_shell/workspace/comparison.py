"""What a comparison found: in an order, as data, and as lines."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from brainsurgery_shell.lang.scalars import resolve
from brainsurgery_shell.views.page import Page
from brainsurgery_shell.views.table import Column, table
from brainsurgery_shell.views.text import visible, width
from brainsurgery_shell.workspace.pairs import Unlike

ORDERS = ("name", "max", "relative", "cosine")

_COLUMNS = (Column(shorten="middle"), *[Column()] * 5)
_COUNT, _FIRST = 1, 5
_DISPENSABLE = (_FIRST, _COUNT)
"""Columns that a narrow terminal goes without, so that names stay legible."""
_INDENT, _GAP = 2, 2


class Section(NamedTuple):
    """Names that are on one side only."""

    title: str
    key: str
    """What the data calls it."""
    names: list[str]
    data: list[Any] | None = None
    """In place of the names, for programs."""


@dataclass(slots=True)
class Comparison:
    """What is on one side only, what differs, and how many are the same."""

    sections: list[Section]
    same: int = 0
    differing: list[tuple[str, Unlike]] = field(default_factory=list)
    equal: str = "equal"
    """What those that are the same are called."""

    @property
    def total(self) -> int:
        """How many differences there are."""
        return sum(len(section.names) for section in self.sections) + len(self.differing)

    def sort(self, order: str) -> None:
        """Put what differs in one of ``ORDERS``: by name, or what differs most first."""
        self.differing.sort(key=partial(_by_name if order == "name" else _by_number, order=order))

    def data(self, limit: int | None) -> dict[str, Any]:
        """For programs; at most ``limit`` of each kind."""
        data: dict[str, Any] = {}
        for section in self.sections:
            data[section.key] = (section.names if section.data is None else section.data)[:limit]
        data["differing"] = [_row(name, how) for name, how in self.differing[:limit]]
        data["same"] = self.same
        data["total"] = self.total
        return data

    def lines(self, limit: int | None, page: Page) -> list[str]:
        """For people; at most ``limit`` of each kind."""
        lines: list[str] = []
        for section in self.sections:
            lines += [f"{section.title}: {len(section.names)}", *_names(section.names[:limit])]
            lines += _more(section.names, limit)
        lines.append(f"differing: {len(self.differing)}")
        lines += _fitted([_cells(*each) for each in self.differing[:limit]], page)
        lines += _more(self.differing, limit)
        lines.append(f"{self.equal}: {self.same}")
        return lines


def _by_name(item: tuple[str, Unlike], order: str) -> Any:
    """Numbers in names count as such."""
    parts = re.split(r"(\d+)", item[0])
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _by_number(item: tuple[str, Unlike], order: str) -> float:
    """What has no such number comes first: other shapes, other dtypes, infinities."""
    values = item[1].values
    if values is None:
        return -math.inf
    if order == "cosine":
        return -math.inf if values.cosine is None else values.cosine
    number = values.largest if order == "max" else values.relative
    return -math.inf if number is None else -number


def _row(name: str, how: Unlike) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "differs": how.kind,
        "left": {"dtype": how.left.dtype.name, "shape": list(how.left.shape)},
        "right": {"dtype": how.right.dtype.name, "shape": list(how.right.shape)},
    }
    values = how.values
    if values is not None:
        row["left"]["value"], row["right"]["value"] = resolve(values.found), resolve(values.expected)
        row |= {
            "count": values.count,
            "of": how.left.numel,
            "first": list(values.index),
            "max": _finite(values.largest),
            "relative": _finite(values.relative),
            "cosine": values.cosine,
        }
    return row


def _finite(number: float | None) -> float | None:
    """JSON has no infinities."""
    return number if number is not None and math.isfinite(number) else None


def _cells(name: str, how: Unlike) -> list[str]:
    values = how.values
    if values is None:
        return [f"{name}:", "", how.what, "", "", ""]
    return [
        f"{name}:",
        how.what,
        how.most,
        "" if values.relative is None else f"relative {values.relative:.3g}",
        "" if values.cosine is None else f"cosine {values.cosine:.6g}",
        how.first,
    ]


def _fitted(rows: Sequence[Sequence[str]], page: Page) -> list[str]:
    """A table with the columns that there is room for."""
    chosen = [at for at in range(len(_COLUMNS)) if any(row[at] for row in rows)]
    for spare in _DISPENSABLE:
        widths = [max(width(row[at]) for row in rows) for at in chosen]
        if page.width is not None and _INDENT + sum(widths) + _GAP * (len(widths) - 1) > page.width:
            chosen = [at for at in chosen if at != spare]
    columns = [_COLUMNS[at] for at in chosen]
    return table(columns, ([row[at] for at in chosen] for row in rows), page, indent=_INDENT)


def _names(names: Iterable[str]) -> list[str]:
    return [f"  {visible(name)}" for name in names]


def _more(items: Sequence[object], limit: int | None) -> list[str]:
    return [f"  … and {len(items) - limit} more"] if limit is not None and len(items) > limit else []
