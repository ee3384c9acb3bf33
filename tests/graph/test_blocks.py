"""What is made in blocks: products, reductions, views. However small the blocks are, and wherever results lie."""

from __future__ import annotations

import math
from pathlib import Path

import eager
import pytest
import torch
from graph_files import lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.graph import evaluate, kernel, matmul, reduce, schedule, views
from brainsurgery_shell.graph.build import bound, concat, elementwise, expand, permute, take
from brainsurgery_shell.graph.elementary import times
from brainsurgery_shell.graph.evaluate import Evaluator, Provider
from brainsurgery_shell.graph.strided import as_strided
from brainsurgery_shell.graph.tensor import LazyTensor

LAW = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
PLACES: list[tuple[int, Provider]] = [(1 << 30, "inmemory"), (100, "inmemory"), (1, "arena")]


@pytest.fixture(params=[None, 3, 8], ids=["default", "three", "eight"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants of which every block is a few elements."""
    size = request.param
    if size is not None:
        monkeypatch.setattr(evaluate, "PIECE_ELEMENTS", size)
        monkeypatch.setattr(kernel, "LANES", 1)
        monkeypatch.setattr(views, "BLOCK_BYTES", 4 * size)
        monkeypatch.setattr(views, "APART", 1)
        monkeypatch.setattr(views, "ASKED", 1)
        monkeypatch.setattr(matmul, "ROWS", 2)
        monkeypatch.setattr(matmul, "TILE", 2 * size)
        monkeypatch.setattr(matmul, "PANEL", size)
        monkeypatch.setattr(matmul, "SIDE_BYTES", 8 * size)
        monkeypatch.setattr(reduce, "REDUCED_BLOCK", size)
        monkeypatch.setattr(schedule, "MOST_BLOCKS", 1)


def everywhere(tensor: LazyTensor) -> torch.Tensor:
    """The tensor: whole, in pieces, from any place the same bits."""
    results = []
    for memory, provider in PLACES:
        runner = Evaluator(memory=memory, provider=provider)
        results.append(runner.whole(tensor).clone())
        data = [
            bytes(each) if isinstance(each, memoryview) else eager.raw(runner.whole(each)).numpy().tobytes()
            for each in runner.pieces(tensor)
        ]
        assert b"".join(data) == eager.raw(results[-1]).numpy().tobytes()
        runner.close()
    assert all(eager.same_bits(each, results[0]) for each in results)
    return results[0]


def computed(tensor: LazyTensor) -> LazyTensor:
    """The same values, but not stored."""
    return elementwise(bound(times, 1), tensor)


SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@LAW
@given(data=st.data(), shape=SHAPES, dtype=st.sampled_from(eager.FLOATS))
def test_permutations(data: st.DataObject, shape: tuple[int, ...], dtype: torch.dtype, small: None, tmp_path: Path) -> None:  # fmt: skip
    values = eager.make(dtype, shape, 1)
    source = lazy(tmp_path, w=values)["w"]
    if data.draw(st.booleans()):
        source = computed(source)
    order = data.draw(st.permutations(range(len(shape))))
    assert eager.same_bits(everywhere(permute(source, order)), values.permute(order).contiguous())


@LAW
@given(data=st.data(), shape=SHAPES)
def test_expansions(data: st.DataObject, shape: tuple[int, ...], small: None, tmp_path: Path) -> None:
    ones = data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    values = eager.make(
        torch.float32, tuple(1 if one else size for one, size in zip(ones, shape, strict=True)), 2
    )
    target = (*data.draw(st.lists(st.integers(1, 3), max_size=2)), *shape)
    made = everywhere(expand(lazy(tmp_path, w=values)["w"], target))
    assert eager.same_bits(made, values.expand(target).contiguous())


@LAW
@given(data=st.data(), shape=SHAPES)
def test_any_strides(data: st.DataObject, shape: tuple[int, ...], small: None, tmp_path: Path) -> None:
    strides = data.draw(st.lists(st.integers(0, 7), min_size=len(shape), max_size=len(shape)))
    span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    flat = torch.arange(span, dtype=torch.float64)
    made = everywhere(as_strided(lazy(tmp_path, w=flat)["w"], shape, strides))
    assert torch.equal(made, flat.as_strided(shape, strides))


@LAW
@given(data=st.data(), dtype=st.sampled_from((*eager.FLOATS, *eager.INTS, torch.complex64)))
def test_products(data: st.DataObject, dtype: torch.dtype, small: None, tmp_path: Path) -> None:
    sizes = st.integers(1, 6)
    m, k, n = data.draw(sizes), data.draw(st.integers(0, 9)), data.draw(sizes)
    batch = tuple(data.draw(st.lists(st.integers(1, 3), max_size=2)))
    left = data.draw(st.sampled_from((batch, (), tuple(1 for _ in batch))))
    right = data.draw(st.sampled_from((batch, (), tuple(1 for _ in batch))))
    shapes = data.draw(
        st.sampled_from((((*left, m, k), (*right, k, n)), ((k,), (*right, k, n)), ((*left, m, k), (k,))))
    )
    real = torch.float32 if dtype.is_complex else dtype
    a, b = (eager.make(real, shape, at).to(dtype) for at, shape in enumerate(shapes))
    stored = lazy(tmp_path, a=a, b=b)
    made = everywhere(matmul.matmul(computed(stored["a"]), stored["b"], broadcast=True))
    wide = torch.complex128 if dtype.is_complex else torch.float64 if dtype.is_floating_point else torch.int64
    expected = a.to(wide) @ b.to(wide)
    assert made.shape == expected.shape
    if not dtype.is_floating_point and not dtype.is_complex:
        assert torch.equal(made, expected.to(dtype))
        return
    size = (a.to(wide).abs() @ b.to(wide).abs()).max().item() if expected.numel() else 0.0
    assert torch.allclose(made.to(wide), expected, rtol=0, atol=4 * torch.finfo(dtype).eps * (size + 1))


@LAW
@given(data=st.data(), shape=SHAPES, dtype=st.sampled_from((*eager.FLOATS, *eager.INTS)))
def test_reductions(data: st.DataObject, shape: tuple[int, ...], dtype: torch.dtype, small: None, tmp_path: Path) -> None:  # fmt: skip
    name = data.draw(st.sampled_from(("sum", "mean", "norm") if dtype.is_floating_point else ("sum",)))
    dims = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    keepdim = data.draw(st.booleans())
    shape = tuple(
        data.draw(st.sampled_from((size, size, 0))) if at in dims else size for at, size in enumerate(shape)
    )
    values = eager.make(dtype, shape, 3)
    source = lazy(tmp_path, w=values)["w"]
    if data.draw(st.booleans()):
        source = computed(source)
    made = everywhere(reduce.reduce(source, name, dims, keepdim=keepdim))  # type: ignore[arg-type]
    wide = values.double() if dtype.is_floating_point else values.long()
    expected = {
        "sum": lambda: wide.sum(dims, keepdim),
        "mean": lambda: wide.mean(dims, keepdim),
        "norm": lambda: torch.linalg.vector_norm(wide, dim=dims, keepdim=keepdim),
    }[name]().to(dtype)
    assert made.shape == expected.shape
    if dtype.is_floating_point:
        assert torch.allclose(made, expected, rtol=4 * torch.finfo(dtype).eps, atol=1e-6, equal_nan=True)
    else:
        assert torch.equal(made, expected)


def counted_product(folder: Path) -> tuple[list[int], LazyTensor, LazyTensor]:
    """A list that grows by how many elements of an input are computed; that input, stored; a product of it."""
    counted: list[int] = []

    def count(values: torch.Tensor) -> torch.Tensor:
        counted.append(values.numel())
        return values

    stored = lazy(folder, a=torch.ones(6, 4), b=torch.ones(4, 5))
    product = matmul.matmul(elementwise(count, stored["a"]), stored["b"], broadcast=False)
    return counted, stored["a"], product


def test_an_element_is_made_once(small: None, tmp_path: Path) -> None:
    """A product read in pieces, by two outputs and by a reduction of itself."""
    counted, _, product = counted_product(tmp_path)
    halves = [take(product, [(at, at + 3, 1, True), (0, 5, 1, True)]) for at in (0, 3)]
    for memory, provider in PLACES:
        counted.clear()
        runner = Evaluator(memory=memory, provider=provider)
        with runner.outputs(halves):
            for half in halves:
                assert b"".join(bytes(each) for each in runner.pieces(half)) == eager.raw(torch.full((15,), 4.0)).numpy().tobytes()  # type: ignore[arg-type] # fmt: skip
            assert runner._kept.find(product) is None  # released after its last use
        assert sum(counted) == 24
        runner.close()


@pytest.mark.parametrize("listed", ["pp", "ppp", "qq", "pqq", "ppq", "cc"])
def test_an_output_with_several_names_is_made_once(listed: str, tmp_path: Path) -> None:
    """A product ``p``, ``q`` twice of it, and ``c`` that is nothing but stored parts."""
    counted, a, product = counted_product(tmp_path)
    pair = concat([a, a], 0)
    named = {"p": product, "q": elementwise(bound(times, 2), product), "c": concat([pair, pair], 0)}
    outputs = [named[each] for each in listed]
    for memory, provider in PLACES:
        counted.clear()
        runner = Evaluator(memory=memory, provider=provider)
        with runner.outputs(outputs):
            for each in outputs:
                assert sum(piece.nbytes for piece in runner.pieces(each)) == each.nbytes
            assert not runner._kept._wanted
            assert runner._kept.find(product) is None
        assert sum(counted) == (0 if "c" in listed else 24)
        runner.close()


def test_dead_results_free_their_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty products, of which the memory holds two at a time, need no arena."""
    from brainsurgery_shell.graph.arena import Arena

    monkeypatch.setattr(Arena, "room", None)
    stored = lazy(tmp_path, **{f"w{at}": torch.full((64, 64), float(at)) for at in range(20)})
    products = [matmul.matmul(computed(each), each, broadcast=False) for each in stored.values()]
    again = [elementwise(bound(times, 2), each) for each in products]
    pairs = [each for pair in zip(products, again, strict=True) for each in pair]
    runner = Evaluator(memory=40_000)
    with runner.outputs(pairs):
        for each in pairs:
            assert sum(piece.nbytes for piece in runner.pieces(each)) == 64 * 64 * 4
    assert runner._kept.nbytes == 0
    for each in pairs:  # nothing is announced: what lies longest goes
        runner.whole(each)
    runner.forget()
    assert runner._kept.nbytes == 0


def test_the_arena_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "arena"
    stored = lazy(tmp_path, w=torch.ones(30, 20))
    runner = Evaluator(memory=1, provider="arena", arena_root=folder)
    pieces = runner.chunks(permute(computed(stored["w"]), (1, 0)))
    next(pieces)
    assert list(folder.iterdir()) == []
    assert math.isclose(sum(float(each.sum()) for each in runner.chunks(stored["w"])), 600)
    runner.close()
