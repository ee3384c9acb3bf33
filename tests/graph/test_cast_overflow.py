"""How many values a cast makes overflow, against one value at a time in exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from graph_files import evaluator, lazy

from brainsurgery_shell.graph import evaluate
from brainsurgery_shell.graph.build import permute
from brainsurgery_shell.graph.cast import Cast, cast
from brainsurgery_shell.graph.dtypes import ALL, BY_CODE, BY_NAME, DType
from brainsurgery_shell.graph.tensor import LazyTensor

REAL = [dtype for dtype in ALL if dtype.cls in ("float", "int", "bool") and dtype.code and not dtype.packed]
MANTISSA = {
    "float64": 52, "float32": 23, "float16": 10, "bfloat16": 7, "float8_e4m3fn": 3, "float8_e4m3fnuz": 3,
    "float8_e5m2": 2, "float8_e5m2fnuz": 2,
}  # fmt: skip


def samples(dtype: DType) -> torch.Tensor:
    """Values around every other dtype's bounds, as far as ``dtype`` has them."""
    theirs = getattr(torch, dtype.name)
    if dtype.name == "float8_e8m0fnu":
        return torch.arange(0, 256, dtype=torch.uint8).view(theirs)
    if dtype.bits == 8 and dtype.cls != "bool":
        return torch.arange(0, 256).to(torch.uint8).view(theirs)
    if dtype.cls == "bool":
        return torch.tensor([False, True])
    bounds = [
        0.0,
        0.4,
        1.0,
        1.5,
        463.0,
        464.0,
        465.0,
        239.0,
        247.0,
        248.5,
        61439.0,
        61441.0,
        65519.0,
        65521.0,
    ]
    for other in REAL:
        low, high = other.lowest, other.highest
        bounds += [low, high, low - 1, high + 1, low * 2, high * 2] if other.cls == "int" else [low, high]
    bounds += [3.3e38, 3.4028234663852886e38, 3.4028235e38, 3.3895313892515355e38, 3.396e38, 1e39, 1e300]
    if dtype.cls == "int":
        inside = {int(value) for value in bounds if dtype.lowest <= value <= dtype.highest}
        inside |= {int(dtype.lowest), int(dtype.highest)}
        return torch.tensor(sorted(inside), dtype=theirs) if dtype.name != "uint64" else unsigned(inside)
    values = torch.tensor([float(v) for v in bounds] + [math.nan, math.inf], dtype=torch.float64)
    return torch.cat([values, -values]).to(theirs)


def unsigned(values: set[int]) -> torch.Tensor:
    signed = [value - 2**64 if value >= 2**63 else value for value in sorted(values)]
    return torch.tensor(signed, dtype=torch.int64).view(torch.uint64)


def overflow_count(made: LazyTensor) -> int:
    kernel = made.kernel
    return kernel.count_overflow(evaluator().chunks) if isinstance(kernel, Cast) else 0


def numbers(tensor: torch.Tensor) -> list[float | int]:
    """Exact Python numbers."""
    if tensor.dtype.is_floating_point:
        return [float(each) for each in tensor.to(torch.float64).tolist()]
    return [int(each) for each in tensor.tolist()]


def overflows(value: float | int, target: DType) -> bool:
    """The definition in language.md, for one value."""
    if target.cls == "bool":
        return False
    if target.cls == "int":
        return not math.isfinite(value) or not target.lowest <= math.trunc(value) <= target.highest
    if not math.isfinite(value):
        return False
    if target.name == "float8_e8m0fnu":  # no sign, no zero: only what is too large for it counts
        return abs(value) > 1.5 * 2.0**127
    half_step = Fraction(2) ** (math.frexp(target.highest)[1] - 2 - MANTISSA[target.name])
    beyond = abs(Fraction(value)) - Fraction(target.highest)
    # A tie goes to the even neighbour; only e4m3fn's largest value has an even last bit.
    return beyond > half_step or (beyond == half_step and target.name != "float8_e4m3fn")


@pytest.mark.parametrize("target", REAL, ids=str)
@pytest.mark.parametrize("source", REAL, ids=str)
def test_every_pair(source: DType, target: DType, tmp_path: Path) -> None:
    if source is target:
        return
    values = samples(source)
    tensor = lazy(tmp_path, w=values)["w"]
    assert BY_CODE[source.code] is tensor.dtype
    expected = sum(overflows(value, target) for value in numbers(values))
    found = overflow_count(cast(tensor, target, name="w", counted=True))
    assert found == expected


def test_complex_to_real_counts_the_real_parts(tmp_path: Path) -> None:
    tensor = lazy(tmp_path, w=torch.tensor([1e5 + 1j, 1 + 1e9j, math.nan + 0j]))["w"]
    assert overflow_count(cast(tensor, BY_NAME["float16"], counted=True)) == 1
    assert overflow_count(cast(tensor, BY_NAME["bool"], counted=True)) == 0
    assert overflow_count(cast(tensor, BY_NAME["int32"], counted=True)) == 1


def test_complex_casts_are_torchs(tmp_path: Path) -> None:
    values = torch.tensor([0j, 1j, 2 + 0j, -3.5 + 1j])
    tensor = lazy(tmp_path, w=values)["w"]
    for name in ("bool", "float32", "int64", "complex128"):
        expected = values.real if name in ("float32", "int64") else values
        actual = evaluator().whole(cast(tensor, BY_NAME[name]))
        assert torch.equal(actual, expected.to(getattr(torch, name)))


def test_values_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the kernel above asks for ranges of the cast again and again."""
    monkeypatch.setattr(evaluate, "PIECE_ELEMENTS", 4)
    tensor = lazy(tmp_path, w=torch.full((2, 3, 5), 1e6))["w"]
    made = cast(tensor, BY_NAME["float16"], name="w", counted=True)
    runner = evaluator()
    for _ in runner.pieces(permute(made, (0, 2, 1))):
        pass
    assert [kernel.name for kernel in runner.overflows] == ["w"]  # type: ignore[attr-defined]
    assert overflow_count(made) == 30
