"""What lies at the bottom of lazy tensors: the stored ones that they are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from brainsurgery_shell.graph.kernel import Kernel
from brainsurgery_shell.graph.tensor import LazyTensor


def leaves(tensors: Iterable[LazyTensor]) -> Iterator[LazyTensor]:
    """Every stored tensor that ``tensors`` are or read, through however many kernels; some repeatedly."""
    seen: set[Kernel] = set()
    pending = list(tensors)
    while pending:  # no recursion: 10,000 edits of one tensor are a chain of 10,000
        tensor = pending.pop()
        if tensor.file is not None:
            yield tensor
        elif tensor.kernel is not None and tensor.kernel not in seen:
            seen.add(tensor.kernel)
            pending.extend(tensor.kernel.inputs)


def stored_bytes(tensors: Iterable[LazyTensor]) -> int:
    """How many bytes of files ``tensors`` consist of or are computed from, each counted once."""
    return sum(tensor.nbytes for tensor in set(leaves(tensors)))
