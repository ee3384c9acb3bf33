"""Data as one JSON document."""

from __future__ import annotations

import json


def json_document(data: object) -> list[str]:
    """The lines of one JSON document; names stand as they are, control characters as JSON escapes them."""
    return json.dumps(data, ensure_ascii=False, indent=2).split("\n")
