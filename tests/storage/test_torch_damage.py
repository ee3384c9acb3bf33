"""Torch files and archives that are damaged, cut off or lie about themselves."""

import struct
import tempfile
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_files import in_time, opened, refused
from torch_cases import torch_file, view

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.storage.pickles.machine import MAX_PICKLE
from brainsurgery_shell.storage.torch import legacy as torch_legacy
from brainsurgery_shell.storage.torch import read as torch_read

A, B = torch.arange(6.0).reshape(2, 3), torch.ones(4, dtype=torch.bfloat16)


@pytest.mark.parametrize("zipped", [True, False])
def test_files_that_were_cut_off(tmp_path, zipped):
    """At every place: an error that says so, and never anything else."""
    torch.save({"a": A, "b": B}, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "x.pt").read_bytes()
    for size in [*range(0, len(whole), 17), len(whole) - 1]:
        (tmp_path / "x.pt").write_bytes(whole[:size])
        refused(tmp_path / "x.pt", "x.pt")


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.floats(0, 1, exclude_max=True), st.integers(0, 255))
def test_files_with_a_wrong_byte_are_read_or_refused(zipped, where, byte):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pt"
        torch.save({"a": A, "b": B, "t": A.t()}, path, _use_new_zipfile_serialization=zipped)
        data = bytearray(path.read_bytes())
        data[int(where * len(data))] = byte
        path.write_bytes(data)
        try:
            tensors = opened(path).tensors
        except StorageError:
            return
        for tensor in tensors.values():
            assert tensor.file is None or tensor.offset + tensor.nbytes <= len(data)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"offset": 1}, "ends at byte 28 of a storage of 24"),
        ({"size": (3, 3)}, "ends at byte 36"),
        ({"stride": (1 << 60, 1)}, "of a storage of 24"),
        ({"stride": (-1, 1)}, "that no tensor has"),
        ({"size": (-2, 3)}, "that no tensor has"),
        ({"size": (2, 3, 1)}, "that no tensor has"),
        ({"offset": -1}, "that no tensor has"),
        ({"size": (1 << 40, 1 << 40), "stride": (0, 0)}, "more bytes than any file"),
        ({"numel": 7}, "24 bytes instead of 28"),
        ({"numel": 5}, "of a storage of 20"),
        ({"numel": -1}, "does not name a storage"),
        ({"key": "1"}, "is missing"),
        ({"key": "../../etc/passwd"}, "is missing"),
    ],
)
def test_views_that_reach_too_far(tmp_path, arguments, words):
    torch_file(tmp_path / "x.pt", view(), [bytes(24)])
    assert opened(tmp_path / "x.pt").tensors["w"].shape == (2, 3)
    torch_file(tmp_path / "x.pt", view(**arguments), [bytes(24)])
    refused(tmp_path / "x.pt", "x.pt", words)


def test_archives_that_are_none_of_torch(tmp_path):
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/b.txt", b"")
    refused(path, "without a data.pkl; it holds a/b.txt")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"")
        archive.writestr("b/data.pkl", b"")
    refused(path, "several: a/data.pkl, b/data.pkl")
    torch_file(path, b"\x80\x02}.", byteorder=b"middle")
    refused(path, "byte order is b'middle'")
    torch_file(path, b"\x80\x02}")
    refused(path, "data.pkl ends too early")


@pytest.mark.parametrize("member", ["x/data.pkl", "x/data/0"])
def test_compressed_members_are_refused(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        for name, data in (("x/data.pkl", view()), ("x/data/0", bytes(24))):
            archive.writestr(name, data, zipfile.ZIP_DEFLATED if name == member else zipfile.ZIP_STORED)
    refused(tmp_path / "x.pt", f"'{member}' is compressed")


def test_pickles_have_a_largest_size(tmp_path, monkeypatch):
    from brainsurgery_shell.storage.torch import read as torch_read

    monkeypatch.setattr(torch_read, "MAX_PICKLE", 100)
    monkeypatch.setattr(torch_legacy, "MAX_PICKLE", 100)
    for zipped in (True, False):
        torch.save({"a": A}, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
        refused(tmp_path / "x.pt", "100")
    assert MAX_PICKLE >= 500_000 * 150


def test_archives_that_lie(tmp_path):
    """Sizes beyond the file, members over each other, a member twice."""
    torch.save({"w": torch.ones(100)}, tmp_path / "x.pt")
    data = (tmp_path / "x.pt").read_bytes()
    entry = data.index(b"PK\x01\x02")
    for change in (struct.pack("<2L", 1 << 30, 1 << 30), struct.pack("<2L", 0, 1 << 31)):
        (tmp_path / "y.pt").write_bytes(data[: entry + 20] + change + data[entry + 28 :])
        refused(tmp_path / "y.pt", "y.pt")
    second = data.index(b"PK\x01\x02", entry + 4)
    (tmp_path / "y.pt").write_bytes(data[: second + 42] + data[entry + 42 : entry + 46] + data[second + 46 :])
    refused(tmp_path / "y.pt", "y.pt")
    with zipfile.ZipFile(tmp_path / "z.pt", "w") as archive:
        archive.writestr("x/data.pkl", b"}.")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x/data.pkl", b"N.")
    refused(tmp_path / "z.pt", "stands twice")


def test_directories_have_a_largest_size(tmp_path, monkeypatch):
    """An entry of fifty bytes becomes an object of a thousand."""
    monkeypatch.setattr(torch_read, "MAX_DIRECTORY", 10_000)
    torch_file(tmp_path / "x.pt", b"}.", [b""] * 10)
    assert opened(tmp_path / "x.pt").tensors == {}
    torch_file(tmp_path / "x.pt", b"}.", [b""] * 1000)
    refused(tmp_path / "x.pt", "10000 is the most")


def test_bombs_are_not_inflated(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", b"}" * (1 << 24))
    in_time(5, lambda: refused(tmp_path / "x.pt", "compressed"))
