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
from brainsurgery_shell.graph.difference import Difference, difference

numbers = st.floats(-8, 8).map(lambda x: round(x * 4) / 4) | st.sampled_from((math.nan, math.inf, -math.inf))
laws = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


def differ(folder: Path, a: torch.Tensor, b: torch.Tensor, eps: float = 0) -> Difference | None:
    tensors = lazy(folder, a=a, b=b)
    return difference(tensors["a"], tensors["b"], eps, evaluator())


def measured(
    folder: Path, a: torch.Tensor, b: torch.Tensor, eps: float = 0, piece: int | None = None
) -> Difference | None:
    """With what is relative to the whole, in pieces of so many elements."""
    tensors = lazy(folder, a=a, b=b)
    with pytest.MonkeyPatch.context() as patch:
        if piece is not None:
            patch.setattr(evaluate, "PIECE_ELEMENTS", piece)
        return difference(tensors["a"], tensors["b"], eps, evaluator(), measured=True)


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


finite = st.floats(-8, 8).map(lambda x: round(x * 4) / 4)
pairs_of_any = st.lists(st.tuples(finite, finite), min_size=1, max_size=12) | st.lists(
    st.tuples(numbers, numbers), min_size=1, max_size=12
)
shifts = st.sampled_from((1.0, 1e-22, 1e19))
"""Squares of the last two are next to nothing, or infinite, in float32."""


@laws
@given(
    pairs_of_any,
    st.sampled_from((0, 1.0, 1e9)),
    st.sampled_from(
        (torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.int32, torch.complex64)
    ),
    shifts,
)
def test_relative_error_and_cosine(
    tmp_path: Path, pairs: list[tuple[float, float]], eps: float, dtype: torch.dtype, shift: float
) -> None:
    """As numpy would say it of all values at once, whatever the pieces; equal infinities and NaN left out."""
    if dtype in (torch.int32, torch.float16):
        shift = 1.0
    if dtype is torch.int32:
        pairs = [tuple(number if math.isfinite(number) else 7.0 for number in pair) for pair in pairs]
    a, b = (torch.tensor(side).mul(shift).to(dtype) for side in zip(*pairs, strict=True))
    found = measured(tmp_path, a, b, eps, piece=5)
    if found is None:
        return
    wide = torch.complex128 if dtype.is_complex else torch.float64
    a, b = a.to(wide), b.to(wide)
    kept = ~((a == b) | (a.isnan() & b.isnan())) | a.isfinite()
    a, b = a[kept], b[kept]
    if not (a.isfinite().all() and b.isfinite().all()):
        assert (found.relative, found.cosine) == (None, None)
        return
    norms = [float(torch.linalg.vector_norm(each)) for each in (a, b, a - b)]
    assert found.relative == pytest.approx(norms[2] / norms[0] if norms[0] else math.inf, rel=1e-5)
    if norms[0] and norms[1]:
        expected = float(torch.vdot(a, b).real) / norms[0] / norms[1]
        assert found.cosine == pytest.approx(expected, abs=1e-5)
    else:
        assert found.cosine is None


@pytest.mark.parametrize("at", [0, 3, 7, 9])
def test_pieces_that_are_the_same_count_too(tmp_path: Path, at: int) -> None:
    """One value differs, in one of several pieces."""
    a = torch.arange(1.0, 11)
    b = a.clone()
    b[at] += 1
    found = measured(tmp_path, a, b, piece=3)
    assert found is not None
    assert found.relative == pytest.approx(1 / float(a.norm()))
    assert found.cosine == pytest.approx(float(torch.cosine_similarity(a, b, dim=0)))


def test_nearly_the_same(tmp_path: Path) -> None:
    """The cosine of two that differ in the last bits is not above 1, and says that they do."""
    a = torch.rand(100_000, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    b = a.clone()
    b[::7] *= 1.01
    found = measured(tmp_path, a, b)
    assert found is not None
    wide = [each.to(torch.float64) for each in (a, b)]
    relative = float((wide[0] - wide[1]).norm() / wide[0].norm())
    assert found.relative == pytest.approx(relative, rel=1e-4)
    assert found.cosine is not None
    assert 1 - found.cosine == pytest.approx(1 - float(torch.cosine_similarity(*wide, dim=0)), rel=1e-2)


def test_who_does_not_ask_gets_none(tmp_path: Path) -> None:
    unmeasured = differ(tmp_path, torch.tensor([1.0]), torch.tensor([2.0]))
    assert unmeasured is not None
    assert (unmeasured.relative, unmeasured.cosine) == (None, None)
