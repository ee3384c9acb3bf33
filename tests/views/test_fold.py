"""Folding: what is folded is alike, and unfolded it is the names again."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.views.fold import Entry, FoldedTree, Leaf, ranges

BIG, SMALL = Leaf("bfloat16", (4, 4), 32), Leaf("float32", (4,), 16)
SEGMENTS = st.sampled_from(
    ("", "a", "b", "w", "0", "1", "2", "3", "5", "01", "n1", "n2", "n3", "n4", "x2y", "x3y", "x4y")
)
NAMES = st.lists(st.lists(SEGMENTS, min_size=1, max_size=4).map(".".join), unique=True, max_size=40)


def numbers_of(text: str) -> Iterator[int]:
    """What is written between braces, read as a shell reads it."""
    for part in text.split(","):
        first, *rest = map(int, part.split(".."))
        last, step = (*rest, 1)[:2] if rest else (first, 1)
        yield from range(first, last + 1, step)


def unfolded(path: str) -> list[str]:
    parts = re.split(r"\{([^}]*)\}", path)
    choices = [list(map(str, numbers_of(part))) if at % 2 else [part] for at, part in enumerate(parts)]
    return ["".join(each) for each in itertools.product(*choices)]


def folded(named: dict[str, Leaf], depth: int | None = None) -> list[Entry]:
    return list(FoldedTree(list(named), list(named.values())).entries(depth))


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(NAMES, st.integers(0, 7))
def test_unfolded_it_is_the_names(names: list[str], salt: int) -> None:
    named = {name: BIG if salt & len(name) else SMALL for name in names}
    entries = folded(named)
    found: dict[str, Leaf] = {}
    for entry in entries:
        below = unfolded(entry.path)
        assert len(below) == entry.times
        if entry.shape is not None:
            leaf = Leaf(entry.dtypes[0], entry.shape, entry.nbytes)
            assert found.keys().isdisjoint(below)
            found |= dict.fromkeys(below, leaf)
        elif entry.path or "" not in named:
            root = not entry.depth and not entry.path
            under = [name for name in names for each in below if root or name.startswith(f"{each}.")]
            assert entry.times * entry.tensors == len(under)
            assert entry.times * entry.nbytes == sum(named[name].nbytes for name in under)
            assert set(entry.dtypes) == {named[name].dtype for name in under}
    assert found == named


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(NAMES, st.integers(0, 3))
def test_at_any_depth_nothing_is_lost(names: list[str], depth: int) -> None:
    entries = folded(dict.fromkeys(names, BIG), depth)
    assert sum(each.times * each.tensors for each in entries if not each.open) == len(names)
    assert all(each.depth <= depth for each in entries)
    shown = [each for each in folded(dict.fromkeys(names, BIG)) if each.depth <= depth]
    assert [each.path for each in shown] == [each.path for each in entries]


@given(st.sets(st.integers(0, 60), min_size=1).map(sorted))
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_ranges(numbers: list[int]) -> None:
    assert list(numbers_of(ranges(numbers))) == numbers


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0, 1, 2, 3), "0..3"),
        ((0, 1, 2, 3, 4, 6, 7), "0..4,6..7"),
        ((0, 2, 4, 6), "0..6..2"),
        ((1, 7), "1,7"),
        ((5,), "5"),
    ],
)
def test_ranges_are_short(numbers: tuple[int, ...], text: str) -> None:
    assert ranges(numbers) == text


def labels(*names: str) -> list[str]:
    return ["  " * each.depth + each.label for each in folded(dict.fromkeys(names, BIG))]


def test_layers_that_differ_stand_apart() -> None:
    """Numbers in their order, whatever the checkpoint's is; the rest in the checkpoint's."""
    names = [f"h.{i}.{part}" for i in (10, 2, 0, 1, 3, 4) for part in ("w", "b")]
    assert labels("wte", *names, "h.3.extra") == [
        "", "  wte", "  h", "    {0..2,4,10}", "      w", "      b", "    3", "      w", "      b", "      extra",
    ]  # fmt: skip


def test_shapes_and_dtypes_are_told_apart() -> None:
    named = {"0.w": BIG, "1.w": SMALL, "2.w": BIG}
    assert [each.label for each in folded(named)] == ["", "{0,2}.w", "1.w"]


def test_layers_of_experts_share_a_line() -> None:
    names = [f"layers.{i}.experts.{j}.{w}" for i in range(4) for j in range(8) for w in ("up", "down")]
    first, *rest = folded(dict.fromkeys(names, BIG))
    assert (first.label, first.times, first.tensors) == ("layers.{0..3}.experts.{0..7}", 32, 2)
    assert [each.times for each in rest] == [32, 32]


def test_two_words_with_numbers_stay_two() -> None:
    assert labels("w1", "w2", "a") == ["", "  w1", "  w2", "  a"]
    assert labels("t0", "t1", "t2") == ["t{0..2}"]


def test_deep_and_long_names_are_names() -> None:
    deep = ".".join("a" * 5000)
    assert labels(deep) == [deep]
    long = "9" * 5000
    assert labels(long) == [long]


def test_a_hundred_thousand_names_are_few_lines() -> None:
    names = [f"m.{i}.e.{j}.{w}.weight" for i in range(50) for j in range(500) for w in ("a", "b", "c", "d")]
    entries = folded(dict.fromkeys(names, BIG))
    assert len(entries) == 5
