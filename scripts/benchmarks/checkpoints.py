"""Makes checkpoints to measure on: run as a program, so that the memory it takes is not the benchmark's.

checkpoints.py sharded FOLDER GB [SEED [WIDTH]]   a sharded bf16 checkpoint as a language model has it
checkpoints.py differing FOLDER OTHER             a copy of another whose last value differs
checkpoints.py names FOLDER COUNT                 one file with very many small tensors
checkpoints.py large FOLDER GB                    one file; half of it is a single tensor
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np

WIDTH = 2048
LARGE_WIDTH = 4096
SHARD = 2**29
Shapes = dict[str, tuple[int, ...]]


def layer(number: int, width: int) -> Shapes:
    at = f"model.layers.{number}"
    inner = width * 11 // 4
    return {
        f"{at}.input_layernorm.weight": (width,),
        **{f"{at}.self_attn.{part}_proj.weight": (width, width) for part in "qkvo"},
        f"{at}.mlp.gate_proj.weight": (inner, width),
        f"{at}.mlp.up_proj.weight": (inner, width),
        f"{at}.mlp.down_proj.weight": (width, inner),
    }


def nbytes(shape: tuple[int, ...]) -> int:
    size = 2
    for length in shape:
        size *= length
    return size


def header(shapes: Shapes) -> bytes:
    facts: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, shape in shapes.items():
        end = start + nbytes(shape)
        facts[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(facts, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def values(count: int, seed: int) -> np.ndarray:
    """Normal numbers as bf16: the upper halves of float32."""
    drawn = np.random.default_rng(seed).standard_normal(count, dtype=np.float32) * 0.02
    return (drawn.view(np.uint32) >> 16).astype(np.uint16)


def write(path: Path, shapes: Shapes, block: np.ndarray) -> None:
    with path.open("wb") as file:
        file.write(header(shapes))
        left = sum(map(nbytes, shapes.values()))
        while left:
            piece = block[: left // 2]
            piece.tofile(file)
            left -= piece.nbytes


def sharded(folder: Path, gigabytes: float, seed: int = 7, width: int = WIDTH) -> None:
    shapes: Shapes = {"model.embed_tokens.weight": (width * 16, width)}
    number = 0
    while not number or sum(map(nbytes, shapes.values())) < gigabytes * 1e9:
        shapes |= layer(number, width)
        number += 1
    shards: list[Shapes] = [{}]
    for name, shape in shapes.items():
        if shards[-1] and sum(map(nbytes, shards[-1].values())) + nbytes(shape) > SHARD:
            shards.append({})
        shards[-1][name] = shape
    block = values(2**24, seed)
    places: dict[str, str] = {}
    for at, shard in enumerate(shards, 1):
        file = f"model-{at:05}-of-{len(shards):05}.safetensors"
        write(folder / file, shard, block)
        places |= dict.fromkeys(shard, file)
    index = {"metadata": {"total_size": sum(map(nbytes, shapes.values()))}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text("{}")


def differing(folder: Path, other: Path) -> None:
    shutil.copytree(other, folder, dirs_exist_ok=True)
    with max(folder.glob("*.safetensors")).open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        high = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([high ^ 0x80]))  # the sign


def large(folder: Path, gigabytes: float) -> None:
    rows = int(gigabytes * 1e9 / 2 / nbytes((1, LARGE_WIDTH)))
    halves: Shapes = {"large.weight": (rows, LARGE_WIDTH)}
    halves |= {f"small.{number}.weight": (rows // 16, LARGE_WIDTH) for number in range(16)}
    write(folder / "model.safetensors", halves, values(2**24, 7))


def names(folder: Path, count: int) -> None:
    experts = -(-count // 300)
    every = [
        f"model.layers.{i}.experts.{j}.{part}.weight"
        for i in range(100)
        for j in range(experts)
        for part in "abc"
    ]
    write(folder / "model.safetensors", dict.fromkeys(every[:count], (4, 2)), values(2**16, 7))


def main(what: str, where: str, much: str, *more: str) -> None:
    folder = Path(where)
    folder.mkdir()
    if what == "sharded":
        sharded(folder, float(much), *map(int, more))
    elif what == "differing":
        differing(folder, Path(much))
    elif what == "names":
        names(folder, int(much))
    else:
        large(folder, float(much))


if __name__ == "__main__":
    main(*sys.argv[1:])
