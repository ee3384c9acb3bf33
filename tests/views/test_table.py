"""Tables: never wider than the page, and complete where there is no width."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.views.page import PLAIN, Page, page_for
from brainsurgery_shell.views.table import Cell, Column, Styled, table
from brainsurgery_shell.views.text import shortened, visible, width

TEXT = st.text(st.sampled_from("ab0 .…é日本\x1b\n\t\u0301\ud800\u202e"), max_size=12) | st.text(max_size=20)
COLUMNS = st.lists(
    st.builds(
        Column,
        st.sampled_from(("", "name", "bytes")),
        st.booleans(),
        st.sampled_from((None, "end", "middle", "start")),
        st.integers(1, 20),
        st.sampled_from((None, "dim")),
    ),
    min_size=1,
    max_size=5,
)
COLOURS = re.compile(r"\x1b\[\d+m")


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Column], list[list[Cell]]]:
    columns = draw(COLUMNS)
    cells = TEXT | st.builds(Styled, TEXT, st.sampled_from((None, "struck", "red")))
    return columns, draw(st.lists(st.lists(cells, max_size=len(columns)), max_size=5))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(tables(), st.integers(1, 60), st.booleans(), st.integers(0, 4))
def test_no_line_is_wider_than_the_page(
    made: tuple[list[Column], list[list[Cell]]], columns: int, colour: bool, indent: int
) -> None:
    lines = table(*made, Page(columns, colour), indent=indent)
    for line in lines:
        bare = COLOURS.sub("", line)
        assert width(bare) <= columns
        assert bare == visible(bare)
    assert len(lines) in (0, len(made[1]), len(made[1]) + 1)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(tables())
def test_without_a_width_everything_is_there(made: tuple[list[Column], list[list[Cell]]]) -> None:
    """The same as in a terminal that is wide enough, but for colours."""
    lines = table(*made)
    for line, row in zip(lines[len(lines) - len(made[1]) :], made[1], strict=True):
        for cell in row:
            assert visible(cell if isinstance(cell, str) else cell.text).strip() in line
    assert lines == table(*made, Page(10_000))
    assert lines == [COLOURS.sub("", line) for line in table(*made, Page(10_000, colour=True))]


def test_numbers_stand_at_the_right_and_names_give_first() -> None:
    columns = [Column("name", shorten="middle"), Column("size", right=True)]
    rows = [("model.layers.0.weight", "1"), ("w", "1234")]
    assert table(columns, rows) == [
        "name                   size",
        "model.layers.0.weight     1",
        "w                      1234",
    ]
    assert table(columns, rows, Page(16)) == ["name        size", "mode…eight     1", "w           1234"]
    assert table(columns, rows, Page(16, unicode=False))[1] == "mode~eight     1"
    assert table(columns, [], Page(16)) == []
    assert table(columns, rows, titles=False)[0].startswith("model")


def test_colours_are_added_to_the_text() -> None:
    row = (Styled("1", "struck"), "undo")
    assert table([Column(), Column()], [row], Page(colour=True)) == ["\x1b[9m1\x1b[0m  undo"]
    assert table([Column(), Column()], [row]) == ["1  undo"]


@given(TEXT, st.integers(1, 10), st.sampled_from(("end", "middle", "start")))
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_shortened_text_keeps_its_ends(text: str, columns: int, where: str) -> None:
    text = visible(text)
    short = shortened(text, columns, where=where)  # type: ignore[arg-type]
    if width(text) <= columns:
        assert short == text
        return
    assert width(short) <= columns
    head, _, tail = short.partition("…") if where != "start" else ("", "", short[1:])
    assert text.startswith(head)
    assert text.endswith(tail) or "…" in text


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert visible("a\x1b[2Jb\nc\u202e\ud800") == "a\\x1b[2Jb\\nc\\u202e\\ud800"
    assert visible("é日 .*") == "é日 .*"
    assert width("日é") == 3
    assert width("e\u0301") == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_page_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    assert page_for(io.StringIO()) == PLAIN
    monkeypatch.setenv("COLUMNS", "33")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert page_for(Terminal()) == Page(33, colour=True)
    assert page_for(Terminal(), "never") == Page(33)
    assert page_for(io.StringIO(), "always") == Page(None, colour=True)
    monkeypatch.setenv("TERM", "dumb")
    assert page_for(Terminal()) == Page(33)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert page_for(Terminal()) == Page(33)
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert page_for(narrow) == Page(unicode=False)
