"""``matmul`` and ``dot``."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.matmul import matmul, matmul_shape
from brainsurgery_shell.graph.reduce import REDUCED_BLOCK
from brainsurgery_shell.graph.sources import Values
from brainsurgery_shell.graph.tensor import LazyTensor, computed
from conftest import Patient

A = torch.arange(6.0).view(2, 3)
B = torch.arange(12.0).view(3, 4) - 5
COMPUTED = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
    torch.int8, torch.uint8, torch.complex64,
)  # fmt: skip


@pytest.fixture
def pair(patient: Patient) -> Patient:
    return patient.open(
        a=A, b=B, v=torch.arange(3.0), batch=torch.arange(12.0).view(2, 2, 3), h=A.half(), s=torch.tensor(2.0),
        t=torch.ones(3, 4, dtype=torch.bool), q=B.to(torch.float8_e4m3fn), u=torch.ones(3, 3, dtype=torch.uint16),
    )  # fmt: skip


def test_matrices_rows_and_columns(pair: Patient) -> None:
    pair.run(
        "matmul: from_a: a, from_b: b, to: ab", "matmul: from_a: a, from_b: v, to: av",
        "matmul: from_a: v, from_b: b, to: vb", "matmul: from_a: v, from_b: v, to: vv",
        "matmul: from_a: 'a::[:, :2]', from_b: 'b::[1:]', to: part",
        "matmul: from_a: batch, from_b: b, to: wide, broadcast: true",
    )  # fmt: skip
    v, batch = torch.arange(3.0), torch.arange(12.0).view(2, 2, 3)
    for name, expected in {
        "ab": A @ B, "av": A @ v, "vb": v @ B, "vv": v @ v, "part": A[:, :2] @ B[1:], "wide": batch @ B,
    }.items():  # fmt: skip
        assert pair[name].shape == expected.shape
        assert torch.allclose(pair[name], expected)


@pytest.mark.parametrize("dtype", COMPUTED)
def test_every_dtype_that_torch_multiplies(patient: Patient, dtype: torch.dtype) -> None:
    a, b = (torch.randint(0, 4, shape).to(dtype) for shape in ((3, 5), (5, 2)))
    patient.open(a=a, b=b, c=a.flip(0))
    patient.run("matmul: from_a: a, from_b: b, to: ab", "dot: from_a: a, from_b: c, to: ac")
    assert patient["ab"].dtype == patient["ac"].dtype == dtype
    assert torch.equal(patient["ab"], a @ b)
    assert patient["ac"].shape == ()
    assert torch.equal(patient["ac"], torch.dot(a.flatten(), a.flip(0).flatten()))


def test_all_layers_at_once(patient: Patient) -> None:
    layers = {f"h__{i}__{n}": torch.randn(s) for i in range(3) for n, s in (("up", (4, 2)), ("down", (2, 5)))}
    patient.open(**layers)
    patient.run(
        r"matmul: from_a: 'h\.(\d)\.up', from_b: 'h.\1.down', to: 'h.\1.delta'",
        r"dot: from_a: 'h\.(\d)\.up', from_b: 'h.\1.up', to: 'h.\1.square'",
    )
    for i in range(3):
        assert torch.allclose(patient[f"h.{i}.delta"], layers[f"h__{i}__up"] @ layers[f"h__{i}__down"])
        assert torch.allclose(patient[f"h.{i}.square"], (layers[f"h__{i}__up"] ** 2).sum())


def test_to_may_exist_with_the_same_shape_and_dtype(pair: Patient) -> None:
    pair.run("matmul: from_a: a, from_b: b, to: ab", "matmul: from_a: a, from_b: b, to: ab")
    pair.run("dot: from_a: a, from_b: a, to: s")
    assert pair.list("s") == 55
    pair.fails("matmul: from_a: a, from_b: b, to: a", "shapes differ", "[2, 4]", "[2, 3]")
    pair.fails("dot: from_a: a, from_b: a, to: v", "shapes differ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("matmul: from_a: a, from_b: a, to: c", ("a and a", "[2, 3]", "transpose")),
        ("matmul: from_a: b, from_b: v, to: c", ("[3, 4]", "[3]", "only dim")),
        ("matmul: from_a: s, from_b: b, to: c", ("rank 0",)),
        ("matmul: from_a: batch, from_b: b, to: c", ("batch", "broadcast: true")),
        ("matmul: from_a: h, from_b: b, to: c", ("float16", "float32", "cast_")),
        ("matmul: from_a: a, from_b: t, to: c", ("bool", "cast_")),
        ("matmul: from_a: a, from_b: q, to: c", ("float8_e4m3fn", "cast_")),
        ("matmul: from_a: u, from_b: u, to: c", ("uint16", "cast_")),
        ("matmul_: from: a, to: b", ("matmul",)),
        ("dot: from_a: a, from_b: b, to: c", ("[2, 3]", "[3, 4]", "reshape_")),
        ("dot: from_a: a, from_b: h, to: c", ("float16", "float32")),
        ("dot: from_a: q, from_b: q, to: c", ("float8_e4m3fn", "cast_")),
        ("dot: from_a: a, from_b: gone, to: c", ("gone",)),
    ],
)
def test_errors(pair: Patient, line: str, words: tuple[str, ...]) -> None:
    pair.fails(line, *words)


sizes = st.lists(st.integers(0, 3), max_size=4).map(tuple)


@settings(max_examples=300, deadline=None)
@given(sizes, sizes, st.booleans())
def test_shapes_are_torch_s(a: tuple[int, ...], b: tuple[int, ...], broadcast: bool) -> None:
    try:
        expected = torch.empty(a, device="meta").matmul(torch.empty(b, device="meta")).shape
    except RuntimeError:
        with pytest.raises(StepError):
            matmul_shape(a, b, broadcast=broadcast)
        return
    if broadcast or a[:-2] == b[:-2]:
        assert matmul_shape(a, b, broadcast=broadcast) == expected
    else:
        with pytest.raises(StepError, match="batch dims differ"):
            matmul_shape(a, b, broadcast=False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int32])
def test_long_inner_products(patient: Patient, dtype: torch.dtype) -> None:
    """More than one block; computed operands are not materialised, and float32 keeps its precision."""
    generator = torch.Generator().manual_seed(5)
    size = 2 * REDUCED_BLOCK + 77
    a, b = (torch.randint(-50, 50, (size,), generator=generator).to(dtype) for _ in range(2))
    patient.open(a=a, b=b)
    patient.run("scale: from: a, to: c, by: 2", "dot: from_a: c, from_b: b, to: d")
    exact = (2 * a.double() * b.double()).sum()
    assert torch.equal(patient["d"], exact.to(dtype))


@pytest.mark.parametrize("shape", [(7, 2), (7,)])
def test_blocks_of_rows(patient: Patient, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainsurgery_shell.graph.matmul.ROWS", 4)
    a, b = torch.arange(63).view(9, 7), torch.arange(int(torch.tensor(shape).prod())).view(shape)
    patient.open(a=a, b=b)
    patient.run("matmul: from_a: a, from_b: b, to: c")
    assert torch.equal(patient["c"], a @ b)


def test_whole_numbers_wrap_as_in_torch(patient: Patient) -> None:
    a = torch.full((1000,), 117, dtype=torch.int8)
    b = torch.full((1000,), 2**62, dtype=torch.int64)
    patient.open(a=a, b=b)
    patient.run("dot: from_a: a, from_b: a, to: d", "dot: from_a: b, from_b: b, to: e")
    assert torch.equal(patient["d"], torch.dot(a, a))
    assert torch.equal(patient["e"], torch.dot(b, b))


def lazy(tensor: torch.Tensor) -> LazyTensor:
    dtype = BY_NAME[str(tensor.dtype).removeprefix("torch.")]
    return computed(tuple(tensor.shape), dtype, Values(tuple(tensor.flatten().tolist())))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(COMPUTED[:4]), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_within_the_rounding_of_the_dtype(dtype: torch.dtype, m: int, k: int, n: int) -> None:
    a, b = (torch.randn(shape).to(dtype) for shape in ((m, k), (k, n)))
    budgets = [Evaluator(memory=memory) for memory in (1, 1 << 30)]
    small, large = (each.whole(matmul(lazy(a), lazy(b), broadcast=False)) for each in budgets)
    assert torch.equal(small, large)
    scale = a.double().abs() @ b.double().abs()
    assert (
        (large.double() - a.double() @ b.double()).abs() <= torch.finfo(dtype).eps * (k + 1) * scale
    ).all()
