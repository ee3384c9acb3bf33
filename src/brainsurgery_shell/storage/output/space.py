"""Room on disk, and what a failed write means to the user."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from brainsurgery_shell.errors import StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def amount(nbytes: int) -> str:
    """Bytes for a message: ``1.5 GiB``."""
    size = float(nbytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} TiB"


def check_space(dest: Path, needed: int, shown: str) -> None:
    """Check that the file system of ``dest`` (which need not exist yet) has ``needed`` bytes free.

    Raises:
        StorageError: it has not.
    """
    place = dest.parent
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        status = os.statvfs(place)
    except OSError:
        return  # then the writing itself will tell
    free = status.f_bavail * status.f_frsize
    if free < needed:
        raise StorageError(
            f"not enough space for '{shown}': it needs {amount(needed)}, and {amount(free)} are free",
            hint="free some space, or save to another disk",
        )


def write_failed(shown: str, error: OSError) -> StorageError:
    """The error of a save that the system stopped; nothing of it is left."""
    if error.errno in _FULL:
        hint: str | None = "free some space, or save to another disk"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "choose a place that you may write to"
    else:
        hint = None
    return StorageError(f"cannot save '{shown}': {error.strerror or error}; nothing was changed", hint=hint)
