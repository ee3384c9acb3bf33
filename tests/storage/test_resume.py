"""A save that was killed goes on where it ended, if nothing that decides its bytes has changed."""

import os
import subprocess

import pytest
from storage_files import ENV, PYTHON, content, names_in, numbers, save

from brainsurgery_shell.storage.output.save import Resumable

CHILD = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from storage_files import numbers, save, pieces
from brainsurgery_shell.storage.output.save import Resumable
def until_the_fourth(tensor):
    if tensor is tensors["3"]:
        os.kill(os.getpid(), signal.SIGKILL)
    yield from pieces(tensor)
tensors = {{str(i): numbers(1000, i) for i in range(5)}}
save(Path(sys.argv[1]), tensors, shard=4000, layout=sys.argv[2], pieces=until_the_fourth,
     resumable=Resumable("same", False))
"""

TENSORS = {str(i): numbers(1000, i) for i in range(5)}


@pytest.fixture(params=["safetensors", "torch"])
def layout(request):
    return request.param


@pytest.fixture
def killed(tmp_path, layout):
    """Where a save into five shards was killed when three of them were finished."""
    dest = tmp_path / "m"
    code = CHILD.format(tests=os.path.dirname(__file__))  # noqa: PTH120
    done = subprocess.run([PYTHON, "-c", code, dest, layout], env=ENV, check=False)
    assert done.returncode == -9
    [left] = names_in(tmp_path)
    assert left.startswith(".m.")
    return dest


def again(dest, layout, tensors=TENSORS, key="same", resume=True):
    written = []
    totals = []
    report = save(
        dest,
        tensors,
        shard=4000,
        layout=layout,
        resumable=Resumable(key, resume),
        tick=written.append,
        begin=totals.append,
    )
    assert sum(written) == sum(totals)
    assert names_in(dest.parent) == {"m"}
    return report, sum(written)


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_only_what_is_missing_is_written(tmp_path_factory, killed, layout):
    whole, all_bytes = again(tmp_path_factory.mktemp("whole") / "m", layout)
    assert whole.kept == 0
    report, written = again(killed, layout)
    assert report.kept == 3
    assert written == all_bytes - 3 * 4000
    assert files_of(killed) == files_of(whole.path)
    assert content(killed).keys() == TENSORS.keys()


def test_unasked_it_begins_anew(killed, layout):
    assert again(killed, layout, resume=False)[0].kept == 0


def test_nothing_is_kept_of_another_save(killed, layout):
    assert again(killed, layout, key="other")[0].kept == 0


@pytest.mark.parametrize(
    "tensors",
    [
        {**TENSORS, "4": numbers(999)},
        {"x" if name == "4" else name: each for name, each in TENSORS.items()},
        {name: TENSORS[name] for name in "10234"},
    ],
    ids=["shape", "name", "order"],
)
def test_nothing_is_kept_of_another_layout(killed, layout, tensors):
    report, _ = again(killed, layout, tensors)
    assert report.kept == 0
    assert content(killed).keys() == tensors.keys()


def damaged(path, how):
    if how == "touched":
        os.utime(path, ns=(1, 1))
    elif how == "rewritten":
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    elif how == "cut":
        os.truncate(path, 100)
    else:
        path.unlink()
        if how == "symlink":
            path.symlink_to("/dev/null")


@pytest.mark.parametrize("how", ["touched", "rewritten", "cut", "gone", "symlink"])
def test_a_shard_that_was_touched_is_written_anew(killed, layout, how):
    [hidden] = killed.parent.iterdir()
    damaged(sorted(hidden.glob("*00001-of*"))[0], how)
    report, _ = again(killed, layout)
    assert report.kept == 2
    assert {name: data for name, (_, _, data) in content(killed).items()} == {
        name: each.kernel.data for name, each in TENSORS.items()
    }


@pytest.mark.parametrize("notes", [b"", b"{", b"[]\n", b'{"key": 1}\n', b"\xff\n"])
def test_notes_that_make_no_sense(killed, layout, notes):
    [hidden] = killed.parent.iterdir()
    (hidden / ".finished.jsonl").write_bytes(notes)
    assert again(killed, layout)[0].kept == 0


def test_a_torn_note_is_none(killed, layout):
    [hidden] = killed.parent.iterdir()
    notes = hidden / ".finished.jsonl"
    notes.write_bytes(notes.read_bytes()[:-2])
    assert again(killed, layout)[0].kept == 2


def test_what_else_lies_there_goes(killed, layout):
    [hidden] = killed.parent.iterdir()
    (hidden / "config.json").write_text("half")
    (hidden / "folder").mkdir()
    again(killed, layout)
    assert not {"config.json", "folder", ".finished.jsonl"} & names_in(killed)


def test_an_interrupted_save_leaves_nothing(tmp_path, layout):
    def stop(nbytes):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "m", TENSORS, shard=4000, layout=layout, tick=stop, resumable=Resumable("same", True))
    assert names_in(tmp_path) == set()
