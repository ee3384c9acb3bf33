import io
import json
import math
import tempfile
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_files import made, names_in, opened, save
from torch_cases import DTYPES, NAMES, as_bytes, pickled, read, same, state_dicts, write

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.build import full
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.container import Output
from brainsurgery_shell.storage.formats import container
from brainsurgery_shell.storage.tied import tied

F32 = BY_NAME["float32"]
A, B = torch.arange(6.0).reshape(2, 3), torch.ones(4, dtype=torch.bfloat16)


@settings(max_examples=80, deadline=None)
@given(state_dicts(), st.sampled_from((None, 1, 20)))
def test_torch_reads_what_we_write(tensors, shard):
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "x.pt", Path(folder) / "out.pt"
        torch.save(tensors, source)
        lazy = opened(source).tensors
        write(out, lazy)
        for options in ({"weights_only": True}, {"weights_only": False}, {"mmap": True}):
            same(torch.load(out, **options), tensors)
        with zipfile.ZipFile(out) as archive:
            assert archive.testzip() is None
        same(read(out), tensors)
        write(Path(folder) / "f", lazy, shard=shard, layout="torch")
        found = {}
        for path in sorted((Path(folder) / "f").glob("*.bin")):
            found |= torch.load(path)
        same({name: found[name] for name in tensors}, tensors)
        assert list(read(Path(folder) / "f")) == list(found)


SHAPES = st.lists(st.sampled_from((0, 1, 2, 300, 70_000)), max_size=5).filter(
    lambda sizes: math.prod(sizes) < 1e6 and math.prod(max(1, size) for size in sizes) < 1e15
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, st.tuples(st.sampled_from(DTYPES), SHAPES), max_size=40))
def test_the_pickle_is_torchs_byte_for_byte(kinds):
    theirs = io.BytesIO()
    torch.save({name: torch.empty(shape, dtype=dtype) for name, (dtype, shape) in kinds.items()}, theirs)
    tensors = {
        name: LazyTensor(tuple(shape), BY_NAME[str(dtype).removeprefix("torch.")])
        for name, (dtype, shape) in kinds.items()
    }
    (file,) = container("torch").lay_out(Output(tensors, single=True))
    assert pickled(theirs) in b"".join(data for _, data in file.literals)


def test_many_tensors(tmp_path):
    tensors = {f"layer.{index}": made(index.to_bytes(4, "little")) for index in range(2500)}
    save(tmp_path / "x.pt", tensors)
    found = torch.load(tmp_path / "x.pt")
    assert list(found) == list(tensors)
    assert as_bytes(found["layer.2499"]) == (2499).to_bytes(4, "little")


def test_the_same_bytes_from_run_to_run(tmp_path):
    torch.save({"a": A, "b": B, "t": A.t()}, tmp_path / "x.pt")
    for name in ("y.pt", "z.bin"):
        write(tmp_path / name, opened(tmp_path / "x.pt").tensors, workers=3)
    assert (tmp_path / "y.pt").read_bytes() == (tmp_path / "z.bin").read_bytes()


def test_data_can_be_mapped(tmp_path):
    save(tmp_path / "x.pt", {"a": made(b"1234"), "b": made(b"5" * 100), "c": made(b"12345678")})
    assert all(each.offset % 64 == 0 for each in opened(tmp_path / "x.pt").tensors.values())


def test_the_meta_device_finds_the_data_too(tmp_path):
    """torch computes there where they should lie, and may not be right by its own rules alone."""
    save(tmp_path / "x.pt", {"a": made(b"1234"), "b": made(b"5" * 100)})
    found = torch.load(tmp_path / "x.pt", map_location="meta")
    for name, tensor in opened(tmp_path / "x.pt").tensors.items():
        assert found[name].untyped_storage()._checkpoint_offset == tensor.offset


def test_tied_tensors_stay_tied(tmp_path):
    torch.save({"a": A, "b": B, "c": A, "t": B}, tmp_path / "x.pt")
    tensors = opened(tmp_path / "x.pt").tensors
    assert tied(tensors) == [["a", "c"], ["b", "t"]]
    report = write(tmp_path / "y.pt", tensors)
    found = torch.load(tmp_path / "y.pt")
    assert found["a"] is found["c"]
    assert tied(opened(report.path).tensors) == [["a", "c"], ["b", "t"]]
    with zipfile.ZipFile(report.path) as archive:
        assert sum("/data/" in name for name in archive.namelist()) == 2


def test_copies_are_tensors_of_their_own(tmp_path):
    value = made(b"12345678")
    save(tmp_path / "x.pt", {"a": value, "b": value, "c": made(b"12345678")})
    tensors = opened(tmp_path / "x.pt").tensors
    assert tied(tensors) == []
    write(tmp_path / "y.pt", {"a": tensors["a"], "copy": tensors["a"]})
    assert tied(opened(tmp_path / "y.pt").tensors) == []


def test_what_is_untied_is_said(cli, folder):
    torch.save({"wte": A, "h": B, "head": A}, folder / "x.pt")
    for path in ("y.safetensors", "y.npz"):
        said = cli("x.pt", "-c", "delete: h", "-c", f"save: {path}").err
        assert "tied tensors are written apart: wte, head" in said
    assert cli("x.pt", "-c", "save: y.pt").err == ""
    assert cli("x.pt", "-c", "delete: head", "-c", "save: z.safetensors").err == ""
    edited = cli("x.pt", "-c", "scale_: target: head, by: 2", "-c", "save: z.pt")
    assert "tied tensors are written apart: wte, head" in edited.err
    moved = cli("x.pt", "-c", "move: from: head, to: lm", "-c", "save: moved.pt")
    assert moved.err == ""
    assert tied(opened(folder / "moved.pt").tensors) == [["wte", "lm"]]


def test_views_of_one_range_are_tied_only_with_one_shape(tmp_path):
    torch.save({"a": A, "b": A.view(6), "e": torch.empty(0), "f": torch.empty(0)}, tmp_path / "x.pt")
    tensors = opened(tmp_path / "x.pt").tensors
    assert tied(tensors) == []
    write(tmp_path / "y.pt", tensors)
    same(read(tmp_path / "y.pt"), {"a": A, "b": A.view(6), "e": torch.empty(0), "f": torch.empty(0)})


def test_a_folder_of_shards(tmp_path):
    torch.save({"wte": A, "h": B, "x": A + 1, "lm_head": A}, tmp_path / "x.pt")
    lazy = opened(tmp_path / "x.pt").tensors
    report = write(tmp_path / "out", lazy, shard=32, layout="torch")
    shards = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    assert names_in(tmp_path / "out") == {*shards, "pytorch_model.bin.index.json"}
    assert [path.name for path in report.files] == shards
    index = json.loads((tmp_path / "out/pytorch_model.bin.index.json").read_text())
    assert index["weight_map"] == {
        "wte": shards[0],
        "h": shards[0],
        "lm_head": shards[0],
        "x": shards[1],
    }
    assert index["metadata"] == {"total_size": 24 + 8 + 24}
    found = torch.load(tmp_path / "out" / shards[0])
    assert found["wte"] is found["lm_head"]
    same(read(tmp_path / "out"), {"wte": A, "lm_head": A, "h": B, "x": A + 1})


def test_a_folder_with_one_file(tmp_path):
    save(tmp_path / "out", {"a": made(b"1234")}, layout="torch")
    assert names_in(tmp_path / "out") == {"pytorch_model.bin"}
    assert list(torch.load(tmp_path / "out/pytorch_model.bin")) == ["a"]
    save(tmp_path / "empty", {}, layout="torch")
    assert torch.load(tmp_path / "empty/pytorch_model.bin") == {}


def test_what_torch_cannot_hold(tmp_path):
    with pytest.raises(StorageError, match=r"torch has no float4_e2m1fn, as tensor 'w' is"):
        save(tmp_path / "x.pt", {"w": made(b"1234", (8,), BY_NAME["float4_e2m1fn"])})
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("shapes", [[(1 << 30) + 5], [1 << 29, 1 << 29, 7, 9], [3, 1 << 32, 3]])
def test_more_than_four_gibibytes(tmp_path, shapes):
    """The layout alone, as a file full of holes."""
    tensors = {f"t{index}": full((size,), F32, 0) for index, size in enumerate(shapes)}
    (file,) = container("torch").lay_out(Output(tensors, single=True))
    with (tmp_path / "x.pt").open("wb") as out:
        for at, data in file.literals:
            out.seek(at)
            out.write(data)
        out.truncate(file.size)
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        assert sum(info.file_size for info in archive.infolist()) > 1 << 32
    found = torch.load(tmp_path / "x.pt", mmap=True)
    for (name, tensor), offset in zip(opened(tmp_path / "x.pt").tensors.items(), file.offsets, strict=True):
        assert found[name].shape == tensor.shape
        assert tensor.offset == offset


def test_from_one_format_to_another(cli, folder):
    """Through the command line: a cast of views from a trainer's checkpoint, and back as safetensors."""
    torch.save({"state_dict": {"a": A, "t": A.t(), "tied": A}, "epoch": 1}, folder / "x.ckpt")
    cli("x.ckpt", "-c", "cast_: target: t, to: f16", "-c", "save: y.pt", "-c", "save: z.safetensors").ok()
    expected = {"a": A, "t": A.t().half(), "tied": A}
    same(torch.load("y.pt"), expected)
    cli("z.safetensors", "-c", "save: path: back, format: torch").ok()
    found = torch.load("back/pytorch_model.bin")
    same({name: found[name] for name in expected}, expected)
