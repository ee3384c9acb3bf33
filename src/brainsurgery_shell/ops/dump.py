"""``dump``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice, Integer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.ops.drawing import KINDS, Drawing, announce, drawing_or_reason
from brainsurgery_shell.views.page import PLAIN, Page
from brainsurgery_shell.views.text import visible
from brainsurgery_shell.workspace.edit import Report
from brainsurgery_shell.workspace.matching import Match, Selection, everything, find


@operation(
    "dump",
    Parameter("target", Tensors(), "the tensors to show; all if left out", required=False),
    Parameter("format", Choice(("tree", "compact", "json")), "how", required=False, default="tree"),
    Parameter(
        "verbosity",
        Choice(("shape", "stat", "full")),
        "shape and dtype; also statistics; also values",
        required=False,
        default="shape",
    ),
    Parameter("draw", Choice(("none", *KINDS)), "also draw values", required=False, default="none"),
    Parameter("bins", Integer(1), "how many bars to draw", required=False, default=40),
    examples=(
        "dump",
        "dump: target: 'h\\.0\\..*', format: compact, verbosity: stat",
        "dump: target: 'h\\.0\\..*', draw: histogram",
        "dump: target: h.0.attn.weight, draw: spectrum",
    ),
    selects=True,
    aka=("show", "print", "stat", "stats", "statistics", "histogram", "hist", "spectrum"),
    inspects=True,
    reads=True,
)
def dump(
    context: Context,
    target: Reference | None,
    format_: str,
    verbosity: str,
    draw: str,
    bins: int,
    selection: Selection,
) -> Report:
    """Show tensors: names, shapes and dtypes, with statistics, values, histograms or spectra if asked."""
    chosen = selection
    if target is not None:
        matches = find(context.workspace, target, chosen).matches
    else:
        wanted = [everything(alias) for alias in context.workspace.checkpoints]
        matches = [m for each in wanted for m in find(context.workspace, each, chosen, none_is_fine=True)]
    if context.checking:
        return Report([], None, len(matches))
    if verbosity != "shape":
        context.reading(match.selected() for match in matches)
    rows = [_row(context, match, verbosity) for match in matches]
    drawings: list[Drawing | None] = [None] * len(rows)
    if draw != "none":
        drawings = _drawings(context, matches, draw, bins)
        rows = [row | {draw: each and each.data} for row, each in zip(rows, drawings, strict=True)]
    if format_ == "json":
        return Report.document(rows, len(rows))
    lines = partial(_compact if format_ == "compact" else _tree, rows, drawings, bins)
    return Report.drawn(lines, rows, len(rows)) if draw != "none" else Report(lines(PLAIN), rows, len(rows))


def _drawings(context: Context, matches: Sequence[Match], kind: str, bins: int) -> list[Drawing | None]:
    tensors = [match.selected() for match in matches]
    announce(context, tensors, kind)
    return [drawing_or_reason(context, tensor, kind, bins) for tensor in tensors]


def _row(context: Context, match: Match, verbosity: str) -> dict[str, Any]:
    tensor = match.selected()
    row: dict[str, Any] = {
        "alias": match.alias,
        "name": match.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype.name,
        "nbytes": tensor.nbytes,
    }
    if verbosity != "shape":
        from brainsurgery_shell.graph.statistics import statistics

        row |= asdict(statistics(tensor, context.evaluator))
    if verbosity == "full":
        row["values"] = _values(context, tensor)
    return row


def _values(context: Context, tensor: LazyTensor) -> Any:
    values = context.evaluator.whole(tensor)
    if values.is_floating_point() and values.element_size() == 1:
        values = values.float()
    listed = values.tolist()
    return json.loads(json.dumps(listed, default=str)) if tensor.dtype.cls == "complex" else listed


def _facts(row: dict[str, Any]) -> str:
    parts = [f"{row['dtype']} {row['shape']}", size_words(row["nbytes"])]
    if "min" in row:
        parts += [f"{key} {_number(row[key])}" for key in ("min", "max", "mean", "std")]
        parts += [f"{key} {row[key]}" for key in ("zeros", "nan", "inf") if row[key]]
    if "values" in row:
        parts.append(json.dumps(row["values"]))
    return "  ".join(parts)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _compact(
    rows: Sequence[dict[str, Any]], drawings: Sequence[Drawing | None], bins: int, page: Page
) -> list[str]:
    """A line for each tensor."""
    lines = []
    for row, drawing in zip(rows, drawings, strict=True):
        line = f"{row['alias']}::{visible(row['name'])}  {_facts(row)}"
        lines.append(line if drawing is None else f"{line}  {drawing.line(bins, page)}")
    return lines


def _tree(
    rows: Sequence[dict[str, Any]], drawings: Sequence[Drawing | None], bins: int, page: Page
) -> list[str]:
    """Names by segment, indented; a segment that leads to one tensor only shares its line."""
    lines: list[str] = []
    shown: list[str] = []
    for row, drawing in zip(rows, drawings, strict=True):
        path = [f"{row['alias']}::", *visible(row["name"]).split(".")]
        common = 0
        while common < min(len(shown), len(path) - 1) and shown[common] == path[common]:
            common += 1
        for depth in range(common, len(path) - 1):
            lines.append("  " * depth + path[depth])
        lines.append("  " * (len(path) - 1) + f"{path[-1]}  {_facts(row)}")
        if drawing is not None:
            lines += drawing.lines(bins, page, 2 * len(path))
        shown = path[:-1]
    return lines
