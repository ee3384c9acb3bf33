"""The recorded session: real screens, drawn as they stood, with nothing in the picture but text and boxes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from docs_tools import record, svg, transcripts

SVG = "{http://www.w3.org/2000/svg}"


def line(text: str, **look: object) -> tuple[svg.Run, ...]:
    return (svg.Run(0, text, svg.INK, svg.PAPER, **look),)  # type: ignore[arg-type]


def test_lines_are_drawn_once_and_shown_while_they_stand() -> None:
    frames = [
        svg.Frame((line("a < b"), ()), 1),
        svg.Frame((line("a < b"), line("c")), 3),
        svg.Frame(((), line("c")), 4),
    ]
    picture = svg.draw(frames, 80, "title", "about")
    root = ElementTree.fromstring(picture)
    assert [each.text for each in root.iter(f"{SVG}text")] == ["title", "a < b", "c"]
    assert len(root.findall(f".//{SVG}use")) == 2
    assert "@keyframes s0{0%{visibility:visible}50%{visibility:hidden}}" in picture
    assert "@keyframes s1{0%{visibility:hidden}12.5%{visibility:visible}}" in picture


def test_without_motion_the_last_screen_is_shown() -> None:
    picture = svg.draw([svg.Frame((line("a"),), 1), svg.Frame((line("b"),), 1)], 80, "", "")
    first, last = re.findall(r'<use [^>]*class="([^"]+)"', picture)
    assert "z" not in first.split()
    assert "z" in last.split()


def test_the_real_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "STORY", [("mark", 1.0), (record.ENTER, 2.0)])
    monkeypatch.setattr(record, "LETTERS", 2)
    record.write_model(tmp_path / "llama")
    frames = record.record(tmp_path)
    assert [frame.seconds for frame in frames] == [1.0, record.STROKE, 1.0, 2.0]
    assert "131 tensors" in text(frames[0])
    assert "> mark" not in text(frames[1])
    assert "> mark" in text(frames[2])


def text(frame: svg.Frame) -> str:
    return "\n".join("".join(run.text for run in each) for each in frame.lines)


def test_the_picture_is_plain_and_readme_shows_it() -> None:
    picture = (transcripts.DOCS / "session.svg").read_text(encoding="utf-8")
    tags = {each.tag.removeprefix(SVG) for each in ElementTree.fromstring(picture).iter()}
    assert tags <= {"svg", "title", "style", "rect", "circle", "text", "defs", "g", "use"}
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert len(picture) < 200_000
    assert "docs/session.svg" in (transcripts.ROOT / "README.md").read_text(encoding="utf-8")
