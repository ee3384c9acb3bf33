"""Tensors whose elements lie at strides of their own, as torch's views do."""

from __future__ import annotations

from collections.abc import Sequence

from brainsurgery_shell.graph.build import permute, reshape
from brainsurgery_shell.graph.structure import strides_of
from brainsurgery_shell.graph.tensor import LazyTensor, Shape, computed
from brainsurgery_shell.graph.views import Strided


def as_strided(flat: LazyTensor, shape: Shape, strides: Sequence[int]) -> LazyTensor:
    """The view of a flat tensor whose neighbours along a dim lie that dim's stride apart.

    It has elements, and the last of them is the last of ``flat``. Where they follow each other in some order
    of the dims it is a permutation, else a kernel of its own.
    """
    outward = sorted(range(len(shape)), key=lambda dim: (-strides[dim], dim))
    wide = [dim for dim in outward if shape[dim] != 1]
    if [strides[dim] for dim in wide] != list(strides_of([shape[dim] for dim in wide])):
        return computed(shape, flat.dtype, Strided(flat, strides))
    ordered = wide + [dim for dim in outward if shape[dim] == 1]
    return permute(
        reshape(flat, [shape[dim] for dim in ordered]), [ordered.index(dim) for dim in range(len(shape))]
    )
