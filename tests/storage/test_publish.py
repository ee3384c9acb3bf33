import fcntl
import os

import pytest
from storage_files import content, names_in, numbers, opened, save

from brainsurgery_shell.storage.output import publish as module
from brainsurgery_shell.storage.output import syscalls
from brainsurgery_shell.storage.output.publish import mend, publish, stage

NEW = {"b": numbers(1)}
TOKEN = "0123456789abcdef"


@pytest.fixture
def dest(tmp_path):
    save(tmp_path / "m", {"a": numbers(10)})
    return tmp_path / "m"


def test_leftovers_of_this_destination_are_removed_and_no_others(tmp_path, dest):
    ours = tmp_path / f".m.{TOKEN}.brainsurgery"
    ours.mkdir()
    (ours / "model.safetensors").touch()
    others = [f".m.x.{TOKEN}.brainsurgery", ".m.mine.brainsurgery", f".n.{TOKEN}.brainsurgery", f".m.{TOKEN}"]
    for name in others:
        (tmp_path / name).touch()
    save(dest, {"b": numbers(1)}, overwrite=True)
    assert names_in(tmp_path) == {"m", *others}


def test_what_a_live_save_builds_is_left_alone(tmp_path, dest):
    live = stage(dest, folder=True)
    assert names_in(tmp_path) == {"m", live.hidden.name}
    save(dest, {"b": numbers(1)}, overwrite=True)
    assert live.hidden.is_dir()
    live.discard()
    live.discard()
    assert names_in(tmp_path) == {"m"}


def test_a_stage_taken_for_abandoned_is_made_again(tmp_path, monkeypatch):
    real, times = module._lock, []

    def lose_the_first(path):
        times.append(path)
        return None if len(times) == 1 else real(path)

    monkeypatch.setattr(module, "_lock", lose_the_first)
    staged = stage(tmp_path / "x", folder=False)
    assert staged.hidden == times[1]
    staged.discard()


def test_without_locks_nothing_is_taken_for_abandoned(tmp_path, dest, monkeypatch):
    def no(*args):
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", no)
    (tmp_path / f".m.{TOKEN}.brainsurgery").mkdir()
    save(dest, {"b": numbers(1)}, overwrite=True)
    assert names_in(tmp_path) == {"m", f".m.{TOKEN}.brainsurgery"}
    assert list(content(dest)) == ["b"]


def test_names_too_long_for_a_sibling(tmp_path):
    long = tmp_path / ("é" * 120 + ".safetensors")
    save(long, {"a": numbers(1)})
    save(long, {"b": numbers(1)}, overwrite=True)
    assert names_in(tmp_path) == {long.name}


def test_systems_without_exchange_rename_twice(tmp_path, dest, monkeypatch):
    monkeypatch.setattr(syscalls, "_rename_call", None)
    (dest / "config.json").write_text("mine")
    save(dest, {"b": numbers(1)}, overwrite=True)
    assert names_in(dest) == {"model.safetensors", "config.json"}
    assert list(content(dest)) == ["b"]
    save(tmp_path / "new", {"b": numbers(1)})
    assert names_in(tmp_path) == {"m", "new"}


def test_a_second_rename_that_fails_is_taken_back(tmp_path, dest, monkeypatch):
    monkeypatch.setattr(syscalls, "_rename_call", None)
    staged = stage(dest, folder=True)
    staged.hidden.rmdir()
    monkeypatch.setattr(type(dest), "is_dir", lambda path: True)
    with pytest.raises(FileNotFoundError):
        publish(staged, replace=True, fsync=False)
    assert list(content(dest)) == ["a"]


def test_a_kill_between_the_two_renames_is_mended(tmp_path, dest):
    for again in (lambda: opened(dest), lambda: mend(dest), lambda: save(dest, NEW, overwrite=True)):
        former = tmp_path / f".m.{TOKEN}.was.brainsurgery"
        dest.rename(former)
        (tmp_path / f".m.{TOKEN}.brainsurgery").mkdir(exist_ok=True)
        again()
        assert dest.is_dir()
    assert not former.exists()


def test_syscalls(tmp_path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert syscalls.exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a").read_text() == "b"
    with pytest.raises(FileNotFoundError):
        syscalls.exchange(tmp_path / "a", tmp_path / "c")
    with pytest.raises(FileExistsError):
        syscalls.rename_new(tmp_path / "a", tmp_path / "b")
    syscalls.start_writing_back(os.open(os.devnull, os.O_RDONLY), 0, 1)
