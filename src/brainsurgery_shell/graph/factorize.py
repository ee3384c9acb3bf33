"""Low-rank factors and reconstructions as lazy tensors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import StepError, fail
from brainsurgery_shell.graph.build import reshape, take
from brainsurgery_shell.graph.cast import cast
from brainsurgery_shell.graph.dtypes import BY_NAME, DType
from brainsurgery_shell.graph.kernel import WholeKernel
from brainsurgery_shell.graph.lowrank import balanced_factors, energy_rank
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.graph.tensor import LazyTensor, computed

if TYPE_CHECKING:
    import torch

    from brainsurgery_shell.graph.evaluate import Evaluator


class _Decomposition(WholeKernel):
    """What is made from a matrix at once. ``name`` is for errors that only its values show."""

    __slots__ = ("name",)

    def __init__(self, matrix: LazyTensor, name: str) -> None:
        super().__init__((matrix,))
        self.name = name

    def compute(self, out: LazyTensor, inputs: list[torch.Tensor]) -> torch.Tensor:
        """Decompose; an error names the tensor."""
        with _about(self.name):
            return self.decompose(inputs[0])

    @abstractmethod
    def decompose(self, matrix: torch.Tensor) -> torch.Tensor:
        """The result."""


class Factors(_Decomposition):
    """``B`` (m × rank) and then ``A`` (rank × n), flat, in one tensor: they share one evaluation."""

    __slots__ = ("rank",)

    def __init__(self, matrix: LazyTensor, name: str, rank: int) -> None:
        super().__init__(matrix, name)
        self.rank = rank

    @property
    def costly(self) -> bool:
        """Yes, and small."""
        return True

    def decompose(self, matrix: torch.Tensor) -> torch.Tensor:
        """Both factors."""
        a, b = balanced_factors(matrix, self.rank)
        joined: torch.Tensor = load_torch().cat([b.reshape(-1), a.reshape(-1)])
        return joined


class Reconstruction(_Decomposition):
    """``B·A``: of a given rank, or of the least rank that holds a share of the energy."""

    __slots__ = ("energy", "rank")

    def __init__(self, matrix: LazyTensor, name: str, rank: int | None, energy: float | None) -> None:
        super().__init__(matrix, name)
        self.rank = rank
        self.energy = energy

    def decompose(self, matrix: torch.Tensor) -> torch.Tensor:
        """Both factors, multiplied."""
        rank = self.rank
        if rank is None:
            rank = energy_rank(matrix, self.energy if self.energy is not None else 1.0)
        a, b = balanced_factors(matrix, rank)
        return b @ a


def factors(matrix: LazyTensor, rank: int, name: str) -> tuple[LazyTensor, LazyTensor]:
    """``A = √S·Vᵀ`` (rank × n) and ``B = U·√S`` (m × rank) of an m × n matrix, in its dtype.

    Raises:
        StepError: it has no factors of that rank.
    """
    require_rank(matrix, rank, name)
    m, n = matrix.shape
    both = computed((rank * (m + n),), _computed_in(matrix), Factors(matrix, name, rank))
    b = take(both, [(0, rank * m, 1, True)])
    a = take(both, [(rank * m, rank * (m + n), 1, True)])
    return cast(reshape(a, (rank, n)), matrix.dtype), cast(reshape(b, (m, rank)), matrix.dtype)


def reconstruction(matrix: LazyTensor, rank: int | None, energy: float | None, name: str) -> LazyTensor:
    """The best approximation of a rank, or of the least rank that holds a share of the energy; in its dtype.

    Raises:
        StepError: there is none of that rank.
    """
    require_rank(matrix, rank, name)
    kernel = Reconstruction(matrix, name, rank, energy)
    return cast(computed(matrix.shape, _computed_in(matrix), kernel), matrix.dtype)


def rank_of_energy(matrix: LazyTensor, energy: float, name: str, evaluator: Evaluator) -> int:
    """The least rank whose squared singular values add up to the share ``energy`` of all. Reads the matrix.

    Raises:
        StepError: it has no factors, or is not finite.
    """
    require_rank(matrix, None, name)
    with _about(name):
        return energy_rank(evaluator.whole(matrix), energy)


def require_rank(matrix: LazyTensor, rank: int | None, name: str) -> None:
    """Fail unless the tensor is a matrix of floats that has factors (of that rank)."""
    shape = list(matrix.shape)
    if matrix.rank != 2:
        fail(
            f"{name}: only a matrix has low-rank factors, and shape {shape} has {matrix.rank} dims",
            hint="reshape_ it to two dims first, or select a matrix with a slice, as in ::[0]",
        )
    if not matrix.numel:
        fail(f"{name}: shape {shape} has no elements to factorise")
    if matrix.dtype.cls != "float" or not matrix.dtype.arithmetic:
        fail(
            f"{name}: low-rank factors are computed of floats, not of {matrix.dtype}",
            hint="cast it first: cast_: target: …, to: float32",
        )
    if rank is not None and rank > min(matrix.shape):
        fail(
            f"{name}: rank {rank} is more than shape {shape} can have",
            hint=f"its largest rank is {min(matrix.shape)}",
        )


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Let an error name the tensor."""
    try:
        yield
    except StepError as error:
        error.message = f"{name}: {error.message}"
        raise


def _computed_in(matrix: LazyTensor) -> DType:
    return matrix.dtype if matrix.dtype.name == "float64" else BY_NAME["float32"]
