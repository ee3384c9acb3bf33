"""PyTorch reads the distributed checkpoints that we write."""

import pickle
import subprocess
import tempfile
import warnings
import zipfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from dcp_cases import HELD, load_dict, raw, save_chunks, save_dict, some, values
from hypothesis import given, settings
from storage_files import ENV, PYTHON, made, names_in, opened, save
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.storage.dcp.metadata import parse_metadata


@st.composite
def checkpoints(draw):
    """Tensors by name."""
    names = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    shapes = st.lists(st.integers(0, 3), max_size=3)
    found = draw(st.dictionaries(names, st.tuples(st.sampled_from(HELD), shapes), max_size=5))
    return {name: some(*each) for name, each in found.items()}


@settings(max_examples=40, deadline=None)
@given(checkpoints(), st.sampled_from([None, 1, 16]))
def test_torch_reads_what_we_write(tensors, shard):
    lazy = {name: made(raw(t)[2], tuple(t.shape), BY_NAME[str(t.dtype)[6:]]) for name, t in tensors.items()}
    want = {name: raw(tensor) for name, tensor in tensors.items()}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "c"
        report = save(folder, lazy, layout="dcp", shard=shard)
        assert {".metadata", *(path.name for path in report.files)} == names_in(folder)
        read = load_dict(folder, {name: torch.empty_like(tensor) for name, tensor in tensors.items()})
        assert {name: raw(tensor) for name, tensor in read.items()} == want
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dcp_to_torch_save(folder, Path(place) / "x.pt")
        read = torch.load(Path(place) / "x.pt", weights_only=True)
        assert {name: raw(tensor) for name, tensor in read.items()} == want
        assert list(read) == list(tensors)
        assert values(folder) == want


def test_the_metadata_say_what_pytorch_would_say(tmp_path):
    state = {"a": torch.arange(4.0), "b": torch.ones(2, 2, dtype=torch.bfloat16)}
    theirs = pickle.loads((save_dict(tmp_path / "theirs", state) / ".metadata").read_bytes())
    save(tmp_path / "ours", dict(opened(tmp_path / "theirs").tensors), layout="dcp")
    ours = pickle.loads((tmp_path / "ours" / ".metadata").read_bytes())
    assert ours.state_dict_metadata == theirs.state_dict_metadata
    assert ours.planner_data == theirs.planner_data
    assert ours.storage_data.keys() == theirs.storage_data.keys()
    assert ours.version == theirs.version


def test_every_chunk_is_a_sound_archive(tmp_path):
    save(tmp_path / "c", {"a": made(bytes(range(40))), "b": made(b"")}, layout="dcp")
    (file,) = (tmp_path / "c").glob("*.distcp")
    tensors, _ = parse_metadata((tmp_path / "c" / ".metadata").read_bytes(), "x")
    for tensor in tensors.values():
        (chunk,) = tensor.chunks
        (tmp_path / "x.zip").write_bytes(file.read_bytes()[chunk.begin : chunk.begin + chunk.length])
        with zipfile.ZipFile(tmp_path / "x.zip") as archive:
            assert archive.testzip() is None


def test_shards_and_the_same_bytes_from_run_to_run(tmp_path):
    tensors = {name: made(bytes(8)) for name in "abc"}
    for folder in ("one", "two"):
        save(tmp_path / folder, tensors, layout="dcp", shard=16)
    assert names_in(tmp_path / "one") == {".metadata", "__0_0.distcp", "__0_1.distcp"}
    for name in names_in(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_overwriting_replaces_the_weights_and_keeps_the_rest(tmp_path):
    folder = tmp_path / "c"
    save(folder, {name: made(bytes(8)) for name in "abc"}, layout="dcp", shard=8)
    (folder / "config.json").write_text("{}")
    save(folder, {"d": made(bytes(8))}, layout="dcp", overwrite=True)
    assert names_in(folder) == {".metadata", "__0_0.distcp", "config.json"}
    assert list(opened(folder).tensors) == ["d"]


def test_packed_dtypes_are_refused(tmp_path):
    with pytest.raises(StorageError, match="torch has no float4_e2m1fn, as tensor 'a' is"):
        save(tmp_path / "c", {"a": made(bytes(4), dtype=BY_NAME["float4_e2m1fn"])}, layout="dcp")


def test_the_command_line(cli, tmp_path):
    save_dict(tmp_path / "in", {"model": {"w": torch.arange(4.0)}, "step": 1})
    (tmp_path / "in" / "config.json").write_text("{}")
    done = cli(
        "in",
        "-c",
        "scale_: target: model.w, by: 2",
        "-c",
        "save: path: out, format: dcp",
        "-c",
        "save: plain",
    )
    assert "step" in done.err
    assert done.status == 0
    assert names_in(tmp_path / "out") == {".metadata", "__0_0.distcp", "config.json"}
    assert names_in(tmp_path / "plain") == {"model.safetensors", "config.json"}
    assert load_dict(tmp_path / "out", {"model": {"w": torch.zeros(4)}})["model"]["w"].tolist() == [
        0,
        2,
        4,
        6,
    ]
    cli(
        "out",
        "-c",
        "assert: equal: { left: 'model::model.w', right: model.w }",
        "-c",
        "save: path: out, format: dcp, overwrite: true",
    ).ok()
    cli("out/__0_0.distcp").fails("part of a distributed checkpoint", "open its folder: 'out'")
    cli("out", "-c", "save: path: x.pt, format: dcp").fails("are torch")


def test_opening_and_copying_import_neither_torch_nor_numpy(tmp_path):
    import numpy as np

    rows = torch.arange(12.0).reshape(4, 3)
    chunks = [[("w", (0, 0), rows[:3].clone(), (4, 3))], [("w", (3, 0), rows[3:].clone(), (4, 3))]]
    save_chunks(tmp_path / "c", chunks)
    np.savez(tmp_path / "x.npz", w=rows.numpy(), turned=np.asfortranarray(rows.numpy()))
    code = """
import sys
from brainsurgery_shell.cli import main
for words in (["c", "-c", "dump", "-c", "save: path: d, format: dcp", "-c", "save: e.npz"],
              ["x.npz", "-c", "dump", "-c", "delete: turned", "-c", "save: y.npz", "-c", "save: path: z.npy, target: w"]):
    assert main([*words, "--no-journal"]) == 0
print(sorted({"torch", "numpy"} & sys.modules.keys()))
"""
    done = subprocess.run(
        [PYTHON, "-c", code], env=ENV, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert np.load(tmp_path / "z.npy").tolist() == rows.tolist()
    assert load_dict(tmp_path / "d", {"w": torch.zeros(4, 3)})["w"].tolist() == rows.tolist()
