"""What makes the documentation, found as a program in ``scripts/`` finds it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "scripts"))

from documentation import links, record, reference, svg, transcripts

__all__ = ["links", "record", "reference", "svg", "transcripts"]
