import gc
import json
import os
import time

import pytest
from storage_files import F32, raw_file, shard

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import BY_CODE, BY_NAME
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.safetensors import header
from brainsurgery_shell.storage.safetensors.header import read_header, write_header

A4 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def entry(**fields):
    return {"a": A4 | fields}


BROKEN = {
    "not an object": ([1, 2], b"", r"begins with b'\['"),
    "not UTF-8": (b'{"a\xff": 1}', b"", "not UTF-8 at byte 11"),
    "not JSON": (b'{"a": }', b"", "not JSON"),
    "NaN": (b'{"a": NaN}', b"", "not JSON"),
    "nested deeply": (b'{"a":' * 5000, b"", "not JSON"),
    "leading blank": (b" {}", b"", "begins with b' '"),
    "name twice": (b'{"a":%s,"a":%s}' % ((json.dumps(A4).encode(),) * 2), b"1234", "'a' stands twice"),
    "name twice, spelled differently": (
        b'{"a:":%s,"a\\u003a":%s}' % ((json.dumps(A4).encode(),) * 2),
        b"1234",
        "'a:' stands twice",
    ),
    "field twice": (
        b'{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        b"1234",
        "'dtype' stands twice",
    ),
    "metadata twice": (b'{"__metadata__":{"k":"1","k":"2"}}', b"", "'k' stands twice"),
    "metadata not an object": ({"__metadata__": [1]}, b"", "not an object of strings"),
    "metadata not strings": ({"__metadata__": {"k": 1}}, b"", "entry 'k' is not a string"),
    "entry not an object": ({"a": 5}, b"", "tensor 'a' is not described by an object"),
    "field missing": ({"a": {"dtype": "F32", "shape": []}}, b"", "tensor 'a' has no 'data_offsets'"),
    "dtype unknown": (entry(dtype="F33"), b"1234", "unknown dtype 'F33'"),
    "dtype a list": (entry(dtype=["F32"]), b"1234", "unknown dtype"),
    "shape negative": (entry(shape=[-1]), b"1234", "whole numbers"),
    "shape fraction": (entry(shape=[1.0]), b"1234", "whole numbers"),
    "shape boolean": (entry(shape=[True]), b"1234", "whole numbers"),
    "shape text": (entry(shape="1"), b"1234", "whole numbers"),
    "shape map": ({"a": A4 | {"shape": {}}}, b"1234", "whole numbers"),
    "size too large": (entry(shape=[2**63]), b"1234", "whole numbers"),
    "shape overflows": (entry(shape=[2**62, 2**62, 0]), b"1234", "more bytes than any file"),
    "hostile shape": (entry(shape=[2**62] * 200_000), b"1234", "more bytes than any file"),
    "offsets reversed": (entry(data_offsets=[4, 0]), b"1234", "end lies before"),
    "offsets negative": (entry(data_offsets=[-4, 0]), b"1234", "two whole numbers"),
    "offsets three": (entry(data_offsets=[0, 4, 4]), b"1234", "two whole numbers"),
    "offsets outside": (entry(shape=[2], data_offsets=[0, 8]), b"1234", "ends at byte 8"),
    "size disagrees": (entry(shape=[3]), b"1234", r"needs 12 bytes for F32 \[3\], and its data has 4"),
    "half bytes": (entry(dtype="F4", shape=[7]), b"1234", "do not fill whole bytes"),
    "hole in front": ({"a": A4 | {"data_offsets": [4, 8]}}, b"12345678", "bytes 0 to 4 .* 'a'"),
    "hole": ({"a": A4, "b": A4 | {"data_offsets": [8, 12]}}, b"1" * 12, "bytes 4 to 8 .* 'b'"),
    "overlap": ({"a": A4, "b": A4}, b"1234", "'a' and 'b' overlap at byte 0"),
    "trailing bytes": (entry(), b"12345", "last 1 bytes"),
    "data without tensors": ({}, b"1", "last 1 bytes"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_each_broken_rule_has_its_error(tmp_path, case):
    found, data, words = BROKEN[case]
    path = raw_file(tmp_path / "m.safetensors", found, data)
    with pytest.raises(StorageError, match=words) as caught:
        read_header(path, "shown.safetensors")
    assert "'shown.safetensors' is not a valid safetensors file: " in caught.value.message
    assert len(caught.value.message) < 400


STARTS = {
    "empty file": (b"", "too few"),
    "short file": (b"1234567", "too few"),
    "empty header": (bytes(8), "header is empty"),
    "header too long": ((2**63).to_bytes(8, "little") + b"{}", "is the most"),
    "header cut off": ((100).to_bytes(8, "little") + b"{}", "ends after 2"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "Git LFS pointer"),
    "zip": (b"PK\x03\x04" + bytes(40), "zip archive"),
    "html": (b"<!DOCTYPE html><html>", "web page"),
}


@pytest.mark.parametrize("case", STARTS)
def test_files_that_are_something_else(tmp_path, case):
    start, words = STARTS[case]
    path = tmp_path / "m.safetensors"
    path.write_bytes(start)
    with pytest.raises(StorageError, match=words):
        read_header(path, "m")


def test_the_cap_is_the_reference_implementations(tmp_path, monkeypatch):
    monkeypatch.setattr(header, "MAX_HEADER", 100)
    path = raw_file(tmp_path / "m.safetensors", {"a" * 100: A4}, b"1234")
    with pytest.raises(StorageError, match="is the most"):
        read_header(path, "m")
    with pytest.raises(StorageError, match="readers refuse"):
        write_header({"a" * 100: LazyTensor((1,), F32)}, {})


def test_nearest_dtype_is_named(tmp_path):
    path = raw_file(tmp_path / "m.safetensors", entry(dtype="F8_E4M3FN"), b"1234")
    with pytest.raises(StorageError) as caught:
        read_header(path, "m")
    assert "F8_E4M3" in caught.value.hint


def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "m.safetensors")
    with pytest.raises(StorageError, match="not a regular file"):
        read_header(tmp_path / "m.safetensors", "m")


def test_colons_and_escapes_in_names_are_no_duplicates(tmp_path):
    name = 'a:"b":\u00e9\\:x'
    found = {"__metadata__": {"json": '{"a": 1, "a": {"b": ":"}}', ":": ""}, name: A4}
    for text in (json.dumps(found).encode(), json.dumps(found, ensure_ascii=False).encode()):
        read = read_header(raw_file(tmp_path / "m.safetensors", text, b"1234"), "m")
        assert list(read.tensors) == [name]
        assert read.metadata == found["__metadata__"]


def test_unknown_fields_and_null_metadata_are_read_as_the_reference_does(tmp_path):
    path = raw_file(tmp_path / "m.safetensors", {"__metadata__": None, "a": A4 | {"more": {"x": 1}}}, b"1234")
    assert list(read_header(path, "m").tensors) == ["a"]


def test_order_is_that_of_the_data(tmp_path):
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [4, 4]}
    found = {"z": A4 | {"data_offsets": [4, 8]}, "e2": empty, "e1": empty, "a": A4}
    read = read_header(raw_file(tmp_path / "m.safetensors", found, b"12345678"), "m")
    assert list(read.tensors) == ["a", "e2", "e1", "z"]
    start = (tmp_path / "m.safetensors").stat().st_size - 8
    assert [tensor.offset - start for tensor in read.tensors.values()] == [0, 4, 4, 4]


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_dtype_reads_back(tmp_path, code):
    tensor = LazyTensor((2, 4), BY_CODE[code])
    path = tmp_path / "m.safetensors"
    path.write_bytes(write_header({"t": tensor}, {"k": "v"}) + bytes(tensor.nbytes))
    read = read_header(path, "m")
    assert (read.tensors["t"].dtype, read.tensors["t"].shape) == (BY_CODE[code], (2, 4))
    assert read.metadata == {"k": "v"}


def test_what_cannot_be_stored_is_refused():
    with pytest.raises(StorageError, match="complex128"):
        write_header({"t": LazyTensor((1,), BY_NAME["complex128"])}, {})
    with pytest.raises(StorageError, match="__metadata__"):
        write_header({"__metadata__": LazyTensor((1,), F32)}, {})
    with pytest.raises(StorageError, match="JSON"):
        write_header({"\ud800": LazyTensor((1,), F32)}, {})


def test_data_begins_aligned_and_in_the_wanted_phase():
    for length in range(20):
        tensors = {"n" * length: LazyTensor((1,), F32)}
        assert len(write_header(tensors, {})) % 8 == 0
        assert len(write_header(tensors, {}, 1288)) % 4096 == 1288
        assert json.loads(write_header(tensors, {}, 1288)[8:]) == json.loads(write_header(tensors, {})[8:])


def test_digest_depends_on_header_and_size(tmp_path):
    first = read_header(shard(tmp_path / "1.safetensors", a=1), "1").digest
    assert read_header(shard(tmp_path / "2.safetensors", a=1), "2").digest == first
    assert read_header(shard(tmp_path / "3.safetensors", a=2), "3").digest != first


def test_many_tensors_open_fast_and_the_collector_is_on_again(tmp_path):
    path = shard(
        tmp_path / "m.safetensors", **{f"model.layers.{i // 10}.w{i % 10}": 1 for i in range(100_000)}
    )
    start = time.process_time()
    assert len(read_header(path, "m").tensors) == 100_000
    assert time.process_time() - start < 1.5  # 0.2 to 0.4 s here; room for a busy machine
    assert gc.isenabled()
