"""Files that are no checkpoint, or one under a wrong name: what their first bytes tell."""

from __future__ import annotations

_SIGNS: tuple[tuple[bytes, str, str | None], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the real file: git lfs pull"),
    (b"PK\x03\x04", "a zip archive, as torch.save writes", "torch checkpoints end in .pt, .pth or .bin"),
    (b"GGUF", "a GGUF file", "save it as safetensors first"),
    (b"\x89HDF", "an HDF5 file, as Keras writes", "save it as safetensors first"),
    (b"<!DOCTYPE", "a web page", "download the file itself"),
    (b"<html", "a web page", "download the file itself"),
)


def stranger(start: bytes) -> tuple[str, str | None] | None:
    """What a file is that begins with ``start``, and a hint, if it is told at all."""
    return next(((what, hint) for sign, what, hint in _SIGNS if start.startswith(sign)), None)


def is_safetensors(start: bytes) -> bool:
    """Whether a file begins as safetensors do: a header of JSON, behind 8 bytes with its length."""
    return start[8:9] == b"{"
