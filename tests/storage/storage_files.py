"""Checkpoints for the tests of storage."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import BY_NAME, DType
from brainsurgery_shell.graph.files import FilePool
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.output.save import SaveReport, SaveTarget, execute_save, plan_save
from brainsurgery_shell.storage.read import Opened, open_checkpoint
from brainsurgery_shell.storage.safetensors.header import write_header

F32 = BY_NAME["float32"]
SRC = Path(__file__).parents[2] / "src"
ENV = {**os.environ, "PYTHONPATH": str(SRC)}
PYTHON = sys.executable


class Bytes:
    """Stands for a kernel: the tensor's bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.inputs = ()


def made(data: bytes, shape: tuple[int, ...] | None = None, dtype: DType = F32) -> LazyTensor:
    """A tensor that is computed, to these bytes."""
    shape = (len(data) * 8 // dtype.bits,) if shape is None else shape
    return LazyTensor(shape, dtype, kernel=Bytes(data))


def numbers(count: int, start: int = 0) -> LazyTensor:
    """A float32 tensor whose bytes tell where they come from."""
    return made(b"".join((start + i).to_bytes(4, "little") for i in range(count)))


def pieces(tensor: LazyTensor):
    """In two pieces, through one reused buffer, as the evaluator does."""
    data = tensor.kernel.data
    half = len(data) // 2
    buffer = bytearray(max(half, len(data) - half))
    for part in (data[:half], data[half:]):
        view = memoryview(buffer)[: len(part)]
        view[:] = part
        yield view


def save(path: Path, tensors, *, shard=None, overwrite=False, **options) -> SaveReport:
    layout = options.pop("layout", None)
    plan = plan_save(SaveTarget(path, shard, overwrite, str(path), layout), tensors)
    pool = options.pop("pool", None) or FilePool()
    settings = {
        "metadata": {},
        "companions": None,
        "pieces": pieces,
        "before_replace": lambda path: None,
        "tick": lambda nbytes: None,
    }
    try:
        return execute_save(plan, pool=pool, **(settings | options))
    finally:
        pool.close()


def opened(path: Path) -> Opened:
    return open_checkpoint(path, path.name)


def refused(path: Path, *words: str) -> str:
    """What is said of a checkpoint that cannot be opened; these words must be in it."""
    with pytest.raises(StorageError) as caught:
        opened(path)
    said = f"{caught.value.message} {caught.value.hint or ''}"
    for word in words:
        assert word in said, said
    return said


def content(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Every tensor of a checkpoint: dtype, shape, bytes."""
    pool = FilePool()
    found = {}
    for name, tensor in opened(path).tensors.items():
        data = bytearray(tensor.nbytes)
        pool.read_into(tensor.file, tensor.offset, memoryview(data))
        found[name] = (tensor.dtype.name, tensor.shape, bytes(data))
    pool.close()
    return found


def raw_file(path: Path, header: object, data: bytes = b"") -> Path:
    """A file with this header, sound or not: an object, or its text."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def shard(path: Path, **sizes: int) -> Path:
    """A file with float32 tensors of these sizes, written without our own saving."""
    tensors = {name: LazyTensor((size,), F32) for name, size in sizes.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_header(tensors, {"format": "pt"}) + bytes(4 * sum(sizes.values())))
    return path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def in_time(seconds: float, run) -> None:
    """Run it, in no more than so many seconds."""
    begin = time.perf_counter()
    run()
    assert time.perf_counter() - begin < seconds
