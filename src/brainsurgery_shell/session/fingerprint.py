"""Fingerprints of checkpoints: what a plan's ``requires`` holds against its inputs.

``header:HASH`` stands for names, dtypes and shapes, ``content:HASH`` for the values too. Neither depends on
the order of the tensors, on files, shards or format: a checkpoint that was only sharded anew is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.read import Opened

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Evaluator

HEADER, CONTENT = "header", "content"
_PIECE = 4 << 20
_SHOWN = 12


def header_fingerprint(tensors: Mapping[str, LazyTensor]) -> str:
    """``header:HASH``: of names, dtypes and shapes. Reads nothing."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(_line(name, tensors[name]))
    return f"{HEADER}:{digest.hexdigest()}"


def content_fingerprint(tensors: Mapping[str, LazyTensor], evaluator: Evaluator) -> str:
    """``content:HASH``: of names, dtypes, shapes and values. Reads all data.

    Raises:
        StorageError: a file changed, or cannot be read.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_PIECE))
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(_line(name, tensor))
        parts = (tensor,) if tensor.file is not None else evaluator.pieces(tensor)
        for part in parts:
            if isinstance(part, LazyTensor):
                _update(digest, part, evaluator, buffer)
            else:
                digest.update(part)
    return f"{CONTENT}:{digest.hexdigest()}"


def fingerprint(opened: Opened, evaluator: Evaluator, *, content: bool) -> str:
    """Both parts, or that of the header alone."""
    header = header_fingerprint(opened.tensors)
    return f"{header} {content_fingerprint(opened.tensors, evaluator)}" if content else header


def mismatch(alias: str, path: str, wanted: str, opened: Opened, evaluator: Evaluator) -> str | None:
    """What is to be said of an input that has another fingerprint; ``None`` if it has the one that is wanted.

    The fingerprint of the files, as the journal has it, is understood as well.
    """
    for part in wanted.split() or [""]:
        kind, separator, _ = part.partition(":")
        if kind == CONTENT and separator:
            actual = content_fingerprint(opened.tensors, evaluator)
        elif kind == HEADER and separator:
            actual = header_fingerprint(opened.tensors)
        else:
            actual = opened.fingerprint
        if actual != part:
            return (
                f"the input '{alias}' is not the one that this plan was made on: "
                f"expected {_short(part)}, found {_short(actual)} in '{path}'"
            )
    return None


def _short(part: str) -> str:
    kind, separator, digest = part.rpartition(":")
    shown = digest if len(digest) <= _SHOWN else f"{digest[:_SHOWN]}…"
    return f"{kind}{separator}{shown}"


def _line(name: str, tensor: LazyTensor) -> bytes:
    return f"{len(name)} {name} {tensor.dtype} {list(tensor.shape)}\n".encode()


def _update(digest: hashlib._Hash, part: LazyTensor, evaluator: Evaluator, buffer: memoryview) -> None:
    assert part.file is not None
    for start in range(0, part.nbytes, _PIECE):
        piece = buffer[: min(_PIECE, part.nbytes - start)]
        evaluator.files.read_into(part.file, part.offset + start, piece)
        digest.update(piece)
