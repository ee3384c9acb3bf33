"""The best approximation of a matrix by one of lower rank, as two balanced factors.

By Eckart, Young and Mirsky it is the truncated singular value decomposition. A projection ``UUᵀW`` (or
``WVVᵀ``) onto nearly the right subspace is nearly as good, the loss being of second order, and finding the
subspace costs a fraction of a decomposition. Large matrices of small rank take the Krylov iteration, others
the eigenvectors of the smaller Gram matrix in float64, small ones the decomposition itself.

C. Eckart and G. Young, "The approximation of one matrix by another of lower rank", Psychometrika 1, 1936.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph.krylov import dominant_subspace, largest_basis
from brainsurgery_shell.graph.runtime import load_torch

if TYPE_CHECKING:
    import torch

SMALL = 256
"""Smaller sides up to this are decomposed in float64: nothing is faster."""
ROWS = 1 << 11
"""Rows that are in float64 at once. A constant: it shows in the last bits."""
RESOLVED = 1e-9
"""Squared error, relative to the squared norm, below which squares in float64 are too coarse for float64."""
SAFE_EXPONENT = 20
"""Entries between 2^-20 and 2^20 have squares that neither overflow nor vanish."""


def balanced_factors(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """``A = √S·Vᵀ`` (rank × n) and ``B = U·√S`` (m × rank) of an m × n matrix, 1 ≤ rank ≤ min(m, n).

    Computed, and returned, in float32 (float64 for float64). Of each row of A the entry of largest magnitude
    is positive, so that signs do not depend on how the factors were found.

    Raises:
        StepError: the matrix holds NaN or infinities.
    """
    torch = load_torch()
    work, exponent = _scaled(_compute_dtype(matrix))
    tall = work if work.shape[0] >= work.shape[1] else work.T
    left, right = _factors(tall, rank)
    if tall is not work:
        left, right = right, left
    signs = torch.sign(right.gather(0, right.abs().argmax(0, keepdim=True)))
    signs[signs == 0] = 1
    half = 2.0 ** (exponent // 2)
    return (right * (signs * half)).T, left * (signs * half)


def energy_rank(matrix: torch.Tensor, energy: float) -> int:
    """The least rank, from 1 up, whose squared singular values add up to the share ``energy`` (0, 1] of all.

    Raises:
        StepError: the matrix holds NaN or infinities.
    """
    torch = load_torch()
    work, _ = _scaled(_compute_dtype(matrix))
    tall = work if work.shape[0] >= work.shape[1] else work.T
    if tall.shape[1] <= SMALL:
        squares = torch.linalg.svdvals(tall.to(torch.float64)).square()
    else:
        squares = torch.linalg.eigvalsh(_gram(tall)).flip(0).clamp(min=0)
    sums = squares.cumsum(0)
    total = float(sums[-1])
    # What rounding may have moved from one side to the other does not count as missing.
    enough = total * (energy - max(work.shape) * torch.finfo(torch.float64).eps)
    return int((sums < enough).sum()) + 1


def _compute_dtype(matrix: torch.Tensor) -> torch.Tensor:
    torch = load_torch()
    return matrix if matrix.dtype == torch.float64 else matrix.to(torch.float32)


def _scaled(matrix: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The matrix divided by a power of two, and its (even) exponent, so that squares stay in range."""
    low, high = (float(each) for each in matrix.aminmax())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise StepError(
            "it is not finite: what holds NaN or infinities has no low-rank approximation",
            hint="assert: finite: '.*' finds such tensors",
        )
    exponent = math.frexp(max(-low, high))[1] // 2 * 2
    if abs(exponent) <= SAFE_EXPONENT:
        return matrix, 0
    half = 2.0 ** (-exponent // 2)  # the whole power may itself be out of range
    return (matrix * half).mul_(half), exponent


def _factors(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Balanced factors of a tall matrix as columns: ``U·√S`` and ``V·√S``."""
    small = matrix.shape[1]
    if small <= SMALL:
        return _by_svd(matrix, rank)
    if largest_basis(rank) < small and 16 * rank <= small:
        found = _by_krylov(matrix, rank)
        if found is not None:
            return found
    return _by_gram(matrix, rank)


def _by_krylov(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Project on the subspace found, and decompose what is left, which is small."""
    torch = load_torch()
    squared_norm = float(torch.linalg.vector_norm(matrix, dim=1).to(torch.float64).square().sum())
    subspace = dominant_subspace(matrix, rank, squared_norm)
    if subspace is None:
        return None
    projected = (matrix.T @ subspace.to(matrix.dtype)).to(torch.float64)
    squares, vectors = torch.linalg.eigh(projected.T @ projected)
    left_out = squared_norm - float(squares[-rank:].sum())
    if matrix.dtype == torch.float64 and left_out < RESOLVED * squared_norm:
        return None
    chosen = vectors[:, -rank:].flip(1)
    return _balanced(subspace @ chosen, projected @ chosen, matrix.dtype)


def _by_gram(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Project on the dominant eigenvectors of ``WᵀW``."""
    torch = load_torch()
    squares, vectors = torch.linalg.eigh(_gram(matrix))
    left_out = float(squares[:-rank].clamp(min=0).sum())
    if matrix.dtype == torch.float64 and left_out < RESOLVED * float(squares.sum()):
        return _by_svd(matrix, rank)
    chosen = vectors[:, -rank:].flip(1)
    # In float64: rounded vectors would mix large singular directions into the images of small ones.
    images = torch.cat([rows @ chosen for rows in _wide_rows(matrix)])
    right, left = _balanced(chosen, images, matrix.dtype)
    return left, right


def _by_svd(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut off the decomposition, made in float64."""
    torch = load_torch()
    u, s, vh = torch.linalg.svd(matrix.to(torch.float64), full_matrices=False)
    root = s[:rank].sqrt()
    return (u[:, :rank] * root).to(matrix.dtype), (vh[:rank].T * root).to(matrix.dtype)


def _balanced(
    unit: torch.Tensor, scaled: torch.Tensor, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors and vectors of length S, both as columns, to columns of length √S each."""
    torch = load_torch()
    root = torch.linalg.vector_norm(scaled, dim=0).sqrt()
    inverse = torch.where(root > 0, 1 / root, 0)
    return (unit * root).to(dtype), (scaled * inverse).to(dtype)


def _gram(matrix: torch.Tensor) -> torch.Tensor:
    """``WᵀW`` in float64, a block of rows at a time."""
    result = matrix.new_zeros(matrix.shape[1], matrix.shape[1], dtype=load_torch().float64)
    for rows in _wide_rows(matrix):
        result.addmm_(rows.T, rows)
    return result


def _wide_rows(matrix: torch.Tensor) -> Iterator[torch.Tensor]:
    """The rows in float64, some at a time: all of them would need twice the memory of the matrix."""
    for start in range(0, matrix.shape[0], ROWS):
        yield matrix[start : start + ROWS].to(load_torch().float64)
