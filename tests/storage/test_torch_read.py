"""What torch writes we read, now and before its version 1.6."""

import collections
import json
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_files import opened, refused
from torch_cases import OLD_DTYPES, edited, read, same, state_dicts

from brainsurgery_shell.storage.pickles.machine import INLINE
from brainsurgery_shell.storage.torch import legacy as torch_legacy
from brainsurgery_shell.storage.torch.read import read_torch

A, B = torch.arange(6.0).reshape(2, 3), torch.ones(4, dtype=torch.bfloat16)


@settings(max_examples=120, deadline=None)
@given(state_dicts(), st.booleans(), st.sampled_from((2, 3, 4, 5)))
def test_we_read_what_torch_writes(tensors, as_parameters, protocol):
    saved = dict(tensors)
    if as_parameters:
        saved = {
            name: torch.nn.Parameter(tensor, requires_grad=False) if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pt"
        torch.save(saved, path, pickle_protocol=protocol)
        same(read(path), tensors)


@settings(max_examples=60, deadline=None)
@given(state_dicts(OLD_DTYPES))
def test_and_what_it_wrote_before_1_6(tensors):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.bin"
        torch.save(tensors, path, _use_new_zipfile_serialization=False)
        same(read(path), tensors)


def test_data_are_not_read_and_stay_where_they_are(tmp_path):
    torch.save({"a": A, "b": B}, tmp_path / "x.pt")
    header = read_torch(tmp_path / "x.pt", "x.pt")
    for tensor in header.tensors.values():
        assert tensor.kernel is None
        assert tensor.offset % 64 == 0


def test_a_transposed_view_is_a_permutation_of_stored_bytes(tmp_path):
    torch.save({"t": A.t(), "part": A[1], "one": A[:1].expand(1, 3)}, tmp_path / "x.pt")
    tensors = opened(tmp_path / "x.pt").tensors
    assert type(tensors["t"].kernel).__name__ == "Permute"
    assert tensors["part"].kernel is None
    assert tensors["one"].kernel is None


def test_tied_tensors_are_one_range(tmp_path):
    torch.save({"a": A, "b": B, "c": A, "t": A.t(), "u": A.t()}, tmp_path / "x.pt")
    tensors = opened(tmp_path / "x.pt").tensors
    assert (tensors["a"].offset, tensors["a"].shape) == (tensors["c"].offset, tensors["c"].shape)
    assert tensors["t"] is tensors["u"]


def test_big_pickles_of_old_files_are_read_in_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_legacy, "_FIRST_READ", 7)
    tensors = {f"layer.{index}": torch.full((index,), index) for index in range(50)}
    torch.save(tensors, tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    same(read(tmp_path / "x.pt"), tensors)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64, torch.int64, torch.bool])
def test_the_other_byte_order(tmp_path, dtype):
    values = {"a": (A * 1.7).to(dtype), "t": A.t().to(dtype), "x": A.to(torch.float8_e5m2)}
    torch.save(values, tmp_path / "x.pt")
    width = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize

    def turn(name, data):
        if name.endswith("byteorder"):
            return b"big"
        if "/data/" in name and not name.endswith("/2"):
            return np.frombuffer(data, dtype=f"V{width}").view((np.uint8, width))[:, ::-1].tobytes()
        return data

    edited(tmp_path / "x.pt", turn)
    same(read(tmp_path / "x.pt"), values)
    same(torch.load(tmp_path / "x.pt"), values)


# What is a checkpoint


@pytest.mark.parametrize(
    ("saved", "names", "note"),
    [
        ({"a": A}, ["a"], None),
        ({}, [], None),
        (collections.OrderedDict(a=A, b=B), ["a", "b"], None),
        ({"state_dict": {"a": A}, "epoch": 3, "optimizer": {"m": B}}, ["a"], "opened the entry 'state_dict'; left aside: epoch, optimizer"),
        ({"model": {"module": {"a": A}, "x": 1}, "it": 5}, ["a"], "opened the entry 'model.module'; left aside: it, model.x"),
        ({"best": torch.tensor(1.0), "state_dict": {"a": A}}, ["a"], "opened the entry 'state_dict'; left aside: best"),
        ({"model_state_dict": {"a": A}, "params": {"p": A}}, ["a"], "'model_state_dict'; left aside: params"),
        ({"model": {"encoder": {"w": A}, "decoder": {"w": B}}}, ["encoder.w", "decoder.w"], "opened the entry 'model'; joined the names of nested entries with dots"),
        ({"encoder": {"w": A}, "decoder": [B, {"b": B}]}, ["encoder.w", "decoder.0", "decoder.1.b"], "joined the names"),
        ({"encoder": {"w": A}, "optimizer": {"state": {0: B}}}, ["encoder.w"], "left aside: optimizer"),
        ({"a": A, "steps": 3, "_metadata": {"": {"version": 1}}, "_extra_state": None}, ["a"], "left aside: steps, _metadata, _extra_state"),
        ({"model": "gpt", "a": A}, ["a"], "left aside: model"),
        ({0: A, b"b": B}, ["0", "b"], None),
        (A, ["x"], None),
        ([A, (B, 1)], ["0", "1.0"], "left aside: 1.1"),
        ({"a": A, "rng": np.random.RandomState(0).get_state(), "loss": np.float64(1.5), "t": {1, 2}}, ["a"], "left aside: rng, loss, t"),
        ({"a": A, "what": (torch.float16, torch.device("cpu"), torch.Size([2]), b"bytes", 1 << 80, 1.5)}, ["a"], "left aside: what"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zipped", [True, False])
def test_entries(tmp_path, saved, names, note, zipped):
    torch.save(saved, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    found = opened(tmp_path / "x.pt")
    assert list(found.tensors) == names
    assert len(found.notes) == (note is not None)
    assert note is None or note in found.notes[0]


def test_the_state_dict_of_a_module_needs_no_note(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    torch.save(module.state_dict(), tmp_path / "x.pth")
    assert opened(tmp_path / "x.pth").notes == ()
    same(read(tmp_path / "x.pth"), module.state_dict())


def test_the_note_reaches_the_user(cli, folder):
    torch.save({"state_dict": {"a": A}, "epoch": 1}, folder / "x.ckpt")
    done = cli("x.ckpt", "-c", "dump: format: compact")
    assert "a" in done.ok()
    assert "x.ckpt: opened the entry 'state_dict'; left aside: epoch" in done.err


@pytest.mark.parametrize(
    ("saved", "words"),
    [
        ({"w": torch.ones(3, 3).to_sparse()}, ["'w' is sparse"]),
        ({"w": torch.empty(3, device="meta")}, ["'w' is on the meta device"]),
        ({"w": torch.ones(2, dtype=torch.complex64).conj()}, ["'w' is a lazy view (conj)"]),
        ({"epoch": 3}, ["no tensor of a model", "the entries epoch"]),
        ("text", ["no tensor of a model", "a str"]),
        ({"a": {"b": A}, "a.b": A}, ["two tensors", "'a.b'"]),
        (torch.nn.Linear(2, 2), ["torch.nn.modules.linear.Linear", "nothing of it was run", "state_dict()"]),
    ],
)
def test_what_cannot_be_opened(tmp_path, saved, words):
    torch.save(saved, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", "x.pt", *words)


@pytest.mark.filterwarnings("ignore")  # these are deprecated, or in beta state
def test_tensors_with_more_than_their_numbers(tmp_path):
    torch.save({"w": torch.quantize_per_tensor(A, 0.1, 0, torch.qint8)}, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", "'w' is quantized")
    torch.save({"w": torch.ones(3, 3).to_sparse_csr()}, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", "'w' is sparse")
    nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    torch.save({"w": nested}, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", "'w' is nested")


@pytest.mark.filterwarnings("ignore")
def test_programs_are_refused(tmp_path):
    scripted = torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2))
    torch.jit.save(scripted, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", "TorchScript", "state_dict()")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html>", "web page"),
        (b"GGUF\x03\0\0\0", "GGUF"),
        (b"\x80\x04\x95", "cut off"),
        (b"\x80\x02}q\0.", "torch.save did not write"),
        (b"\xff\xfe\xfd", "neither a zip archive nor a pickle"),
        (b"PK\x03\x04 and no more", "not a valid zip archive"),
        (struct.pack("<Q", 10) + b'{"a":1}   ', ".safetensors"),
        (b"storages" + bytes(249) + b"ustar" + bytes(300), "tar archive"),
    ],
)
def test_other_files(tmp_path, start, words):
    (tmp_path / "x.bin").write_bytes(start)
    refused(tmp_path / "x.bin", "x.bin", words)


# Folders


def sharded(folder):
    folder.mkdir()
    weight_map = {}
    for number, tensors in enumerate(({"a": A}, {"b": B}), 1):
        name = f"pytorch_model-{number:05d}-of-00002.bin"
        torch.save(tensors, folder / name)
        weight_map |= dict.fromkeys(tensors, name)
    index = {"metadata": {"total_size": 32}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    for name in ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({"x": 1}, folder / name)
    return folder


def test_folders(tmp_path):
    path = sharded(tmp_path / "m")
    same(read(path), {"a": A, "b": B})
    (path / "pytorch_model.bin.index.json").unlink()
    same(read(path), {"a": A, "b": B})
    for shard in path.glob("pytorch_model-*"):
        shard.unlink()
    torch.save({"c": A}, path / "pytorch_model.bin")
    same(read(path), {"c": A})
    safetensors = b'{"s":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(safetensors)) + safetensors + b"\1")
    assert list(opened(path).tensors) == ["s"]


def test_files_without_a_suffix(tmp_path):
    for zipped in (True, False):
        torch.save({"a": A}, tmp_path / "blob", _use_new_zipfile_serialization=zipped)
        same(read(tmp_path / "blob"), {"a": A})


def test_the_fingerprint_follows_the_headers(tmp_path):
    torch.save({"a": A}, tmp_path / "x.pt")
    first = opened(tmp_path / "x.pt").fingerprint
    (tmp_path / "y.pt").write_bytes((tmp_path / "x.pt").read_bytes())
    assert opened(tmp_path / "y.pt").fingerprint == first
    torch.save({"b": A}, tmp_path / "x.pt")
    assert opened(tmp_path / "x.pt").fingerprint != first


def test_every_opcode_of_torch_is_known(tmp_path):
    """Those of its own restricted reader at least."""
    from torch import _weights_only_unpickler as theirs

    from brainsurgery_shell.storage.pickles.opcodes import OPERATIONS
    from brainsurgery_shell.storage.torch.globals import lookup

    codes = {
        value[0]
        for name, value in vars(theirs).items()
        if name.isupper() and isinstance(value, bytes) and len(value) == 1
    }
    assert codes - INLINE <= OPERATIONS.keys()
    skipped = {"torch.storage.TypedStorage"} | {
        f"{each.__module__}.{each.__name__}" for each in torch._tensor_classes
    }
    for name in theirs._get_allowed_globals().keys() - skipped:
        assert lookup(*name.rsplit(".", 1)) is not None
