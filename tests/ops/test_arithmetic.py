"""``add``, ``subtract``, ``multiply``, ``divide``, ``scale``, ``clamp`` and their in-place twins."""

from __future__ import annotations

import pytest
import torch

from conftest import Patient

A, B = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.5, 0.25], [2.0, 8.0]])


@pytest.fixture
def pair(patient: Patient) -> Patient:
    return patient.open(
        a=A, b=B, row=torch.tensor([1.0, 10.0]), h=A.half(), i=torch.tensor([1, 2, 3], dtype=torch.int32),
        u=torch.tensor([1, 2], dtype=torch.uint16), q=A.to(torch.float8_e4m3fn), t=torch.tensor([True, False]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sign", "expected"), [("add", A + B), ("subtract", A - B), ("multiply", A * B), ("divide", A / B)]
)
def test_four_signs(pair: Patient, sign: str, expected: torch.Tensor) -> None:
    pair.run(f"{sign}: from_a: a, from_b: b, to: c", f"{sign}_: from: b, to: a")
    assert torch.equal(pair["c"], expected)
    assert torch.equal(pair["a"], expected)


def test_alpha(pair: Patient) -> None:
    pair.run("add: from_a: a, from_b: b, to: c, alpha: 2", "subtract_: from: b, to: a, alpha: 0.5")
    assert torch.equal(pair["c"], A.add(B, alpha=2))
    assert torch.equal(pair["a"], A.sub(B, alpha=0.5))


def test_to_may_exist_with_the_same_shape_and_dtype(pair: Patient) -> None:
    names = pair.names()
    pair.run("add: from_a: a, from_b: b, to: b")
    assert torch.equal(pair["b"], A + B)
    assert pair.names() == names
    pair.fails("add: from_a: a, from_b: b, to: row", "shapes differ")
    pair.fails("add: from_a: a, from_b: b, to: h", "dtypes differ")


def test_aliased_operands(pair: Patient) -> None:
    pair.run("add_: from: a, to: a", "multiply_: from: a, to: a")
    assert torch.equal(pair["a"], (A + A) * (A + A))


def test_broadcast_only_when_asked(pair: Patient) -> None:
    pair.fails("add: from_a: a, from_b: row, to: c", "broadcast: true")
    pair.fails("multiply_: from: row, to: a", "broadcast: true")
    pair.run(
        "add: from_a: a, from_b: row, to: c, broadcast: true", "multiply_: from: row, to: a, broadcast: true"
    )
    row = torch.tensor([1.0, 10.0])
    assert torch.equal(pair["c"], A + row)
    assert torch.equal(pair["a"], A * row)
    pair.fails("add_: from: a, to: row, broadcast: true", "[2, 2]", "[2]")


def test_regions_and_slices(pair: Patient) -> None:
    pair.run("add_: from: row, to: 'a::[0]'", "multiply_: from: 'b::[1]', to: 'a::[1]'")
    assert pair.list("a") == [[2, 12], [6, 32]]


def test_all_layers_at_once(patient: Patient) -> None:
    layers = {f"h__{i}__w": torch.full((2,), float(i)) for i in range(5)}
    deltas = {f"d__{i}": torch.full((2,), 10.0 * i) for i in range(5)}
    patient.open(**layers, **deltas)
    patient.run(
        r"add_: from: 'd\.(\d)', to: 'h.\1.w'", r"subtract: from_a: 'h\.(\d)\.w', from_b: 'd.\1', to: 'e.\1'"
    )
    for i in range(5):
        assert patient.list(f"h.{i}.w") == [11.0 * i] * 2
        assert patient.list(f"e.{i}") == [i] * 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("add_: from: h, to: a", ("dtypes differ", "float16", "float32")),
        ("add_: from: h, to: a, broadcast: true", ("dtypes differ",)),
        ("add_: from: u, to: u", ("uint16", "cast_")),
        ("multiply_: from: q, to: q", ("float8_e4m3fn", "cast_")),
        ("scale_: target: q, by: 2", ("float8_e4m3fn", "cast_")),
        ("clamp_: target: u, min: 1", ("uint16", "cast_")),
        ("divide_: from: i, to: i", ("int32", "cast_")),
        ("scale_: target: i, by: 1.5", ("int32", "whole")),
        ("scale_: target: i, by: 2.0", ("whole",)),
        ("add_: from: i, to: i, alpha: 0.5", ("whole",)),
        ("scale_: target: a, by: true", ("by", "number")),
        ("scale_: target: a, by: '2'", ("by", "number", "2")),
        ("scale_: target: a, by: yes", ("number",)),
        ("scale_: target: a, by: null", ("number",)),
        ("scale_: target: a", ("by",)),
        ("add_: from: b, to: missing", ("missing", "its names are like a, b, row")),
        ("add: from_a: a, from_b: missing, to: c", ("missing",)),
        ("add: from_a: '[ab]', from_b: a, to: c", ("two sources",)),
        ("multiply_: from: a, to: b, alpha: 2", ("alpha",)),
        ("clamp_: target: a", ("min", "max")),
        ("clamp_: target: i, min: 0.5", ("whole",)),
        ("scale: from: a, to: b, by: 2", ("exists already",)),
    ],
)
def test_errors(pair: Patient, line: str, words: tuple[str, ...]) -> None:
    pair.fails(line, *words)


@pytest.mark.parametrize(
    "line",
    [
        "scale_: target: i, by: 1000000000000000000000000000000000",
        "add_: from: i, to: i, alpha: 99999999999999999999",
        "clamp_: target: a, max: 1e300",
        "clamp_: target: h, max: 1e6",
        "clamp_: target: i, max: 99999999999999",
        "add_: from: h, to: h, alpha: 1e6",
    ],
)
def test_numbers_that_torch_refuses(pair: Patient, line: str) -> None:
    pair.fails(line)


def test_one_bad_tensor_stops_all(pair: Patient) -> None:
    pair.fails("scale_: target: '.*', by: 2", "cast_")


def test_scale_and_clamp(pair: Patient) -> None:
    pair.run(
        "scale: from: a, to: s, by: -0.5", "scale_: target: i, by: 3", "clamp: from: a, to: c, min: 2, max: 3"
    )
    assert torch.equal(pair["s"], A * -0.5)
    assert pair.list("i") == [3, 6, 9]
    assert pair.list("c") == [[2, 2], [3, 3]]
    pair.run("clamp_: target: 'a::[0]', max: 1.5", "scale_: target: 'a::[1, :1]', by: 10")
    assert pair.list("a") == [[1, 1.5], [30, 4]]


def test_special_values(patient: Patient) -> None:
    values = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0])
    patient.open(w=values)
    patient.run(
        "clamp: from: w, to: c, min: -1, max: 1",
        "scale: from: w, to: s, by: .inf",
        "scale: from: w, to: n, by: .nan",
    )
    assert str(patient.list("c")) == "[nan, 1.0, -1.0, -0.0]"
    assert str(patient.list("s")) == "[nan, inf, -inf, nan]"
    assert bool(patient["n"].isnan().all())
