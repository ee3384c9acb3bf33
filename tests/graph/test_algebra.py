"""Random expressions, computed lazily in pieces and by Python with torch: bit for bit where they are elementwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import eager
import pytest
import torch
from eager_expressions import by_python
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.graph import evaluate, kernel, reduce, sharing, structure
from conftest import Patient

Text = st.SearchStrategy[str]


def elementwise(*, floats: bool) -> Text:
    """Expressions over ``a``, ``b``, ``c`` that stay elementwise and in their dtype."""
    whole = st.integers(0, 5).map(str)
    plain = st.one_of(whole, st.sampled_from(("0.5", "1.1", "1e-2", ".25"))) if floats else whole
    numbers = st.one_of(
        plain, st.builds("({} + {} * {})".format, plain, plain, plain), plain.map("-{}".format)
    )
    signs = st.sampled_from(("+", "-", "*", *(("/",) if floats else ())))
    compared = st.sampled_from(("<", "<=", ">", ">=", "==", "!="))
    functions = st.sampled_from(("abs", "sign", *(("sqrt", "exp", "log") if floats else ())))

    def more(inner: Text) -> Text:
        either = inner | numbers
        condition = st.builds("{} {} {}".format, inner, compared, either)
        return st.one_of(
            st.builds("{} {} {}".format, inner, signs, either),
            st.builds("{} {} {}".format, either, signs, inner),
            st.builds("({})".format, inner),
            st.builds("-{}".format, inner),
            st.builds("({}) ** 2".format, inner),
            st.builds("{}({})".format, functions, inner),
            st.builds("{}({}, {})".format, st.sampled_from(("minimum", "maximum")), inner, either),
            st.builds("where({}, {}, {})".format, condition, inner, either),
            st.builds("clamp({}, min=-1, max=2)".format, inner),
            st.builds("clamp({}, {})".format, inner, whole),
        )

    return st.recursive(st.sampled_from("abc"), more, max_leaves=8)


def operands(dtype: torch.dtype, shape: tuple[int, ...]) -> dict[str, torch.Tensor]:
    return {name: eager.make(dtype, shape, seed, special=seed == 2) for seed, name in enumerate("abc")}


def computed(folder: Path, text: str, tensors: eager.Tensors, *more: str) -> torch.Tensor:
    """The result of ``compute`` in a session of its own."""
    used = sorted(set(re.findall(r"\b[abc]\b", text)))
    patient = Patient(folder).open(**tensors)
    let = ", ".join(f"{name}: {name}" for name in used)
    patient.run(f"compute: to: out, let: {{ {let} }}, expr: '{text}'{''.join(', ' + each for each in more)}")
    result: torch.Tensor = patient["out"].clone()
    patient.session.close()
    return result


@pytest.mark.parametrize("size", [None, 3, 7])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    dtype=st.sampled_from(eager.FLOATS + eager.INTS),
    shape=st.sampled_from(((3, 5), (), (0, 2), (11,))),
)
def test_elementwise(
    size: int | None, data: st.DataObject, dtype: torch.dtype, shape: tuple[int, ...], tmp_path: Path
) -> None:
    text = data.draw(elementwise(floats=dtype.is_floating_point))
    tensors = operands(dtype, shape)
    try:
        expected = by_python(text, tensors)
    except (ArithmeticError, RuntimeError):
        return
    with pytest.MonkeyPatch.context() as patch:
        # Of 0 and -0, torch's minimum is the one or the other as they fill a vector register or not.
        if size is not None and not re.search("minimum|maximum", text):
            patch.setattr(evaluate, "PIECE_ELEMENTS", size)
        actual = computed(tmp_path, text, tensors)
    assert eager.same_bits(actual, expected), (text, actual, expected)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=elementwise(floats=True), source=st.sampled_from(eager.FLOATS), dtype=st.sampled_from(eager.FLOATS)
)
def test_cast_compute_cast_back(text: str, source: torch.dtype, dtype: torch.dtype, tmp_path: Path) -> None:
    tensors = operands(source, (3, 5))
    try:
        expected = by_python(text, {name: each.to(dtype) for name, each in tensors.items()}).to(source)
    except ArithmeticError:  # of its numbers alone, as 0 / 0
        return
    actual = computed(tmp_path, text, tensors, f"dtype: {eager.dtype_name(dtype)}")
    assert eager.same_bits(actual, expected), (text, actual, expected)


REDUCED = (
    "a - mean(a)", "a / norm(a, dim=1, keepdim=True)", "sum(a * b, dim=-1)", "mean(a, dim=(0, 1))", "norm(a - b)",
    "sum(a, dim=0, keepdim=True) + mean(b, dim=1, keepdim=True)", "a @ transpose(b) * 0.5", "sum(a) / sum(abs(b))",
    "(a - mean(a, dim=0, keepdim=True)) / sqrt(mean((a - mean(a, dim=0, keepdim=True)) ** 2, dim=0, keepdim=True) + 1e-5)",
    "a ** 3 + abs(b) ** 0.7 + 2 ** b", "where(a < mean(a), a, b) @ transpose(a, 0, 1)", "mean(sum(a, dim=1) * 2)",
    "norm(a, dim=(0, 1), keepdim=True) * a", "transpose(a + b) - transpose(a) - transpose(b)",
)  # fmt: skip


@pytest.mark.parametrize("text", REDUCED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_reductions_within_rounding(text: str, dtype: torch.dtype, tmp_path: Path) -> None:
    tensors = {name: eager.make(dtype, (6, 9), seed) + 0.5 for seed, name in enumerate("ab")}
    wide = {name: each.double() for name, each in tensors.items()}
    expected = by_python(text, wide)
    results = []
    for size, memory in ((None, 1 << 28), (7, 1 << 28), (7, 1)):
        with pytest.MonkeyPatch.context() as patch:
            if size is not None:
                patch.setattr(evaluate, "PIECE_ELEMENTS", size)
                patch.setattr(structure, "BLOCK_ELEMENTS", size)
            folder = tmp_path / f"{size}-{memory}"
            folder.mkdir()
            results.append(computed(folder, text, tensors))
    assert all(eager.same_bits(each, results[0]) for each in results)
    assert results[0].dtype == dtype
    assert results[0].shape == expected.shape
    eps = torch.finfo(dtype).eps
    assert torch.allclose(
        results[0].double(), expected, rtol=40 * eps, atol=60 * eps * wide["a"].abs().max().item() ** 2
    )


def test_sums_of_many_blocks_need_no_memory_for_what_they_share(tmp_path: Path) -> None:
    """``2 * a`` is used twice: what the reduction leaves over of its pieces does not pile up."""
    patient = Patient(tmp_path).open(a=torch.ones(1000, dtype=torch.int64))
    kept = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reduce, "REDUCED_BLOCK", 10)
        patch.setattr(kernel, "LANES", 1)
        patch.setattr(sharing, "SHARED_BYTES", 200)
        patient.run(
            "scale: from: a, to: twice, by: 2",
            "compute: to: s, let: { t: twice }, expr: 'sum(t * 3) + t * 5'",
        )
        original = sharing.SharedPieces.put

        def spy(shared: sharing.SharedPieces, *arguments: Any) -> None:
            original(shared, *arguments)
            kept.append(sum(piece.nbytes for piece, _ in shared._pieces.values()))

        patch.setattr(sharing.SharedPieces, "put", spy)
        assert patient["s"].tolist() == [6010] * 1000
    patient.session.close()
    assert kept
    assert max(kept[:-1]) <= 200


def test_a_sum_of_thousands(tmp_path: Path) -> None:
    text = " + ".join(["a"] * 3000) + " * 2" * 100
    actual = computed(tmp_path, text, {"a": torch.ones(3, dtype=torch.float64)})
    assert actual.tolist() == [2999 + 2.0**100] * 3
