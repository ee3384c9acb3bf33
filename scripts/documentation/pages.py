"""Run the transcripts of pages and write what their commands print."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from documentation.transcripts import Run, executable


def main(words: list[str]) -> int:
    """Mend the pages named, or all."""
    pages = [Path(word) for word in words] or executable()
    for page in pages:
        with tempfile.TemporaryDirectory() as name:
            home = Path(name) / "home"
            for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "HOME"):
                os.environ[variable] = str(home / variable.lower())
            os.environ["NO_COLOR"] = "1"
            folder = Path(name) / "work"
            folder.mkdir()
            run = Run(page)(folder)
        if run.wrong:
            page.write_text(run.mended(), encoding="utf-8")
        print(f"{page}: {len(run.wrong)} outputs changed")
    return 0
