"""System calls that Python's ``os`` does not have. Each has an answer for systems without it."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path

_AT_FDCWD = -100
_NOREPLACE = 1
_EXCHANGE = 2
_WRITE = 2
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})


def _find(name: str, *argtypes: type) -> Callable[..., int] | None:
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError):
        return None
    call.argtypes = argtypes
    call.restype = ctypes.c_int
    return call  # type: ignore[no-any-return]


_rename_call = _find("renameat2", ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_sync_file_range = _find("sync_file_range", ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def exchange(first: Path, second: Path) -> bool:
    """Exchange two paths at once; ``False``, and nothing done, where the system cannot.

    Raises:
        OSError: it can in general, but not these two.
    """
    return _renameat2(first, second, _EXCHANGE)


def rename_new(source: Path, dest: Path) -> None:
    """Rename, but never over something.

    Raises:
        OSError: ``FileExistsError`` if there is something at ``dest``; or it cannot be renamed.
    """
    if _renameat2(source, dest, _NOREPLACE):
        return
    # The best there is elsewhere: a moment is left in which another process may come.
    if os.path.lexists(dest):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(dest))
    source.rename(dest)


def start_writing_back(fd: int, offset: int, count: int) -> None:
    """Ask the system to begin writing these bytes to the disk, so that ``fsync`` finds little left to do."""
    if _sync_file_range is not None:
        _sync_file_range(fd, offset, count, _WRITE)  # a wish: an error would show again in fsync


def _renameat2(source: Path, dest: Path, flags: int) -> bool:
    if _rename_call is None:
        return False
    if _rename_call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(dest), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(dest))
