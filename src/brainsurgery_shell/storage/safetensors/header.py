"""The header of a safetensors file: read and validated, or made.

A file is 8 bytes (the header's length, little-endian), the header (JSON: name → dtype, shape, and the byte
range of the data counted from the header's end), and the data. The ranges of a valid header cover the data
exactly: without that rule a file could hide bytes, or one tensor could alias another.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from brainsurgery_shell.collector import collector_paused
from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import BY_CODE
from brainsurgery_shell.graph.files import facts_of
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile
from brainsurgery_shell.storage.container import Header
from brainsurgery_shell.storage.layout import PAGE
from brainsurgery_shell.storage.regular import digest_of, opened, read_at
from brainsurgery_shell.storage.safetensors.header_errors import (
    LARGEST,
    MOST_BITS,
    bad_entry,
    bad_json,
    bad_length,
    bad_start,
    broken,
    duplicate_key,
    uncovered,
)

MAX_HEADER = 100_000_000
"""Bytes; the reference implementation refuses more."""

METADATA = "__metadata__"


def read_header(path: Path, shown: str) -> Header:
    """Read the header of the safetensors file at ``path``; ``shown`` is how messages call it.

    Raises:
        StorageError: the file cannot be read, or breaks a rule of the format.
    """
    with opened(path, shown) as fd:
        facts = facts_of(fd)
        raw = _header_bytes(fd, facts.size, shown)
    file = StoredFile(path, facts, shown)
    with collector_paused():
        entries = _parse(raw, shown)
        metadata = _metadata(entries.pop(METADATA, None), shown)
        tensors = _tensors(entries, file, 8 + len(raw))
        del entries  # while the collector is still off: else it looks through all of it first
    return Header(metadata, tensors, (file,), digest_of(raw, facts.size))


def write_header(
    tensors: Mapping[str, LazyTensor], metadata: Mapping[str, str], phase: int | None = None
) -> bytes:
    """Length and header of a file whose data holds ``tensors`` in this order, without gaps.

    The data begins at a multiple of 8 bytes, with a ``phase`` (of ``phase_of``) at that place of a page.

    Raises:
        StorageError: a dtype has no code, a name cannot be written, or the header is too large.
    """
    with collector_paused():
        entries: dict[str, object] = {METADATA: dict(metadata)} if metadata else {}
        begin = 0
        for name, tensor in tensors.items():
            code, end = tensor.dtype.code, begin + tensor.nbytes
            if not code or name == METADATA:
                raise StorageError(f"tensor '{name}' ({tensor.dtype}) cannot be stored in a safetensors file")
            entries[name] = {"dtype": code, "shape": tensor.shape, "data_offsets": (begin, end)}
            begin = end
        try:
            text = orjson.dumps(entries)
        except orjson.JSONEncodeError as error:
            raise StorageError(f"the header cannot be written as JSON: {error}") from error
    size = 8 + len(text)
    text += b" " * (-size % 8 if phase is None else (phase - size) % PAGE)
    if len(text) > MAX_HEADER:
        raise StorageError(
            f"the header would take {len(text)} bytes, and readers refuse more than {MAX_HEADER}",
            hint="save to a folder with a smaller shard size",
        )
    return len(text).to_bytes(8, "little") + text


def _header_bytes(fd: int, size: int, shown: str) -> bytes:
    start = os.pread(fd, 64, 0)
    if size < 8 or len(start) < 8:
        raise broken(shown, f"it has {size} bytes, too few for the length of a header")
    length = int.from_bytes(start[:8], "little")
    if length == 0 or length > MAX_HEADER or 8 + length > size:
        raise bad_length(shown, start, length, size, MAX_HEADER)
    if start[8:9] != b"{":
        raise bad_start(shown, start)
    header = read_at(fd, 8, length)
    if len(header) < length:
        raise broken(shown, "it was cut short while its header was read")
    return header


def _parse(raw: bytes, shown: str) -> dict[str, Any]:
    try:
        entries = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_json(shown, raw, error) from error
    if not isinstance(entries, dict):
        raise broken(shown, "its header is not a JSON object")
    # orjson keeps the last of two equal keys. Every key has its colon, so a dropped one leaves a colon too
    # many; only then (or if a colon may be spelled \u003a) is the header worth a slow look.
    if raw.count(b":") != _colons(entries) or b"\\u003" in raw:
        key = duplicate_key(raw, shown)
        if key is not None:
            raise broken(shown, f"the key '{key}' stands twice in its header")
    return entries


def _colons(entries: dict[str, Any]) -> int:
    """How many colons a header with these entries has if nothing stands twice."""
    count = 4 * len(entries) + "\n".join(entries).count(":")
    metadata = entries.get(METADATA)
    if isinstance(metadata, dict):
        count += len(metadata) - 3 + str([*metadata, *metadata.values()]).count(":")
    return count


def _metadata(found: object, shown: str) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise broken(shown, f"its {METADATA} is not an object of strings")
    for key, value in found.items():
        if not isinstance(value, str):
            raise broken(shown, f"its {METADATA} entry '{key}' is not a string")
    return found


def _tensors(entries: dict[str, Any], file: StoredFile, start: int) -> dict[str, LazyTensor]:
    """The tensors, in the order of their data, which begins at byte ``start``."""
    room = file.facts.size - start
    tensors: dict[str, LazyTensor] = {}
    expected, gapless = 0, True
    for name, entry in entries.items():
        try:
            dtype = BY_CODE[entry["dtype"]]
            shape = entry["shape"]
            begin, end = entry["data_offsets"]
            bits = dtype.bits
            for size in shape:
                if type(size) is not int or size < 0 or size > LARGEST or bits > MOST_BITS:
                    raise bad_entry(name, entry, room, file.shown)
                bits *= size
            sound = type(shape) is list and type(begin) is int and type(end) is int
        except (KeyError, TypeError, ValueError):
            sound = False
        if not sound or bits != 8 * (end - begin) or begin < 0 or end > room:
            raise bad_entry(name, entry, room, file.shown)
        tensors[name] = LazyTensor(tuple(shape), dtype, file=file, offset=start + begin)
        if begin != expected:
            gapless = False
        expected = end
    if gapless and expected == room:  # how everybody writes them
        return tensors
    ranges = [(*entry["data_offsets"], name) for name, entry in entries.items()]
    ranges.sort(key=lambda item: item[:2])  # stable: empty tensors at one place stay in the header's order
    problem = uncovered(ranges, room)
    if problem is not None:
        raise broken(file.shown, problem)
    return {name: tensors[name] for _, _, name in ranges}
