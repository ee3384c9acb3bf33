"""Low-rank factors against the singular value decomposition in float64."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph import krylov, lowrank
from brainsurgery_shell.graph.lowrank import balanced_factors, energy_rank
from brainsurgery_shell.graph.runtime import load_torch

load_torch()
ROUNDING = {torch.float64: 2.0**-46, torch.float32: 2.0**-20, torch.bfloat16: 2.0**-20}
"""What rounding in the dtype that is computed in may cost, relative to the norm."""

SPECTRA = {
    "flat": lambda i: 0 * i + 1.0,
    "steps": lambda i: (i < 40) + 0.1,
    "slow": lambda i: 1 / i.sqrt(),
    "fast": lambda i: 1 / i**2,
    "exponential": lambda i: torch.exp(-i / 3),
    "spikes": lambda i: torch.where(i < 4, 3e3, 1 + 1 / i),
    "cluster": lambda i: torch.where(i < 80, 10.0, 1 / i),
}


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_values(m: int, n: int, values: torch.Tensor, seed: int) -> torch.Tensor:
    """A matrix with these singular values."""
    k = len(values)
    left, right = (torch.linalg.qr(random(size, k, seed=seed + at)).Q for at, size in enumerate((m, n)))
    return (left * values) @ right.T


def check(matrix: torch.Tensor, rank: int) -> None:
    """The error is the best possible; the factors have the shapes, are balanced, and hold what they must."""
    a, b = balanced_factors(matrix, rank)
    exact = matrix.to(torch.float64)
    values = torch.linalg.svdvals(exact)
    rounding = ROUNDING[matrix.dtype]
    assert a.dtype == b.dtype == (torch.float64 if matrix.dtype == torch.float64 else torch.float32)
    assert (a.shape, b.shape) == ((rank, matrix.shape[1]), (matrix.shape[0], rank))
    a, b = a.to(torch.float64), b.to(torch.float64)
    best = float(values[rank:].norm())
    assert float((exact - b @ a).norm()) <= (1 + 1e-4) * best + rounding * float(values.norm())
    room = max(rounding, 2.0**-40) * float(values[0])
    for gram in (a @ a.T, b.T @ b):
        torch.testing.assert_close(gram, torch.diag(gram.diagonal()), rtol=0, atol=room)
        torch.testing.assert_close(gram.diagonal(), values[:rank], rtol=3e-3, atol=room)


@st.composite
def matrices(draw: st.DrawFn) -> torch.Tensor:
    m, n = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    spectrum = SPECTRA[draw(st.sampled_from(sorted(SPECTRA)))]
    values = spectrum(torch.arange(1, min(m, n) + 1, dtype=torch.float64))
    kept = draw(st.integers(1, min(m, n)))
    values[kept:] *= draw(st.sampled_from((1.0, 1.0, 1e-3, 0.0)))
    scale = 2.0 ** draw(st.sampled_from((0, 0, -13, 13, -100, 100)))
    dtype = draw(st.sampled_from((torch.float32, torch.float64, torch.bfloat16)))
    return (with_values(m, n, values, draw(st.integers(0, 99))) * scale).to(dtype)


@settings(deadline=None)
@given(matrices(), st.data())
def test_the_error_is_the_best_possible(matrix: torch.Tensor, data: st.DataObject) -> None:
    check(matrix, data.draw(st.integers(1, min(matrix.shape))))


@settings(deadline=None)
@given(matrices())
def test_full_rank_reproduces_the_matrix(matrix: torch.Tensor) -> None:
    a, b = balanced_factors(matrix, min(matrix.shape))
    exact = matrix.to(torch.float64)
    error = float((exact - b.to(torch.float64) @ a.to(torch.float64)).norm())
    assert error <= ROUNDING[matrix.dtype] * float(exact.norm())


@settings(deadline=None)
@given(matrices(), st.floats(0, 1, exclude_min=True))
def test_energy_chooses_the_least_rank(matrix: torch.Tensor, energy: float) -> None:
    squares = torch.linalg.svdvals(matrix.to(torch.float64)).square()
    shares = squares.cumsum(0) / squares.sum()
    rank = energy_rank(matrix, energy)
    slack = 1e-12  # ties may go either way
    assert float(shares[rank - 1]) >= energy - slack
    assert rank == 1 or float(shares[rank - 2]) < energy + slack


@pytest.mark.parametrize("spectrum", sorted(SPECTRA))
@pytest.mark.parametrize(("m", "n"), [(300, 290), (270, 600)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_by_gram(m: int, n: int, spectrum: str, dtype: torch.dtype) -> None:
    values = SPECTRA[spectrum](torch.arange(1, min(m, n) + 1, dtype=torch.float64))
    matrix = with_values(m, n, values, 1).to(dtype)
    for rank in (1, 37, min(m, n)):
        check(matrix, rank)
    assert (
        energy_rank(matrix, 0.9) == int((values.square().cumsum(0) < 0.9 * values.square().sum()).sum()) + 1
    )


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Small sides take the iteration too; sizes of the bases that it accepted."""
    sizes: list[int] = []
    dominant = krylov._Basis.dominant
    monkeypatch.setattr(lowrank, "SMALL", 64)
    monkeypatch.setattr(krylov, "STEPS", 14)

    def counted(basis: krylov._Basis, count: int) -> torch.Tensor:
        sizes.append(basis.size)
        return dominant(basis, count)

    monkeypatch.setattr(krylov._Basis, "dominant", counted)
    return sizes


@pytest.mark.parametrize("spectrum", sorted(SPECTRA))
@pytest.mark.parametrize("noise", [0, 1e-3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_by_iteration(spectrum: str, noise: float, dtype: torch.dtype, steps: list[int]) -> None:
    values = SPECTRA[spectrum](torch.arange(1, 513, dtype=torch.float64))
    matrix = with_values(640, 512, values, 2) + noise * random(640, 512, seed=3)
    for rank, tensor in ((16, matrix), (5, matrix.T)):
        check(tensor.to(dtype), rank)
    assert len(steps) == 2


def test_iteration_on_noise_and_on_low_rank(steps: list[int]) -> None:
    for matrix in (random(700, 520, seed=4), random(700, 5, seed=5) @ random(5, 520, seed=6)):
        check(matrix.to(torch.float32), 24)
    assert len(steps) == 2


def test_more_equal_values_than_a_block_has_vectors(steps: list[int]) -> None:
    """Each of them counts, and the iteration sees a block's worth at a time."""
    for rest in (1.0, 9.9, 0.0):
        values = torch.full((520,), rest, dtype=torch.float64)
        values[:90] = 10
        for dtype in (torch.float32, torch.float64):
            check(with_values(600, 520, values, 7).to(dtype), 32)


def test_without_convergence_there_is_another_way(monkeypatch: pytest.MonkeyPatch, steps: list[int]) -> None:
    monkeypatch.setattr(krylov, "TOLERANCE", 0.0)
    matrix = random(600, 520, seed=8).to(torch.float32)
    check(matrix, 32)
    assert steps == []


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e-41, 3e38])
@pytest.mark.parametrize("size", [20, 300])
def test_scales(scale: float, size: int) -> None:
    values = 1 / torch.arange(1, size + 1, dtype=torch.float64)
    matrix = (with_values(size, size, values, 9) * scale).to(torch.float32)
    matrix = matrix.clamp(-3e38, 3e38)
    if scale > 1e-38:
        check(matrix, 7)
    a, b = balanced_factors(matrix, 7)
    assert bool(torch.isfinite(a).all() and torch.isfinite(b).all())
    assert math.isclose(float(a.double().norm()), float(b.double().norm()), rel_tol=1e-4)


def test_scales_of_float64() -> None:
    for scale in (1e300, 1e-300):
        check((random(30, 20, seed=1) * scale), 4)


def test_zeroes() -> None:
    for size in (3, 300):
        a, b = balanced_factors(torch.zeros(size, size), 2)
        assert not a.any()
        assert not b.any()
        assert energy_rank(torch.zeros(size, size), 0.5) == 1


@settings(deadline=None)
@given(matrices())
def test_signs_are_decided(matrix: torch.Tensor) -> None:
    a, _ = balanced_factors(matrix, 1)
    assert float(a[0, a[0].abs().argmax()]) >= 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_finite(value: float) -> None:
    matrix = torch.ones(4, 3)
    matrix[2, 1] = value
    for call in (lambda: balanced_factors(matrix, 1), lambda: energy_rank(matrix, 0.5)):
        with pytest.raises(StepError, match="finite"):
            call()
