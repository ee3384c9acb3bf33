"""What a line would do, in full: a row for each name that it touches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from brainsurgery_shell.declaration.expansion import Planned
from brainsurgery_shell.errors import render
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.session.changes import Change, by_kind
from brainsurgery_shell.session.preview import Foreseen, foresee, foresee_step
from brainsurgery_shell.views.page import PLAIN, Page
from brainsurgery_shell.views.table import Column, Styled, table
from brainsurgery_shell.workspace.edit import Report

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session
    from brainsurgery_shell.views.page import Style

SHOWN = 1000
"""Rows that are shown where nobody says how many."""
_COLUMNS = (
    Column(),
    Column("name", shorten="middle", least=20),
    Column("dtype and shape", shorten="end", least=16),
    Column("bytes", right=True),
)
_STYLES: dict[str, Style] = {"new": "green", "renamed": "cyan", "changed": "yellow", "deleted": "red"}
Row = dict[str, Any]


def full_preview(session: Session, text: str, page: Page = PLAIN) -> list[str]:
    """What a line would do, as lines of text: a table of before and after, or why it would fail."""
    found = foresee(session, text)
    if found.error is not None:
        return render(found.error).split("\n")
    return _lines(found, SHOWN, page)


def preview_report(session: Session, planned: Planned, limit: int | None, layout: str) -> Report:
    """What a step would do, as a report.

    Raises:
        SurgeryError: it would fail.
    """
    found = foresee_step(session, planned)
    if found.error is not None:
        raise found.error
    touched = _touched(found)
    rows = [_row(*each) for each in touched[:limit]]
    if layout == "json":
        return Report.document(rows, len(touched))
    return Report.drawn(partial(_lines, found, limit), rows, len(touched))


def _touched(found: Foreseen) -> list[tuple[str | None, Change]]:
    """Every name that changes, and how; for a step that changes nothing, every name that it matches."""
    kinds = by_kind(found.changes)._asdict().items()
    touched: list[tuple[str | None, Change]] = [(what, each) for what, changes in kinds for each in changes]
    if found.leaves is None and found.matched is not None:
        matched = found.matched
        pairs = zip(matched.names, matched.selected(), strict=True)
        touched += ((None, Change(matched.alias, name, tensor, tensor)) for name, tensor in pairs)
    return touched


def _row(what: str | None, change: Change) -> Row:
    """As data."""
    row = {"change": what, "alias": change.alias, "name": change.name, "former": change.former}
    return row | _facts(change.before, "before") | _facts(change.after, "after")


def _facts(tensor: LazyTensor | None, when: str) -> Row:
    if tensor is None:
        return dict.fromkeys((f"dtype_{when}", f"shape_{when}", f"nbytes_{when}"))
    return {
        f"dtype_{when}": tensor.dtype.name,
        f"shape_{when}": list(tensor.shape),
        f"nbytes_{when}": tensor.nbytes,
    }


def _lines(found: Foreseen, limit: int | None, page: Page) -> list[str]:
    touched = _touched(found)
    rows = (_cells(_row(*each)) for each in touched[:limit])
    lines = [found.summary() or "nothing can be said of this without doing it", *table(_COLUMNS, rows, page)]
    if limit is not None and len(touched) > limit:
        lines.append(f"… and {len(touched) - limit} more")
    return lines


def _cells(row: Row) -> tuple[str | Styled, ...]:
    what = row["change"] or ""
    name = f"{row['alias']}::{row['name']}"
    return (
        Styled(what, _STYLES.get(what)),
        name if row["former"] is None else f"{row['former']} → {name}",
        _tensor(row),
        _turn(*map(size_words, _sides(row, "nbytes"))),
    )


def _tensor(row: Row) -> str:
    """Dtype and shape; of each, before and after if they differ."""
    dtypes, shapes = _sides(row, "dtype"), list(map(str, _sides(row, "shape")))
    if dtypes[0] != dtypes[1] and shapes[0] != shapes[1]:
        return _turn(*(f"{dtype} {shape}" for dtype, shape in zip(dtypes, shapes, strict=True)))
    return f"{_turn(*dtypes)} {_turn(*shapes)}"


def _sides(row: Row, fact: str) -> list[Any]:
    """A fact before and after. A name that comes or goes, or that another tensor takes, has one of them."""
    before, after = row[f"{fact}_before"], row[f"{fact}_after"]
    if after is None:
        return [before, before]
    return [after if before is None or row["former"] is not None else before, after]


def _turn(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"
