"""Shapes, dtypes and what is an error: as torch has it, decided without torch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph import build
from brainsurgery_shell.graph.dtypes import ALL, BY_NAME, parse_dtype
from brainsurgery_shell.graph.tensor import LazyTensor

laws = settings(max_examples=200, deadline=None, derandomize=True, database=None)
sizes = st.lists(st.integers(0, 4), max_size=4).map(tuple)
UNPACKED = [dtype for dtype in ALL if not dtype.packed]


def lazily(shape: tuple[int, ...], dtype: str = "float32") -> LazyTensor:
    return build.full(shape, BY_NAME[dtype], 0)


def outcome(function: Callable[[], Any]) -> tuple[int, ...] | None:
    """The shape that comes out, or ``None`` for an error."""
    try:
        return tuple(function().shape)
    except (StepError, RuntimeError, IndexError):
        return None


@laws
@given(sizes, st.lists(st.integers(-2, 8), max_size=4))
def test_reshape(shape: tuple[int, ...], target: list[int]) -> None:
    assert outcome(lambda: build.reshape(lazily(shape), target)) == outcome(
        lambda: torch.zeros(shape).reshape(target)
    )


@laws
@given(sizes, st.data())
def test_reshape_that_fits(shape: tuple[int, ...], data: st.DataObject) -> None:
    target = list(data.draw(st.permutations(shape)))
    if target and math.prod(shape) and data.draw(st.booleans()):
        target[0] = -1
    assert outcome(lambda: build.reshape(lazily(shape), target)) == outcome(
        lambda: torch.zeros(shape).reshape(target)
    )


@laws
@given(sizes, st.lists(st.integers(-5, 5), max_size=4))
def test_permute(shape: tuple[int, ...], order: list[int]) -> None:
    assert outcome(lambda: build.permute(lazily(shape), order)) == outcome(
        lambda: torch.zeros(shape).permute(order)
    )


@laws
@given(sizes, st.data())
def test_permute_that_fits(shape: tuple[int, ...], data: st.DataObject) -> None:
    rank = len(shape)
    order = [dim - rank * data.draw(st.booleans()) for dim in data.draw(st.permutations(range(rank)))]
    expected = tuple(torch.zeros(shape).permute(order).shape)
    assert build.permute(lazily(shape), order).shape == expected


@laws
@given(st.lists(sizes, min_size=1, max_size=3), st.integers(-5, 4))
def test_concat(shapes: list[tuple[int, ...]], dim: int) -> None:
    ours = outcome(lambda: build.concat([lazily(shape) for shape in shapes], dim))
    theirs = outcome(lambda: torch.cat([torch.zeros(shape) for shape in shapes], dim))
    legacy = any(shape == (0,) for shape in shapes)  # torch takes an empty 1-d tensor for anything
    assert ours == theirs or legacy


@laws
@given(sizes, st.integers(1, 4), st.integers(0, 3), st.data())
def test_concat_that_fits(shape: tuple[int, ...], count: int, at: int, data: st.DataObject) -> None:
    if not shape:
        return
    dim = at % len(shape)
    shapes = [(*shape[:dim], data.draw(st.integers(0, 3)), *shape[dim + 1 :]) for _ in range(count)]
    expected = tuple(torch.cat([torch.zeros(each) for each in shapes], dim).shape)
    assert build.concat([lazily(each) for each in shapes], dim).shape == expected


@laws
@given(sizes, sizes)
def test_broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        expected = tuple(torch.broadcast_shapes(a, b))
    except RuntimeError:
        with pytest.raises(StepError):
            build.broadcast_shape(a, b)
    else:
        assert build.broadcast_shape(a, b) == expected


@pytest.mark.parametrize("dtype", UNPACKED, ids=str)
def test_dtype_table_is_torchs(dtype: Any) -> None:
    theirs = getattr(torch, dtype.name)
    assert dtype.itemsize == theirs.itemsize
    assert (dtype.cls == "float") == theirs.is_floating_point
    assert (dtype.cls == "complex") == theirs.is_complex
    if dtype.cls == "float":
        info = torch.finfo(theirs)
        assert dtype.highest == info.max
    elif dtype.cls == "int":
        assert (dtype.lowest, dtype.highest) == (torch.iinfo(theirs).min, torch.iinfo(theirs).max)
    assert parse_dtype(dtype.name) is parse_dtype(f"torch.{dtype.name}") is dtype


@pytest.mark.parametrize("dtype", UNPACKED, ids=str)
def test_what_is_arithmetic(dtype: Any) -> None:
    """Only where torch adds, subtracts, multiplies and limits does an operation take the dtype."""
    one = torch.ones(3).to(getattr(torch, dtype.name))

    def works(function: Callable[[], torch.Tensor]) -> bool:
        try:
            return function().dtype == one.dtype
        except (RuntimeError, NotImplementedError):
            return False

    theirs = works(lambda: one + one) and works(lambda: one - one) and works(lambda: one * one)
    assert dtype.arithmetic == theirs


def test_dtypes_that_meet_must_agree() -> None:
    names = ("float32", "bfloat16", "int32", "float64")
    for a, b in itertools.product(names, names):
        left, right = lazily((2,), a), lazily((2,), b)
        for broadcast in (False, True):
            if a == b:
                assert build.arithmetic(max, left, right, broadcast).dtype.name == a
            else:
                with pytest.raises(StepError, match="dtypes differ"):
                    build.arithmetic(max, left, right, broadcast)
        if a != b:
            with pytest.raises(StepError, match="dtypes differ"):
                build.concat([left, right], 0)


def test_shapes_that_meet_must_agree_unless_asked() -> None:
    with pytest.raises(StepError, match=r"\[2\] and \[2, 2\]") as caught:
        build.arithmetic(max, lazily((2,)), lazily((2, 2)), broadcast=False)
    assert caught.value.hint is not None
    assert "broadcast: true" in caught.value.hint
    assert build.arithmetic(max, lazily((2,)), lazily((2, 2)), broadcast=True).shape == (2, 2)


def test_rules_do_not_import_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from brainsurgery_shell.graph import build\n"
        "from brainsurgery_shell.graph.dtypes import BY_NAME\n"
        "from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile, FileFacts, stored\n"
        "t = stored((4, 6), BY_NAME['float32'], StoredFile(None, None, 'x'), 0)\n"
        "build.permute(t, (1, 0)); build.reshape(t, (-1,)); build.concat([t, t], 1)\n"
        "build.take(t, [(0, 4, 2, True), (1, 3, 1, True)])\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
