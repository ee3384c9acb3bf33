"""Distributed checkpoints that are damaged, contradict themselves or are hostile: nothing of a file is run."""

import os
import pickle
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from dcp_cases import edit_metadata, raw, save_dict, values
from hypothesis import given, settings
from storage_files import refused
from torch.distributed._shard.sharded_tensor.metadata import TensorProperties as OlderProperties
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata

from brainsurgery_shell.errors import StorageError


def change_place(folder, **fields):
    def edit(metadata):
        for index, info in metadata.storage_data.items():
            if index.fqn == "a":
                metadata.storage_data[index] = replace(info, **fields)

    edit_metadata(folder, edit)


@pytest.mark.parametrize("place", ["../c/__0_0.distcp", "/etc/passwd", "", "a\0b", "x/../../y"])
def test_chunks_stay_in_their_folder(small_dcp, place):
    change_place(small_dcp, relative_path=place)
    refused(small_dcp, "c/.metadata", "not in its folder")


def test_a_missing_and_a_truncated_file(small_dcp):
    whole = (small_dcp / "__0_0.distcp").read_bytes()
    for size in (0, 100, len(whole) - 1):
        (small_dcp / "__0_0.distcp").write_bytes(whole[:size])
        refused(small_dcp, "c/__0_0.distcp", "should lie at bytes", f"the file has {size}")
    (small_dcp / "__0_0.distcp").unlink()
    refused(small_dcp, "'c/__0_0.distcp' is missing: tensor 'a' is in it")
    (small_dcp / "__0_0.distcp").mkdir()
    refused(small_dcp, "c/__0_0.distcp")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"offset": 1}, "c/__0_0.distcp: a"),
        ({"length": 500}, "c/__0_0.distcp: a"),
        ({"length": 0}, "c/__0_0.distcp: a"),
        ({"offset": 1 << 60}, "tensor 'a' should lie at bytes"),
        ({"transform_descriptors": ["zstd"]}, "its data went through zstd"),
        ({"offset": -1}, "where something lies"),
        ({"length": "5"}, "where something lies"),
    ],
)
def test_places_that_lie(small_dcp, fields, words):
    change_place(small_dcp, **fields)
    refused(small_dcp, words)


def changed(field):
    def edit(metadata):
        entry = metadata.state_dict_metadata["a"]
        if field == "dtype":
            entry.properties.dtype = torch.int32
        elif field == "odd dtype":
            entry.properties.dtype = torch.complex32
        elif field == "size":
            entry.size = torch.Size([5])
        elif field == "chunk":
            entry.chunks[0] = ChunkStorageMetadata(torch.Size([0]), torch.Size([3]))
        elif field == "offsets":
            entry.chunks[0] = ChunkStorageMetadata(torch.Size([1]), torch.Size([4]))
        elif field == "rank":
            entry.chunks[0] = ChunkStorageMetadata(torch.Size([0]), torch.Size([2, 2]))
        elif field == "twice":
            entry.chunks.append(entry.chunks[0])
        elif field == "entry":
            metadata.state_dict_metadata["a"] = "a tensor"
        else:
            metadata.storage_data = None

    return edit


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("dtype", "as int32 [4], and there is float32 [4]"),
        ("odd dtype", "tensor 'a' has the dtype complex32"),
        ("size", "the chunks of tensor 'a' do not make up [5]"),
        ("chunk", "as float32 [3], and there is float32 [4]"),
        ("offsets", "where the chunk at [1] of tensor 'a' lies"),
        ("rank", "another rank"),
        ("entry", "where a TensorStorageMetadata is expected"),
        ("places", "what it holds, and where"),
    ],
)
def test_metadata_that_contradict_themselves_or_the_files(small_dcp, field, words):
    edit_metadata(small_dcp, changed(field))
    refused(small_dcp, words)


def test_metadata_of_an_older_torch(small_dcp):
    """Up to 2.2 the properties of a tensor were another class."""

    def edit(metadata):
        entry = metadata.state_dict_metadata["a"]
        entry.properties = OlderProperties(dtype=torch.float32)

    edit_metadata(small_dcp, edit)
    assert values(small_dcp)["a"] == raw(torch.arange(4.0))


def test_a_chunk_that_is_named_twice_is_one(small_dcp):
    edit_metadata(small_dcp, changed("twice"))
    assert values(small_dcp)["a"] == raw(torch.arange(4.0))


class Evil:
    def __reduce__(self):
        return (os.system, ("echo run!",))


def test_nothing_is_run(small_dcp, capfd):
    def edit(metadata):
        metadata.planner_data = Evil()

    edit_metadata(small_dcp, edit)
    refused(small_dcp, "cannot open 'c/.metadata'", "system", "nothing of it was run")
    (small_dcp / ".metadata").write_bytes(pickle.dumps([1, 2]))
    refused(small_dcp, "where a Metadata is expected")
    (small_dcp / ".metadata").write_bytes(pickle.dumps(Evil(), 0))
    refused(small_dcp, "system")
    (small_dcp / ".metadata").write_bytes(b"")
    refused(small_dcp, "ends too early")
    (small_dcp / ".metadata").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    refused(small_dcp, "a Git LFS pointer", "git lfs pull")
    assert capfd.readouterr().out == ""


def test_a_chunk_that_wants_something_run(small_dcp, capfd):
    with (small_dcp / "__0_0.distcp").open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Evil(), 2))
        archive.writestr("archive/version", "3\n")
    change_place(small_dcp, offset=0, length=(small_dcp / "__0_0.distcp").stat().st_size)
    refused(small_dcp, "cannot open 'c/__0_0.distcp: a'", "system")
    assert capfd.readouterr().out == ""


def test_no_truncation_of_the_metadata_goes_unseen(small_dcp):
    whole = (small_dcp / ".metadata").read_bytes()
    for size in range(0, len(whole), 5):
        (small_dcp / ".metadata").write_bytes(whole[:size])
        refused(small_dcp, "c/.metadata")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([".metadata", "__0_0.distcp"]), st.data())
def test_no_damage_is_more_than_an_error(file, data):
    with tempfile.TemporaryDirectory() as folder:
        path = save_dict(Path(folder) / "c", {"a": torch.arange(4.0), "b": torch.ones(2, 2)}) / file
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        with suppress(StorageError):
            values(path.parent)
