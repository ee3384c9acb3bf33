"""halved.py INPUT OUTPUT fails unless every value of the output is the bf16 input's, by 0.5, as float16."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

BLOCK = 2**22
Tensors = dict[str, tuple[Path, str, int, int]]
"""By name: file, dtype, and the bytes it takes there."""


def tensors(folder: Path) -> Tensors:
    found: Tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        for name, facts in header.items():
            if name != "__metadata__":
                start, end = (8 + length + at for at in facts["data_offsets"])
                found[name] = path, facts["dtype"], start, end
    return found


def halves(path: Path, start: int, end: int) -> Iterator[np.ndarray]:
    """16-bit words of a range of a file, a block at a time."""
    with path.open("rb") as file:
        file.seek(start)
        for at in range(start, end, 2 * BLOCK):
            yield np.fromfile(file, np.uint16, min(end - at, 2 * BLOCK) // 2)


def check(source: Path, output: Path) -> None:
    before, after = tensors(source), tensors(output)
    if before.keys() != after.keys():
        sys.exit("error: other tensors than in the input")
    for name, (path, _, start, end) in before.items():
        other, dtype, first, last = after[name]
        if dtype != "F16" or last - first != end - start:
            sys.exit(f"error: {name} is {dtype}, {last - first} bytes")
        for was, now in zip(halves(path, start, end), halves(other, first, last), strict=True):
            exact = (was.astype(np.uint32) << 16).view(np.float32)
            # bf16 may round its own half only where numbers are denormal; drawn weights are not.
            if not np.array_equal((exact * np.float32(0.5)).astype(np.float16).view(np.uint16), now):
                sys.exit(f"error: wrong values in {name}")


if __name__ == "__main__":
    check(*map(Path, sys.argv[1:]))
