"""What we write the safetensors library reads, and the other way round."""

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from storage_files import content, made, save

from brainsurgery_shell.graph.dtypes import ALL, BY_NAME

DTYPES = [
    dtype
    for dtype in ALL
    if dtype.code and hasattr(torch, dtype.name) and not dtype.packed and dtype.name != "bool"
]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
    lambda name: name != "__metadata__"
)


@st.composite
def checkpoints(draw):
    """Name → (dtype, shape, bytes)."""
    found = {}
    for name in draw(st.lists(NAMES, unique=True, max_size=6)):
        dtype = draw(st.sampled_from([*DTYPES, BY_NAME["bool"]]))
        shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
        size = dtype.bits // 8
        for n in shape:
            size *= n
        data = draw(st.binary(min_size=size, max_size=size))
        if dtype.name == "bool":
            data = bytes(byte & 1 for byte in data)
        found[name] = (dtype.name, shape, data)
    return found


def as_torch(name, shape, data):
    if not data:
        return torch.empty(shape, dtype=getattr(torch, name))
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(getattr(torch, name)).reshape(shape)


def as_bytes(tensor):
    return bytes(tensor.contiguous().reshape(-1).view(torch.uint8).numpy()) if tensor.numel() else b""


@settings(max_examples=60, deadline=None)
@given(checkpoints(), st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"])), max_size=2))
def test_we_read_what_the_library_writes(found, metadata):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        # safetensors 0.8 writes broken JSON for {} with metadata {}
        save_file({name: as_torch(*tensor) for name, tensor in found.items()}, path, metadata or None)
        assert content(path) == found


@settings(max_examples=60, deadline=None)
@given(checkpoints(), st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"])), max_size=2))
def test_the_library_reads_what_we_write(found, metadata):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        tensors = {name: made(data, shape, BY_NAME[dtype]) for name, (dtype, shape, data) in found.items()}
        save(path, tensors, metadata=metadata)
        read = load_file(path)
        assert {n: (str(t.dtype)[6:], tuple(t.shape), as_bytes(t)) for n, t in read.items()} == found
        with safe_open(path, "pt") as file:
            assert file.metadata() == {"format": "pt", **metadata}


@pytest.mark.parametrize("dtype", [dtype.name for dtype in ALL if dtype.code])
def test_every_dtype_is_written_as_the_library_writes_it(tmp_path, dtype):
    ours = {"t": made(bytes(range(16)), (128 // BY_NAME[dtype].bits,), BY_NAME[dtype])}
    if dtype == "bool":
        ours = {"t": made(bytes(16), (16,), BY_NAME[dtype])}
    if BY_NAME[dtype].bits == 6:
        ours = {"t": made(bytes(range(12)), (16,), BY_NAME[dtype])}
    save(tmp_path / "ours.safetensors", ours)
    assert content(tmp_path / "ours.safetensors")["t"][2] == ours["t"].kernel.data
    with safe_open(tmp_path / "ours.safetensors", "pt") as file:
        assert list(file.keys()) == ["t"]
    if hasattr(torch, dtype) and not BY_NAME[dtype].packed:
        theirs = {"t": as_torch(dtype, ours["t"].shape, ours["t"].kernel.data)}
        save_file(theirs, tmp_path / "theirs.safetensors", {"format": "pt"})
        assert (tmp_path / "ours.safetensors").read_bytes() == (tmp_path / "theirs.safetensors").read_bytes()
