"""Compare two safetensors files tensor by tensor, without a line of the code that wrote them.

compare.py LEFT RIGHT
"""

import json
import sys
from pathlib import Path

Tensors = dict[str, tuple[str, tuple[int, ...], bytes]]


def read(path: Path) -> Tensors:
    """The tensors of a file by name: dtype, shape, bytes."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    return {
        name: (
            facts["dtype"],
            tuple(facts["shape"]),
            data[slice(*(start + at for at in facts["data_offsets"]))],
        )
        for name, facts in header.items()
        if name != "__metadata__"
    }


def main(left: Path, right: Path) -> int:
    ours, theirs = read(left), read(right)
    differing = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if differing:
        print(f"{len(differing)} tensors differ: {', '.join(differing[:5])}")
        return 1
    print(f"all {len(ours)} tensors bit-equal: names, dtypes, shapes, bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
