"""What a benchmark found, and the one table that shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One row: a number, its limit, and what it was made from."""

    subject: str
    value: float
    unit: str
    limit: float | None
    note: str = ""

    @property
    def missed(self) -> bool:
        return self.limit is not None and self.value > self.limit

    def cells(self) -> tuple[str, ...]:
        limit = "" if self.limit is None else f"≤ {shown(self.limit, self.unit)}"
        verdict = "" if self.limit is None else ("MISSED" if self.missed else "ok")
        return self.subject, shown(self.value, self.unit), limit, verdict, self.note


def shown(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"


def table(results: list[Result]) -> str:
    rows = [("subject", "measured", "limit", "", "how"), *(each.cells() for each in results)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
