"""The benchmark of the shell types what it says, and sees what that draws."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


def test_keys_enter_and_preview_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from benchmarks import names, shell

    monkeypatch.setattr(shell, "TYPED", ("dump: wte",))
    monkeypatch.setattr(shell, "PAUSE", 0.001)
    monkeypatch.setattr(shell, "SETTLED", 0.05)
    keys, enters, previews = shell._typed(names.make_many(tmp_path, 3000), 1)
    assert (len(keys), len(enters), len(previews)) == (9, 5, 3)
    assert all(0 < seconds < 10 for seconds in (*keys, *enters, *previews))
