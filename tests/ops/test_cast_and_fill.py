"""``cast``, ``fill``, ``zeroes``, ``ones``, ``rand``."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.cast import Cast
from conftest import Cli, Patient

W = torch.tensor([[1.5, -2.25], [1e6, 0.0]])


@pytest.fixture
def few(patient: Patient) -> Patient:
    return patient.open(w=W, i=torch.tensor([300, -1]), b=torch.tensor([True, False]), n=torch.ones(2, 3))


@pytest.mark.parametrize("key", ["to", "dtype"])
@pytest.mark.parametrize("name", ["bf16", "torch.bfloat16", "bfloat16", "BF16"])
def test_cast_in_place(few: Patient, key: str, name: str) -> None:
    few.run(f"cast_: target: w, {key}: {name}")
    assert torch.equal(few["w"], W.bfloat16())


def test_cast(few: Patient) -> None:
    few.run("cast: from: '([wn])', to: '\\1.8', dtype: float8_e5m2", "cast: from: i, to: f, dtype: f32")
    assert few["w.8"].dtype == torch.float8_e5m2
    assert torch.equal(few["w.8"].float(), W.to(torch.float8_e5m2).float())
    assert few.list("f") == [300, -1]


def test_overflow_error_is_found_at_the_step(few: Patient) -> None:
    few.fails("cast_: target: w, to: float16, overflow: error", "w", "1")
    few.fails("cast_: target: i, to: uint8, overflow: error", "i", "2")
    few.run(
        "cast_: target: n, to: float16, overflow: error", "cast_: target: w, to: float16, overflow: allow"
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StorageError("it changed")])
def test_nothing_stops_the_count_after_a_save(
    few: Patient, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """The output is there: the step is done, and recorded, without the counts."""

    def fails(*arguments: object) -> int:
        raise error

    monkeypatch.setattr(Cast, "count_overflow", fails)
    few.run("cast_: target: w, to: float16", "save: o.safetensors")
    assert (few.folder / "o.safetensors").exists()
    assert few.warnings == ["the cast overflowed: the dtype cannot hold all values of w"]
    assert few.session.timeline.steps[-1].role == "save"


def test_overflow_warning_names_tensor_and_count(cli: Cli) -> None:
    save_file({"w": W, "v": torch.ones(2)}, "in.safetensors")
    done = cli("in.safetensors", "-c", "cast_: target: '.*', to: float16", "-c", "save: out.safetensors")
    done.ok()
    assert "w (1 value)" in done.err
    assert "1 value" in done.err.split("clipped in ")[-1]
    assert "v (" not in done.err
    done = cli(
        "in.safetensors",
        "-c",
        "cast_: target: '.*', to: float16, overflow: allow",
        "-c",
        "save: o2.safetensors",
    )
    assert done.err == ""
    assert torch.equal(load_file("out.safetensors")["w"], W.half())


def test_fill(few: Patient) -> None:
    few.run(
        "fill_: target: 'w::[0]', mode: constant, value: 7", "fill: from: n, to: c, value: 1.5",
        "fill_: target: i, mode: tensor, values: [4, 5]", "fill: from: 'n::[:, :2]', to: d, mode: tensor, values: [[1, 2], [3, 4]]",
        "fill_: target: b, value: 1",
    )  # fmt: skip
    assert few.list("w")[0] == [7, 7]
    assert few.list("c") == [[1.5] * 3] * 2
    assert few.list("i") == [4, 5]
    assert few.list("d") == [[1, 2], [3, 4]]
    assert few.list("b") == [True, True]


def test_values_are_broadcast_if_asked(few: Patient) -> None:
    few.run(
        "fill: from: w, to: c, mode: tensor, values: [5, 6], broadcast: true",
        "fill_: target: n, mode: tensor, values: 4, broadcast: true",
    )
    assert few.list("c") == [[5, 6], [5, 6]]
    assert few.list("n") == [[4] * 3] * 2


def test_create(few: Patient) -> None:
    few.run(
        "zeroes: target: z, shape: [2, 0]",
        "ones: target: o, shape: [], dtype: int8",
        "zeroes: target: m.x, shape: [3], dtype: bf16",
    )
    assert few["z"].shape == (2, 0)
    assert few["o"].dtype == torch.int8
    assert few.list("m.x") == [0, 0, 0]
    assert few.names()[-3:] == ["z", "o", "m.x"]


def test_rand(few: Patient) -> None:
    few.run("rand: target: r, shape: [50], seed: 3", "rand: target: model::s, shape: [50], seed: 3")
    few.run("rand: target: t, shape: [50], seed: 3, distribution: normal, mean: 10, std: 0.1")
    assert not torch.equal(few["r"], few["s"])
    assert 0 <= float(few["r"].min()) <= float(few["r"].max()) < 1
    assert 9 < float(few["t"].min()) < float(few["t"].max()) < 11
    first = few["r"]
    few.run("delete: r", "rand: target: r, shape: [50], seed: 3")
    assert torch.equal(few["r"], first)


def test_a_fill_and_a_rand_of_one_name_and_seed_agree(few: Patient) -> None:
    few.run("rand: target: r, shape: [2, 3], seed: 9", "fill: from: n, to: s, mode: rand, seed: 9")
    few.run("fill_: target: n, mode: rand, seed: 9", "move: from: r, to: n2")
    first = few["n2"]
    few.run("rand: target: r, shape: [2, 3], seed: 9")
    assert torch.equal(few["r"], first)
    assert not torch.equal(few["n"], few["s"])


def test_a_seed_is_drawn_and_recorded(few: Patient) -> None:
    few.run("rand: target: r, shape: [2]", "fill_: target: n, mode: rand")
    history = few.run("history").lines
    assert all("seed:" in line for line in history)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cast_: target: w, to: float33", ("float33", "float32")),
        ("cast_: target: w, to: 32", ("dtype",)),
        ("cast_: target: w", ("to",)),
        ("cast_: target: w, to: bf16, dtype: bf16", ("twice",)),
        ("cast: from: w, to: v, dtype: bf16, overflow: maybe", ("warn | error | allow",)),
        ("fill_: target: w", ("value",)),
        ("fill_: target: i, value: 1.5", ("whole",)),
        ("fill_: target: i, value: 99999999999999999999", ("range",)),
        ("fill_: target: b, value: 2", ("boolean",)),
        ("fill_: target: w, value: 1e300", ("range",)),
        ("fill_: target: w, mode: tensor", ("values",)),
        ("fill_: target: w, mode: tensor, values: [1, 2]", ("[2]", "[2, 2]", "broadcast: true")),
        ("fill_: target: w, mode: tensor, values: [1, 2, 3], broadcast: true", ("[3]", "[2, 2]")),
        ("fill_: target: w, mode: tensor, values: [[1, 2], [3]]", ("length",)),
        ("fill_: target: w, mode: tensor, values: [[1, 2], [3, x]]", ("number",)),
        ("fill_: target: w, mode: random", ("constant | rand | tensor", "rand")),
        ("fill_: target: i, mode: rand", ("int64",)),
        ("fill_: target: w, mode: rand, value: 3", ("'value'", "mode: constant")),
        ("fill_: target: w, value: 3, values: [[1, 2], [3, 4]]", ("'values'", "mode: tensor")),
        ("fill_: target: w, value: 3, seed: 1", ("'seed'", "mode: rand")),
        ("fill: from: w, to: n, value: 1", ("exists already",)),
        ("zeroes: target: w, shape: [1]", ("exists already",)),
        ("zeroes: target: z, shape: [-1]", ("shape",)),
        ("zeroes: target: z, shape: [1.0]", ("shape",)),
        ("zeroes: target: z", ("shape",)),
        ("zeroes: target: 'z::[0]', shape: [1]", ("slice",)),
        (r"zeroes: target: 'z\1', shape: [1]", ("captures",)),
        ("zeroes: target: other::z, shape: [1]", ("other",)),
        ("rand: target: r, shape: [2], seed: 1.5", ("seed",)),
        ("rand: target: r, shape: [2], low: 2, high: 1", ("low", "high")),
        ("rand: target: r, shape: [2], low: -1e300, high: 1e300", ()),
        ("rand: target: r, shape: [2], distribution: normal, std: -1", ("std",)),
        ("rand: target: r, shape: [2], std: 1", ("std", "normal")),
        ("rand: target: r, shape: [2], dtype: int32", ("int32",)),
        ("rand: target: r, shape: [2], low: .nan", ()),
        ("rand: target: r, shape: [2], low: -.inf", ()),
    ],
)
def test_errors(few: Patient, line: str, words: tuple[str, ...]) -> None:
    few.fails(line, *words)
