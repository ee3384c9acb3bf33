"""Singular values of one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.graph.tensor import LazyTensor

MOST_WORK = 1 << 38
"""Of rows × columns × the smaller of both: about a minute on one core."""

_STEP = 1024


@dataclass(frozen=True, slots=True)
class Spectrum:
    """All singular values, the largest first."""

    values: tuple[float, ...]

    def rank_for(self, energy: float) -> int:
        """The least rank that holds this share of the energy (the sum of their squares)."""
        squares = list(accumulate(value * value for value in self.values))
        return 1 + sum(each < energy * squares[-1] for each in squares[:-1])


def spectrum(tensor: LazyTensor, evaluator: Evaluator) -> Spectrum:
    """Computed in float64 for float64 and whole numbers beyond 16 bits, else in float32.

    Raises:
        StepError: it is no matrix of finite numbers, or too large.
    """
    require_matrix(tensor)
    torch = load_torch()
    wide = tensor.dtype.name == "float64" or (tensor.dtype.cls == "int" and tensor.dtype.bits > 16)
    matrix = evaluator.whole(tensor).to(torch.float64 if wide else torch.float32)
    if not all(torch.isfinite(each) for each in matrix.aminmax()):
        fail("a matrix with NaN or infinite elements has no singular values")
    return Spectrum(tuple(torch.linalg.svdvals(matrix).tolist()))


def require_matrix(tensor: LazyTensor) -> None:
    """Fail unless the header says that it is a matrix whose singular values can be computed in a minute.

    Raises:
        StepError: it is not.
    """
    if tensor.rank != 2:
        fail(f"a tensor of rank {tensor.rank} has no singular values", hint="a matrix has two dims")
    if tensor.dtype.packed or tensor.dtype.cls == "complex":
        fail(f"the singular values of {tensor.dtype} are not computed", hint="cast it first")
    if not tensor.numel:
        fail("a matrix without elements has no singular values")
    rows, columns = tensor.shape
    if rows * columns * min(rows, columns) > MOST_WORK:
        fail(
            f"the singular values of a {rows} × {columns} matrix take too long",
            hint=f"take a part of it with a slice: {_part(rows, columns)}",
        )


def _part(rows: int, columns: int) -> str:
    """A slice that is small enough: fewer of the longer dim, or fewer of both."""
    short, long = sorted((rows, columns))
    few = MOST_WORK // (short * short) // _STEP * _STEP
    if few >= short:
        return f"::[:{few}]" if rows == long else f"::[:, :{few}]"
    side = int(MOST_WORK ** (1 / 3)) // _STEP * _STEP
    return f"::[:{side}, :{side}]"
