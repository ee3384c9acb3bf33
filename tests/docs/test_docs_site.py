"""The site builds without a warning and loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs_tools import links, transcripts

pytest.importorskip("material", reason="the extra 'docs' is not installed")

LOADED = re.compile(
    r"<(?:script|img|iframe)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b[^>]*\bhref=[\"']?https?://[^>]*stylesheet"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=transcripts.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    built = {path.relative_to(site).with_suffix(".md") for path in site.rglob("*.html")}
    assert built - {Path("404.md")} == {
        path.relative_to(transcripts.DOCS) for path in transcripts.DOCS.rglob("*.md")
    }


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        assert not LOADED.search(path.read_text(encoding="utf-8")), path
    for path in site.rglob("*.css"):
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_links_out_of_the_site_are_shown_as_paths(site: Path) -> None:
    page = (site / "language.html").read_text(encoding="utf-8")
    assert "grammar/README.md" in page
    assert 'href="../grammar' not in page


def test_links_lead_somewhere() -> None:
    for path in transcripts.DOCS.rglob("*.md"):
        for _, link, _ in links.LINK.findall(path.read_text(encoding="utf-8")):
            assert ":" in link or (path.parent / link).exists(), f"{path}: {link}"
