"""Statistics against torch's."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from graph_files import evaluator, lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.graph import evaluate
from brainsurgery_shell.graph.statistics import Statistics, statistics

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
EIGHT = (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz)
WHOLE = (
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64
)  # fmt: skip


def of(folder: Path, tensor: torch.Tensor) -> Statistics:
    return statistics(lazy(folder, w=tensor)["w"], evaluator())


def close(ours: float | None, theirs: float) -> bool:
    assert ours is not None
    if math.isnan(theirs) or math.isinf(theirs):
        return str(ours) == str(theirs)
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(
    st.sampled_from(FLOATS + EIGHT),
    st.lists(st.floats(-60, 60) | st.sampled_from((0.0, -0.0, math.nan, math.inf, -math.inf)), min_size=1),
)
def test_floats(tmp_path: Path, dtype: torch.dtype, values: list[float]) -> None:
    tensor = torch.tensor(values, dtype=torch.float64).to(dtype)
    wide = tensor.to(torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "PIECE_ELEMENTS", 3)
        found = of(tmp_path, tensor)
    assert close(found.min, wide.min().item())
    assert close(found.max, wide.max().item())
    assert close(found.mean, wide.mean().item())
    assert close(found.std, wide.std().item() if len(values) > 1 else math.nan)
    assert found.zeros == int((wide == 0).sum())
    assert found.nan == int(wide.isnan().sum())
    assert found.inf == int(wide.isinf().sum())


@pytest.mark.parametrize("dtype", WHOLE, ids=str)
def test_whole_numbers(dtype: torch.dtype, tmp_path: Path) -> None:
    bounds = torch.iinfo(dtype)
    values = [bounds.min, bounds.max, 0, 1, bounds.max - 1]
    signed = [value - 2**64 if value >= 2**63 else value for value in values]
    tensor = (
        torch.tensor(signed).view(torch.uint64)
        if dtype == torch.uint64
        else torch.tensor(values, dtype=dtype)
    )
    found = of(tmp_path, tensor)
    assert (found.min, found.max) == (bounds.min, bounds.max)
    assert isinstance(found.max, int)
    mean = sum(values) / 5
    assert found.mean == pytest.approx(mean)
    assert found.std == pytest.approx(math.sqrt(sum((value - mean) ** 2 for value in values) / 4))
    assert found.zeros == values.count(0)
    assert (found.nan, found.inf) == (0, 0)


def test_booleans_and_complex_numbers(tmp_path: Path) -> None:
    found = of(tmp_path, torch.tensor([True, False, False]))
    assert (found.min, found.max, found.zeros, found.mean) == (0, 1, 2, pytest.approx(1 / 3))
    numbers = torch.tensor([0j, complex(math.nan, 0), complex(0, math.inf), 1 + 1j])
    found = of(tmp_path, numbers)
    assert (found.zeros, found.nan, found.inf) == (1, 1, 1)
    assert found.min is None


def test_empty_and_single(tmp_path: Path) -> None:
    found = of(tmp_path, torch.zeros(0, 3))
    assert (found.min, found.max, found.mean, found.std, found.zeros) == (None, None, None, None, 0)
    found = of(tmp_path, torch.tensor(2.5))
    assert (found.min, found.max, found.mean) == (2.5, 2.5, 2.5)
    assert found.std is not None
    assert math.isnan(found.std)


def test_large_numbers_do_not_break_it(tmp_path: Path) -> None:
    found = of(tmp_path, torch.tensor([1e308, 1e308, -1e308], dtype=torch.float64))
    assert (found.min, found.max) == (-1e308, 1e308)
    assert found.std is not None
