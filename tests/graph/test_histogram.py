"""Histograms against ``torch.histc``, singular values against numpy's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from graph_files import evaluator, lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph import evaluate, spectrum
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.histogram import Histogram, histogram, passes
from brainsurgery_shell.graph.tensor import LazyTensor

DTYPES = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool,
)  # fmt: skip
SPECIAL = (0.0, -0.0, math.nan, math.inf, -math.inf)


def of(folder: Path, tensor: torch.Tensor, bins: int) -> Histogram:
    return histogram(lazy(folder, w=tensor)["w"], bins, evaluator())


@settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(
    st.sampled_from(DTYPES),
    st.lists(st.floats(-60, 60) | st.sampled_from(SPECIAL), min_size=1, max_size=40),
    st.integers(1, 50),
)
def test_counts_are_those_of_torch(
    tmp_path: Path, dtype: torch.dtype, values: list[float], bins: int
) -> None:
    numbers = torch.tensor(values, dtype=torch.float64)
    if not dtype.is_floating_point:
        numbers = numbers.nan_to_num(1, 3, 3).abs()
    tensor = numbers.to(dtype)
    wide = tensor.to(torch.float64)
    finite = wide[wide.isfinite()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "PIECE_ELEMENTS", 7)
        if not finite.numel():
            with pytest.raises(StepError, match="finite"):
                of(tmp_path, tensor, bins)
            return
        found = of(tmp_path, tensor, bins)
    low, high = finite.min().item(), finite.max().item()
    assert list(found.counts) == torch.histc(finite, bins, low, high).long().tolist()
    assert (found.low, found.high) == ((low, high) if low < high else (low - 1, high + 1))
    assert (found.nan, found.inf) == (int(wide.isnan().sum()), int(wide.isinf().sum()))


def test_many_elements(tmp_path: Path) -> None:
    """One pass and two give the same."""
    values = torch.randn(700_000, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    narrow = of(tmp_path, values, 40)
    wide = values.double()
    assert list(narrow.counts) == torch.histc(wide, 40, wide.min(), wide.max()).long().tolist()
    assert of(tmp_path, values.float(), 40) == narrow == of(tmp_path, wide, 40)
    two, one = lazy(tmp_path, w=wide)["w"], lazy(tmp_path, w=values)["w"]
    assert (passes(two), passes(one)) == (2, 1)


def test_the_widest_range(tmp_path: Path) -> None:
    values = torch.tensor([-1.7e308, 0.1, 1.7e308, 1.6e308], dtype=torch.float64)
    assert of(tmp_path, values, 4).counts == (1, 0, 1, 2)
    assert sum(of(tmp_path, torch.tensor([0.0, 5e-324], dtype=torch.float64), 3).counts) == 2


@pytest.mark.parametrize(
    "tensor", [torch.zeros(0, 3), torch.zeros(2, dtype=torch.complex64)], ids=["empty", "complex"]
)
def test_what_has_none(tmp_path: Path, tensor: torch.Tensor) -> None:
    with pytest.raises(StepError, match="histogram"):
        of(tmp_path, tensor, 4)


@pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.float32, torch.bfloat16, torch.float8_e4m3fn, torch.int32, torch.bool],
    ids=str,
)
@pytest.mark.parametrize("shape", [(30, 20), (5, 40), (1, 1)])
def test_singular_values(tmp_path: Path, dtype: torch.dtype, shape: tuple[int, int]) -> None:
    matrix = (torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3).to(dtype)
    found = spectrum.spectrum(lazy(tmp_path, w=matrix)["w"], evaluator()).values
    expected = np.linalg.svd(matrix.double().numpy(), compute_uv=False)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * expected.max())


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=20), st.floats(0, 1))
def test_the_rank_for_an_energy_is_the_least(values: list[float], energy: float) -> None:
    found = spectrum.Spectrum(tuple(sorted(values, reverse=True)))
    rank = found.rank_for(energy)
    shares = np.cumsum(np.square(found.values))
    assert 1 <= rank <= len(values)
    assert shares[rank - 1] >= energy * shares[-1] * (1 - 1e-12)
    assert rank == 1 or shares[rank - 2] <= energy * shares[-1] * (1 + 1e-12)


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.zeros(3), "rank 1"),
        (torch.zeros(2, 2, 2), "rank 3"),
        (torch.zeros(0, 2), "without elements"),
        (torch.tensor([[1.0, math.nan]]), "NaN"),
        (torch.tensor([[math.inf, -math.inf]]), "infinite"),
        (torch.zeros(2, 2, dtype=torch.complex64), "complex64"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_has_no_singular_values(tmp_path: Path, tensor: torch.Tensor, words: str) -> None:
    with pytest.raises(StepError, match=words):
        spectrum.spectrum(lazy(tmp_path, w=tensor)["w"], evaluator())


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        ((50_000, 5000), "::[:10240]"),
        ((5000, 50_000), "::[:, :10240]"),
        ((20_000, 30_000), "::[:6144, :6144]"),
        ((8192, 8192), "::[:6144, :6144]"),
        ((10**9, 10**9), "::[:6144, :6144]"),
        ((6500, 6600), "::[:6144, :6144]"),
        ((6000, 10_000), "::[:, :7168]"),
    ],
)
def test_a_matrix_that_is_too_large_gets_a_slice_that_is_not(shape: tuple[int, int], part: str) -> None:
    with pytest.raises(StepError) as caught:
        spectrum.require_matrix(LazyTensor(shape, BY_NAME["float32"]))
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(part)
    ends = [int(each.strip(" :") or 10**9) for each in part.strip(":[]").split(",")]
    small = tuple(min(each) for each in zip(shape, [*ends, 10**9], strict=False))
    spectrum.require_matrix(LazyTensor(small, BY_NAME["float32"]))
