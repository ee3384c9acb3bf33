"""``assign``: over existing tensors, or over regions of them."""

from __future__ import annotations

import pytest
import torch

from conftest import Patient


@pytest.fixture
def two(patient: Patient) -> Patient:
    return patient.open(
        a=torch.zeros(3, 4),
        b=torch.arange(12.0).view(3, 4),
        row=torch.ones(4),
        i=torch.ones(4, dtype=torch.int32),
    )


def test_whole(two: Patient) -> None:
    names = two.names()
    two.run("assign: from: b, to: a")
    assert torch.equal(two["a"], two["b"])
    assert two.names() == names


def test_regions(two: Patient) -> None:
    two.run("assign: from: row, to: 'a::[1]'", "assign: from: 'b::[:, 0]', to: 'a::[:, -1]'")
    assert two.list("a") == [[0, 0, 0, 0], [1, 1, 1, 4], [0, 0, 0, 8]]


def test_onto_itself_reads_before_it_writes(two: Patient) -> None:
    two.run("assign: from: 'b::[0:2]', to: 'b::[1:3]'")
    assert two.list("b") == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]


def test_a_swap_by_pattern(patient: Patient) -> None:
    patient.open(x__0=torch.zeros(2), x__1=torch.ones(2))
    patient.run("assign: from: [x, $i], to: [x, '${1-i}']")
    assert patient.list("x.0") == [1, 1]
    assert patient.list("x.1") == [0, 0]


def test_broadcast_when_asked(two: Patient) -> None:
    two.fails("assign: from: row, to: a", "[4]", "[3, 4]")
    two.run("assign: from: row, to: a, broadcast: true")
    assert two.list("a") == [[1.0] * 4] * 3


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("assign: from: b, to: nowhere", ("nowhere",)),
        ("assign: from: i, to: row", ("int32", "float32")),
        ("assign: from: row, to: 'a::[:, 0]'", ("[4]", "[3]")),
        ("assign: from: row, to: 'a::[3]'", ("3",)),
        ("assign: from: '[ab]', to: a", ("two sources",)),
        ("assign: from: row, to: 'nowhere::[1]'", ("nowhere",)),
        ("assign: from: row, to: 'a::[1]', broadcast: 1", ("broadcast",)),
    ],
)
def test_errors(two: Patient, line: str, words: tuple[str, ...]) -> None:
    two.fails(line, *words)
