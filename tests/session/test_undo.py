"""Undo takes back exactly what an edit did: names, their order, values, metadata, aliases; redo brings it back."""

from __future__ import annotations

import random

import pytest
import torch
from safetensors.torch import save_file

from conftest import Patient

EDITS = [
    "copy: from: '(w|v)', to: 'c.\\1'", "move: from: 'w', to: z.w", "move: from: [h, $i, '*r'], to: [h, '${2-i}', '*r']",
    "move: from: w, to: 'other::moved'", "delete: 'h.*'", "delete: '.*'", "assign: from: w, to: v", "assign: from: 'w::[0]', to: 'v::[1]'",
    "add: from_a: w, from_b: v, to: sum", "add: from_a: w, from_b: v, to: v", "add_: from: w, to: v", "subtract_: from: w, to: v, alpha: 2",
    "multiply_: from: w, to: w", "divide_: from: w, to: 'v'", "scale_: target: '.*', by: 2", "scale: from: w, to: s, by: 3",
    "clamp_: target: w, max: 1", "cast_: target: '.*', to: bf16", "reshape_: target: w, shape: [-1]", "permute_: target: w, order: [1, 0]",
    "transpose_: target: w", "fill_: target: 'w::[0]', value: 3", "fill_: target: w, mode: rand", "zeroes: target: n, shape: [2]",
    "ones: target: n, shape: []", "rand: target: n, shape: [3]", "split: from: w, to: [a, b], chunks: 2",
    "concat: from: [w, v], to: wv, delete_sources: true", "concat: from: [w, v], to: w, delete_sources: true",
    "renumber: target: [h, $i, '*r'], start: 5", "prefixes: mode: add, alias: fresh", "prefixes: mode: remove, alias: other",
    "prefixes: mode: remove, alias: model", "prefixes: mode: rename, from: model, to: m2", "prefixes: mode: use, alias: other",
    "load: path: extra.safetensors, alias: extra", "load: path: extra.safetensors, to: x.y",
]  # fmt: skip


@pytest.fixture
def ward(patient: Patient) -> Patient:
    save_file({"one": torch.ones(2)}, patient.folder / "extra.safetensors")
    patient.open(
        w=torch.rand(2, 2), v=torch.rand(2, 2), **{f"h__{i}__p": torch.full((1,), float(i)) for i in range(3)}
    )
    return patient.open("other", w=torch.rand(2, 2))


@pytest.mark.parametrize("line", EDITS)
def test_one_edit(ward: Patient, line: str) -> None:
    before = ward.state()
    ward.run(line)
    after = ward.state()
    assert after != before
    ward.run("undo")
    assert ward.state() == before
    ward.run("redo")
    assert ward.state() == after
    ward.run("undo", "redo", "undo")
    assert ward.state() == before


def test_random_walks(ward: Patient) -> None:
    """Any mixture of edits, failing edits, undo and redo: states come back as they were."""
    chance = random.Random(5)
    states = [ward.state()]
    at = 0
    failed = 0
    for _ in range(400):
        move = chance.random()
        if move < 0.3 and at:
            count = chance.randint(1, at)
            ward.run(f"undo: {count}")
            at -= count
        elif move < 0.5 and at < len(states) - 1:
            ward.run("redo")
            at += 1
        else:
            try:
                ward.run(chance.choice(EDITS))
            except Exception:
                failed += 1
            else:
                del states[at + 1 :]
                states.append(ward.state())
                at += 1
        assert ward.state() == states[at]
    assert failed < 390
    ward.run(*(["undo"] * at))
    assert ward.state() == states[0]


def test_limits(ward: Patient) -> None:
    ward.fails("undo", "nothing to undo")
    ward.fails("redo", "nothing to redo")
    ward.run("scale_: target: w, by: 2", "scale_: target: w, by: 2")
    ward.fails("undo: 3", "2")
    ward.fails("undo: 0", "whole number")
    ward.run("undo: 2", "scale_: target: v, by: 2")
    ward.fails("redo", "nothing to redo")


def test_undo_skips_what_is_no_edit(ward: Patient) -> None:
    before = ward.state()
    ward.run("scale_: target: w, by: 2", "dump", "assert: exists: w", "undo")
    assert ward.state() == before
