"""``dump``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.sizes import size_words
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
    examples=("dump", "dump: target: 'h\\.0\\..*', format: compact, verbosity: stat"),
    selects=True,
    aka=("ls", "list", "show", "print", "tree"),
    inspects=True,
)
def dump(
    context: Context,
    target: Reference | None,
    format_: str,
    verbosity: str,
    selection: Selection,
) -> Report:
    """Show tensors: names, shapes and dtypes, with statistics or values if asked."""
    chosen = selection
    if target is not None:
        matches = find(context.workspace, target, chosen).matches
    else:
        wanted = [everything(alias) for alias in context.workspace.checkpoints]
        matches = [m for each in wanted for m in find(context.workspace, each, chosen, none_is_fine=True)]
    if context.checking:
        return Report([], None, len(matches))
    rows = [_row(context, match, verbosity) for match in matches]
    if format_ == "json":
        lines = json.dumps(rows, ensure_ascii=False, indent=2).split("\n")
    elif format_ == "compact":
        lines = [f"{row['alias']}::{row['name']}  {_facts(row)}" for row in rows]
    else:
        lines = _tree(rows)
    return Report(lines, rows, len(rows))


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


def _tree(rows: list[dict[str, Any]]) -> list[str]:
    """Names by segment, indented; a segment that leads to one tensor only shares its line."""
    lines: list[str] = []
    shown: list[str] = []
    for row in rows:
        path = [f"{row['alias']}::", *row["name"].split(".")]
        common = 0
        while common < min(len(shown), len(path) - 1) and shown[common] == path[common]:
            common += 1
        for depth in range(common, len(path) - 1):
            lines.append("  " * depth + path[depth])
        lines.append("  " * (len(path) - 1) + f"{path[-1]}  {_facts(row)}")
        shown = path[:-1]
    return lines
