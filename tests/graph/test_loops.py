"""What torch computes in another way at the end of a loop is as if all of a tensor were computed at once."""

from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from graph_files import evaluator, lazy

from brainsurgery_shell.graph import evaluate
from brainsurgery_shell.graph.build import bound, elementwise, take
from brainsurgery_shell.graph.elementary import plus, powered

CASES: dict[str, tuple[torch.dtype, Callable[..., torch.Tensor]]] = {
    "complex product": (torch.complex64, operator.mul),
    "complex quotient": (torch.complex64, operator.truediv),
    "half floats, scaled and added": (torch.float16, bound(plus, 0.3)),
    "bfloat16, scaled and added": (torch.bfloat16, bound(plus, 0.3)),
    "power": (torch.float32, powered),
}
ROWS, WIDTH = 9, 31


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 5, 1 << 18])
def test_ranges(case: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "PIECE_ELEMENTS", size)
    dtype, function = CASES[case]
    generator = torch.Generator().manual_seed(1)
    drawn = [torch.randn(ROWS * WIDTH, 2, generator=generator).abs() + 0.1 for _ in range(2)]
    a, b = (torch.view_as_complex(each) if dtype.is_complex else each[:, 0].to(dtype) for each in drawn)
    a, b = a.contiguous().view(ROWS, WIDTH), b.contiguous().view(ROWS, WIDTH)
    expected = function(a.flatten(), b.flatten()).view(ROWS, WIDTH)
    stored = lazy(tmp_path, a=a, b=b)
    made = elementwise(function, stored["a"], stored["b"])
    assert torch.equal(evaluator().whole(made), expected)
    for first, last in ((0, 1), (3, 4), (1, 9), (8, 9)):
        for low, high in ((0, 31), (1, 2), (7, 30), (30, 31)):
            part = take(made, [(first, last, 1, True), (low, high, 1, True)])
            assert torch.equal(evaluator().whole(part), expected[first:last, low:high])
