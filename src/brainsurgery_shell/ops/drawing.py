"""What ``dump`` and ``plot`` draw of a tensor: a histogram of its elements, or its singular values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.errors import StepError, fail
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.views.bars import chart, merged, sparkline
from brainsurgery_shell.views.page import Page

KINDS = ("histogram", "spectrum")

_MOST_BINS = 10_000
_ENERGY = 0.95


@dataclass(frozen=True, slots=True)
class Drawing:
    """Numbers to draw as bars from left to right, and what the ends of the axes are."""

    kind: str
    values: tuple[float, ...]
    left: float
    right: float
    note: str
    """What the numbers come to, in words; or, without values, why there are none."""
    data: dict[str, Any] | None
    """For programs."""

    def line(self, columns: int, page: Page) -> str:
        """Drawn in one line."""
        if not self.values:
            return self.note
        bars = sparkline(merged(self.values, columns), page)
        return f"{self.kind} {self.left:.4g} {bars} {self.right:.4g}"

    def lines(self, columns: int, page: Page, indent: int = 0) -> list[str]:
        """Drawn as a chart, and the note."""
        note = " " * indent + self.note
        if not self.values:
            return [note]
        drawn = chart(
            merged(self.values, columns),
            top=_label(max(self.values)),
            left=f"{self.left:.4g}",
            right=f"{self.right:.4g}",
            indent=indent,
            page=page,
        )
        return [*drawn, note] if self.note else drawn


def obstacle(tensor: LazyTensor, kind: str) -> StepError | None:
    """Why nothing can be drawn of a tensor, as far as its header says it."""
    from brainsurgery_shell.graph.histogram import require_order
    from brainsurgery_shell.graph.spectrum import require_matrix

    try:
        (require_matrix if kind == "spectrum" else require_order)(tensor)
    except StepError as error:
        return error
    return None


def drawing(context: Context, tensor: LazyTensor, kind: str, bins: int) -> Drawing:
    """Compute what is drawn.

    Raises:
        StepError: the tensor has no histogram, or no singular values that can be computed.
    """
    if kind == "spectrum":
        from brainsurgery_shell.graph.spectrum import spectrum

        found = spectrum(tensor, context.evaluator)
        rank = found.rank_for(_ENERGY)
        note = f"{_ENERGY:.0%} of the energy in {rank} of {len(found.values)} singular values"
        data = {"values": list(found.values), f"rank_{_ENERGY * 100:.0f}": rank}
        return Drawing(kind, found.values, 1, len(found.values), note, data)
    from brainsurgery_shell.graph.histogram import histogram

    if bins > _MOST_BINS:
        fail(f"expected at most {_MOST_BINS} bins, found {bins}")
    parts = histogram(tensor, bins, context.evaluator)
    left_out = [f"{count} {name}" for name, count in (("NaN", parts.nan), ("infinite", parts.inf)) if count]
    note = f"left out: {', '.join(left_out)}" if left_out else ""
    data = {"low": parts.low, "high": parts.high, "counts": list(parts.counts)}
    return Drawing(kind, parts.counts, parts.low, parts.high, note, data)


def drawing_or_reason(context: Context, tensor: LazyTensor, kind: str, bins: int) -> Drawing:
    """The same; where there is nothing to draw, why."""
    try:
        return drawing(context, tensor, kind, bins)
    except StepError as error:
        reason = error.message if error.hint is None else f"{error.message} ({error.hint})"
        return Drawing(kind, (), 0, 0, f"no {kind}: {reason}", None)


def announce(context: Context, tensors: Iterable[LazyTensor], kind: str) -> None:
    """Say what drawing them will read."""
    from brainsurgery_shell.graph.histogram import passes

    reads: Sequence[LazyTensor] = [
        tensor for tensor in tensors for _ in range(passes(tensor) if kind == "histogram" else 1)
    ]
    context.reading(reads)


def _label(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"
