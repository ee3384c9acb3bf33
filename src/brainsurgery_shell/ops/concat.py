"""``concat``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import TO_NEW, computed_each
from brainsurgery_shell.declaration.kinds import Boolean, Completes, Integer, Kind, Rename
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import ListOf, Names, Tensors
from brainsurgery_shell.graph.build import concat as concat_tensors
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Node, Scalar, Sequence
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Columns, Selection, fill_all, find
from brainsurgery_shell.workspace.writes import Must, Writes


@dataclass(frozen=True)
class Sources(Kind):
    """A list of references: the first is matched, the others are templates."""

    words: str = "a list of references"
    completes: Completes = "tensors"

    def accept(self, node: Node) -> tuple[Reference, list[Template]]:
        """The first, and the others."""
        if not isinstance(node, Sequence) or not node.items:
            self.reject(node)
        first, *others = node.items
        return Tensors().accept(first), [Names().accept(each) for each in others]

    def matched(self, value: tuple[Reference, list[Template]]) -> Reference | None:
        """The first."""
        return value[0]

    def named(self, value: tuple[Reference, list[Template]], name: Rename) -> Node | None:
        """Every source by its name."""
        sources: list[Reference | Template] = [value[0], *value[1]]
        return Sequence(tuple(Scalar(name(each)) for each in sources))

    def schema(self) -> dict[str, Any]:
        """A list."""
        return ListOf(Tensors()).schema()


@operation(
    "concat",
    Parameter(
        "from", Sources(), "the tensors to join; the first is matched, the others filled for each match"
    ),
    TO_NEW,
    Parameter("dim", Integer(), "the dim along which they are joined", required=False, default=0),
    Parameter("delete_sources", Boolean(), "delete what was joined", required=False, default=False),
    examples=(
        "concat: from: ['h\\.(\\d+)\\.q', 'h.\\1.k', 'h.\\1.v'], to: 'h.\\1.qkv', delete_sources: true",
    ),
    selects=True,
)
def concat(
    context: Context,
    from_: tuple[Reference, list[Template]],
    to: Template,
    dim: int,
    delete_sources: bool,
    selection: Selection,
) -> Edit:
    """Join tensors along a dim."""
    first, others = from_
    found = find(context.workspace, first, selection)
    found.check(*others, to)
    writes = Writes(context.workspace, len(found))
    sources: list[Columns] = [found, *(fill_all(context.workspace, each, found) for each in others)]
    joined = computed_each(
        lambda at: " and ".join(each.names[at] for each in sources),
        lambda *parts: concat_tensors(parts, dim),
        *(each.selected() for each in sources),
    )
    writes.put_all(writes.destinations(to, found), joined, Must.BE_NEW, found.names)
    if delete_sources:
        for each in sources:
            writes.remove_all(each)
    return writes.edit()
