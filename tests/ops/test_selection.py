"""``except``, ``where``, ``expect``, alias rules, ``renumber``, ``prefixes``, ``load``."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from conftest import Patient


@pytest.fixture
def model(patient: Patient) -> Patient:
    return patient.open(
        **{f"h__{i}__w": torch.ones(4, 4) for i in range(3)}, **{f"h__{i}__b": torch.ones(4) for i in range(3)},
        ids=torch.arange(3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        ("except: 'h.*'", ["h.0.b", "h.0.w", "h.1.b", "h.1.w", "h.2.b", "h.2.w"]),
        ("except: [h, $i, w]", ["h.0.w", "h.1.w", "h.2.w"]),
        ("except: 'nothing'", []),
        ("where: { rank: 2 }", ["h.0.b", "h.1.b", "h.2.b", "ids"]),
        ("where: { dtype: f32, rank: 1 }", ["h.0.w", "h.1.w", "h.2.w", "ids"]),
        ("where: { min_size: 64 }", ["h.0.b", "h.1.b", "h.2.b", "ids"]),
        ("where: { max_size: 16 }", ["h.0.w", "h.1.w", "h.2.w", "ids"]),
        ("where: { min_size: 24, max_size: 24 }", ["h.0.b", "h.0.w", "h.1.b", "h.1.w", "h.2.b", "h.2.w"]),
        ("except: ids, where: { rank: 1 }, expect: 3", ["h.0.w", "h.1.w", "h.2.w", "ids"]),
        (
            "where: { min_size: 1MB }, expect: 0",
            ["h.0.b", "h.0.w", "h.1.b", "h.1.w", "h.2.b", "h.2.w", "ids"],
        ),
    ],
)
def test_what_is_left(model: Patient, selection: str, left: list[str]) -> None:
    model.run(f"delete: target: '.*', {selection}")
    assert sorted(model.names()) == left


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("delete: target: 'h.*', expect: 5", ("expected 5", "6")),
        ("delete: target: 'h.*', expect: 0", ("expected 0", "6")),
        ("delete: target: 'nope', expect: 1", ("expected 1", "0", "its names are like")),
        ("delete: target: 'h.*', expect: -1", ("expect",)),
        ("delete: target: 'h.*', expect: true", ("expect",)),
        ("delete: target: 'h.*', expect: 6.0", ("expect",)),
        ("delete: target: '.*', except: '.*'", ("except",)),
        ("delete: target: '.*', where: { rank: 7 }", ("where",)),
        ("delete: target: '.*', where: { rnk: 2 }", ("rnk", "rank")),
        ("delete: target: '.*', where: { dtype: flot32 }", ("flot32", "float32")),
        ("delete: target: '.*', where: rank", ("where",)),
        ("delete: target: '.*', where: { min_size: big }", ("where", "big")),
    ],
)
def test_errors(model: Patient, line: str, words: tuple[str, ...]) -> None:
    model.fails(line, *words)


def test_expect_0_lets_nothing_match(model: Patient) -> None:
    for line in (
        "delete: target: nope, expect: 0", "scale_: target: nope, by: 2, expect: 0", "copy: from: nope, to: x, expect: 0",
        "concat: from: [nope, ids], to: x, expect: 0", "split: from: nope, to: [x, y], chunks: 2, expect: 0",
        "add_: from: nope, to: ids, expect: 0", "renumber: target: [g, $i, '*r'], expect: 0",
        "dump: target: nope, expect: 0",
    ):  # fmt: skip
        before = model.state()
        model.run(line)
        assert model.state() == before


def test_expect_counts_after_where(model: Patient) -> None:
    model.run("scale_: target: '.*', by: 2, where: { rank: 2 }, expect: 3")
    assert model.list("h.0.b") == [1, 1, 1, 1]
    assert model.list("h.0.w")[0][0] == 2


def test_every_step_takes_expect(model: Patient) -> None:
    model.run("zeroes: target: z, shape: [1], expect: 1", "dump: target: z, expect: 1", "prefixes: expect: 1")
    model.fails("zeroes: target: y, shape: [1], expect: 2", "2")


def test_renumber_closes_gaps(patient: Patient) -> None:
    patient.open(**{f"h__{i}__w": torch.tensor([float(i)]) for i in (2, 5, 11, 30)}, x=torch.zeros(1))
    before = patient.names()
    patient.run("renumber: [h, $i, '*rest']")
    assert [patient.list(f"h.{i}.w") for i in range(4)] == [[2], [5], [11], [30]]
    moved = {"h.2.w": "h.0.w", "h.5.w": "h.1.w", "h.11.w": "h.2.w", "h.30.w": "h.3.w"}
    assert patient.names() == [moved.get(name, name) for name in before]
    patient.run("renumber: target: [h, $i, '*rest'], start: 1")
    assert patient.list("h.4.w") == [30]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"renumber: 'h\.(\d+)\.w'", ("structured",)),
        ("renumber: [h, $i, $p]", ("one",)),
        ("renumber: [h, '*i']", ("one",)),
        ("renumber: [$i, '*rest']", ("number",)),
        ("renumber: [g, $i, '*rest']", ()),
        ("renumber: target: [h, $i, '*rest'], start: -1", ("start",)),
    ],
)
def test_renumber_errors(model: Patient, line: str, words: tuple[str, ...]) -> None:
    model.fails(line, *words)


def test_renumber_collides(patient: Patient) -> None:
    patient.open(h__3__w=torch.zeros(1), h__03__w=torch.zeros(1))
    patient.fails("renumber: [h, $i, w]", "two sources")


def test_the_default_alias(patient: Patient) -> None:
    patient.open("a", w=torch.zeros(1)).run("copy: from: w, to: v")
    patient.open("b", w=torch.ones(1))
    patient.fails("copy: from: w, to: x", "a, b")
    patient.run("prefixes: mode: use, alias: b", "copy: from: w, to: x")
    assert patient.names("b") == ["w", "x"]
    patient.open("model", w=torch.ones(1)).run("delete: x")
    assert patient.names("b") == ["w"]
    patient.run("prefixes: mode: remove, alias: b", "delete: w")
    assert patient.names("model") == []
    assert patient.names("a") == ["v", "w"] or patient.names("a") == ["w", "v"]


def test_a_destination_goes_to_the_sources_alias(patient: Patient) -> None:
    patient.open("model", w=torch.zeros(1)).open("b", w=torch.ones(1))
    patient.run(
        "copy: from: 'b::w', to: x", "copy: from: w, to: 'b::y'", "add: from_a: 'b::w', from_b: w, to: z"
    )
    assert patient.names("b") == ["w", "x", "y", "z"]
    assert patient.names("model") == ["w"]


def test_prefixes(patient: Patient) -> None:
    patient.open("model", w=torch.zeros(1))
    patient.run(
        "prefixes: mode: add, alias: extra",
        "copy: from: w, to: 'extra::w'",
        "prefixes: mode: use, alias: extra",
    )
    patient.run("prefixes: mode: rename, from: extra, to: new", "delete: w")
    assert patient.names("new") == []
    assert "new::" in "\n".join(patient.run("prefixes").lines)
    for line, word in (
        ("prefixes: mode: rename, from: new, to: model", "taken"), ("prefixes: mode: add, alias: model", "taken"),
        ("prefixes: mode: add, alias: 'a b'", "alias"), ("prefixes: mode: remove, alias: nope", "nope"),
        ("prefixes: mode: use", "alias"), ("prefixes: mode: drop", "list | add"), ("prefixes: mode: rename, from: new", "to"),
    ):  # fmt: skip
        patient.fails(line, word)


def test_load(patient: Patient) -> None:
    save_file({"only": torch.ones(2)}, patient.folder / "one.safetensors")
    save_file({"a": torch.ones(2), "b": torch.ones(2)}, patient.folder / "two.safetensors")
    patient.run(
        "load: one.safetensors",
        "load: path: two.safetensors, alias: two",
        "load: path: one.safetensors, to: x.y",
    )
    assert patient.names() == ["only", "x.y"]
    assert patient.names("two") == ["a", "b"]
    patient.run("load: path: one.safetensors, to: 'two::c'", "load: path: one.safetensors, to: d, alias: two")
    assert patient.names("two") == ["a", "b", "c", "d"]
    for line, word in (
        ("load: one.safetensors", "taken"), ("load: path: two.safetensors, alias: two", "taken"),
        ("load: path: two.safetensors, to: z", "2"), ("load: path: one.safetensors, to: only", "exists"),
        ("load: path: none.safetensors, alias: n", "none.safetensors"), ("load: alias: n", "path"),
    ):  # fmt: skip
        patient.fails(line, word)
