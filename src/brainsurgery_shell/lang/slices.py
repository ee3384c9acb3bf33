"""Slices: ``[:8, -1, ...]`` as Python reads it, and what it selects from a tensor of a given shape.

Indexing follows Python: ends are clipped, negative values count from the back. What Python lets pass but
nobody means (a slice that selects nothing) is an error, as is what torch refuses (a negative step).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias

from brainsurgery_shell.errors import Span, StepError

# Python refuses leading zeros; so do we, and `~bit::[01]` stays the regex that it looks like.
_INT = r"[+-]?(?:0+|[1-9][0-9]{0,17})"
_ITEM = re.compile(
    rf"\s*(?:(?P<index>{_INT})|(?P<rest>\.\.\.)"
    rf"|(?P<start>{_INT})?\s*(?P<colon>:)\s*(?P<stop>{_INT})?\s*(?::\s*(?P<step>{_INT})?)?)\s*"
)


@dataclass(frozen=True, slots=True)
class Range:
    """``start:stop:step`` with what was left out as ``None``."""

    start: int | None = None
    stop: int | None = None
    step: int | None = None

    def __str__(self) -> str:
        ends = f"{'' if self.start is None else self.start}:{'' if self.stop is None else self.stop}"
        return ends if self.step is None else f"{ends}:{self.step}"


class Rest(Enum):
    """``...``: all the dimensions that are not mentioned."""

    REST = "..."

    def __str__(self) -> str:
        return self.value


Item: TypeAlias = int | Range | Rest
REST = Rest.REST


class DimRange(NamedTuple):
    """What is selected along one dimension: ``range(start, stop, step)``, never empty.

    ``stop`` is one past the last element selected, and ``step`` is 1 where only one is.
    """

    start: int
    stop: int
    step: int
    keep: bool
    """Whether the dimension stands in the result; an index drops it."""

    @property
    def length(self) -> int:
        """How many positions are selected."""
        return len(range(self.start, self.stop, self.step))


@dataclass(frozen=True, slots=True)
class ResolvedSlice:
    """A slice of a tensor whose shape is known."""

    source_shape: tuple[int, ...]
    ranges: tuple[DimRange, ...]
    """One for each dimension of the source."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result: dimensions with an index are gone."""
        return tuple(dim.length for dim in self.ranges if dim.keep)


@dataclass(frozen=True, slots=True)
class Slice:
    """The items between the brackets, in the order written."""

    items: tuple[Item, ...]
    span: Span | None = field(default=None, compare=False)
    """Where it stands, brackets included, for messages."""

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.items))}]"

    def resolve(self, shape: tuple[int, ...], what: str) -> ResolvedSlice:
        """What it selects from a tensor of this shape; ``what`` is the tensor's name, for errors."""
        items = self._one_per_dim(shape, what)
        ranges = []
        for dim, (item, size) in enumerate(zip(items, shape, strict=True)):
            if isinstance(item, int):
                ranges.append(self._index(item, dim, size, what))
            else:
                ranges.append(self._range(item, dim, size, what))
        return ResolvedSlice(tuple(shape), tuple(ranges))

    def _one_per_dim(self, shape: tuple[int, ...], what: str) -> list[int | Range]:
        """The items with ``...`` written out, so that there is one for each dimension."""
        items: list[int | Range] = [item for item in self.items if not isinstance(item, Rest)]
        missing = len(shape) - len(items)
        if missing < 0:
            rank = "1 dimension" if len(shape) == 1 else f"{len(shape)} dimensions"
            raise self._error(
                f"the slice {self} has too many indices for '{what}': {len(items)}, and the tensor has {rank}"
                f" (shape {list(shape)})",
                "remove the slice" if not shape else f"give at most {len(shape)}, separated by commas",
            )
        at = self.items.index(REST) if REST in self.items else len(items)
        items[at:at] = [Range()] * missing
        return items

    def _index(self, index: int, dim: int, size: int, what: str) -> DimRange:
        if not -size <= index < size:
            allowed = f"give {-size} to {size - 1}" if size else "an empty dimension has no index"
            raise self._error(
                f"index {index} of the slice {self} is out of range:"
                f" dimension {dim} of '{what}' has size {size}",
                allowed,
            )
        start = index + size if index < 0 else index
        return DimRange(start, start + 1, 1, keep=False)

    def _range(self, item: Range, dim: int, size: int, what: str) -> DimRange:
        where = f"dimension {dim} of '{what}' (size {size})"
        if item.step is not None and item.step < 1:
            kind = "step 0" if item.step == 0 else f"the negative step {item.step}"
            raise self._error(
                f"the slice {self} has {kind} for {where}; a step is 1 or more", "write start:stop:step"
            )
        start, stop, step = slice(item.start, item.stop, item.step).indices(size)
        count = len(range(start, stop, step))
        if count == 0:
            hint = f"choose positions from 0 to {size - 1}" if size else "this dimension is empty"
            raise self._error(f"the slice {self} selects nothing from {where}", hint)
        return DimRange(start, start + (count - 1) * step + 1, step if count > 1 else 1, keep=True)

    def _error(self, message: str, hint: str) -> StepError:
        return StepError(message, hint=hint, span=self.span)


def parse_slice(text: str, span: Span | None = None) -> Slice | None:
    """The slice that ``text`` is, brackets included; ``None`` if it does not read as one."""
    if not (text.startswith("[") and text.endswith("]")) or len(text) < 3:
        return None
    parts = text[1:-1].split(",")
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()  # as in Python, where a comma may follow the last index
    items: list[Item] = []
    for part in parts:
        found = _ITEM.fullmatch(part)
        if found is None:
            return None
        if found["index"] is not None:
            items.append(int(found["index"]))
        elif found["rest"] is not None:
            items.append(REST)
        else:
            items.append(Range(_number(found["start"]), _number(found["stop"]), _number(found["step"])))
    return Slice(tuple(items), span) if items.count(REST) <= 1 else None


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
