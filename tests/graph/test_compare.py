"""Comparisons: NaN equals NaN, infinities of one sign are equal, eps is absolute."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from graph_files import evaluator, lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.graph import evaluate
from brainsurgery_shell.graph.compare import (
    Difference,
    difference,
    not_finite,
    not_zero,
    outside,
    violation,
)

numbers = st.floats(-8, 8).map(lambda x: round(x * 4) / 4) | st.sampled_from((math.nan, math.inf, -math.inf))
laws = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


def differ(folder: Path, a: torch.Tensor, b: torch.Tensor, eps: float = 0) -> Difference | None:
    tensors = lazy(folder, a=a, b=b)
    return difference(tensors["a"], tensors["b"], eps, evaluator())


def equal(a: float, b: float, eps: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= eps


@laws
@given(
    st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12),
    st.sampled_from((0, 0.25, 1.0, 1e9)),
    st.sampled_from((torch.bfloat16, torch.float16, torch.float32, torch.float64)),
)
def test_floats(tmp_path: Path, pairs: list[tuple[float, float]], eps: float, dtype: torch.dtype) -> None:
    a, b = (torch.tensor(side, dtype=dtype) for side in zip(*pairs, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "PIECE_ELEMENTS", 5)
        found = differ(tmp_path, a, b, eps)
    wrong = [at for at, pair in enumerate(pairs) if not equal(*pair, eps)]
    if not wrong:
        assert found is None
    else:
        assert found is not None
        assert found.count == len(wrong)
        assert found.index == (wrong[0],)
        gaps = [abs(a - b) for a, b in (pairs[at] for at in wrong)]
        assert found.largest == max((gap for gap in gaps if gap == gap), default=math.inf)


@pytest.mark.parametrize("name", ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"])
def test_whole_numbers_are_compared_exactly(name: str, tmp_path: Path) -> None:
    dtype = getattr(torch, name)
    high = torch.iinfo(dtype).max

    def tensor(*values: int) -> torch.Tensor:
        if name == "uint64":
            return torch.tensor([v - 2**64 if v >= 2**63 else v for v in values]).view(dtype)
        return torch.tensor(values, dtype=dtype)

    assert differ(tmp_path, tensor(high, 5), tensor(high, 5)) is None
    for eps, equal_within in ((0, False), (0.5, False), (1, True), (2, True)):
        found = differ(tmp_path, tensor(high, 5), tensor(high - 1, 5), eps)
        assert (found is None) == equal_within, eps
    found = differ(tmp_path, tensor(high, 5), tensor(0, 5), 1)
    assert found is not None
    assert found.count == 1


@pytest.mark.parametrize("name", ["bool", "float8_e4m3fn", "float8_e5m2", "bfloat16", "float16", "complex64"])
def test_other_dtypes(name: str, tmp_path: Path) -> None:
    a = torch.tensor([0.0, 1.0, 1.0]).to(getattr(torch, name))
    b = torch.tensor([0.0, 1.0, 0.0]).to(getattr(torch, name))
    assert differ(tmp_path, a, a.clone()) is None
    found = differ(tmp_path, a, b)
    assert found is not None
    assert (found.count, found.index) == (1, (2,))


def test_signed_zeros_are_equal_and_nans_too(tmp_path: Path) -> None:
    a = torch.tensor([0.0, math.nan, math.inf])
    b = torch.tensor([-0.0, math.nan, math.inf])
    b.view(torch.int32)[1] = 0x7FC01234  # another NaN
    assert differ(tmp_path, a, b) is None
    found = differ(tmp_path, a, torch.tensor([0.0, math.nan, -math.inf]), 1e30)
    assert found is not None
    assert found.index == (2,)


def test_indexes_count_dims(tmp_path: Path) -> None:
    a = torch.zeros(2, 3, 4)
    b = a.clone()
    b[1, 2, 0] = 1
    found = differ(tmp_path, a, b)
    assert found is not None
    assert found.index == (1, 2, 0)
    assert found.largest == 1


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float8_e5m2"])
def test_checks_of_one_side(name: str, tmp_path: Path) -> None:
    values = torch.tensor([0.0, -0.5, 1.0, math.nan, math.inf]).to(getattr(torch, name))
    tensor = lazy(tmp_path, w=values)["w"]

    def count(wrong: object) -> int:
        found = violation(tensor, wrong, "", evaluator())  # type: ignore[arg-type]
        return found.count if found is not None else 0

    assert count(not_finite) == 2
    assert count(not_zero(0)) == 4
    assert count(not_zero(0.5)) == 3
    assert count(outside(-0.5, 1)) == 2
    assert count(outside(0, None)) == 2
    assert count(outside(None, 0.5)) == 3


def test_ranges_of_whole_numbers_are_exact(tmp_path: Path) -> None:
    tensor = lazy(tmp_path, w=torch.tensor([2**60, 2**63 - 1]))["w"]
    assert violation(tensor, outside(0, 2**63 - 1), "", evaluator()) is None
    found = violation(tensor, outside(None, 2**63 - 2), "", evaluator())
    assert found is not None
    assert found.count == 1
    found = violation(tensor, outside(2**60 + 1, None), "", evaluator())
    assert found is not None
    assert found.index == (0,)
