"""Slices: every result is compared with NumPy's own indexing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.slices import Slice, parse_slice

numbers = st.integers(-7, 7)
ends = st.none() | numbers
ranges = st.builds(slice, ends, ends, st.none() | st.integers(-2, 4))
shapes = st.lists(st.integers(0, 6), max_size=4).map(tuple)
indices = st.lists(numbers | ranges | st.just(...), min_size=1, max_size=5).filter(
    lambda items: items.count(...) <= 1
)


def written(items: list[object]) -> str:
    def one(item: object) -> str:
        if item is ...:
            return "..."
        if isinstance(item, slice):
            ends = [item.start, item.stop, *([] if item.step is None else [item.step])]
            return ":".join("" if end is None else str(end) for end in ends)
        return str(item)

    return f"[{', '.join(map(one, items))}]"


def read(text: str) -> Slice:
    found = parse_slice(text)
    assert found is not None
    return found


def outcome(items: list[object], shape: tuple[int, ...]) -> np.ndarray | None:
    """What NumPy selects; nothing if it is an error for us."""
    if any(isinstance(item, slice) and item.step is not None and item.step < 1 for item in items):
        return None
    try:
        chosen = np.arange(math.prod(shape)).reshape(shape)[tuple(items)]
    except IndexError:
        return None
    return chosen if chosen.size else None


@given(indices, shapes)
def test_it_selects_what_numpy_selects(items: list[object], shape: tuple[int, ...]) -> None:
    expected = outcome(items, shape)
    if expected is None:
        with pytest.raises(StepError, match="'the\\.name'"):
            read(written(items)).resolve(shape, "the.name")
        return
    resolved = read(written(items)).resolve(shape, "the.name")
    assert resolved.shape == expected.shape
    chosen = np.arange(math.prod(shape)).reshape(shape)
    plain = chosen[tuple(slice(r.start, r.stop, r.step) for r in resolved.ranges)]
    assert np.array_equal(plain.reshape(resolved.shape), expected)


@given(indices)
def test_what_is_printed_reads_back(items: list[object]) -> None:
    found = read(written(items))
    assert str(found) == written(items)
    assert read(str(found)) == found


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("[:8,:4]", "[:8, :4]"),
        ("[ 1 , -2 ]", "[1, -2]"),
        ("[::2]", "[::2]"),
        ("[1:2:]", "[1:2]"),
        ("[...]", "[...]"),
        ("[+3:]", "[3:]"),
        ("[2,]", "[2]"),
        ("[ 1 : 2 ]", "[1:2]"),
    ],
)
def test_canonical(text: str, canonical: str) -> None:
    assert str(read(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "[,]", "[a-z]", "[0-9]", "[01]", "[1.5]", "[1:2:3:4]", "[..., ...]"),
        *("[1, , 2]", "[:", ":]", "[[1]]", "[1_0]", "[None]", "[1]x"),
    ],
)
def test_what_is_no_slice(text: str) -> None:
    assert parse_slice(text) is None


@pytest.mark.parametrize(
    ("text", "shape", "says"),
    [
        ("[5]", (3, 2), r"index 5 of the slice \[5\] is out of range: dimension 0 of 'h\.w' has size 3"),
        ("[:, -3]", (3, 2), "index -3 .* dimension 1 .* size 2"),
        ("[::-1]", (3,), r"negative step -1 for dimension 0 of 'h\.w' \(size 3\)"),
        ("[::0]", (3,), "step 0"),
        ("[3:]", (3,), r"selects nothing from dimension 0 of 'h\.w' \(size 3\)"),
        ("[2:1]", (3,), "selects nothing"),
        ("[:2]", (3, 0), "selects nothing from dimension 1"),
        ("[0, 0]", (3,), "too many indices for 'h\\.w': 2, and the tensor has 1 dimension"),
        ("[:]", (), "too many indices .* 0 dimensions"),
    ],
)
def test_errors(text: str, shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(StepError, match=says) as caught:
        read(text).resolve(shape, "h.w")
    assert caught.value.hint
