"""``ls``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice, Integer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import LazyTensor, Shape
from brainsurgery_shell.lang.pattern import compile_reference
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.views.fold import Entry, FoldedTree, Leaf
from brainsurgery_shell.views.page import Page
from brainsurgery_shell.views.table import Cell, Column, Styled, table
from brainsurgery_shell.workspace.edit import Report
from brainsurgery_shell.workspace.matching import Selection, everything, find, sliced_all

_COLUMNS = (
    Column("name", shorten="middle", least=16),
    Column("tensors", right=True),
    Column("dtype", shorten="end"),
    Column("shape", shorten="end", least=16),
    Column("size", right=True),
)


@dataclass(frozen=True, slots=True)
class _Listing:
    """The tensors of one checkpoint that are to be shown."""

    alias: str
    names: Sequence[str]
    tensors: Sequence[LazyTensor]

    def tree(self) -> FoldedTree:
        leaves: dict[tuple[DType, Shape], Leaf] = {}
        column = []
        for tensor in self.tensors:
            key = tensor.dtype, tensor.shape
            leaf = leaves.get(key)
            if leaf is None:
                leaf = leaves[key] = Leaf(tensor.dtype.name, tensor.shape, tensor.nbytes)
            column.append(leaf)
        return FoldedTree(self.names, column)


@operation(
    "ls",
    Parameter(
        "target",
        Tensors(),
        "the tensors to list, or the names above them, as in model.layers.0; all if left out",
        required=False,
    ),
    Parameter("depth", Integer(0), "how many levels to open; all if left out", required=False),
    Parameter("format", Choice(("tree", "flat", "json")), "how", required=False, default="tree"),
    examples=("ls", "ls: model.layers.0", "ls: target: '.*\\.bias', format: flat", "ls: depth: 1"),
    selects=True,
    aka=("tree", "dir", "list"),
    in_plans=False,
    inspects=True,
)
def ls(
    context: Context, target: Reference | None, depth: int | None, format_: str, selection: Selection
) -> Report:
    """List names as a tree, layers that are alike as one line, with counts, dtypes, shapes and sizes."""
    if target is None:
        wanted = [everything(alias) for alias in context.workspace.checkpoints]
        listings = [_found(context, each, selection) for each in wanted]
    else:
        listings = [_found(context, target, selection)]
        if not listings[0].names:
            listings = [_below(context, target, selection)]
    count = sum(len(each.names) for each in listings)
    if selection.expect is not None and count != selection.expect:
        fail(f"ls: expected {selection.expect} tensors, found {count}")
    trees = [(each.alias, each.tree()) for each in listings if each.names]
    rows = [_row(alias, entry) for alias, tree in trees for entry in tree.entries(depth) if not entry.open]
    if format_ == "json":
        return Report.document(rows, count)
    lines: Callable[[Page], list[str]] = partial(_flat, rows)
    if format_ == "tree":
        lines = partial(_lines, [(alias, list(tree.entries(depth))) for alias, tree in trees])
    return Report.drawn(lines, rows, count)


def _found(context: Context, reference: Reference, selection: Selection) -> _Listing:
    counted_later = Selection(selection.leave_out, selection.where)
    found = find(context.workspace, reference, counted_later, none_is_fine=True)
    return _Listing(found.alias, found.names, found.selected())


def _below(context: Context, reference: Reference, selection: Selection) -> _Listing:
    """The tensors below the names that a reference matches, as a folder is listed by its name."""
    alias = context.workspace.alias(reference.alias, reference.span)
    every = _found(context, everything(alias), selection)
    above = dict.fromkeys(each for name in every.names for each in _above(name))
    folders = set(compile_reference(reference).scan(above).names)
    if not folders:
        find(context.workspace, reference, selection)  # which says what is near
    kept = [at for at, name in enumerate(every.names) if not folders.isdisjoint(_above(name))]
    names = [every.names[at] for at in kept]
    tensors = [every.tensors[at] for at in kept]
    return _Listing(alias, names, sliced_all(tensors, reference.slice, alias, names))


def _above(name: str) -> Iterator[str]:
    """The names above a name."""
    end = name.rfind(".")
    while end >= 0:
        yield name[:end]
        end = name.rfind(".", 0, end)


def _row(alias: str, entry: Entry) -> dict[str, Any]:
    return {
        "alias": alias,
        "name": entry.path,
        "tensors": entry.times * entry.tensors,
        "dtypes": list(entry.dtypes),
        "shape": None if entry.shape is None else list(entry.shape),
        "nbytes": entry.times * entry.nbytes,
    }


def _flat(rows: Sequence[dict[str, Any]], page: Page) -> list[str]:
    cells = [
        (
            f"{row['alias']}::{row['name']}",
            str(row["tensors"]),
            _dtypes(row["dtypes"]),
            "" if row["shape"] is None else str(row["shape"]),
            size_words(row["nbytes"]),
        )
        for row in rows
    ]
    return table(_COLUMNS, cells, page)


def _lines(trees: Sequence[tuple[str, Sequence[Entry]]], page: Page) -> list[str]:
    cells = [_cells(alias, entry, page) for alias, entries in trees for entry in entries]
    return table(_COLUMNS, cells, page)


def _cells(alias: str, entry: Entry, page: Page) -> tuple[Cell, ...]:
    label = entry.label if entry.depth else f"{alias}::{entry.label}"
    count = str(entry.times * entry.tensors)
    if entry.shape is None and entry.times > 1:
        count = f"{entry.times} {'×' if page.unicode else 'x'} {entry.tensors}"
    return (
        Styled("  " * entry.depth + label, "cyan" if entry.shape is None else None),
        count,
        _dtypes(entry.dtypes),
        "" if entry.shape is None else str(list(entry.shape)),
        size_words(entry.times * entry.nbytes),
    )


def _dtypes(dtypes: Sequence[str]) -> str:
    return ", ".join(dtypes) if len(dtypes) <= 2 else f"{len(dtypes)} dtypes"
