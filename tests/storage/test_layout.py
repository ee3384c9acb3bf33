import json
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from brainsurgery_shell.graph.dtypes import BY_CODE
from brainsurgery_shell.graph.tensor import FileFacts, LazyTensor, StoredFile, stored
from brainsurgery_shell.storage.container import Output
from brainsurgery_shell.storage.layout import phase_of, split_shards, total_bytes
from brainsurgery_shell.storage.safetensors.files import FORMAT as SAFETENSORS

DTYPES = [BY_CODE[code] for code in ("F64", "F32", "BF16", "I8", "BOOL", "C64", "F4")]
TENSORS = st.dictionaries(
    st.text("abc.", max_size=4),
    st.builds(LazyTensor, st.tuples(st.integers(0, 20).map(lambda n: 2 * n)), st.sampled_from(DTYPES)),
    max_size=12,
)


def lay_out(tensors, shard_bytes=None, *, single=False):
    return SAFETENSORS.lay_out(Output(tensors, single, shard_bytes))


@given(TENSORS, st.integers(1, 400))
def test_laws_of_sharding(tensors, budget):
    shards = split_shards(tensors, budget)
    assert [name for shard in shards for name in shard] == list(tensors)
    for shard in shards:
        assert total_bytes(shard.values()) <= budget or len(shard) == 1
    for shard, after in pairwise(shards):  # greedy: the next one did not fit
        assert total_bytes(shard.values()) + next(iter(after.values())).nbytes > budget
    files = lay_out(tensors, budget)
    assert [set(file.tensors) for file in files if file.weights] == [set(shard) for shard in shards]
    assert lay_out(tensors, budget) == files


@given(TENSORS)
def test_every_tensor_is_aligned_and_otherwise_in_order(tensors):
    (shard,) = lay_out(tensors)
    for tensor, at in zip(shard.tensors.values(), shard.offsets, strict=True):
        assert at % tensor.dtype.itemsize == 0
    for width in (1, 2, 4, 8):
        of = [name for name, tensor in tensors.items() if tensor.dtype.itemsize == width]
        assert [name for name in shard.tensors if name in of] == of


def test_names_of_files():
    tensors = {str(i): LazyTensor((1,), BY_CODE["F32"]) for i in range(3)}
    assert [file.name for file in lay_out(tensors, 4, single=True)] == [""]
    assert [file.name for file in lay_out(tensors)] == ["model.safetensors"]
    assert [file.name for file in lay_out(tensors, 8)] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    ]
    assert [file.name for file in lay_out({}, 8)] == ["model.safetensors"]


def test_the_index_is_as_hugging_face_writes_it():
    tensors = {name: LazyTensor((2,), BY_CODE["F32"]) for name in ("b", "é", "a")}
    *_, index = lay_out(tensors, 16)
    text = index.literals[0][1].decode()
    assert index.size == len(text.encode())
    assert not index.weights
    found = json.loads(text)
    assert found["metadata"] == {"total_size": 24}
    assert text == json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert found["weight_map"]["é"] == "model-00001-of-00002.safetensors"


def test_large_stored_data_begins_where_its_source_does_in_a_page():
    file = StoredFile(None, FileFacts(0, 0, 0, 0), "x")
    dtype = BY_CODE["U8"]
    large = {
        "a": LazyTensor((100,), dtype),
        "b": stored((3 << 20,), dtype, file, 5000),
        "c": stored((1 << 20,), dtype, file, 8000),
    }
    assert phase_of(large.values()) is None  # 4900 is no multiple of 8
    large["a"] = LazyTensor((104,), dtype)
    assert phase_of(large.values()) == 4896 - 4096
    small = {"b": stored((1000,), dtype, file, 5000)}
    assert phase_of(small.values()) is None
