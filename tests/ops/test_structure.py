"""``reshape``, ``permute``, ``transpose``, ``split``, ``concat``."""

from __future__ import annotations

import pytest
import torch

from conftest import Patient

W = torch.arange(24.0).view(2, 3, 4)


@pytest.fixture
def box(patient: Patient) -> Patient:
    return patient.open(
        w=W, m=W[0], s=torch.tensor(5.0), e=torch.zeros(0, 3), i=torch.ones(3, 4, dtype=torch.int32),
        q=torch.ones(2, 2).to(torch.float8_e5m2),
    )  # fmt: skip


def test_reshape(box: Patient) -> None:
    box.run(
        "reshape: from: w, to: r, shape: [6, -1]",
        "reshape_: target: s, shape: [1, 1]",
        "reshape_: target: w, shape: [-1]",
    )
    assert torch.equal(box["r"], W.reshape(6, 4))
    assert box.list("s") == [[5]]
    assert box["w"].shape == (24,)


def test_permute_and_transpose(box: Patient) -> None:
    box.run(
        "permute: from: w, to: p, order: [2, 0, 1]", "transpose: from: w, to: t", "transpose_: target: m",
        "transpose: from: w, to: u, dim0: 0, dim1: -1", "permute_: target: q, order: [1, 0]",
    )  # fmt: skip
    assert torch.equal(box["p"], W.permute(2, 0, 1))
    assert torch.equal(box["t"], W.transpose(-2, -1))
    assert torch.equal(box["m"], W[0].T)
    assert torch.equal(box["u"], W.transpose(0, 2))


def test_split(box: Patient) -> None:
    box.run(
        "split: from: w, to: [a, b], sizes: [1, 2], dim: 1", "split: from: w, to: [c, d], chunks: 2, dim: -1"
    )
    assert torch.equal(box["a"], W[:, :1])
    assert torch.equal(box["b"], W[:, 1:])
    assert torch.equal(box["d"], W[..., 2:])
    assert "w" in box.names()
    assert box.names()[-4:] == ["a", "b", "c", "d"]


def test_concat(box: Patient) -> None:
    box.run("concat: from: [w, w], to: c, dim: 2", "concat: from: ['w::[0]', m], to: d")
    assert torch.equal(box["c"], torch.cat([W, W], 2))
    assert torch.equal(box["d"], torch.cat([W[0], W[0]]))


def test_concat_undoes_split_for_all_layers(patient: Patient) -> None:
    patient.open(**{f"h__{i}__qkv": torch.full((6, 2), float(i)) for i in range(3)})
    patient.run(r"split: from: 'h\.(\d)\.qkv', to: ['h.\1.q', 'h.\1.k', 'h.\1.v'], chunks: 3")
    patient.run(
        r"delete: '.*qkv'",
        r"concat: from: ['h\.(\d)\.q', 'h.\1.k', 'h.\1.v'], to: 'h.\1.qkv', delete_sources: true",
    )
    assert sorted(patient.names()) == [f"h.{i}.qkv" for i in range(3)]
    assert patient["h.2.qkv"].shape == (6, 2)


def test_sources_may_make_room_for_the_result(box: Patient) -> None:
    box.run("concat: from: [m, 'w::[1]'], to: m, delete_sources: true")
    assert "w" not in box.names()
    assert box["m"].shape == (6, 4)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("reshape_: target: w, shape: [5, -1]", ("24", "[5, -1]")),
        ("reshape_: target: w, shape: [-1, -1]", ("-1",)),
        ("reshape_: target: w, shape: [2, 3]", ("24", "6")),
        ("reshape_: target: w, shape: [-2, 12]", ("shape",)),
        ("reshape_: target: w, shape: 24", ("shape",)),
        ("reshape_: target: w, shape: [2.0, 12]", ("shape",)),
        ("reshape_: target: w, shape: [true, 24]", ("shape",)),
        ("reshape_: target: 'w::[0]', shape: [12]", ("shape",)),
        ("reshape_: target: e, shape: [-1, 0]", ()),
        ("permute_: target: w, order: [0, 1]", ("order",)),
        ("permute_: target: w, order: [0, 1, 1]", ("order",)),
        ("permute_: target: w, order: [0, 1, 3]", ("order",)),
        ("transpose_: target: s", ("dims",)),
        ("transpose_: target: w, dim0: 3", ("3",)),
        ("split: from: w, to: [a, b], sizes: [1, 3], dim: 1", ("4", "3")),
        ("split: from: w, to: [a, b], chunks: 2, dim: 1", ("w: dim 1", "3", "2")),
        ("split: from: w, to: [a], chunks: 2", ("2", "to")),
        ("split: from: w, to: [a, b], sizes: [1, 1], chunks: 2", ("sizes", "chunks")),
        ("split: from: w, to: [a, b]", ("sizes", "chunks")),
        ("split: from: w, to: [a, a], chunks: 2", ("two sources",)),
        ("split: from: w, to: [a, m], chunks: 2", ("exists already",)),
        ("split: from: w, to: [a, b], chunks: 2, dim: 3", ("w: dim 3",)),
        ("split: from: w, to: a, chunks: 1", ("list",)),
        ("split: from: w, to: [a, b], sizes: [0, 2]", ()),
        ("concat: from: [w, m], to: c", ("[2, 3, 4]", "[3, 4]")),
        ("concat: from: [m, i], to: c", ("float32", "int32")),
        ("concat: from: [s, s], to: c", ("rank 0",)),
        ("concat: from: [m, m], to: c, dim: 2", ("2",)),
        ("concat: from: [m, gone], to: c", ("gone",)),
        ("concat: from: [m, m], to: w", ("exists already",)),
        ("concat: from: m, to: c", ("list",)),
        ("concat: from: [], to: c", ()),
        (r"concat: from: ['(.)', '\2'], to: c", ("2",)),
    ],
)
def test_errors(box: Patient, line: str, words: tuple[str, ...]) -> None:
    box.fails(line, *words)
