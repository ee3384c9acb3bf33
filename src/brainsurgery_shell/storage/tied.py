"""Names that share their data, as input and output embeddings do.

Only a file can say so: a tensor that was copied to a second name is a second tensor, whatever its bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile


def tie(file: StoredFile, tensors: Mapping[str, LazyTensor]) -> dict[str, LazyTensor]:
    """``tensors``, with those that are the same bytes in one shape made one, which ``file`` remembers."""
    known: dict[object, LazyTensor] = {}
    found: dict[str, LazyTensor] = {}
    for name, tensor in tensors.items():
        stored = tensor.file is not None and tensor.nbytes
        key: object = (tensor.offset, tensor.dtype, tensor.shape) if stored else tensor
        found[name] = known.setdefault(key, tensor)
    counts = Counter(found.values())
    file.tied = frozenset(tensor for tensor, count in counts.items() if count > 1 and tensor.nbytes)
    return found


def tied(tensors: Mapping[str, LazyTensor]) -> list[list[str]]:
    """The groups of names that are one tensor, each in the order of ``tensors``."""
    groups: dict[LazyTensor, list[str]] = {}
    for name, tensor in tensors.items():
        if is_tied(tensor):
            groups.setdefault(tensor, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def is_tied(tensor: LazyTensor) -> bool:
    """Whether it had several names in the file that it comes from."""
    file = tensor.file
    if tensor.kernel is not None and tensor.kernel.inputs:
        file = tensor.kernel.inputs[0].file  # a view, as of a transposed weight
    return file is not None and tensor in file.tied
