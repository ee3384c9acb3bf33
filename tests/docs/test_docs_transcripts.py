"""A page that says something else than what happens is found, and mended."""

from __future__ import annotations

from pathlib import Path

import pytest
from docs_tools import transcripts

FENCE = "```"
PAGE = f"""# A page

{FENCE}python title="there/hello.py"
print("hello")
print("one of 3 things")
{FENCE}

{FENCE}console
$ python there/hello.py
hello
... things
$ ls there
{FENCE}
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def run(page: Path) -> transcripts.Run:
    folder = page.parent / "work"
    folder.mkdir(exist_ok=True)
    return transcripts.Run(page)(folder)


def test_what_differs_is_found_and_mended(page: Path) -> None:
    done = run(page)
    assert [(said.command, printed) for said, printed in done.wrong] == [("ls there", "hello.py\n")]
    page.write_text(done.mended())
    assert page.read_text() == PAGE.replace("$ ls there\n", "$ ls there\nhello.py\n")
    assert run(page).wrong == []


@pytest.mark.parametrize("after", ["", "$ ls there\n"])
def test_a_failure_must_be_said(page: Path, after: str) -> None:
    page.write_text(f"{FENCE}console\n$ ls nowhere\n...\n{after}{FENCE}\n")
    with pytest.raises(transcripts.Wrong, match="fails"):
        run(page)
    page.write_text(f"{FENCE}console\n$ ls nowhere\n...\n$ echo $?\n2\n{FENCE}\n")
    assert run(page).wrong == []


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("", "", True),
        ("a\n", "a\n", True),
        ("a\n", "a\nb\n", False),
        ("a ... c\n", "a b c\n", True),
        ("a ... c\n", "a b\nc\n", False),
        ("a\n...\nc\n", "a\nb\nb\nc\n", True),
        ("a\n...\nc\n", "a\nc\n", True),
        ("a\n...\nc\n", "a\nb\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_dots_stand_for_anything(shown: str, printed: str, same: bool) -> None:
    assert transcripts.matches(shown, printed) == same


def test_mending_keeps_dots() -> None:
    assert (
        transcripts.abridged("took ... ms\nall of it\n...\n", "took 3 ms\nall of 3\n")
        == "took ... ms\nall of 3\n"
    )


def test_a_session_in_pieces(tmp_path: Path) -> None:
    """What is typed behind the text in between goes to the same shell, and each piece gets its own output."""
    text = (
        f"{FENCE}console\n$ brainsurgery --plain --no-journal\nbrainsurgery> prefixes: mode: add, alias: model\n{FENCE}\n"
        f"Then:\n{FENCE}console\nmodel*> prefixes\nnothing\nmodel*> exit\n{FENCE}\n"
    )
    page = tmp_path / "page.md"
    page.write_text(text)
    (session,) = (act for act in transcripts.acts(text) if isinstance(act, transcripts.Said))
    assert session.lines == ["prefixes: mode: add, alias: model", "prefixes", "exit"]
    mended = run(page).mended()
    head, tail = mended.split("Then:")
    assert "undo" in head
    assert "nothing" not in tail
    assert "model::" in tail
    page.write_text(mended)
    assert run(page).wrong == []
