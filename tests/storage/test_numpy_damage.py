"""Arrays and archives that are damaged or hostile: what is wrong is said, and nothing of a file is run."""

import io
import pickle
import struct
import tempfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy_cases import values
from storage_files import opened, refused

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.storage.numpy.npy import npy_header


class Bomb:
    def __reduce__(self):
        return (print, ("run!",))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([Bomb()], object), "Python objects"),
        (np.zeros(2, [("a", "f4"), ("b", "i2")]), "fields"),
        (np.array(["a"]), "text"),
        (np.array([b"a"]), "text"),
        (np.zeros(2, "M8[s]"), "dates"),
        (np.zeros(2, "V2"), "bfloat16"),
        (np.zeros(2, np.longdouble), "which no tensor has"),
    ],
)
def test_what_is_no_tensor_is_refused_by_name(tmp_path, capsys, array, words):
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version=(2, 0), allow_pickle=True)
    refused(tmp_path / "x.npy", "'x.npy'", words)
    np.savez(tmp_path / "x.npz", fine=np.zeros(2), odd=array)
    refused(tmp_path / "x.npz", "'odd.npy' of 'x.npz'", words)
    assert capsys.readouterr().out == ""


def raw_array(text, data=b"", version=1):
    raw = text.encode("latin-1") if isinstance(text, str) else text
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + struct.pack("<H" if version == 1 else "<I", len(raw))
        + raw
        + data
    )


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "begins with b''"),
        (b"\x93NUMPY\x01", "too few"),
        (raw_array(GOOD, bytes(8), version=4), "version is 4.0"),
        (raw_array(GOOD, bytes(7)), "takes 8 bytes, and there are 7"),
        (raw_array(GOOD, bytes(9)), "takes 8 bytes, and there are 9"),
        (raw_array(GOOD)[:-4], "the file ends after"),
        (raw_array("print('run!')"), "not a dictionary literal"),
        (raw_array("{'descr': '<f4', 'shape': (2,)}"), "does not say"),
        (raw_array(GOOD.replace("}", ", 'more': 1}"), bytes(8)), "nothing else"),
        (raw_array("[1, 2]"), "does not say"),
        (raw_array(GOOD.replace("(2,)", "[2]"), bytes(8)), "its shape is [2]"),
        (raw_array(GOOD.replace("(2,)", "(-2,)")), "its shape is (-2,)"),
        (raw_array(GOOD.replace("(2,)", "(True,)"), bytes(4)), "its shape is (True,)"),
        (raw_array(GOOD.replace("(2,)", f"(0x{'f' * 9999},)")), "many digits"),
        (raw_array(GOOD.replace("(2,)", str((2**40,) * 3))), "more bytes than any file"),
        (raw_array(GOOD.replace("(2,)", str((1,) * 65)), bytes(4)), "at most 64"),
        (raw_array(GOOD.replace("False", "0"), bytes(8)), "fortran_order is 0"),
        (raw_array(GOOD.replace("'<f4'", "4"), bytes(8)), "fields (4)"),
        (raw_array(b"-" * 60_000 + b"1"), "not a dictionary literal"),
        (raw_array(b"(" * 60_000), "not a dictionary literal"),
        (raw_array(b"'\\q'", version=3), "does not say"),
        (raw_array(b"\xff\xfe", version=3), "not a dictionary literal"),
        (raw_array(GOOD.ljust(70_000), bytes(8), version=2), "65536 is the most"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(50), "most allowed"),
        (pickle.dumps(Bomb()), "begins with"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
    ],
)
def test_a_broken_array(tmp_path, capsys, raw, words):
    (tmp_path / "x.npy").write_bytes(raw)
    refused(tmp_path / "x.npy", "'x.npy' is not a valid numpy array" if b"'<f4'" in raw else "'x.npy'", words)
    assert capsys.readouterr().out == ""


def test_every_truncation_is_seen(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.arange(5), b=np.zeros((2, 2), "f4"))
    whole = (tmp_path / "x.npz").read_bytes()
    for size in range(len(whole)):
        (tmp_path / "x.npz").write_bytes(whole[:size])
        refused(tmp_path / "x.npz", "x.npz")


@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.data())
def test_no_damage_is_more_than_an_error(compressed, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        (np.savez_compressed if compressed else np.savez)(
            path, a=np.arange(50.0), b=np.asfortranarray(np.eye(3))
        )
        raw = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(raw)
        with suppress(StorageError):
            values(path)


def archive(path, *members, method=zipfile.ZIP_STORED):
    """An archive of arrays: name and content of each member."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return path


def array_bytes(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def patched(path, old, new, count):
    raw = path.read_bytes()
    assert raw.count(old) == count
    path.write_bytes(raw.replace(old, new))


def test_names_are_only_names(tmp_path):
    zeros = array_bytes(np.zeros(2))
    path = archive(
        tmp_path / "x.npz", ("../../a.npy", zeros), ("/etc/b.npy", zeros), (".npy", zeros), ("c", zeros)
    )
    assert list(opened(path).tensors) == ["../../a", "/etc/b", "", "c"]
    assert {each.name for each in tmp_path.iterdir()} == {"x.npz"}
    refused(archive(tmp_path / "y.npz", ("a\n.npy", zeros)), "cannot be that of a tensor")
    refused(archive(tmp_path / "z.npz", ("a", zeros), ("a.npy", zeros)), "two arrays in it are called 'a'")


def test_a_name_that_stands_twice(tmp_path):
    zeros = array_bytes(np.zeros(2))
    path = archive(tmp_path / "x.npz", ("ab.npy", zeros), ("ac.npy", zeros))
    patched(path, b"ac.npy", b"ab.npy", 2)
    refused(path, "the name 'ab.npy' stands twice")


def test_other_members_are_left_aside(tmp_path):
    zeros = array_bytes(np.zeros(2))
    found = opened(archive(tmp_path / "x.npz", ("a.npy", zeros), ("readme.txt", b"hello")))
    assert (list(found.tensors), found.notes) == (
        ["a"],
        ("'x.npz' also holds what is no array; left aside: readme.txt",),
    )
    refused(archive(tmp_path / "y.npz", ("readme.txt", b"hello")), "no array in 'y.npz'", "readme.txt")
    refused(archive(tmp_path / "z.npz", ("z/data.pkl", b"hello")), ".pt")
    refused(archive(tmp_path / "w.npz", ("a.npy", b"hello")), "'a.npy' of 'w.npz' is not a valid numpy array")


@pytest.mark.parametrize("size", [0, 1 << 20])
def test_a_bomb_is_refused_before_it_is_inflated(tmp_path, size):
    """A header that asks for terabytes, and a directory that says the same."""
    huge = 1 << 42
    content = npy_header((huge,), BY_NAME["uint8"]) + bytes(size)
    packed = zlib.compressobj(9, wbits=-15)
    data = packed.compress(content) + packed.flush()
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.npy", data)
    raw = path.read_bytes()
    at = raw.index(b"PK\x01\x02")
    local = raw[:8] + struct.pack("<H", 8) + raw[10:at]
    declared = 128 + huge
    entry = bytearray(raw[at : at + 46 + 5])
    entry[10:12] = struct.pack("<H", 8)
    entry[24:28] = b"\xff" * 4
    entry[30:32] = struct.pack("<H", 12)
    directory = bytes(entry) + struct.pack("<2HQ", 1, 8, declared)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), at, 0)
    path.write_bytes(local + directory + end)
    refused(path, f"declares {declared} bytes", "cannot hold as many")


def test_a_directory_that_lies_about_sizes(tmp_path):
    zeros = array_bytes(np.zeros(100))
    path = archive(tmp_path / "x.npz", ("a.npy", zeros), method=zipfile.ZIP_DEFLATED)
    patched(path, struct.pack("<L", len(zeros)), struct.pack("<L", len(zeros) + 8), 2)
    refused(path, "takes 800 bytes, and there are 808")
    path = archive(tmp_path / "y.npz", ("a.npy", zeros))
    raw = path.read_bytes()
    at = raw.index(b"PK\x01\x02") + 24
    path.write_bytes(raw[:at] + struct.pack("<L", 9) + raw[at + 4 :])
    refused(path, "sizes of its member 'a.npy' contradict")


def test_deflated_data_that_are_damaged_are_an_error_when_they_are_read(tmp_path):
    array = array_bytes(np.random.default_rng(1).normal(size=3000))
    path = archive(tmp_path / "x.npz", ("a.npy", array), method=zipfile.ZIP_DEFLATED)
    raw = path.read_bytes()
    crc = struct.pack("<L", zlib.crc32(array))
    path.write_bytes(raw.replace(crc, b"1234"))
    with pytest.raises(
        StorageError, match=r"'a.npy' of 'x.npz' cannot be read: its compressed data are damaged"
    ):
        values(path)


@pytest.mark.parametrize(
    ("method", "words"), [(zipfile.ZIP_BZIP2, "method 12"), (zipfile.ZIP_LZMA, "method 14")]
)
def test_other_compressions_are_refused(tmp_path, method, words):
    refused(archive(tmp_path / "x.npz", ("a.npy", array_bytes(np.zeros(9))), method=method), words, "without")


def test_encrypted_and_contradicting_members(tmp_path):
    zeros = array_bytes(np.zeros(9))
    path = archive(tmp_path / "x.npz", ("a.npy", zeros), ("b.npy", zeros))
    raw = path.read_bytes()
    at = raw.index(b"PK\x01\x02")
    path.write_bytes(raw[: at + 8] + b"\x01" + raw[at + 9 :])
    refused(path, "'a.npy' is encrypted")
    path.write_bytes(raw.replace(b"b.npy", b"c.npy", 1))  # in front of the member, and not in the directory
    refused(path, "member 'b.npy' contradict each other")
    path.write_bytes(raw[:-22].replace(b"PK\x01\x02", b"PK\x01\x03") + raw[-22:])
    refused(path, "not a valid zip archive")
    path.write_bytes(b"#!/bin/sh\n" + raw)
    refused(path, "begins with b'#!/bin'")


def test_members_that_overlap(tmp_path):
    zeros = array_bytes(np.zeros(9))
    path = archive(tmp_path / "x.npz", ("a.npy", zeros), ("b.npy", zeros))
    raw = path.read_bytes()
    second = raw.rindex(b"PK\x01\x02")
    path.write_bytes(raw[: second + 42] + bytes(4) + raw[second + 46 :])
    refused(path, "reaches into what follows it")
