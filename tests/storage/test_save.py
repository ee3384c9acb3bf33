import os
import stat
import subprocess
from pathlib import Path

import pytest
from storage_files import F32, content, made, names_in, numbers, opened, pieces, save, shard

from brainsurgery_shell.errors import InternalError, StorageError
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.files import FilePool
from brainsurgery_shell.graph.tensor import LazyTensor, stored
from brainsurgery_shell.storage.names import is_companion, is_weights
from brainsurgery_shell.storage.output import save as save_module
from brainsurgery_shell.storage.output import write
from brainsurgery_shell.storage.output.save import SaveTarget, plan_save

TENSORS = {"a": numbers(10), "b": numbers(5, 100), "c": numbers(0), "d": made(b"1234", ())}


def refused(path, words, hint="", tensors=TENSORS, **options):
    with pytest.raises(StorageError, match=words) as caught:
        save(path, tensors, **options)
    assert hint in (caught.value.hint or "")


def test_one_file(tmp_path):
    report = save(tmp_path / "new" / "x.safetensors", TENSORS, shard=8, metadata={"k": "v", "format": "np"})
    assert names_in(tmp_path / "new") == {"x.safetensors"}
    found = opened(report.path)
    assert found.metadata == {"format": "np", "k": "v"}
    assert content(report.path) == {
        name: ("float32", tensor.shape, tensor.kernel.data) for name, tensor in TENSORS.items()
    }
    assert (report.files, report.tensors, report.nbytes) == ((report.path,), 4, 64)
    assert report.tensors == len(found.tensors)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_folder_of_shards(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(write, "UNIT", 16)
    ticks = []
    report = save(tmp_path / "out", TENSORS, shard=48, workers=workers, tick=ticks.append)
    assert names_in(report.path) == {
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    }
    assert opened(report.path).metadata == {"format": "pt"}
    assert content(report.path) == {
        name: ("float32", tensor.shape, tensor.kernel.data) for name, tensor in TENSORS.items()
    }
    assert sum(ticks) == report.nbytes
    assert names_in(tmp_path) == {"out"}


def test_an_empty_checkpoint(tmp_path):
    assert opened(save(tmp_path / "x.safetensors", {}).path).tensors == {}
    assert opened(save(tmp_path / "x", {}).path).tensors == {}


def test_stored_ranges_that_follow_each_other_are_copied_at_one_go(tmp_path, monkeypatch):
    source = opened(
        save(tmp_path / "s.safetensors", {f"t{i}": numbers(10, i) for i in range(20)}).path
    ).tensors
    calls = []
    real = FilePool.copy_range

    def counted(self, file, offset, count, *rest):
        calls.append(count)
        real(self, file, offset, count, *rest)

    monkeypatch.setattr(FilePool, "copy_range", counted)
    save(tmp_path / "renamed.safetensors", {f"x.{name}": tensor for name, tensor in source.items()})
    assert calls == [800]
    calls.clear()
    mixed = dict(source) | {"t5": numbers(10, 7)}
    del mixed["t12"]
    save(tmp_path / "mixed.safetensors", mixed)
    assert calls == [200, 240, 280]
    assert content(tmp_path / "mixed.safetensors") == {
        name: found if name != "t5" else ("float32", (10,), numbers(10, 7).kernel.data)
        for name, found in content(tmp_path / "s.safetensors").items()
        if name != "t12"
    }


def test_computed_tensors_may_give_stored_pieces_and_views_of_any_format(tmp_path):
    save(tmp_path / "s.safetensors", {"a": numbers(10)})
    a = opened(tmp_path / "s.safetensors").tensors["a"]

    def of(tensor):
        yield stored((2,), F32, a.file, a.offset)
        yield memoryview(bytearray(8)).cast("f")
        yield stored((3,), F32, a.file, a.offset + 8)
        yield stored((1,), F32, a.file, a.offset + 20)

    save(tmp_path / "x.safetensors", {"t": made(b"", (8,))}, pieces=of)
    data = numbers(10).kernel.data
    assert content(tmp_path / "x.safetensors")["t"][2] == data[:8] + bytes(8) + data[8:24]


def test_pieces_that_are_too_few_are_a_bug_that_is_noticed(tmp_path):
    with pytest.raises(InternalError, match="'t' of 8 bytes came as 4"):
        save(tmp_path / "x", {"t": made(b"1234", (2,))})
    with pytest.raises(InternalError, match="not stored"):
        save(tmp_path / "x", {"t": made(b"1234", (1,))}, pieces=lambda tensor: iter([tensor]))
    assert names_in(tmp_path) == set()


def test_what_can_be_refused_without_data_is(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dir.safetensors").mkdir()
    refused(tmp_path / "file", "is a file", ".safetensors")
    refused(tmp_path / "dir.safetensors", "is a folder")
    refused(tmp_path / "file" / "x", "is a file, not a folder")
    refused(tmp_path / "file" / "x" / "y.safetensors", "is a file, not a folder")
    save(tmp_path / "m.safetensors", TENSORS)
    save(tmp_path / "m", TENSORS)
    refused(tmp_path / "m.safetensors", "the file exists", "overwrite: true")
    refused(tmp_path / "m", "exists and holds model.safetensors", "overwrite: true")
    double = {"z": LazyTensor((1,), BY_NAME["complex128"])}
    refused(tmp_path / "n", "no complex128, as tensor 'z' is", "cast_", double)
    refused(tmp_path / "n", "may be called '__metadata__'", tensors={"__metadata__": numbers(1)})
    os.mkfifo(tmp_path / "p.safetensors")
    refused(tmp_path / "p.safetensors", "no regular file", overwrite=True)
    (tmp_path / "loop").symlink_to("loop")
    refused(tmp_path / "loop", "cannot save")
    assert content(tmp_path / "m") == content(tmp_path / "m.safetensors")


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    refused(tmp_path / "x", "you may not write to the folder")


def test_an_empty_folder_needs_no_overwrite_and_keeps_its_mode(tmp_path):
    (tmp_path / "out").mkdir(mode=0o750)
    save(tmp_path / "out", TENSORS)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o750


def test_permissions_follow_the_umask(tmp_path):
    former = os.umask(0o027)
    try:
        save(tmp_path / "x.safetensors", TENSORS)
        save(tmp_path / "out", TENSORS)
    finally:
        os.umask(former)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "x.safetensors", tmp_path / "out")]
    assert modes == [0o640, 0o750]
    assert stat.S_IMODE((tmp_path / "out" / "model.safetensors").stat().st_mode) == 0o640


@pytest.fixture
def old(tmp_path):
    """A folder with weights of all sorts and other files."""
    folder = tmp_path / "out"
    save(folder, {"old": numbers(30), "older": numbers(30)}, shard=120)
    for name in ("pytorch_model.bin", "model.pt", "pytorch_model.bin.index.json", "x-00001-of-00002.bin"):
        (folder / name).write_text("old weights")
    for name in (
        "config.json",
        "training_args.bin",
        "optimizer.pt",
        ".gitattributes",
        "sub/deep/model.safetensors",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"mine: {name}")
    (folder / "link").symlink_to("config.json")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "sub").chmod(0o555)
    (folder / "empty").mkdir()
    return folder


def test_overwriting_a_folder_replaces_its_weights_and_keeps_the_rest(tmp_path, old):
    replaced = []
    inode = (old / "config.json").stat().st_ino
    save(old, TENSORS, overwrite=True, before_replace=lambda path: replaced.append(path.name))
    assert names_in(old) == {
        *("model.safetensors", "config.json", "training_args.bin", "optimizer.pt", ".gitattributes"),
        *("sub", "link", "dangling", "empty"),
    }
    assert set(replaced) == {
        *("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.pt"),
        *("model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"),
        "x-00001-of-00002.bin",
    }
    assert (old / "sub/deep/model.safetensors").read_text() == "mine: sub/deep/model.safetensors"
    assert stat.S_IMODE((old / "sub").stat().st_mode) == 0o555
    assert (old / "config.json").stat().st_ino == inode
    assert (str((old / "link").readlink()), str((old / "dangling").readlink())) == ("config.json", "nowhere")
    assert list(opened(old).tensors) == list(TENSORS)
    assert names_in(tmp_path) == {"out"}


def test_kept_files_are_copied_where_links_fail(old, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *args, **kwargs: (_ for _ in ()).throw(PermissionError()))
    save(old, TENSORS, overwrite=True)
    assert (old / "config.json").read_text() == "mine: config.json"


def test_a_symlink_as_destination_is_followed(tmp_path, old):
    (tmp_path / "link").symlink_to("out")
    save(tmp_path / "link", TENSORS, overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert list(opened(old).tensors) == list(TENSORS)
    (tmp_path / "new.safetensors").symlink_to("elsewhere/x.safetensors")
    assert save(tmp_path / "new.safetensors", TENSORS).path == tmp_path / "elsewhere" / "x.safetensors"


def test_companions_go_along_but_the_destinations_own_stay(tmp_path, old):
    source = tmp_path / "source"
    shard(source / "model.safetensors", a=1)
    for name in (
        "config.json",
        "tokenizer.model",
        "modeling.py",
        "README.md",
        "x.gguf",
        "flax_model.msgpack",
    ):
        (source / name).write_text(f"source: {name}")
    for name in ("optimizer.pt", "trainer_state.json", "model.onnx", "adapter_model.bin", "a.index.json"):
        (source / name).write_text("not me")
    (source / "tokenizer.json").symlink_to("config.json")
    (source / "gone.json").symlink_to("nowhere")
    (source / "run.sh").write_text("x")
    (source / "run.sh").chmod(0o555)
    (source / "sub").mkdir()
    save(tmp_path / "new", TENSORS, companions=source)
    along = {"config.json", "tokenizer.model", "modeling.py", "README.md", "tokenizer.json", "run.sh"}
    assert names_in(tmp_path / "new") == {"model.safetensors", *along}
    assert not (tmp_path / "new" / "tokenizer.json").is_symlink()
    assert os.access(tmp_path / "new" / "run.sh", os.X_OK)
    save(old, TENSORS, companions=source, overwrite=True)
    assert (old / "config.json").read_text() == "mine: config.json"
    assert (old / "modeling.py").read_text() == "source: modeling.py"
    save(tmp_path / "x.safetensors", TENSORS, companions=source)
    save(source, TENSORS, companions=source, overwrite=True)
    assert (source / "config.json").read_text() == "source: config.json"


@pytest.mark.parametrize("name", ["foo.pt", "weights.npz", "pytorch_lora_weights.bin"])
def test_what_would_be_opened_is_replaced_whatever_it_is_called(tmp_path, name):
    folder = tmp_path / "m"
    save(folder / name, {"old": numbers(3)})
    (folder / "optimizer.pt").write_text("no weights")
    replaced = []
    save(folder, TENSORS, overwrite=True, before_replace=lambda path: replaced.append(path.name))
    assert replaced == [name]
    assert names_in(folder) == {"model.safetensors", "optimizer.pt"}
    save(folder / name, {"second": numbers(3)})  # beside weights that are opened instead
    save(folder, TENSORS, overwrite=True)
    assert names_in(folder) == {"model.safetensors", "optimizer.pt", name}


@pytest.mark.parametrize("name", ["model.safetensors", "x.safetensors.index.json", "consolidated.00.pth"])
def test_names_of_weights(name):
    assert is_weights(name)
    assert not is_companion(name)


@pytest.mark.parametrize("name", ["tokenizer.model", "vocab.txt", ".gitattributes", "generation_config.json"])
def test_names_of_companions(name):
    assert is_companion(name)
    assert not is_weights(name)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_saving_over_the_source(tmp_path, kind):
    path = tmp_path / ("m.safetensors" if kind == "file" else "m")
    save(path, {"a": numbers(1000), "b": numbers(1000, 5000)})
    before = content(path)
    source = opened(path)
    pool = FilePool()
    aside = tmp_path / "aside"

    def keep(replaced):
        os.link(replaced, aside)
        source.files[0].path = aside

    swapped = {"a": source.tensors["b"], "b": source.tensors["a"]}
    save(path, swapped, overwrite=True, before_replace=keep, pool=pool, companions=source.folder)
    assert content(path) == {"a": before["b"], "b": before["a"]}
    pool.verify(source.files[0])
    data = bytearray(4000)
    pool.read_into(source.files[0], source.tensors["a"].offset, memoryview(data))
    assert bytes(data) == before["a"][2]


def test_without_a_link_the_replaced_source_is_an_error_and_never_wrong_data(tmp_path):
    path = tmp_path / "m.safetensors"
    save(path, {"a": numbers(10)})
    source = opened(path).tensors["a"]
    save(path, {"a": numbers(10, 5)}, overwrite=True)
    refused(tmp_path / "out", "changed on disk", tensors={"a": source})
    assert not (tmp_path / "out").exists()


def test_the_working_folder_may_be_the_destination(tmp_path, old, monkeypatch):
    monkeypatch.chdir(old)
    save(Path(), TENSORS, overwrite=True)
    assert "model.safetensors" in names_in(Path())
    assert Path.cwd() == old


def test_a_mounted_folder_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path / "out"], check=False).returncode
    ):
        pytest.skip("cannot mount here")
    try:
        refused(tmp_path / "out", "another disk is mounted there", "out/model")
        assert save(tmp_path / "out" / "model", TENSORS).tensors == 4
    finally:
        subprocess.run(["umount", tmp_path / "out"], check=True)
    (tmp_path / "x" / "in").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path / "x" / "in"], check=True)
    try:
        (tmp_path / "x" / "in" / "mine").touch()
        refused(tmp_path / "x", "another file system is mounted at", overwrite=True)
        assert names_in(tmp_path / "x" / "in") == {"mine"}
    finally:
        subprocess.run(["umount", tmp_path / "x" / "in"], check=True)


def test_planning_writes_nothing(tmp_path):
    plan = plan_save(SaveTarget(tmp_path / "a" / "b", 48, False, "b"), TENSORS)
    assert (len(plan.files({})), plan.nbytes, plan.single, plan.replaces) == (3, 64, False, False)
    assert names_in(tmp_path) == set()


def test_something_that_appears_meanwhile_is_not_replaced(tmp_path):
    def interfere(tensor):
        (tmp_path / "x.safetensors").write_text("theirs")
        yield from pieces(tensor)

    refused(tmp_path / "x.safetensors", "made by someone else", pieces=interfere)
    assert (tmp_path / "x.safetensors").read_text() == "theirs"
    assert names_in(tmp_path) == {"x.safetensors"}


def test_too_little_space_is_said_first(tmp_path, monkeypatch):
    huge = {"t": LazyTensor((2**50,), F32)}
    refused(tmp_path / "a" / "x", "it needs 4096 TiB, and .* are free", "free some space", huge)
    monkeypatch.setattr(save_module, "check_space", lambda *args: None)
    refused(tmp_path / "a" / "x", "nothing was changed", tensors=huge)
    assert names_in(tmp_path) == set()
