import json
import subprocess

import pytest
from storage_files import ENV, PYTHON, names_in, opened, raw_file, shard

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.storage.read import open_checkpoint


def index(folder, weight_map, name="model.safetensors.index.json"):
    (folder / name).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def refused(path, words, hint=None):
    with pytest.raises(StorageError, match=words) as caught:
        open_checkpoint(path, "shown")
    if hint is not None:
        assert hint in (caught.value.hint or "")
    return caught.value


@pytest.fixture
def sharded(tmp_path):
    folder = tmp_path / "m"
    shard(folder / "model-00001-of-00002.safetensors", a=1, b=2)
    shard(folder / "model-00002-of-00002.safetensors", c=3)
    index(folder, {"a": "model-00001-of-00002.safetensors", "b": "model-00001-of-00002.safetensors"})
    index(
        folder,
        json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
        | {"c": "model-00002-of-00002.safetensors"},
    )
    return folder


def test_a_file(tmp_path):
    found = opened(shard(tmp_path / "x.safetensors", a=1, b=2))
    assert (list(found.tensors), found.folder, found.metadata) == (["a", "b"], None, {"format": "pt"})
    assert [file.shown for file in found.files] == ["x.safetensors"]


def test_a_folder_with_one_file_of_any_name(tmp_path):
    shard(tmp_path / "weights.safetensors", a=1)
    (tmp_path / "training_args.bin").write_bytes(b"junk")
    (tmp_path / "pytorch_model.bin").write_bytes(b"junk")
    (tmp_path / "._weights.safetensors").write_bytes(b"junk of a Mac")
    found = opened(tmp_path)
    assert (list(found.tensors), found.folder) == (["a"], tmp_path)
    assert found.fingerprint == opened(tmp_path / "weights.safetensors").fingerprint


def test_a_cache_of_symlinks_and_a_blob_without_suffix(tmp_path):
    blob = shard(tmp_path / "blobs" / "0123abcd", a=1)
    (tmp_path / "snap").mkdir()
    (tmp_path / "snap" / "model.safetensors").symlink_to("../blobs/0123abcd")
    assert list(opened(tmp_path / "snap").tensors) == ["a"]
    assert list(opened(blob).tensors) == ["a"]


def test_shards_with_index_without_and_by_the_index(sharded):
    with_index = opened(sharded)
    assert list(with_index.tensors) == ["a", "b", "c"]
    assert [file.shown for file in with_index.files] == [
        "m/model-00001-of-00002.safetensors",
        "m/model-00002-of-00002.safetensors",
    ]
    by_index = open_checkpoint(sharded / "model.safetensors.index.json", "model.safetensors.index.json")
    assert by_index.folder == sharded
    (sharded / "model.safetensors.index.json").unlink()
    without = opened(sharded)
    assert with_index.fingerprint == without.fingerprint == by_index.fingerprint


def test_a_missing_shard_is_named(sharded):
    (sharded / "model-00002-of-00002.safetensors").unlink()
    refused(sharded, r"shard 'model-00002-of-00002.safetensors' is missing: .* tensor 'c'")
    (sharded / "model.safetensors.index.json").unlink()
    refused(sharded, "1 of 2 shards; missing: number 2")


def test_an_index_that_contradicts_the_shards(sharded):
    one, two = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    index(sharded, {"a": two, "b": one, "c": two})
    refused(sharded, f"tensor 'a' is in '{two}', but it is in 'shown/{one}'")
    index(sharded, {"a": one, "b": one, "c": two, "d": two})
    refused(sharded, f"tensor 'd' is in '{two}', but no shard has it")
    index(sharded, {"a": one})
    refused(sharded, f"does not name the shard '{two}'")
    index(sharded, {"a": one, "c": two})  # says less than the headers, but nothing wrong
    assert list(opened(sharded).tensors) == ["a", "b", "c"]


def test_a_tensor_in_two_shards(sharded):
    shard(sharded / "model-00002-of-00002.safetensors", c=3, b=2)
    refused(sharded, "'b' is in two shards: .*00001-of.* and .*00002-of")


@pytest.mark.parametrize("place", ["/etc/passwd", "../x.safetensors", "a/../../x", "", "a\0b"])
def test_an_index_stays_in_its_folder(sharded, place):
    index(sharded, {"a": place})
    refused(sharded, "not in its folder")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"weight_map": {"a": 1}}', '{"weight_map": {}}', "\xff"])
def test_a_broken_index(sharded, text):
    (sharded / "model.safetensors.index.json").write_text(text, encoding="latin-1")
    refused(sharded, "the index")


def test_index_may_name_subfolders(tmp_path):
    shard(tmp_path / "part" / "x.safetensors", a=1)
    index(tmp_path, {"a": "part/x.safetensors"})
    assert list(opened(tmp_path).tensors) == ["a"]


def test_ambiguous_folders_list_the_candidates(tmp_path, sharded):
    shard(tmp_path / "two" / "a.safetensors", a=1)
    shard(tmp_path / "two" / "b.safetensors", b=1)
    refused(tmp_path / "two", "more than one checkpoint: a.safetensors, b.safetensors", "shown/a.safetensors")
    shard(sharded / "model.safetensors", a=1)
    refused(sharded, "more than one", "shown/model.safetensors")
    (sharded / "model.safetensors").unlink()
    (sharded / "model.safetensors.index.json").rename(sharded / "x.safetensors.index.json")
    assert list(opened(sharded).tensors) == ["a", "b", "c"]
    index(sharded, {"a": "x"}, "y.safetensors.index.json")
    refused(sharded, "x.safetensors.index.json, y.safetensors.index.json")


def test_nothing_there_says_what_is(tmp_path):
    (tmp_path / "modle.safetensors").touch()
    refused(tmp_path / "model.safetensors", "no file or folder 'shown'", "modle.safetensors")
    refused(tmp_path / "no" / "such" / "x", "no file or folder", f"'{tmp_path}/no' does not exist")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "it is empty")
    shard(tmp_path / "outer" / "inner" / "model.safetensors", a=1)
    (tmp_path / "outer" / "config.json").touch()
    refused(tmp_path / "outer", "it holds config.json, inner", "shown/inner")
    (tmp_path / "dangling.safetensors").symlink_to("nowhere")
    refused(tmp_path / "dangling.safetensors", "no file or folder")
    (tmp_path / "loop").symlink_to("loop")
    refused(tmp_path / "loop", "shown")


def test_folders_and_files_in_other_formats(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"GGUF....")
    refused(tmp_path / "x.gguf", "no format that is known")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "training_args.bin").touch()
    refused(tmp_path / "d", "there is no checkpoint in .shown.: it holds training_args.bin")


def test_a_broken_shard_is_shown_by_its_path(sharded):
    raw_file(sharded / "model-00002-of-00002.safetensors", b"{]")
    refused(sharded, "'shown/model-00002-of-00002.safetensors' is not a valid")


def test_opening_saving_and_copying_never_import_torch(sharded, tmp_path):
    code = f"""
import sys
from pathlib import Path
from brainsurgery_shell.graph.files import FilePool
from brainsurgery_shell.storage.read import open_checkpoint
from brainsurgery_shell.storage.output.save import SaveTarget, execute_save, plan_save
found = open_checkpoint(Path({str(sharded)!r}), "m")
tensors = {{"x." + name: tensor for name, tensor in found.tensors.items()}}
plan = plan_save(SaveTarget(Path({str(tmp_path / "out")!r}), 8, False, "out"), tensors)
execute_save(plan, metadata=found.metadata, companions=found.folder, pieces=None, pool=FilePool(),
             before_replace=print, tick=lambda nbytes: None, workers=2)
print(sorted({{"torch", "numpy", "safetensors"}} & sys.modules.keys()))
"""
    done = subprocess.run([PYTHON, "-c", code], env=ENV, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "model.safetensors.index.json" in names_in(tmp_path / "out")
