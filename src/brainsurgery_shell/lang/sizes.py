"""Sizes in bytes, read and written. Units are binary: ``1GB`` is 2^30 bytes."""

from __future__ import annotations

import math

from brainsurgery_shell.errors import StepError

_MOST_DIGITS = 30
"""More is no size of anything, and Python would not read thousands of them."""


def parse_size(text: str) -> int | None:
    """Bytes of ``500MB``, ``1.5 GiB``, ``4096``; units are binary; ``None`` for ``none``.

    Raises:
        StepError: it is no size.
    """
    cleaned = text.strip().lower()
    if cleaned == "none":
        return None
    number = cleaned.rstrip("ib")
    unit = number[-1:] if number[-1:] in "kmgt" and number else ""
    scale = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}[unit]
    tail = cleaned[len(number) :]
    digits = number.removesuffix(unit).strip()
    if (
        digits.replace(".", "", 1).isascii()
        and digits.replace(".", "", 1).isdecimal()
        and len(digits) <= _MOST_DIGITS
        and tail in (("", "b", "ib") if unit else ("", "b"))
    ):
        value = int(digits) * scale if digits.isdecimal() else math.floor(float(digits) * scale)
        if value > 0:
            return value
    raise StepError(
        f"'{text}' is no size", hint="bytes, or a number with KB, MB, GB or TB (binary), as in 500MB; or none"
    )


def size_words(nbytes: int) -> str:
    """Bytes for people: binary units."""
    size = float(nbytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
