import json
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from brainsurgery_shell.graph.dtypes import BY_CODE
from brainsurgery_shell.graph.tensor import FileFacts, LazyTensor, StoredFile, stored
from brainsurgery_shell.storage.header import write_header
from brainsurgery_shell.storage.layout import index_of, phase_of, plan_layout

DTYPES = [BY_CODE[code] for code in ("F64", "F32", "BF16", "I8", "BOOL", "C64", "F4")]
TENSORS = st.dictionaries(
    st.text("abc.", max_size=4),
    st.builds(LazyTensor, st.tuples(st.integers(0, 20).map(lambda n: 2 * n)), st.sampled_from(DTYPES)),
    max_size=12,
)


@given(TENSORS, st.integers(1, 400))
def test_laws_of_sharding(tensors, budget):
    shards = plan_layout(tensors, budget, single_file=False)
    assert sorted(name for shard in shards for name in shard.tensors) == sorted(tensors)
    order = list(tensors)
    at = 0
    for shard in shards:
        count = len(shard.tensors)
        assert set(shard.tensors) == set(order[at : at + count])  # consecutive in the checkpoint's order
        at += count
        assert shard.nbytes <= budget or count == 1
        assert shard.nbytes == sum(tensor.nbytes for tensor in shard.tensors.values())
    for shard, after in pairwise(shards):  # greedy: the next one did not fit
        first = next(name for name in order if name in after.tensors)
        assert shard.nbytes + tensors[first].nbytes > budget
    assert plan_layout(tensors, budget, single_file=False) == shards


@given(TENSORS)
def test_every_tensor_is_aligned_and_otherwise_in_order(tensors):
    (shard,) = plan_layout(tensors, None, single_file=False)
    at = len(write_header(shard.tensors, {}))
    for tensor in shard.tensors.values():
        assert at % tensor.dtype.itemsize == 0
        at += tensor.nbytes
    for width in (1, 2, 4, 8):
        of = [name for name, tensor in tensors.items() if tensor.dtype.itemsize == width]
        assert [name for name in shard.tensors if name in of] == of


def test_names_of_files():
    tensors = {str(i): LazyTensor((1,), BY_CODE["F32"]) for i in range(3)}
    assert [shard.name for shard in plan_layout(tensors, 4, single_file=True)] == ["model.safetensors"]
    assert [shard.name for shard in plan_layout(tensors, None, single_file=False)] == ["model.safetensors"]
    assert [shard.name for shard in plan_layout(tensors, 8, single_file=False)] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]
    assert [shard.name for shard in plan_layout({}, 8, single_file=False)] == ["model.safetensors"]


def test_the_index_is_as_hugging_face_writes_it():
    tensors = {name: LazyTensor((2,), BY_CODE["F32"]) for name in ("b", "é", "a")}
    text = index_of(plan_layout(tensors, 16, single_file=False)).decode()
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
    assert phase_of(plan_layout(large, None, single_file=True)[0]) is None  # 4900 is no multiple of 8
    large["a"] = LazyTensor((104,), dtype)
    assert phase_of(plan_layout(large, None, single_file=True)[0]) == 4896 - 4096
    small = {"b": stored((1000,), dtype, file, 5000)}
    assert phase_of(plan_layout(small, None, single_file=True)[0]) is None
