"""What is wrong with a safetensors header: the slow, exact half of reading it.

``header.py`` only notices that a rule is broken; here it is found out which, and said so that one can act.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import orjson

from brainsurgery_shell.errors import StorageError, nearest
from brainsurgery_shell.graph.dtypes import BY_CODE
from brainsurgery_shell.storage.invalid import CUT_OFF, invalid
from brainsurgery_shell.storage.strangers import stranger

LARGEST = 2**63 - 1
"""The largest size of a dim: PyTorch and every other reader count in signed 64 bits."""

MOST_BITS = 8 * LARGEST
"""No tensor is larger than any file can be. Tested factor by factor: a hostile shape must not cost time."""


def broken(shown: str, problem: str, hint: str | None = None) -> StorageError:
    """The error of a file that is not what its name says."""
    return invalid(f"'{shown}'", "safetensors file", problem, hint)


def bad_length(shown: str, start: bytes, length: int, size: int, cap: int) -> StorageError:
    """The header's length cannot be right; ``start`` is how the file begins."""
    found = stranger(start)
    if found is not None:
        return broken(shown, f"it is {found[0]}", found[1])
    if length == 0:
        return broken(shown, "its header is empty")
    if length > cap:
        return broken(shown, f"its header would have {length} bytes, and {cap} is the most that is allowed")
    return broken(
        shown, f"its header should have {length} bytes, and the file ends after {size - 8}", CUT_OFF
    )


def bad_start(shown: str, start: bytes) -> StorageError:
    """The header begins with something else than an object."""
    return broken(shown, f"its header begins with {start[8:9]!r} and not with '{{'")


def bad_json(shown: str, raw: bytes, error: orjson.JSONDecodeError) -> StorageError:
    """The header is not UTF-8, or not JSON."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        return broken(shown, f"its header is not UTF-8 at byte {8 + fault.start}")
    return broken(shown, f"its header is not JSON: {error.msg} (character {error.pos})")


def duplicate_key(raw: bytes, shown: str) -> str | None:
    """The first key that stands twice in one object, if there is any. Slow: 2 µs a key."""
    twice: list[str] = []

    def check(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                twice.append(key)
            seen.add(key)

    try:
        json.loads(raw, object_pairs_hook=check)
    except RecursionError as error:
        raise broken(shown, "its header is nested too deeply") from error
    return twice[0] if twice else None


def bad_entry(name: str, entry: object, room: int, shown: str) -> StorageError:
    """Say which rule the entry of tensor ``name`` breaks; the data has ``room`` bytes."""
    problem, hint = _bad_fields(entry) or _bad_range(cast("dict[str, Any]", entry), room)
    return broken(shown, f"tensor '{name}' {problem}", hint)


def _bad_fields(entry: object) -> tuple[str, str | None] | None:
    """What is wrong with the three fields of an entry, each by itself."""
    if not isinstance(entry, dict):
        return "is not described by an object", None
    for key in ("dtype", "shape", "data_offsets"):
        if key not in entry:
            return f"has no '{key}'", None
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in BY_CODE:
        near = nearest(str(code), BY_CODE)
        known = f"the nearest known one is {near}" if near else f"known are {', '.join(sorted(BY_CODE))}"
        return f"has the unknown dtype {_short(code)!r}", known
    if not _whole_numbers(shape):
        return f"has the shape {_short(shape)}: sizes are whole numbers from 0 to {LARGEST}", None
    if not _whole_numbers(offsets) or len(offsets) != 2:
        return f"has the data_offsets {_short(offsets)}: they are two whole numbers, begin and end", None
    return None


def _bad_range(entry: dict[str, Any], room: int) -> tuple[str, str | None]:
    """What is wrong with sound fields, taken together."""
    code, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if begin > end:
        return f"has the data_offsets [{begin}, {end}]: the end lies before the beginning", None
    if end > room:
        return f"ends at byte {end} of the data, and the file holds {room}", CUT_OFF
    width = bits = BY_CODE[code].bits
    for size in shape:
        if bits > MOST_BITS:
            return f"has the shape {_short(shape)}, more bytes than any file can hold", None
        bits *= size
    if bits % 8:
        return f"has {bits // width} elements of {code}, which do not fill whole bytes", None
    return f"needs {bits // 8} bytes for {code} {_short(shape)}, and its data has {end - begin}", None


def uncovered(ranges: Sequence[tuple[int, int, str]], room: int) -> str | None:
    """What is wrong with sorted ranges (begin, end, name) that must cover ``room`` bytes, if anything is."""
    expected, before = 0, ""
    for begin, end, name in ranges:
        if begin > expected:
            return (
                f"bytes {expected} to {begin} of its data, in front of tensor '{name}', belong to no tensor"
            )
        if begin < expected:
            return f"tensors '{before}' and '{name}' overlap at byte {begin} of its data"
        expected, before = end, name
    if expected != room:
        return f"the last {room - expected} bytes of its data belong to no tensor"
    return None


def _whole_numbers(found: object) -> bool:
    return isinstance(found, list) and all(type(n) is int and 0 <= n <= LARGEST for n in found)


def _short(found: object) -> str:
    text = str(found)
    return text if len(text) <= 60 else text[:57] + "…"
