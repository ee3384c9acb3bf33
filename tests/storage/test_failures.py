"""Saves that fail, are interrupted or killed: the destination is the old one or the new one."""

import errno
import os
import random
import signal
import subprocess
import threading
import time

import pytest
from storage_files import ENV, PYTHON, content, made, names_in, numbers, opened, pieces, save

from brainsurgery_shell.errors import StepError, StorageError
from brainsurgery_shell.graph import files
from brainsurgery_shell.storage.output import publish, write

OLD = {"a": numbers(500), "b": numbers(500, 7)}
NEW = {"a": numbers(500, 1000), "b": numbers(500, 2000), "c": numbers(500, 3000)}


@pytest.fixture(params=["file", "folder"])
def dest(request, tmp_path):
    """An existing checkpoint that nothing may damage."""
    path = tmp_path / ("m.safetensors" if request.param == "file" else "m")
    save(path, OLD, shard=2000)
    return path


def fails(dest, error, words=None, tensors=NEW, **options):
    before = content(dest)
    fresh = dest.parent / "deep" / "new" / dest.name
    for path in (dest, fresh):
        with pytest.raises(error, match=words):
            save(path, tensors, shard=2000, overwrite=True, **options)
    assert content(dest) == before
    assert names_in(dest.parent) == {dest.name}


def failing(error):
    def of(tensor):
        yield from pieces(tensor)
        if tensor is NEW["b"]:
            raise error

    return of


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_kernel(dest, workers):
    fails(dest, StepError, "did not converge", pieces=failing(StepError("did not converge")), workers=workers)


def test_an_error_or_interrupt_of_tick(dest):
    def stop(nbytes):
        raise KeyboardInterrupt

    fails(dest, KeyboardInterrupt, tick=stop)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS])
@pytest.mark.parametrize("call", ["pwrite", "copy_file_range", "posix_fallocate", "fsync"])
def test_errors_of_the_disk(dest, monkeypatch, code, call):
    def broken(*args):
        raise OSError(code, os.strerror(code))

    source = opened(dest).tensors if call == "copy_file_range" else NEW
    monkeypatch.setattr(os, call, broken)
    fails(dest, StorageError, f"{os.strerror(code)}; nothing was changed", tensors=source)


def test_a_device_that_takes_no_bytes(dest, monkeypatch):
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: 0)
    fails(dest, StorageError, "took no bytes")


def test_a_source_that_changes_while_it_is_copied(tmp_path, dest):
    save(tmp_path / "source" / "s.safetensors", {"s": numbers(10)})
    source = opened(tmp_path / "source" / "s.safetensors")
    path = source.files[0].path

    def touch(tensor):
        yield from pieces(tensor)
        os.utime(path, ns=(0, time.time_ns()))

    before = content(dest)
    with pytest.raises(StorageError, match=r"'s.safetensors' changed on disk"):
        save(dest, source.tensors | NEW, overwrite=True, pieces=touch)
    fresh = opened(path)
    behind = made(numbers(10).kernel.data)
    behind.kernel.inputs = (made(b"", (0,)), fresh.tensors["s"])
    with pytest.raises(StorageError, match=r"'s.safetensors' changed on disk"):
        save(dest, {"t": behind}, overwrite=True, pieces=touch)
    fresh = opened(path)
    with pytest.raises(StorageError, match=r"'s.safetensors' changed on disk"):
        save(dest, NEW, overwrite=True, pieces=touch, sources=fresh.files)
    assert content(dest) == before


def test_an_error_before_replacing(dest):
    def refuse(path):
        raise StorageError("cannot keep it")

    before = content(dest)
    with pytest.raises(StorageError, match="cannot keep it"):
        save(dest, NEW, overwrite=True, before_replace=refuse)
    assert content(dest) == before
    assert names_in(dest.parent) == {dest.name}


def test_a_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "none", disk]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        for path in (disk / "m.safetensors", disk / "m"):
            save(path, OLD)
            large = {"a": numbers(60_000)}
            with pytest.raises(StorageError, match="not enough space"):
                save(path, large, overwrite=True)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("brainsurgery_shell.storage.output.save.check_space", lambda *args: None)
                with pytest.raises(StorageError, match="No space left on device"):
                    save(path, large, overwrite=True)
                patch.delattr(os, "posix_fallocate")
                with pytest.raises(StorageError, match="No space left on device"):
                    save(path, large, overwrite=True)
            assert len(content(path)) == 2
        assert names_in(disk) == {"m.safetensors", "m"}
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_stops_the_other_threads_soon(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(write, "UNIT", 1)
    began = threading.Event()

    def slow(tensor):
        began.set()
        time.sleep(0.02)
        yield from pieces(tensor)

    def interrupt(nbytes):
        if began.is_set():
            raise KeyboardInterrupt

    many = {str(i): numbers(2, i) for i in range(500)}
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "x", many, pieces=slow, tick=interrupt, workers=workers)
    assert time.monotonic() - start < 2  # all of it would take 10 s, or 5
    assert names_in(tmp_path) == set()


def press():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


def test_control_c_after_the_rename_is_too_late(dest, monkeypatch):
    """In a thread of another save that was left behind the signal may arrive, too."""
    monkeypatch.setattr(publish, "sync_folder", lambda folder: press())
    left_behind = threading.Thread(target=time.sleep, args=(0.5,))
    left_behind.start()
    save(dest, NEW, overwrite=True)
    save(dest.parent / "fresh" / dest.name, NEW)
    assert len(content(dest)) == len(content(dest.parent / "fresh" / dest.name)) == 3
    assert names_in(dest.parent) == {dest.name, "fresh"}
    left_behind.join()


def test_a_second_control_c_does_not_stop_the_cleaning(dest, monkeypatch):
    remove = publish.remove

    def pressed(path):
        press()
        remove(path)

    def stop(nbytes):
        raise KeyboardInterrupt

    monkeypatch.setattr(publish, "remove", pressed)
    fails(dest, KeyboardInterrupt, tick=stop)


def test_control_c_before_the_first_byte(dest, monkeypatch):
    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(publish, "_lock", interrupted)
    fails(dest, KeyboardInterrupt)


def test_a_parent_that_one_may_write_to_and_not_read(dest, monkeypatch):
    real = os.open

    def closed(path, flags, *mode):
        if path == dest.parent:
            raise PermissionError(errno.EACCES, "no", str(path))
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", closed)
    save(dest, NEW, overwrite=True)
    assert len(content(dest)) == 3


CHILD = """
import os, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from storage_files import numbers, save, pieces
def slow(tensor):
    time.sleep({pause})
    yield from pieces(tensor)
tensors = {{str(i): numbers(4000, int(sys.argv[2])) for i in range(8)}}
save(Path(sys.argv[1]), tensors, shard=40000, overwrite=True, pieces=slow, workers=2,
     tick=lambda nbytes: print("tick", flush=True))
while {again}:
    save(Path(sys.argv[1]), tensors, shard=40000, overwrite=True, pieces=slow, workers=2)
"""


def child(dest, mark, pause, again=False):
    code = CHILD.format(tests=os.path.dirname(__file__), pause=pause, again=again)  # noqa: PTH120
    return subprocess.Popen(
        [PYTHON, "-c", code, str(dest), str(mark)], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_control_c_is_heard_at_once_even_in_a_long_kernel(tmp_path):
    process = child(tmp_path / "m", 1, pause=3)
    while not names_in(tmp_path):
        time.sleep(0.01)
    time.sleep(0.1)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    while names_in(tmp_path):
        assert time.monotonic() - start < 1
        time.sleep(0.01)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("name", ["m", "m.safetensors"])
def test_killed_at_any_moment(tmp_path, name):
    dest = tmp_path / name
    save(dest, {str(i): numbers(4000, 0) for i in range(8)}, shard=40000)
    if name == "m":
        (dest / "config.json").write_text("mine")
    random.seed(4)
    marks, left = set(), 0
    for mark in range(1, 9):
        process = child(dest, mark, pause=0, again=True)
        process.stdout.readline()
        time.sleep(random.random() * 0.08)
        process.kill()
        process.communicate()
        left += len(names_in(tmp_path)) - 1
        values = {data[:4] for _, _, data in content(dest).values()}
        assert len(content(dest)) == 8
        assert len(values) == 1, "a mixture of two checkpoints"
        assert name != "m" or (dest / "config.json").read_text() == "mine"
        marks |= values
    assert len(marks) > 1
    assert left > 0, "no kill hit the middle of a save: the test tests nothing"
    save(dest, NEW, overwrite=True)
    assert names_in(tmp_path) == {name}  # what killed saves left behind is gone


def test_the_fallback_copy_can_be_interrupted_too(dest, monkeypatch):
    def no(*args):
        raise OSError(errno.ENOSYS, "no")

    monkeypatch.setattr(os, "copy_file_range", no)
    monkeypatch.setattr(files, "_BUFFER", 100)
    before = content(dest)
    save(dest.parent / "copy.safetensors", opened(dest).tensors)
    assert content(dest.parent / "copy.safetensors") == before
