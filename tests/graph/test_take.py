"""A selection that lies in one piece of a file stays a byte range of it; any other is computed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from brainsurgery_shell.graph.build import take
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.tensor import FileFacts, StoredFile, stored

FILE = StoredFile(Path("x"), FileFacts(0, 0, 0, 0), "x")


@st.composite
def selections(draw: st.DrawFn) -> tuple[tuple[int, ...], list[tuple[int, int, int, bool]]]:
    """A shape, and for each dim a range that selects something."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple))
    ranges = []
    for size in shape:
        start, stop = sorted(draw(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))))
        step = draw(st.integers(1, 3)) if stop > start else 1
        last = range(start, stop + 1, step)[-1]
        ranges.append((start, last + 1, step if last > start else 1, last > start or draw(st.booleans())))
    return shape, ranges


@given(selections())
def test_what_lies_in_one_piece(selection: tuple[tuple[int, ...], list[tuple[int, int, int, bool]]]) -> None:
    shape, ranges = selection
    index = tuple(slice(*each[:3]) if each[3] else each[0] for each in ranges)
    expected = np.arange(math.prod(shape)).reshape(shape)[index]
    flat = np.ravel(expected)
    in_one_piece = np.array_equal(flat, np.arange(flat[0], flat[0] + flat.size))
    taken = take(stored(shape, BY_NAME["float32"], FILE, 100), ranges)
    assert taken.shape == expected.shape
    assert (taken.file is not None) == in_one_piece
    if in_one_piece:
        assert taken.offset == 100 + 4 * flat[0]
