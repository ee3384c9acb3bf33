"""A hook of mkdocs: links out of ``docs/`` lead to files of the project, which the site does not hold.

In the project's own pages they can be followed; on the site the path is shown instead.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, /, *, page: Any, config: Any, files: Any) -> str:
    """Called by mkdocs for each page."""
    docs = Path(config["docs_dir"])
    folder = (docs / page.file.src_uri).parent

    def shown(match: re.Match[str]) -> str:
        text, link, _ = match.groups()
        if ":" in link:
            return match[0]
        target = (folder / link).resolve()
        if target.is_relative_to(docs):
            return match[0]
        path = target.relative_to(docs.parent)
        return f"`{path}`" if text.strip("`") in (str(path), target.name) else f"{text} (`{path}`)"

    return LINK.sub(shown, markdown)
