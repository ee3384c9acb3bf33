import errno
import os
import threading
from pathlib import Path

import pytest
import torch

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph import files
from brainsurgery_shell.graph.files import FilePool, facts_of, write_at
from brainsurgery_shell.graph.tensor import StoredFile

DATA = bytes(range(256)) * 40


def stored_file(path, data=DATA):
    path.write_bytes(data)
    with path.open("rb") as file:
        return StoredFile(path, facts_of(file.fileno()), f"shown/{path.name}")


def read(pool, file, offset, count):
    data = bytearray(count)
    pool.read_into(file, offset, memoryview(data))
    return bytes(data)


@pytest.fixture
def pool():
    pool = FilePool(limit=2)
    yield pool
    pool.close()


@pytest.fixture
def file(tmp_path):
    return stored_file(tmp_path / "a")


def open_files():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_reads_and_copies(tmp_path, pool, file, monkeypatch):
    monkeypatch.setattr(files, "COPY_CHUNK", 1000)
    assert read(pool, file, 300, 5000) == DATA[300:5300]
    assert read(pool, file, 300, 0) == b""
    ticks = []
    with (tmp_path / "out").open("w+b") as out:
        pool.copy_range(file, 7, 2500, out.fileno(), 3, ticks.append)
    assert (tmp_path / "out").read_bytes() == bytes(3) + DATA[7:2507]
    assert ticks == [1000, 1000, 500]


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, None])
def test_copies_where_the_kernel_cannot(tmp_path, pool, file, monkeypatch, code):
    def refuse(*args):
        if code is None:
            return 0
        raise OSError(code, "no")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    monkeypatch.setattr(files, "_BUFFER", 999)
    with (tmp_path / "out").open("w+b") as out:
        pool.copy_range(file, 7, 2500, out.fileno(), 0, lambda nbytes: None)
    assert (tmp_path / "out").read_bytes() == DATA[7:2507]


def test_short_reads_and_writes_are_continued(tmp_path, pool, file, monkeypatch):
    preadv, pwrite = os.preadv, os.pwrite
    monkeypatch.setattr(os, "preadv", lambda fd, buffers, at: preadv(fd, [buffers[0][:7]], at))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:7], at))
    assert read(pool, file, 1, 100) == DATA[1:101]
    with (tmp_path / "out").open("w+b") as out:
        write_at(out.fileno(), memoryview(DATA), 0)
    assert (tmp_path / "out").read_bytes() == DATA
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: 0)
    with pytest.raises(OSError, match="took no bytes"):
        write_at(1, memoryview(DATA), 0)


def test_errors_of_the_disk_name_the_file(tmp_path, pool, file, monkeypatch):
    def broken(*args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", broken)
    with pytest.raises(StorageError, match="cannot read 'shown/a': Input/output error"):
        read(pool, file, 0, 1)
    monkeypatch.setattr(os, "copy_file_range", broken)
    with (tmp_path / "out").open("wb") as out, pytest.raises(OSError, match="Input/output"):
        pool.copy_range(file, 0, 10, out.fileno(), 0, lambda nbytes: None)


def test_few_files_stay_open(tmp_path, pool):
    before = open_files()
    many = [stored_file(tmp_path / str(i), bytes([i]) * 10) for i in range(9)]
    for _ in range(2):
        for i, file in enumerate(many):
            assert read(pool, file, 0, 10) == bytes([i]) * 10
            assert open_files() <= before + 2
    pool.close()
    assert open_files() == before


def test_descriptors_running_out_costs_the_oldest(tmp_path, pool, file, monkeypatch):
    read(pool, file, 0, 1)
    real, times = os.open, []

    def exhausted(*args, **kwargs):
        times.append(1)
        if len(times) == 1:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(*args, **kwargs)

    other = stored_file(tmp_path / "b")
    monkeypatch.setattr(os, "open", exhausted)
    assert read(pool, other, 0, 5) == DATA[:5]
    assert len(times) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "'shown/a' is gone"),
        (lambda path: path.write_bytes(b"x"), "had 10240 bytes and has 1"),
        (lambda path: os.utime(path, ns=(0, 0)), "it was written to"),
        (lambda path: (path.rename(f"{path}2"), path.write_bytes(DATA)), "another file is there now"),
    ],
)
def test_changes_are_noticed(tmp_path, pool, file, change, words):
    pool.verify(file)
    change(file.path)
    with pytest.raises(StorageError, match=words):
        read(pool, file, 0, 1)
    with pytest.raises(StorageError, match=words):
        pool.verify(file)
    with pytest.raises(StorageError, match=words):
        pool.pin(file)


def test_a_change_of_an_open_file_is_noticed_by_the_next_step(tmp_path, pool, file):
    pool.pin(other := stored_file(tmp_path / "b"))
    for each in (file, other):
        read(pool, each, 0, 1)
        os.utime(each.path, ns=(0, 1))
        read(pool, each, 0, 1)  # the step goes on
        pool.distrust()
        for _ in range(2):
            with pytest.raises(StorageError, match="was written to"):
                read(pool, each, 0, 1)


def test_every_step_looks_at_its_files(patient):
    patient.open(a=torch.ones(4))
    patient.run("assert: finite: a")
    path = patient.folder / "model.safetensors"
    os.utime(path, ns=(0, 1))
    patient.fails("assert: finite: a", "changed on disk")


def test_a_file_cut_short_while_open(pool, file):
    read(pool, file, 0, 1)
    os.truncate(file.path, 5)
    with pytest.raises(StorageError, match="ended before byte 10"):
        read(pool, file, 0, 10)
    with pytest.raises(StorageError, match="ended before byte 10"):
        pool.copy_range(file, 0, 10, 1, 0, lambda nbytes: None)


def test_a_pinned_file_outlives_its_path(tmp_path, pool, file):
    pool.pin(file)
    pool.pin(file)
    file.path.unlink()
    file.path.write_bytes(b"new")
    others = [stored_file(tmp_path / f"o{i}") for i in range(4)]
    for other in others:
        read(pool, other, 0, 1)
    assert read(pool, file, 0, 256) == DATA[:256]
    pool.verify(file)


def test_a_file_that_was_moved_aside_is_found_at_its_new_path(tmp_path, pool, file):
    aside = tmp_path / "aside"
    os.link(file.path, aside)
    file.path.unlink()
    file.path = aside
    pool.verify(file)
    assert read(pool, file, 0, 9) == DATA[:9]


def test_closing_while_reading_and_many_threads(tmp_path):
    before = open_files()
    pool = FilePool(limit=3)
    many = [stored_file(tmp_path / str(i), bytes([i]) * 4096) for i in range(12)]
    wrong = []

    def work(seed):
        for turn in range(300):
            i = (seed * 7 + turn * 5) % 12
            if read(pool, many[i], turn, 100) != bytes([i]) * 100:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    pool.close()
    for thread in threads:
        thread.join()
    pool.close()
    assert not wrong
    assert open_files() == before


def test_a_pool_that_is_dropped_leaves_no_file_open(file):
    before = open_files()
    pool = FilePool()
    read(pool, file, 0, 1)
    assert open_files() == before + 1
    del pool
    assert open_files() == before
