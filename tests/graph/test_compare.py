"""Checks of one tensor: zeroes, finite values, ranges."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from graph_files import evaluator, lazy

from brainsurgery_shell.graph.compare import not_finite, not_zero, outside, violation


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
