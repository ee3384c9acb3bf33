"""Thousands of steps on one tensor: no recursion, no exponential work."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from graph_files import evaluator, lazy

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
