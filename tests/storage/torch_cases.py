"""Torch files for the tests of storage: ours and torch's, and tensors of every kind."""

import io
import struct
import zipfile
from pathlib import Path

import torch
from hypothesis import strategies as st
from storage_files import opened, save

from brainsurgery_shell.graph.dtypes import ALL
from brainsurgery_shell.graph.evaluate import Evaluator

DTYPES = [getattr(torch, dtype.name) for dtype in ALL if not dtype.packed]
OLD_DTYPES = [
    dtype
    for dtype in DTYPES
    if "float8" not in str(dtype) and str(dtype)[6:] not in ("uint16", "uint32", "uint64")
]

NAMES = st.text(st.sampled_from("ab.0_é"), min_size=1, max_size=6)


def as_bytes(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    return (
        bytes(torch.empty(flat.numel(), dtype=flat.dtype).copy_(flat).view(torch.uint8).numpy())
        if flat.numel()
        else b""
    )


def same(found, expected):
    """Names in order, dtypes, shapes, bits."""
    assert list(found) == list(expected)
    for name, tensor in found.items():
        other = expected[name]
        assert (tensor.dtype, tensor.shape) == (other.dtype, other.shape), name
        assert as_bytes(tensor) == as_bytes(other), name


def read(path: Path) -> dict[str, torch.Tensor]:
    """Every tensor as we read it."""
    evaluator = Evaluator(memory=1 << 28)
    try:
        return {name: evaluator.whole(tensor) for name, tensor in opened(path).tensors.items()}
    finally:
        evaluator.files.close()
        evaluator.close()


def write(path: Path, tensors, **options):
    """Save lazy tensors as we do, whatever computes them."""
    evaluator = Evaluator(memory=1 << 28)
    try:
        return save(path, tensors, pieces=evaluator.pieces, pool=evaluator.files, **options)
    finally:
        evaluator.close()


def pickled(path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        return archive.read(name)


def torch_file(path: Path, pickle: bytes, storages=(), folder="x", **more: bytes) -> Path:
    """An archive with this pickle, sound or not."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", pickle)
        for key, data in enumerate(storages):
            archive.writestr(f"{folder}/data/{key}", data)
        for name, data in more.items():
            archive.writestr(f"{folder}/{name}", data)
    return path


def edited(path: Path, change) -> Path:
    """The archive with ``change(name, data)`` instead of each member's data."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            archive.writestr(name, change(name, data))
    return path


def word(text: str) -> bytes:
    """Text, as a pickle has it."""
    raw = text.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def view(offset=0, size=(2, 3), stride=(3, 1), numel=6, key="0") -> bytes:
    """The pickle of one tensor."""

    def numbers(values):
        return (
            b"(" + b"".join(b"\x8a\x09" + value.to_bytes(9, "little", signed=True) for value in values) + b"t"
        )

    return (
        b"\x80\x02}" + word("w") + b"ctorch._utils\n_rebuild_tensor_v2\n((" + word("storage") + b"ctorch\nFloatStorage\n"
        + word(key) + word("cpu") + b"J" + struct.pack("<i", numel) + b"tQ" + b"J" + struct.pack("<i", offset)
        + numbers(size) + numbers(stride) + b"\x89ccollections\nOrderedDict\n)RtRs."
    )  # fmt: skip


@st.composite
def state_dicts(draw, dtypes=DTYPES):
    """Tensors with views of all sorts, some of one storage, some of no elements, some tied."""
    found: dict[str, torch.Tensor] = {}
    for name in draw(st.lists(NAMES, max_size=6, unique=True)):
        how = draw(st.sampled_from(("new", "tied", "view")))
        if how == "new" or not found:
            found[name] = _new(draw, draw(st.sampled_from(dtypes)))
        else:
            base = found[draw(st.sampled_from(sorted(found)))]
            found[name] = base if how == "tied" else _view(draw, base)
    return found


def _new(draw, dtype):
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    count = 1
    for size in shape:
        count *= size
    data = draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize))
    if dtype == torch.bool:
        data = bytes(byte & 1 for byte in data)
    if not data:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(dtype).reshape(shape).clone()


def _view(draw, base):
    how = draw(st.sampled_from(("permute", "slice", "expand", "strided", "flat")))
    if how == "permute":
        return base.permute(draw(st.permutations(range(base.dim()))))
    if how == "slice" and base.dim():
        dim = draw(st.integers(0, base.dim() - 1))
        start = draw(st.integers(0, base.shape[dim]))
        return base.narrow(dim, start, draw(st.integers(0, base.shape[dim] - start)))
    if how == "expand":
        return base.expand(2, *base.shape)
    if how == "strided" and base.is_contiguous() and base.numel() >= 4:
        return base.as_strided((2, 2), (draw(st.integers(0, 2)), draw(st.integers(0, 1))))
    return base.reshape(-1) if base.is_contiguous() else base
