"""Distributed checkpoints: what PyTorch writes we read, and the other way round; nothing of a file is run."""

import itertools
import os
import pickle
import subprocess
import tempfile
import warnings
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from dcp_cases import edit_metadata, load_dict, raw, save_chunks, save_dict
from hypothesis import given, settings
from storage_files import ENV, PYTHON, made, names_in, opened, save
from torch.distributed._shard.sharded_tensor.metadata import TensorProperties as OlderProperties
from torch.distributed.checkpoint.filesystem import SerializationFormat
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import ALL, BY_NAME
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.storage.dcp.boxes import assemble
from brainsurgery_shell.storage.dcp.metadata import parse_metadata

HELD = [dtype.name for dtype in ALL if not dtype.packed]


def values(path):
    """Every tensor of a checkpoint, evaluated."""
    evaluator = Evaluator(memory=1 << 28)
    found = {name: raw(evaluator.whole(tensor)) for name, tensor in opened(path).tensors.items()}
    evaluator.files.close()
    return found


def some(dtype, shape):
    """A tensor of any dtype."""
    count = torch.Size(shape).numel()
    return torch.arange(count).remainder(2).to(getattr(torch, dtype)).reshape(shape)


def refused(path, *words):
    with pytest.raises(StorageError) as caught:
        opened(path)
    said = f"{caught.value.message} {caught.value.hint or ''}"
    for word in words:
        assert word in said, said


@pytest.fixture
def nested(tmp_path):
    """Nested entries, entries that are no tensors, and every dtype."""
    state = {
        "model": {
            "w": torch.arange(6.0).reshape(2, 3),
            "ü": torch.ones(3)[1:],
            "t": torch.arange(6.0).reshape(2, 3).t(),
        },
        "kinds": {name: some(name, (2, 2)) for name in HELD},
        "odd": [torch.tensor(3.0), torch.empty(0, 3), "text"],
        "epoch": 3,
    }
    tensors = {f"model.{name}": each for name, each in state["model"].items()}
    tensors |= {f"kinds.{name}": each for name, each in state["kinds"].items()}
    tensors |= {"odd.0": state["odd"][0], "odd.1": state["odd"][1]}
    return save_dict(tmp_path / "nested", state), tensors


def test_we_read_what_one_process_writes(nested):
    folder, tensors = nested
    found = opened(folder)
    assert values(folder) == {name: raw(tensor) for name, tensor in tensors.items()}
    assert found.notes == ("left aside what is no tensor: odd.2, epoch",)
    assert {file.shown for file in found.files} == {"nested/.metadata", "nested/__0_0.distcp"}
    assert found.tensors["model.w"].file is not None


@st.composite
def grids(draw):
    """A tensor's shape, where it is cut in each dim, and the process that has each part."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    cuts = [sorted({0, size, *draw(st.lists(st.integers(1, size), max_size=2))}) for size in shape]
    count = 1
    for each in cuts:
        count *= len(each) - 1
    return shape, cuts, draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), grids(), min_size=1))
def test_we_read_what_several_processes_write(tensors):
    whole = {
        name: torch.arange(torch.Size(grid[0]).numel()).reshape(grid[0]) for name, grid in tensors.items()
    }
    ranks = [[], [], []]
    for name, (shape, cuts, owners) in tensors.items():
        boxes = itertools.product(*(itertools.pairwise(each) for each in cuts))
        for box, owner in zip(boxes, owners, strict=True):
            part = whole[name][tuple(slice(low, high) for low, high in box)].contiguous()
            ranks[owner].append((name, tuple(low for low, _ in box), part, tuple(shape)))
    with tempfile.TemporaryDirectory() as folder:
        save_chunks(Path(folder) / "c", ranks)
        assert values(Path(folder) / "c") == {name: raw(tensor) for name, tensor in whole.items()}


def test_rows_of_several_processes_are_copied_and_not_computed(tmp_path):
    rows = torch.arange(12.0).reshape(4, 3)
    save_chunks(
        tmp_path / "c", [[("w", (0, 0), rows[:3].clone(), (4, 3))], [("w", (3, 0), rows[3:].clone(), (4, 3))]]
    )
    pieces = list(Evaluator(memory=0).pieces(opened(tmp_path / "c").tensors["w"]))
    assert [piece.file.shown for piece in pieces] == ["c/__0_0.distcp", "c/__1_0.distcp"]


def test_a_process_without_rows(tmp_path):
    """More processes than rows: the last ones write empty chunks."""
    chunks = [("w", (0, 0), torch.ones(1, 3), (1, 3)), ("w", (1, 0), torch.ones(0, 3), (1, 3))]
    save_chunks(tmp_path / "c", [[chunk] for chunk in chunks])
    assert values(tmp_path / "c") == {"w": raw(torch.ones(1, 3))}


def test_one_file_a_tensor(tmp_path):
    chunks = [(name, (0,), torch.full((2,), float(at)), (2,)) for at, name in enumerate("ab")]
    save_chunks(tmp_path / "c", [chunks], single_file_per_rank=False)
    assert names_in(tmp_path / "c") == {".metadata", "__0_0.distcp", "__0_1.distcp"}
    assert values(tmp_path / "c") == {"a": raw(torch.zeros(2)), "b": raw(torch.ones(2))}


def test_chunks_in_safetensors_are_refused_by_name(tmp_path):
    chunks = [("a", (0,), torch.ones(2), (2,))]
    save_chunks(tmp_path / "c", [chunks], serialization_format=SerializationFormat.SAFETENSORS)
    refused(tmp_path / "c", "c/__0_0.distcp", "told to write safetensors", ".safetensors")


def box(*ranges):
    return tuple(low for low, _ in ranges), made(bytes(4), tuple(high - low for low, high in ranges))


def test_boxes_that_make_up_no_tensor():
    top, left, right = box((0, 1), (0, 4)), box((1, 3), (0, 1)), box((1, 3), (1, 4))
    assert assemble([right, left, top], (3, 4)).shape == (3, 4)
    assert assemble([left, top], (3, 4)) is None  # a gap
    assert assemble([left, right], (3, 4)) is None  # nothing at the beginning
    assert assemble([top, left, right], (4, 4)) is None  # nothing at the end
    assert assemble([top, left, right, box((1, 3), (2, 4))], (3, 4)) is None  # an overlap
    assert assemble([top, box((0, 3), (0, 4))], (3, 4)) is None
    assert assemble([], (3, 4)) is None
    many = [box((at, 2000), (at, at + 1)) for at in range(1000)] + [
        box((at, at + 1), (at + 1, 1000)) for at in range(1000)
    ]
    assert assemble(many, (2000, 1000)) is None  # cuts within cuts, a thousand deep


@pytest.fixture
def small(tmp_path):
    return save_dict(tmp_path / "c", {"a": torch.arange(4.0), "b": torch.ones(2, 2)})


def change_place(folder, **fields):
    def edit(metadata):
        for index, info in metadata.storage_data.items():
            if index.fqn == "a":
                metadata.storage_data[index] = replace(info, **fields)

    edit_metadata(folder, edit)


@pytest.mark.parametrize("place", ["../c/__0_0.distcp", "/etc/passwd", "", "a\0b", "x/../../y"])
def test_chunks_stay_in_their_folder(small, place):
    change_place(small, relative_path=place)
    refused(small, "c/.metadata", "not in its folder")


def test_a_missing_and_a_truncated_file(small):
    whole = (small / "__0_0.distcp").read_bytes()
    for size in (0, 100, len(whole) - 1):
        (small / "__0_0.distcp").write_bytes(whole[:size])
        refused(small, "c/__0_0.distcp", "should lie at bytes", f"the file has {size}")
    (small / "__0_0.distcp").unlink()
    refused(small, "'c/__0_0.distcp' is missing: tensor 'a' is in it")
    (small / "__0_0.distcp").mkdir()
    refused(small, "c/__0_0.distcp")


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
def test_places_that_lie(small, fields, words):
    change_place(small, **fields)
    refused(small, words)


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
def test_metadata_that_contradict_themselves_or_the_files(small, field, words):
    edit_metadata(small, changed(field))
    refused(small, words)


def test_metadata_of_an_older_torch(small):
    """Up to 2.2 the properties of a tensor were another class."""

    def edit(metadata):
        entry = metadata.state_dict_metadata["a"]
        entry.properties = OlderProperties(dtype=torch.float32)

    edit_metadata(small, edit)
    assert values(small)["a"] == raw(torch.arange(4.0))


def test_a_chunk_that_is_named_twice_is_one(small):
    edit_metadata(small, changed("twice"))
    assert values(small)["a"] == raw(torch.arange(4.0))


class Evil:
    def __reduce__(self):
        return (os.system, ("echo run!",))


def test_nothing_is_run(small, capfd):
    def edit(metadata):
        metadata.planner_data = Evil()

    edit_metadata(small, edit)
    refused(small, "cannot open 'c/.metadata'", "system", "nothing of it was run")
    (small / ".metadata").write_bytes(pickle.dumps([1, 2]))
    refused(small, "where a Metadata is expected")
    (small / ".metadata").write_bytes(pickle.dumps(Evil(), 0))
    refused(small, "system")
    (small / ".metadata").write_bytes(b"")
    refused(small, "ends too early")
    (small / ".metadata").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    refused(small, "a Git LFS pointer", "git lfs pull")
    assert capfd.readouterr().out == ""


def test_a_chunk_that_wants_something_run(small, capfd):
    with (small / "__0_0.distcp").open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Evil(), 2))
        archive.writestr("archive/version", "3\n")
    change_place(small, offset=0, length=(small / "__0_0.distcp").stat().st_size)
    refused(small, "cannot open 'c/__0_0.distcp: a'", "system")
    assert capfd.readouterr().out == ""


def test_no_truncation_of_the_metadata_goes_unseen(small):
    whole = (small / ".metadata").read_bytes()
    for size in range(0, len(whole), 5):
        (small / ".metadata").write_bytes(whole[:size])
        refused(small, "c/.metadata")


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
