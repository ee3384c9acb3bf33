"""What PyTorch writes as a distributed checkpoint, in one process or several, we read."""

import itertools
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from dcp_cases import HELD, raw, save_chunks, save_dict, some, values
from hypothesis import given, settings
from storage_files import made, names_in, opened, refused
from torch.distributed.checkpoint.filesystem import SerializationFormat

from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.storage.dcp.boxes import assemble


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
