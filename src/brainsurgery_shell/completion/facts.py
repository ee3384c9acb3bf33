"""What a menu says of tensors: how many, of which dtype and shape, how large."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from brainsurgery_shell.completion.names import Child
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.workspace.checkpoint import Checkpoint

MOST_MEASURED = 1500
"""Tensors whose sizes are added up for one menu: a third of a millisecond."""


def tensors(count: int) -> str:
    """A count for the menu."""
    return "1 tensor" if count == 1 else f"{count:,} tensors"


def metas(children: Sequence[Child], checkpoint: Checkpoint) -> list[str]:
    """What the menu says of each child; sizes only where few tensors lie below all of them."""
    measured = sum(child.count for child in children) <= MOST_MEASURED
    return [_meta(child, checkpoint, measured=measured) for child in children]


def leaf_meta(tensor: LazyTensor) -> str:
    """One tensor: dtype, shape and size."""
    return f"{tensor.dtype} {list(tensor.shape)}, {size_words(tensor.nbytes)}"


def _meta(child: Child, checkpoint: Checkpoint, *, measured: bool) -> str:
    if child.leaf is not None and child.count == 1:
        return leaf_meta(checkpoint.tensors[child.leaf])
    if not child.count:
        return ""
    if not measured:
        return tensors(child.count)
    names = checkpoint.sorted_names()
    below = [checkpoint.tensors[name] for low, high in child.ranges for name in names[low:high]]
    return below_meta(below)


def below_meta(below: Sequence[LazyTensor]) -> str:
    """Several tensors: what they have in common, and their size."""
    size = size_words(sum(tensor.nbytes for tensor in below))
    dtypes = _distinct(str(tensor.dtype) for tensor in below)
    shapes = {tensor.shape for tensor in below}
    if len(shapes) == 1 and len(dtypes) == 1 and len(below) > 1:
        return f"{dtypes[0]} {list(shapes.pop())} × {len(below)}, {size}"
    kinds = ", ".join(dtypes) if len(dtypes) < 3 else f"{len(dtypes)} dtypes"
    return f"{tensors(len(below))}, {kinds}, {size}"


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
