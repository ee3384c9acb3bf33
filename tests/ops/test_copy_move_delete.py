"""``copy``, ``move``, ``delete``: names and their order, all at once or not at all."""

from __future__ import annotations

import pytest
import torch

from conftest import Patient

LAYERS = {f"h__{i}__{part}": torch.full((2, 2), float(i)) for i in range(4) for part in ("w", "b")}


@pytest.fixture
def layers(patient: Patient) -> Patient:
    return patient.open(wte=torch.arange(6.0), **LAYERS)


def test_copy_goes_to_the_end_and_leaves_the_source(layers: Patient) -> None:
    before = layers.names()
    layers.run(r"copy: from: 'h\.3\.(.*)', to: 'h.4.\1'")
    assert layers.names() == [*before, "h.4.b", "h.4.w"] or layers.names() == [*before, "h.4.w", "h.4.b"]
    assert layers.list("h.4.w") == layers.list("h.3.w")


def test_copies_are_independent(layers: Patient) -> None:
    layers.run("copy: from: wte, to: v", "scale_: target: wte, by: 2")
    assert layers.list("v") == [0, 1, 2, 3, 4, 5]
    assert layers.list("wte") == [0, 2, 4, 6, 8, 10]


def test_copy_of_a_slice(layers: Patient) -> None:
    layers.run("copy: from: 'wte::[1:5:2]', to: v", "copy: from: 'wte::[-1]', to: last")
    assert layers.list("v") == [1, 3]
    assert layers.list("last") == 5


def test_move_keeps_the_place(layers: Patient) -> None:
    before = layers.names()
    layers.run(r"move: from: 'h\.1\.(.*)', to: 'x.\1'")
    assert layers.names() == [name.replace("h.1.", "x.") for name in before]


def test_move_shifts_layers_at_once(layers: Patient) -> None:
    layers.run("delete: [h, 0, '*r']", "move: from: [h, $i, '*rest'], to: [h, '${i-1}', '*rest']")
    assert [layers.list(f"h.{i}.w")[0][0] for i in range(3)] == [1, 2, 3]
    layers.run("move: from: [h, $i, '*rest'], to: [h, '${i+1}', '*rest']")
    assert [layers.list(f"h.{i}.w")[0][0] for i in range(1, 4)] == [1, 2, 3]


def test_move_swaps(layers: Patient) -> None:
    """Two names change places by one pattern: 0 becomes 3 and 3 becomes 0, as 3 - i."""
    before = layers.names()
    layers.run("move: from: [h, '~i::[03]', $p], to: [h, '${3-i}', $p]")
    assert sorted(layers.names()) == sorted(before)
    assert layers.list("h.0.w")[0][0] == 3
    assert layers.list("h.3.w")[0][0] == 0
    assert layers.names().index("h.3.w") == before.index("h.0.w")


def test_move_to_itself_changes_nothing(layers: Patient) -> None:
    names = layers.names()
    layers.run("move: from: '(.*)', to: '\\1'")
    assert layers.names() == names


def test_move_between_checkpoints(layers: Patient) -> None:
    layers.open("other", x=torch.zeros(1))
    layers.run("move: from: 'model::wte', to: 'other::y'")
    assert layers.names("other") == ["x", "y"]
    assert "wte" not in layers.names()


def test_delete(layers: Patient) -> None:
    layers.run(r"delete: '.*\.b'", "delete: target: 'h.*', except: [h, 0, '*r']")
    assert layers.names() == ["h.0.w", "wte"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("copy: from: wte, to: h.0.w", ("exists already", "h.0.w")),
        ("copy: from: wte, to: wte", ("exists already",)),
        (r"copy: from: 'h\.\d\.w', to: same", ("two sources for one destination", "h.0.w", "h.1.w")),
        (r"move: from: 'h\.\d\.w', to: same", ("two sources",)),
        ("move: from: [h, $i, w], to: [h, '${i+1}', b]", ("exists already",)),
        ("move: from: wte, to: h.0.w", ("exists already",)),
        ("move: from: 'wte::[0]', to: v", ("no slices",)),
        ("move: from: wte, to: 'v::[0]'", ("no slices",)),
        ("delete: 'wte::[0]'", ("no slices",)),
        ("copy: from: h.0.x, to: v", ("h.0.w",)),
        ("delete: nothing.like.that", ("nothing.like.that",)),
        ("move: from: [h, $i, $r], to: [h, '${i-1}', $r]", ("h.0",)),
        ("move: from: [h, $i, $r], to: [h, $j, $r]", ("j",)),
        (r"copy: from: 'h\.(\d)\.w', to: 'v.\2'", ("2",)),
        (r"copy: from: 'h\.(.*', to: v", ()),
        ("copy: from: '(.*)', to: [h, $i]", ()),
        ("copy: from: [h, $i], to: 'v'", ()),
        (r"copy: from: wte, to: 'v.*'", ()),
        (r"copy: from: wte, to: 'v\d'", ()),
        ("copy: from: 'wte::[6]', to: v", ("6",)),
        ("copy: from: 'wte::[0, 0]', to: v", ()),
        ("copy: from: 'wte::[::-1]', to: v", ("step",)),
        ("copy: from: 'wte::[3:3]', to: v", ()),
        ("copy: from: wte, to: 'new::[:3]'", ("new",)),
        ("copy: from: 'nope::wte', to: v", ("unknown alias 'nope'",)),
        ("copy: from: wte", ("to",)),
        ("copy: from: wte, to: v, too: w", ("too",)),
        ("copyy: from: wte, to: v", ("copy",)),
    ],
)
def test_errors_change_nothing(layers: Patient, line: str, words: tuple[str, ...]) -> None:
    layers.fails(line, *words)


def test_one_bad_destination_stops_all(layers: Patient) -> None:
    layers.run("copy: from: wte, to: v.2")
    layers.fails(r"copy: from: 'h\.(\d)\.w', to: 'v.\1'", "v.2")


def test_lists_of_names_stop_at_five(patient: Patient) -> None:
    patient.open(**{f"t{i}": torch.zeros(1) for i in range(20)})
    error = patient.fails("delete: target: '.*', expect: 3", "20")
    assert "and 15 more" in str(error.hint)
