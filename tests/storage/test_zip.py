"""Archives: what we lay out ``zipfile`` reads, also within a file; what is written sparsely needs no space."""

import io
import os
import zipfile

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.files import write_at
from brainsurgery_shell.storage.zips.layout import ALIGN, Member, lay_out_zip, seals_of
from brainsurgery_shell.storage.zips.read import data_start, read_archive

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
CONTENTS = st.tuples(st.binary(max_size=200), st.binary(max_size=300))


def written(fd, layout, data):
    """Write an archive whose tensors have these data."""
    os.ftruncate(fd, layout.end)
    for at, literal in layout.literals:
        write_at(fd, memoryview(literal), at)
    for at, each in zip(layout.starts, data, strict=True):
        write_at(fd, memoryview(each), at)
    for seal in seals_of(layout.sums):
        for at, literal in list(seal.fill(fd, lambda nbytes: None)):
            write_at(fd, memoryview(literal), at)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(NAMES, CONTENTS, max_size=6), st.integers(0, 200))
def test_an_archive_anywhere_in_a_file(found, begin):
    layout = lay_out_zip([Member(name, head, len(data)) for name, (head, data) in found.items()], begin)
    fd = os.memfd_create("archive")
    try:
        written(fd, layout, [data for _, data in found.values() if data])
        with zipfile.ZipFile(io.BytesIO(os.pread(fd, layout.end, begin))) as archive:
            assert archive.testzip() is None
            assert {name: archive.read(name) for name in archive.namelist()} == {
                n: h + d for n, (h, d) in found.items()
            }
        read = read_archive(fd, begin, layout.end - begin, "'it'")
        assert list(read.members) == list(found)
        assert all(start % ALIGN == 0 for start in layout.starts)
        for name, (head, data) in found.items():
            start = data_start(fd, read.members[name], "'it'")
            assert os.pread(fd, len(head + data), start) == head + data
    finally:
        os.close(fd)


def test_members_beyond_four_gigabytes(tmp_path):
    layout = lay_out_zip(
        [Member("big", b"head", 5 << 30), Member("small", b"after"), Member("last", nbytes=7)]
    )
    with (tmp_path / "x.zip").open("w+b") as file:  # sparse: next to nothing is written
        os.ftruncate(file.fileno(), layout.end)
        for at, literal in layout.literals:
            write_at(file.fileno(), memoryview(literal), at)
        with zipfile.ZipFile(file) as archive:
            assert [each.file_size for each in archive.infolist()] == [(5 << 30) + 4, 5, 7]
            assert archive.read("small") == b"after"
        members = read_archive(file.fileno(), 0, layout.end, "'x.zip'").members
        assert data_start(file.fileno(), members["last"], "'x.zip'") == layout.starts[1] > 5 << 30


def test_more_members_than_sixteen_bits_count(tmp_path):
    layout = lay_out_zip(Member(str(number), b"x") for number in range(66_000))
    (tmp_path / "x.zip").write_bytes(b"".join(literal for _, literal in layout.literals))
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert len(archive.namelist()) == 66_000
    with (tmp_path / "x.zip").open("rb") as file:
        assert len(read_archive(file.fileno(), 0, layout.end, "'it'").members) == 66_000


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(NAMES, st.binary(max_size=300), max_size=6),
    st.binary(max_size=5000).filter(lambda comment: b"PK\x05\x06" not in comment),
    st.booleans(),
)
def test_what_zipfile_writes_is_read_as_zipfile_reads_it(found, comment, streamed):
    """With a comment, and with sizes that were not known when the members were written."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if streamed else zipfile.ZIP_STORED) as archive:
        archive.comment = comment
        for name, data in found.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=streamed) as member:
                member.write(data)
    fd = os.memfd_create("archive")
    try:
        os.write(fd, file.getvalue())
        members = read_archive(fd, 0, len(file.getvalue()), "'it'").members
        with zipfile.ZipFile(file) as archive:
            assert [
                (each.name, each.method, each.crc, each.packed, each.size, each.header)
                for each in members.values()
            ] == [
                (i.filename, i.compress_type, i.CRC, i.compress_size, i.file_size, i.header_offset)
                for i in archive.infolist()
            ]
    finally:
        os.close(fd)


def test_checksums_are_shared_among_threads(monkeypatch):
    """Small data together, large data alone; each part says how much it reads."""
    monkeypatch.setattr("brainsurgery_shell.storage.zips.layout._TOGETHER", 100)
    sizes = [30, 80, 10, 300, 1]
    layout = lay_out_zip(Member(str(size), nbytes=size) for size in sizes)
    assert [seal.nbytes for seal in seals_of(layout.sums)] == [110, 310, 1]
    fd = os.memfd_create("archive")
    try:
        os.ftruncate(fd, layout.end)
        for seal in seals_of(layout.sums):
            read = []
            assert len(list(seal.fill(fd, read.append))) == 2 * len(seal.fill.args[0])
            assert sum(read) == seal.nbytes
    finally:
        os.close(fd)


def test_names_have_room_for_64_kilobytes():
    with pytest.raises(StorageError, match="too long"):
        lay_out_zip([Member("x" * 70_000)])


def test_nothing_may_lie_in_front(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a", b"x")
    (tmp_path / "x.zip").write_bytes(b"twelve bytes" + (tmp_path / "x.zip").read_bytes())
    with (
        (tmp_path / "x.zip").open("rb") as file,
        pytest.raises(StorageError, match="its first 12 bytes belong to nothing"),
    ):
        read_archive(file.fileno(), 0, (tmp_path / "x.zip").stat().st_size, "'x.zip'")
