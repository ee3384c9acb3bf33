"""The error of a file that is not what its name says, in the words of every format."""

from __future__ import annotations

from brainsurgery_shell.errors import StorageError

CUT_OFF = "it may have been cut off: copy or download it again"
"""The hint where bytes are missing."""


def invalid(what: str, kind: str, problem: str, hint: str | None = None) -> StorageError:
    """``what`` is how messages call the file, quoted; ``kind`` what it should be: a 'torch file'."""
    return StorageError(f"{what} is not a valid {kind}: {problem}", hint=hint)
