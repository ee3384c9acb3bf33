"""Whether a destination can be written: asked before anything is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from brainsurgery_shell.errors import StorageError, listed
from brainsurgery_shell.storage.names import suffix_of


def check_dest(dest: Path, single: bool, overwrite: bool, shown: str) -> bool:
    """Whether something is at ``dest``. Raises ``StorageError`` if it may not be replaced, ``OSError``."""
    try:
        status = os.lstat(dest)
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return False  # ``check_parent`` says it better
    folder = stat.S_ISDIR(status.st_mode)
    if single and folder:
        raise StorageError(
            f"cannot save '{shown}': it is a folder, "
            f"and a path that ends in {suffix_of(dest.name)} is one file",
            hint="give the path of a file inside it, or a folder's name without that suffix",
        )
    if not single and not folder:
        raise StorageError(
            f"cannot save '{shown}': it is a file, and a path without a known suffix is a folder",
            hint="end the path in .safetensors to save one file",
        )
    if single and not stat.S_ISREG(status.st_mode):
        raise StorageError(f"cannot save '{shown}': it is no regular file")
    if folder and os.path.ismount(dest):
        raise StorageError(
            f"cannot save '{shown}': another disk is mounted there, and a mount cannot be replaced at once",
            hint=f"save to a folder inside it: {Path(shown) / 'model'}",
        )
    if folder and not overwrite:
        names = sorted(path.name for path in dest.iterdir())
        if names:  # an empty folder has nothing to lose
            raise StorageError(
                f"cannot save '{shown}': the folder exists and holds {listed(names)}",
                hint="to replace its weights and keep its other files, give overwrite: true",
            )
    elif not folder and not overwrite:
        raise StorageError(
            f"cannot save '{shown}': the file exists", hint="to replace it, give overwrite: true"
        )
    return True


def check_parent(dest: Path, shown: str) -> None:
    """Check that ``dest`` can be made. Raises ``StorageError``, ``OSError``."""
    parent = dest.parent
    while not os.path.lexists(parent) and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise StorageError(f"cannot save '{shown}': '{parent}' is a file, not a folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise StorageError(
            f"cannot save '{shown}': you may not write to the folder '{parent}'",
            hint="choose a place that you may write to",
        )
