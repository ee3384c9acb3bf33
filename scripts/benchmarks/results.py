"""What benchmarks found, and the tables that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from benchmarks.processes import Measured
from benchmarks.rows import PROVIDERS, RATIO_FROM, Row


class Tabled(Protocol):
    """What has a row of its own in a table."""

    HEADER: ClassVar[tuple[str, ...]]

    @property
    def misses(self) -> list[str]: ...

    def cells(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Result:
    """One number, its limit, and what it was made from."""

    HEADER: ClassVar[tuple[str, ...]] = ("subject", "measured", "limit", "", "how")

    subject: str
    value: float
    unit: str
    limit: float | None
    note: str = ""

    @property
    def misses(self) -> list[str]:
        return ["MISSED"] if self.limit is not None and self.value > self.limit else []

    def cells(self) -> tuple[str, ...]:
        limit = "" if self.limit is None else f"≤ {shown(self.limit, self.unit)}"
        verdict = "" if self.limit is None else "".join(self.misses) or "ok"
        return self.subject, shown(self.value, self.unit), limit, verdict, self.note


@dataclass(frozen=True)
class Comparison:
    """One row at one size: all sides, and what ours, with the slower of its providers, must keep to."""

    HEADER: ClassVar[tuple[str, ...]] = (
        "edit",
        "GB",
        "reference s",
        "plain s",
        "inmemory s",
        "arena s",
        "× reference",
        "limit",
        "× plain",
        "CPU s, plain : ours",
        "peak MB, plain : ours",
        "",
    )

    row: Row
    size: float
    sides: dict[str, Measured]

    @property
    def ours(self) -> float:
        return max(self.sides[name].median for name in PROVIDERS)

    @property
    def peak_mb(self) -> float:
        return max(self.sides[name].peak_mb for name in PROVIDERS)

    @property
    def over_reference(self) -> float:
        return self.ours / self.sides["reference"].median

    @property
    def over_plain(self) -> float:
        return self.ours / self.sides["plain"].median

    @property
    def limit(self) -> float | None:
        return self.row.limit if self.size >= RATIO_FROM else None

    @property
    def misses(self) -> list[str]:
        missed = []
        if self.limit is not None and self.over_reference > self.limit:
            missed.append("reference")
        if self.over_plain > 1:
            missed.append("plain")
        if self.row.memory_limit is not None and self.peak_mb > self.row.memory_limit:
            missed.append("memory")
        return missed

    def cells(self) -> tuple[str, ...]:
        plain = self.sides["plain"]
        cpu = max(self.sides[name].cpu_median for name in PROVIDERS)
        return (
            self.row.title,
            f"{self.size:g}",
            *(f"{self.sides[name].median:.2f}" for name in ("reference", "plain", *PROVIDERS)),
            f"{self.over_reference:.2f}",
            "" if self.limit is None else f"≤ {self.limit:g}",
            f"{self.over_plain:.2f}",
            f"{plain.cpu_median:.1f} : {cpu:.1f}",
            f"{plain.peak_mb:.0f} : {self.peak_mb:.0f}",
            f"MISSED: {', '.join(self.misses)}" if self.misses else "ok",
        )


def shown(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def table(results: Sequence[Tabled]) -> str:
    """A Markdown table, aligned for reading as it stands."""
    rows = [results[0].HEADER, *(each.cells() for each in results)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
