"""How time grows with the size of a checkpoint and with the number of its tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchmarks import names
from benchmarks.compare import warm_up
from benchmarks.inputs import check_space, make_inputs, remove
from benchmarks.one_session import RENAMES
from benchmarks.processes import take_turns
from benchmarks.rows import OUTPUT, ROWS

SIZES = (0.4, 2, 8, 16)
COUNTS = (1_000, 10_000, 100_000)
GROWING = ("rename", "scale")


@dataclass(frozen=True)
class Grown:
    """A time at several amounts, and what each unit more costs than at the amount before."""

    HEADER: ClassVar[tuple[str, ...]] = ("what", "amount", "seconds", "for each further unit", "")

    what: str
    amount: float
    unit: str
    seconds: float
    before: Grown | None = None

    @property
    def misses(self) -> list[str]:
        return []

    def cells(self) -> tuple[str, ...]:
        more = ""
        if self.before is not None:
            marginal = (self.seconds - self.before.seconds) / (self.amount - self.before.amount)
            more = f"{marginal:.3g} s"
        return self.what, f"{self.amount:,g} {self.unit}", f"{self.seconds:.3g}", more, ""


def measure(folder: Path, sizes: Sequence[float], repeats: int) -> list[Grown]:
    return [*_with_size(folder, sizes, repeats), *_with_count(folder, repeats)]


def _with_size(folder: Path, sizes: Sequence[float], repeats: int) -> list[Grown]:
    found: dict[str, list[Grown]] = {}
    rows = [row for row in ROWS if row.name in GROWING]
    for size in sorted(sizes):
        check_space(folder, 3 * size)
        make_inputs(folder, ("a",), size)
        warm_up(folder, ("a",))
        sides = {"cp -r": rows[0].reference()} | {row.title: row.ours() for row in rows}
        for what, measured in take_turns(sides, folder, repeats, OUTPUT).items():
            earlier = found.setdefault(what, [])
            earlier.append(Grown(what, size, "GB", measured.median, earlier[-1] if earlier else None))
        make_inputs(folder, (), size)
    return [each for grown in found.values() for each in grown]


def _with_count(folder: Path, repeats: int) -> list[Grown]:
    found: dict[str, list[Grown]] = {}
    for count in COUNTS:
        many = names.make_many(folder, count)
        steps = names.sessions(many, repeats)
        keys = max(value for name, value in steps.items() if name.startswith("key "))
        picked = {"open": steps["open"]} | {name: steps[name] for name in RENAMES}
        picked |= {"save, scaled": steps["save"], "a completion": keys}
        for what, seconds in picked.items():
            earlier = found.setdefault(what, [])
            before = earlier[-1] if earlier else None
            earlier.append(Grown(what, count / 1000, "thousand tensors", seconds, before))
        remove(many)
    return [each for grown in found.values() for each in grown]
