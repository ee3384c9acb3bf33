"""``keep_`` and ``drop_``: positions and groups along a dim."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.graph import pick, structure
from conftest import Patient

W = torch.arange(24.0).view(6, 4)


@pytest.fixture
def box(patient: Patient) -> Patient:
    return patient.open(
        w=W,
        cube=torch.arange(60.0).view(3, 4, 5),
        s=torch.tensor(5.0),
        e=torch.zeros(0, 3),
        q=W.to(torch.float8_e5m2),
    )


def test_ranges(box: Patient) -> None:
    box.run(
        "keep_: target: w, dim: 0, ranges: [4:, 1, 0:2]", "drop_: target: cube, dim: -1, ranges: [-1, 1:3]"
    )
    assert torch.equal(box["w"], W[[0, 1, 4, 5]])
    assert torch.equal(box["cube"], torch.arange(60.0).view(3, 4, 5)[..., [0, 3]])


def test_steps_and_clipping(box: Patient) -> None:
    box.run("keep_: target: w, dim: 0, ranges: [1::2, 4:100]", "keep_: target: q, dim: 1, ranges: [-100:2]")
    assert torch.equal(box["w"], W[[1, 3, 4, 5]])
    assert torch.equal(box["q"].float(), W[:, :2].to(torch.float8_e5m2).float())


def test_groups(box: Patient) -> None:
    box.run(
        "drop_: target: w, dim: 0, groups: 3, items: [1]",
        "keep_: target: cube, dim: 1, groups: 2, items: ['1:']",
    )
    assert torch.equal(box["w"], W[[0, 1, 4, 5]])
    assert torch.equal(box["cube"], torch.arange(60.0).view(3, 4, 5)[:, 2:])


def test_everything_may_stay(box: Patient) -> None:
    box.run("keep_: target: w, dim: 0, ranges: [':']", "keep_: target: cube, dim: 0, groups: 1, items: [0]")
    assert torch.equal(box["w"], W)


def test_selection(box: Patient) -> None:
    box.run(
        "keep_: target: '.*', dim: 0, ranges: [0], where: { rank: 2, dtype: float32 }, except: e, expect: 1"
    )
    assert box["w"].shape == (1, 4)


def test_leading_runs_stay_ranges_of_the_file(box: Patient) -> None:
    box.run("drop_: target: w, dim: 0, ranges: [2]")
    tensor = box.session.workspace.checkpoints["model"].tensors["w"]
    pieces = list(box.session.evaluator.pieces(tensor))
    assert len(pieces) == 2
    assert not any(isinstance(piece, memoryview) for piece in pieces)


def test_yaml_plan(folder: Path, cli: object) -> None:
    from safetensors.torch import load_file, save_file

    save_file({"w": W}, folder / "m.safetensors")
    (folder / "p.yaml").write_text(
        "inputs: [m.safetensors]\ntransforms:\n  - keep_: { target: w, dim: 0, ranges: [0:2, 5] }\noutput: o.safetensors\n"
    )
    cli("p.yaml").ok()  # type: ignore[operator]
    assert torch.equal(load_file(folder / "o.safetensors")["w"], W[[0, 1, 5]])


H, D, E = 4, 3, 8
"""Heads, their width, the width of the model."""


def test_one_head_less_in_every_layer(patient: Patient) -> None:
    """Separate, fused (all of q, then all of k, then all of v) and interleaved (q, k, v of each head)."""
    layers = range(2)
    shapes = {"sep.q": (H * D, E), "sep.k": (H * D, E), "sep.v": (H * D, E), "sep.o": (E, H * D)}
    shapes |= {
        "fused.qkv": (3 * H * D, E),
        "fused.o": (E, H * D),
        "inter.qkv": (3 * H * D, E),
        "inter.o": (E, H * D),
    }
    tensors = {f"h.{i}.{name}": torch.randn(shape) for i in layers for name, shape in shapes.items()}
    patient.open(**{name.replace(".", "__"): tensor for name, tensor in tensors.items()})
    patient.run(
        rf"drop_: target: 'h\.\d+\.sep\.[qkv]', dim: 0, groups: {H}, items: [1]",
        rf"drop_: target: 'h\.\d+\.fused\.qkv', dim: 0, groups: {3 * H}, items: [1, {H + 1}, {2 * H + 1}]",
        rf"drop_: target: 'h\.\d+\.inter\.qkv', dim: 0, groups: {H}, items: [1]",
        rf"drop_: target: 'h\.\d+\..*\.o', dim: 1, groups: {H}, items: [1]",
    )
    stays = [0, 2, 3]
    for i in layers:
        for name, before in tensors.items():
            if not name.startswith(f"h.{i}."):
                continue
            if name.endswith(".o"):
                expected = before.view(E, H, D)[:, stays].reshape(E, -1)
            elif name.endswith("fused.qkv"):
                expected = before.view(3, H, D, E)[:, stays].reshape(-1, E)
            elif name.endswith("inter.qkv"):
                expected = before.view(H, 3, D, E)[stays].reshape(-1, E)
            else:
                expected = before.view(H, D, E)[stays].reshape(-1, E)
            assert torch.equal(patient[name], expected)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("keep_: target: w, ranges: [0]", ("dim",)),
        ("keep_: target: w, dim: 0", ("ranges", "groups", "items")),
        ("keep_: target: w, dim: 0, groups: 2", ("ranges", "items")),
        ("keep_: target: w, dim: 0, items: [1]", ("groups",)),
        ("keep_: target: w, dim: 0, ranges: [0], groups: 2, items: [1]", ("either",)),
        ("keep_: target: w, dim: 0, ranges: [6]", ("w", "6", "-6 to 5")),
        ("drop_: target: w, dim: 0, ranges: [-7]", ("w", "-7")),
        ("drop_: target: w, dim: 0, groups: 3, items: [3]", ("w", "3 groups")),
        ("keep_: target: w, dim: 2, ranges: [0]", ("w", "dim 2")),
        ("keep_: target: s, dim: 0, ranges: [0]", ("s", "rank 0")),
        ("keep_: target: e, dim: 0, ranges: [0]", ("e",)),
        ("keep_: target: w, dim: 0, groups: 4, items: [0]", ("w", "6", "4")),
        ("drop_: target: w, dim: 0, ranges: [':']", ("w", "nothing would be left")),
        ("drop_: target: w, dim: 0, ranges: [':3', '3:']", ("nothing would be left",)),
        ("drop_: target: w, dim: 0, groups: 2, items: [0, 1]", ("nothing would be left",)),
        ("keep_: target: w, dim: 0, ranges: ['7:9']", ("w", "selects nothing")),
        ("keep_: target: w, dim: 0, ranges: ['3:1']", ("selects nothing",)),
        ("keep_: target: w, dim: 0, ranges: ['::-1']", ("step",)),
        ("keep_: target: w, dim: 0, ranges: ['::0']", ("step",)),
        ("keep_: target: w, dim: 0, ranges: []", ("list",)),
        ("keep_: target: w, dim: 0, ranges: 0:2", ("list", "[0:2]")),
        ("keep_: target: w, dim: 0, ranges: [1.5]", ("1.5",)),
        ("keep_: target: w, dim: 0, ranges: [true]", ("True",)),
        ("keep_: target: w, dim: 0, ranges: [a]", ("a:b",)),
        ("keep_: target: w, dim: 0, ranges: ['...']", ("a:b",)),
        ("keep_: target: w, dim: 0, ranges: ['1, 2']", ("a:b",)),
        ("keep_: target: w, dim: 0, groups: 0, items: [0]", ("groups",)),
        ("keep_: target: 'w::[:2]', dim: 0, ranges: [0]", ("no slices",)),
        ("keep_: target: nope, dim: 0, ranges: [0]", ("nope",)),
    ],
)
def test_errors(box: Patient, line: str, words: tuple[str, ...]) -> None:
    box.fails(line, *words)


@pytest.mark.parametrize("small", [False, True])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_as_torch_indexes(small: bool, data: st.DataObject, tmp_path: Path) -> None:
    """Any positions of any dim, read in pieces of any size, are those that an index gives."""
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    size = shape[dim]
    items = data.draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=6))
    drop = data.draw(st.booleans())
    chosen = {item % size for item in items}
    left = [at for at in range(size) if (at in chosen) != drop]
    tensor = torch.randn(shape)
    patient = Patient(tmp_path).open(x=tensor)
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(pick, "MOST_RANGES", 0)
            patch.setattr(structure, "BLOCK_ELEMENTS", data.draw(st.integers(1, 8)))
        line = f"{'drop_' if drop else 'keep_'}: target: x, dim: {dim}, ranges: {items}"
        if left:
            patient.run(line)
            expected = tensor.index_select(dim, torch.tensor(left))
            assert torch.equal(patient["x"], expected)
            lazy = patient.session.workspace.checkpoints["model"].tensors["x"]
            start = data.draw(st.integers(0, expected.numel() - 1))
            part = torch.cat(list(patient.session.evaluator.chunks(lazy, start)))
            assert torch.equal(part, expected.flatten()[start:])
        else:
            patient.fails(line, "nothing would be left")
    patient.session.close()
