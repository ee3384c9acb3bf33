"""Thousands of steps on one tensor: no recursion, no exponential work."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from graph_files import evaluator, lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.graph import evaluate
from brainsurgery_shell.graph.build import (
    arithmetic,
    bound,
    concat,
    elementwise,
    permute,
    reshape,
    take,
    write_region,
)
from brainsurgery_shell.graph.elementary import plus, times
from brainsurgery_shell.graph.schedule import plan_schedule
from brainsurgery_shell.graph.tensor import LazyTensor

STEPS = 10_000
ROW = [(1, 2, 1, True), (0, 4, 1, True)]


@pytest.fixture
def start(tmp_path: Path) -> LazyTensor:
    return lazy(tmp_path, w=torch.arange(12, dtype=torch.float64).view(3, 4))["w"]


def value(memory: int, tensor: LazyTensor, seconds: float = 12) -> torch.Tensor:
    began = time.perf_counter()
    result = evaluator(memory).whole(tensor)
    assert time.perf_counter() - began < seconds
    return result


@pytest.mark.parametrize("memory", [1, 1 << 30])
def test_elementwise(start: LazyTensor, memory: int) -> None:
    tensor, expected = start, torch.arange(12, dtype=torch.float64).view(3, 4)
    for step in range(STEPS):
        by = 2.0 if step % 2 else 0.5
        tensor = elementwise(bound(times, by), tensor)
    assert torch.equal(value(memory, tensor), expected)


@pytest.mark.parametrize("memory", [1, 1 << 30])
def test_alternating_regions(start: LazyTensor, memory: int) -> None:
    tensor = start
    count = 1000 if memory == 1 else STEPS
    for _ in range(count):
        tensor = write_region(tensor, ROW, elementwise(bound(times, -1), take(tensor, ROW)))
    expected = torch.arange(12, dtype=torch.float64).view(3, 4)
    assert torch.equal(value(memory, tensor, 20), expected)


def test_permutations(start: LazyTensor) -> None:
    tensor = start
    for _ in range(1001):
        tensor = permute(tensor, (1, 0))
    assert torch.equal(value(1 << 30, tensor), torch.arange(12, dtype=torch.float64).view(3, 4).T)


def test_doubling_is_linear(start: LazyTensor) -> None:
    tensor = start
    for _ in range(60):
        tensor = arithmetic(bound(plus, 1), tensor, tensor, False)
    expected = torch.arange(12, dtype=torch.float64).view(3, 4) * 2.0**60
    assert torch.equal(value(1 << 30, tensor, 2), expected)
    assert torch.equal(value(1, tensor, 2), expected)


def test_doubling_across_ranges_is_linear(start: LazyTensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """x = concat of x's two halves, both doubled: every element is read through two slices at each step."""
    monkeypatch.setattr(evaluate, "PIECE_ELEMENTS", 5)
    tensor, expected = start, torch.arange(12, dtype=torch.float64).view(3, 4)
    for _ in range(40):
        left = take(tensor, [(0, 3, 1, True), (0, 2, 1, True)])
        right = take(tensor, [(0, 3, 1, True), (2, 4, 1, True)])
        tensor = concat([arithmetic(bound(plus, 1), right, right, False), left], 1)
        expected = torch.cat([expected[:, 2:] * 2, expected[:, :2]], 1)
    assert torch.equal(value(1 << 30, tensor, 3), expected)
    assert torch.equal(value(1, tensor, 3), expected)


def test_transposed_sums_are_linear(start: LazyTensor) -> None:
    square = take(start, [(0, 3, 1, True), (0, 3, 1, True)])
    expected = torch.arange(12, dtype=torch.float64).view(3, 4)[:, :3].contiguous()
    for _ in range(30):
        square = arithmetic(bound(plus, 1), square, permute(square, (1, 0)), False)
        square = reshape(reshape(square, (9,)), (3, 3))
        expected = expected + expected.T
    assert torch.equal(value(1 << 30, square, 3), expected)


@pytest.mark.parametrize("count", [20, 1000])
def test_sums_from_the_right_hold_few_elements(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each term waits for the sum of all terms behind it."""
    values = torch.arange(1 << 12, dtype=torch.float64)
    monkeypatch.setattr(evaluate, "PIECE_ELEMENTS", values.numel())
    tensor = lazy(tmp_path, w=values)["w"]
    waiting = most = 0

    def term(values: torch.Tensor) -> torch.Tensor:
        nonlocal waiting, most
        waiting += values.numel()
        most = max(most, waiting)
        return values

    def add(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        nonlocal waiting
        waiting -= a.numel()
        return a.add(b)

    total = tensor
    for _ in range(count):
        total = elementwise(add, elementwise(term, tensor), total)
    assert torch.equal(value(1 << 30, total), values * (count + 1))
    assert most <= evaluate.PIECES * values.numel()


def test_regions_one_after_the_other_need_nothing_complete(tmp_path: Path) -> None:
    """Heads are edited one by one: none of the tensors in between is made."""
    expected = torch.arange(600, dtype=torch.float64).view(100, 6)
    tensor = lazy(tmp_path, w=expected)["w"]
    expected = expected.clone()
    for step in range(200):
        row, column = step // 2 % 100, step % 2 * 3
        for by in (2, 3):
            region = [(row, row + 1, 1, True), (column, column + 3, 2, True)]
            tensor = write_region(tensor, region, elementwise(bound(times, by), take(tensor, region)))
            expected[row, column : column + 3 : 2] *= by
    assert plan_schedule(tensor).complete == []
    assert torch.equal(value(1 << 30, tensor), expected)


@given(data=st.data())
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_regions_over_regions(start: LazyTensor, data: st.DataObject) -> None:
    """Whether they overlap, hold each other, or lie apart: what was written last is what is read."""
    dim = st.tuples(st.integers(0, 2), st.integers(1, 4), st.integers(1, 2), st.booleans())
    tensor, expected = start, torch.arange(12, dtype=torch.float64).view(3, 4)
    for step in range(8):
        region, index = [], []
        for size, (low, width, by, keep) in zip((3, 4), data.draw(st.tuples(dim, dim)), strict=True):
            last = min(size, low + width) if keep else low + 1
            region.append((low, last, by if keep else 1, keep))
            index.append(slice(low, last, by) if keep else low)
        part = take(tensor, region)
        assert torch.equal(evaluator(1 << 30).whole(part), expected[tuple(index)])
        tensor = write_region(tensor, region, elementwise(bound(times, step + 2), part))
        expected[tuple(index)] *= step + 2
    assert torch.equal(evaluator(1 << 30).whole(tensor), expected)
