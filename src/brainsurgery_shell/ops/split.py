"""``split``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import FROM, computed_each
from brainsurgery_shell.declaration.kinds import Integer, Integers
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import ListOf, Names
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import resolve_dim, take
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Selection, find
from brainsurgery_shell.workspace.writes import Must, Writes


@operation(
    "split",
    FROM,
    Parameter("to", ListOf(Names("new names")), "a name or template for each part"),
    Parameter("sizes", Integers("a list of sizes", least=1), "the parts' sizes along dim", required=False),
    Parameter("chunks", Integer(1), "or the number of equal parts", required=False),
    Parameter("dim", Integer(), "the dim that is cut", required=False, default=0),
    examples=("split: from: 'h\\.(\\d+)\\.qkv', to: ['h.\\1.q', 'h.\\1.k', 'h.\\1.v'], chunks: 3",),
    selects=True,
)
def split(
    context: Context,
    from_: Reference,
    to: list[Template],
    sizes: tuple[int, ...] | None,
    chunks: int | None,
    dim: int,
    selection: Selection,
) -> Edit:
    """Cut tensors into parts along a dim. The tensors themselves stay."""
    if (sizes is None) == (chunks is None):
        fail("split takes either sizes or chunks")
    count = len(sizes) if sizes is not None else chunks
    if count != len(to):
        fail(f"{count} parts need as many names in 'to', which has {len(to)}")
    found = find(context.workspace, from_, selection)
    found.check(*to)
    writes = Writes(context.workspace, len(found))
    every = computed_each(
        found.names.__getitem__,
        _parts,
        found.selected(),
        sizes=sizes,
        count=len(to),
        dim=dim,
    )
    writes.put_rows([writes.destinations(each, found) for each in to], every, Must.BE_NEW, found.names)
    return writes.edit()


def _parts(tensor: LazyTensor, *, sizes: tuple[int, ...] | None, count: int, dim: int) -> list[LazyTensor]:
    at = resolve_dim(dim, tensor.rank)
    size = tensor.shape[at]
    if sizes is None:
        if size % count:
            fail(f"dim {at} of size {size} does not divide into {count} equal parts")
        sizes = (size // count,) * count
    if sum(sizes) != size:
        fail(f"sizes {list(sizes)} add up to {sum(sizes)}, dim {at} has {size}")
    parts, start = [], 0
    for part in sizes:
        ranges = [(0, each, 1, True) for each in tensor.shape]
        ranges[at] = (start, start + part, 1, True)
        parts.append(take(tensor, ranges))
        start += part
    return parts
