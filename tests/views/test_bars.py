"""Drawn bars."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.views.bars import chart, merged, sparkline
from brainsurgery_shell.views.page import Page
from brainsurgery_shell.views.text import width

VALUES = st.lists(st.floats(0, 1e30) | st.integers(0, 10**12), min_size=1, max_size=60)


def test_one_line() -> None:
    assert sparkline([0, 1, 2, 4, 8]) == " ▁▂▄█"
    assert sparkline([0, 1, 2, 4, 8], Page(unicode=False)) == " ..:#"
    assert sparkline([0, 0]) == "  "
    assert sparkline([]) == ""
    assert sparkline([1], Page(colour=True)) == "\x1b[36m█\x1b[0m"


def test_a_chart() -> None:
    assert chart([1, 8, 16], height=2, top="16", left="-1", right="1") == [
        "16 │  █",
        "   │▁██",
        " 0 └───",
        "    -1 1",
    ]
    assert chart([2, 1], height=1, top="2", indent=2, page=Page(unicode=False)) == ["  2 |#:", "  0 +--"]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(VALUES, st.integers(1, 80), st.integers(1, 6), st.text("0123456789", max_size=8))
def test_no_chart_is_wider_than_the_page(values: list[float], columns: int, height: int, top: str) -> None:
    lines = chart(values, height=height, top=top, left="-0.5", right="0.5", page=Page(columns))
    assert all(width(line) <= columns for line in lines)
    assert len(lines) in (0, height + 2)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(VALUES, st.integers(1, 70))
def test_what_is_not_zero_is_seen(values: list[float], columns: int) -> None:
    short = merged(values, columns)
    assert len(short) == min(columns, len(values))
    assert max(short) == max(values)
    assert set(short) <= set(values)
    assert [bar != " " for bar in sparkline(values)] == [value > 0 for value in values]
