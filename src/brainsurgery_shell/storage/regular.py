"""Open a file to read its headers, and tell it by them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brainsurgery_shell.errors import StorageError


@contextmanager
def opened(path: Path, shown: str) -> Iterator[int]:
    """A descriptor of the regular file at ``path``, which messages call ``shown``.

    Raises:
        StorageError: it is no regular file, or cannot be read.
    """
    try:
        # A named pipe must not block us, and for a regular file the flag means nothing.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise StorageError(f"cannot read '{shown}': it is not a regular file")
            yield fd
        finally:
            os.close(fd)
    except OSError as error:
        raise StorageError(f"cannot read '{shown}': {error.strerror or error}") from error


def read_at(fd: int, offset: int, count: int) -> bytes:
    """``count`` bytes from byte ``offset``; fewer where the file ends. Raises ``OSError``."""
    parts, done = [], 0
    while done < count:
        part = os.pread(fd, count - done, offset + done)
        if not part:
            break
        parts.append(part)
        done += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def digest_of(header: bytes, size: int) -> str:
    """The digest of a file of ``size`` bytes whose tensors are described by ``header``."""
    digest = hashlib.sha256(header)
    digest.update(size.to_bytes(8, "little"))
    return digest.hexdigest()
