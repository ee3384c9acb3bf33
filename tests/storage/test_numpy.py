"""What numpy writes we read, and the other way round."""

import tempfile
import zipfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy_cases import facts, values
from storage_files import made, opened, save

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.build import permute, take
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.storage.numpy.npy import DESCRIPTIONS

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def arrays(draw, swapped=True):
    """Any array that is a tensor: C or Fortran order, and if ``swapped`` in either byte order."""
    dtype = np.dtype(DESCRIPTIONS[draw(st.sampled_from(sorted(DESCRIPTIONS)))])
    shape = draw(SHAPES)
    size = int(np.prod(shape)) * dtype.itemsize
    data = draw(st.binary(min_size=size, max_size=size))
    if dtype.kind == "b":
        data = bytes(byte & 1 for byte in data)
    array = np.frombuffer(data, dtype).reshape(shape)
    if swapped and draw(st.booleans()):
        array = array.astype(dtype.newbyteorder(">"))
    return np.asfortranarray(array) if draw(st.booleans()) else array


def tensor_of(array):
    return made(array.tobytes(), array.shape, BY_NAME[array.dtype.name])


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(NAMES.filter(lambda name: name != "file"), arrays(), max_size=4), st.booleans())
def test_we_read_the_archives_that_numpy_writes(found, compressed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        (np.savez_compressed if compressed else np.savez)(path, **found)
        assert values(path) == {name: facts(array) for name, array in found.items()}


@settings(max_examples=80, deadline=None)
@given(arrays(), st.sampled_from([(1, 0), (2, 0), (3, 0)]))
def test_we_read_the_arrays_that_numpy_writes(array, version):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        with path.open("wb") as file:
            np.lib.format.write_array(file, array, version=version)
        assert values(path) == {"x": facts(array)}


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, arrays(swapped=False), max_size=4))
def test_numpy_reads_the_archives_that_we_write(found):
    found = {name: np.ascontiguousarray(each).reshape(each.shape) for name, each in found.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        save(path, {name: tensor_of(array) for name, array in found.items()})
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
        with np.load(path, allow_pickle=False) as read:
            assert {name: facts(read[name]) for name in read.files} == {n: facts(a) for n, a in found.items()}
            assert read.files == list(found)
        assert values(path) == {name: facts(array) for name, array in found.items()}


@settings(max_examples=60, deadline=None)
@given(arrays(swapped=False))
def test_an_array_is_written_as_numpy_writes_it(array):
    array = np.ascontiguousarray(array).reshape(array.shape)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.npy", Path(folder) / "theirs.npy"
        save(ours, {"any name": tensor_of(array)})
        np.save(theirs, array)
        assert ours.read_bytes() == theirs.read_bytes()


def test_what_needs_no_computing_stays_a_range_of_its_file(tmp_path):
    array = np.arange(6.0).reshape(2, 3)
    np.savez(
        tmp_path / "x.npz", plain=array, turned=np.asfortranarray(array), row=np.asfortranarray(array[:1])
    )
    np.save(tmp_path / "x.npy", array)
    tensors = opened(tmp_path / "x.npz").tensors
    assert [name for name, tensor in tensors.items() if tensor.file is not None] == ["plain", "row"]
    assert opened(tmp_path / "x.npy").tensors["x"].offset == 128
    assert np.load(tmp_path / "x.npy", mmap_mode="r")[1, 2] == 5


def test_any_range_of_a_deflated_array_in_any_order(tmp_path):
    array = np.random.default_rng(0).integers(0, 9, (600, 1000)).astype("i2")
    np.savez_compressed(tmp_path / "x.npz", a=array)
    tensor = opened(tmp_path / "x.npz").tensors["a"]
    evaluator = Evaluator(memory=1 << 28)
    for first in (400, 10, 599, 0, 300, 301):
        rows = take(tensor, [(first, min(600, first + 150), 7, True), (1, 1000, 3, True)])
        assert (evaluator.whole(rows).numpy() == array[first : first + 150 : 7, 1::3]).all()
    assert (evaluator.whole(permute(tensor, [1, 0])).numpy() == array.T).all()


def test_a_blob_without_suffix_is_recognised(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(2))
    np.savez(tmp_path / "y.npz", some_name=np.zeros(2))
    (tmp_path / "x.npy").rename(tmp_path / "one")
    (tmp_path / "y.npz").rename(tmp_path / "many")
    assert list(opened(tmp_path / "one").tensors) == ["one"]
    assert list(opened(tmp_path / "many").tensors) == ["some_name"]


def test_fingerprints_follow_the_content(tmp_path):
    prints = set()
    for value in (1, 2):
        np.savez(tmp_path / "x.npz", a=np.full(3, value))
        prints.add(opened(tmp_path / "x.npz").fingerprint)
    np.save(tmp_path / "x.npy", np.zeros(3))
    prints.add(opened(tmp_path / "x.npy").fingerprint)
    assert len(prints) == 3


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float4_e2m1fn"])
def test_dtypes_that_numpy_has_not(tmp_path, dtype):
    with pytest.raises(StorageError, match=f"numpy has no {dtype}, as tensor 'a' is") as caught:
        save(tmp_path / "x.npz", {"a": made(bytes(4), dtype=BY_NAME[dtype])})
    assert "cast_: target" in caught.value.hint


def test_names_that_no_archive_can_hold(tmp_path):
    for name in ("a\0b", "\ud800", "a\nb"):
        with pytest.raises(StorageError, match="cannot be written"):
            save(tmp_path / "x.npz", {name: made(bytes(4))})
    assert not list(tmp_path.iterdir())


def test_the_command_line(cli, folder):
    np.save(folder / "x.npy", np.arange(6.0).reshape(2, 3))
    np.savez(folder / "y.npz", a=np.ones(2, "f4"), b=np.zeros((), "i8"))
    cli(
        *("y.npz", "-c", "load: path: x.npy, to: x", "-c", "scale_: target: x, by: 2"),
        *("-c", "save: path: one.npy, target: x", "-c", "save: all.npz", "-c", "save: all.safetensors"),
    ).ok()
    assert np.load(folder / "one.npy").tolist() == [[0, 2, 4], [6, 8, 10]]
    assert list(np.load(folder / "all.npz")) == ["a", "b", "x"]
    cli("y.npz", "-c", "save: z.npy").fails("one tensor, and there are 2: a, b", "target")
    cli("y.npz", "-c", "save: path: out, format: numpy").fails("no folders", "out.npz")
    cli("y.npz", "-c", "load: path: y.npz, to: x").fails("2 tensors")
    assert not (folder / "out").exists()
    assert not (folder / "z.npy").exists()
