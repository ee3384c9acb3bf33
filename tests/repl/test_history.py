"""The history: each line once, bounded, shared by shells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from brainsurgery_shell.repl import history
from brainsurgery_shell.repl.history import SharedHistory


def lines(path: Path) -> list[str]:
    return list(SharedHistory(path).load_history_strings())


def test_the_newest_comes_first_and_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    for line in ("dump", "undo", "dump", "  ", "help: é"):
        SharedHistory(path).append_string(line)
    assert lines(path) == ["help: é", "dump", "undo"]


def test_pasted_lines_are_remembered_one_by_one(tmp_path: Path) -> None:
    shell = SharedHistory(tmp_path / "history")
    shell.append_string("dump\n\nundo\n")
    assert shell.get_strings() == ["dump", "undo"]
    assert lines(tmp_path / "history") == ["undo", "dump"]


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_ENTRIES", 5)
    monkeypatch.setattr(history, "_SLACK", 2)
    path = tmp_path / "history"
    path.write_text("".join(f"help: {number}\n" for number in range(20)))
    assert lines(path) == [f"help: {number}" for number in range(19, 14, -1)]
    assert path.read_text() == "".join(f"help: {number}\n" for number in range(15, 20))
    assert {each.name for each in tmp_path.iterdir()} == {"history", "history.lock"}


def test_two_shells_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_SLACK", -history.MOST_ENTRIES)  # every load writes it anew
    path = tmp_path / "history"

    def work(shell: int) -> None:
        for number in range(30):
            one = SharedHistory(path)
            list(one.load_history_strings())
            one.append_string(f"help: s{shell}-{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(lines(path)) == 120


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    SharedHistory(tmp_path / "history").append_string("dump")
    assert (tmp_path / "history").stat().st_mode & 0o777 == 0o600


def test_without_a_file_the_shell_remembers_by_itself(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shell = SharedHistory(tmp_path / "file" / "history")
    assert list(shell.load_history_strings()) == []
    shell.append_string("dump")
    assert shell.get_strings() == ["dump"]


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "history").write_bytes(b"dump\n\xff\xfe\n")
    assert lines(tmp_path / "history")[-1] == "dump"
