"""The dominant singular subspace of a large matrix by a randomised block Krylov iteration.

The basis spans ``q, Aq, A²q …`` for ``A = WᵀW`` and a random block ``q``, and is kept orthonormal explicitly.
Small blocks and many products need the fewest operations. What could escape them, more equal singular values
than a block has vectors, is looked for with an independent random block before a result is accepted.

C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster approximate singular value
decomposition", NeurIPS 2015. N. Halko, P.-G. Martinsson and J. Tropp, "Finding structure with randomness",
SIAM Review 53, 2011. On small blocks: "Does block size matter in randomized block Krylov low-rank
approximation?", arXiv 2508.06486.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.runtime import load_torch

if TYPE_CHECKING:
    import torch

BLOCK = 32
"""Vectors of a block, and vectors beyond the rank that the result holds."""
STRIDE = 2
"""Blocks between two looks at what was gained: a look costs about as much as a block."""
PROBE, PROBES = 16, 3
"""Vectors of the independent block, and how many blocks it grows to."""
STEPS = 22
"""Blocks, on top of those that hold the rank, after which the iteration gives up."""
TOLERANCE = 1e-4
"""Squared error that may be left to gain, relative to the squared error of the result: half of what an error
within 1e-4 of the best allows."""
MOST_PASSES = 6
"""Of orthogonalisation. Two suffice but for blocks that bring nothing new."""
SEED = 0x9E3779B9


def largest_basis(rank: int) -> int:
    """How many basis vectors the iteration needs at most."""
    return (-(-rank // BLOCK) + STEPS) * BLOCK


def dominant_subspace(matrix: torch.Tensor, rank: int, squared_norm: float) -> torch.Tensor | None:
    """Orthonormal columns (m × p, p > ``rank``) that hold the ``rank`` dominant left singular vectors.

    ``matrix`` is m × n, n at least ``largest_basis(rank)``, with entries that can be squared;
    ``squared_norm`` is its squared Frobenius norm. The best approximation of that rank within the subspace
    has a squared error within about ``TOLERANCE`` of the best possible, relatively. ``None``: no convergence.
    """
    basis = _Basis(matrix, largest_basis(rank))
    # Smaller gains, relative to the squared norm, are rounding.
    noise = squared_norm * max(10 * load_torch().finfo(matrix.dtype).eps ** 2, 1e-14)
    block = basis.grow(basis.fresh(BLOCK), -(-rank // BLOCK) + 1)
    held, gain = basis.held(rank), math.inf
    while basis.size + STRIDE * BLOCK + PROBES * PROBE <= basis.limit:
        block = basis.grow(block, STRIDE)
        held, former = basis.held(rank), held
        before, gain = gain, held - former
        if _left_to_gain(before, gain) > max(TOLERANCE * (squared_norm - held), noise):
            continue
        basis.grow(basis.fresh(PROBE), PROBES)
        held, former = basis.held(rank), held
        # Of what escaped, so few vectors find a part only.
        if (held - former) * (BLOCK / PROBE) <= max(TOLERANCE * (squared_norm - held), noise):
            return basis.dominant(rank + BLOCK)
        block, gain = basis.fresh(BLOCK), math.inf
    return None


def _left_to_gain(before: float, last: float) -> float:
    """What further steps would add if gains go on to shrink as they did from ``before`` to ``last``."""
    if last <= 0:
        return 0.0
    return last * last / (before - last) if last < before < math.inf else math.inf


class _Basis:
    """Orthonormal vectors (rows), their images under the matrix, and the images' inner products."""

    def __init__(self, matrix: torch.Tensor, limit: int) -> None:
        self.matrix = matrix
        self.limit = limit
        self.size = 0
        self._torch = module = load_torch()
        self._vectors = matrix.new_empty(limit, matrix.shape[1])
        # In float64, else what rounds off large directions would hide small ones.
        self._images = matrix.new_empty(limit, matrix.shape[0], dtype=module.float64)
        self._products = matrix.new_empty(limit, limit, dtype=module.float64)
        self._generator = module.Generator().manual_seed(SEED)

    def fresh(self, count: int) -> torch.Tensor:
        """Random vectors, orthonormal and orthogonal to the basis."""
        shape = (count, self.matrix.shape[1])
        drawn = self._torch.randn(shape, generator=self._generator, dtype=self.matrix.dtype)
        return self._orthonormal(drawn)

    def grow(self, block: torch.Tensor, steps: int) -> torch.Tensor:
        """Take in a block and the ``steps - 1`` that follow from it; the one that comes next."""
        for _ in range(steps):
            start, stop = self.size, self.size + len(block)
            self._vectors[start:stop] = block
            image = block @ self.matrix.T
            self._images[start:stop] = image
            inner = self._images[start:stop] @ self._images[:stop].T
            self._products[start:stop, :stop] = inner
            self._products[:stop, start:stop] = inner.T
            self.size = stop
            block = self._orthonormal(image @ self.matrix)
        return block

    def held(self, rank: int) -> float:
        """The squared norm of the best approximation of that rank within the basis."""
        inside = self._products[: self.size, : self.size]
        return float(self._torch.linalg.eigvalsh(inside)[-rank:].sum())

    def dominant(self, count: int) -> torch.Tensor:
        """Orthonormal columns, in float64, that span the images of the ``count`` dominant directions."""
        inside = self._products[: self.size, : self.size]
        chosen = self._torch.linalg.eigh(inside).eigenvectors[:, -count:]
        result: torch.Tensor = self._torch.linalg.qr(self._images[: self.size].T @ chosen).Q
        return result

    def _orthonormal(self, block: torch.Tensor) -> torch.Tensor:
        """Orthonormal vectors that span the block's part orthogonal to the basis.

        Where the block lies in the basis but for rounding these are arbitrary directions, not yet orthogonal
        to it; so it goes through again until hardly anything is taken off.
        """
        held = self._vectors[: self.size]
        for again in range(MOST_PASSES):
            block = block - (block @ held.T) @ held
            columns, upper = self._torch.linalg.qr(block.T)
            block = columns.T
            if again and float(upper.diagonal().abs().min()) > 0.5:
                break
        return block.contiguous()
