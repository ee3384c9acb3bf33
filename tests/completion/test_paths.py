"""Paths: what is likely comes first, and a home folder stays a tilde."""

from __future__ import annotations

from pathlib import Path

import pytest
from completion_views import View, view


@pytest.fixture
def folder(tmp_path: Path) -> View:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "my model.safetensors").touch()
    for name in ("a.txt", "b.safetensors", "plan.yaml", ".hidden"):
        (tmp_path / name).touch()
    return view(tmp_path)


def test_checkpoints_plans_and_folders_first(folder: View) -> None:
    assert folder.shown("load: path: ") == ["b.safetensors", "models/", "plan.yaml", "a.txt"]
    assert folder.shown("load: path: .h") == [".hidden"]


def test_a_path_is_quoted_where_it_must_be(folder: View) -> None:
    assert folder.lines("load: path: models/") == ["load: path: 'models/my model.safetensors'"]
    assert folder.lines("load: mo") == ["load: models/"]


def test_a_redirect_takes_a_path(folder: View) -> None:
    assert folder.lines("summarize > pl") == ["summarize > plan.yaml"]


def test_home_stays_a_tilde(folder: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.folder))
    assert folder.lines("load: ~") == ["load: ~/"]
    assert folder.lines("load: ~/pl") == ["load: ~/plan.yaml"]


@pytest.mark.parametrize("typed", ["nosuch/", "~nobody-at-all/", "a.txt/", "\0/"])
def test_what_is_no_folder_offers_nothing(folder: View, typed: str) -> None:
    assert folder.at(f"load: path: {typed}") == []
