"""``compute``: operands, destinations, dtypes, errors. Values are compared in ``tests/graph/test_algebra.py``."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Cli, Patient

B, F = torch.randn(6, 4), torch.randn(6, 4)
LINE = r"compute: to: 'out::\1', let: { b: 'base::(.*)', f: 'tuned::\1' }, expr: 'b + 0.4 * (f - b)', dtype: float32"


@pytest.fixture
def box(patient: Patient) -> Patient:
    return patient.open(
        b=B, f=F, row=torch.randn(4), i=torch.arange(24).view(6, 4).int(), h=B.half(), m=B > 0, s=torch.tensor(2.0),
        q=B.to(torch.float8_e4m3fn), u=torch.ones(3, dtype=torch.uint16), z=torch.ones(2, dtype=torch.complex64),
    )  # fmt: skip


def test_all_layers_of_several_checkpoints(patient: Patient) -> None:
    base = {f"h__{i}__w": torch.randn(5, 3).bfloat16() for i in range(3)}
    tuned = {name: torch.randn(5, 3) for name in base}
    patient.open("base", **base).open("tuned", **tuned).open("out", x=torch.zeros(1))
    patient.run(LINE)
    for name, tensor in base.items():
        b, f = tensor.float(), tuned[name]
        result = patient[f"out::{name.replace('__', '.')}"]
        assert result.dtype == torch.bfloat16
        assert torch.equal(result, (b + 0.4 * (f - b)).bfloat16())


def test_a_destination_is_replaced_and_keeps_its_dtype(box: Patient) -> None:
    names = box.names()
    box.run(
        "compute: to: h, let: { b: b }, expr: 'sum(b, dim=0) * 2', dtype: float64",
        "compute: to: b, let: { x: b, f: f }, expr: 'x * f - x'",
        "compute: to: 'f::[0]', let: { x: 'f::[0]', y: 'f::[-1]' }, expr: 'x + y'",
    )
    assert box.names() == names
    assert box["h"].dtype == torch.float16
    assert torch.allclose(box["h"], (B.double().sum(0) * 2).half())
    assert torch.equal(box["b"], B * F - B)
    assert torch.equal(box["f"], torch.cat([(F[:1] + F[-1:]), F[1:]]))


def test_the_step_reads_before_it_writes(patient: Patient) -> None:
    patient.open(a0=torch.tensor([1.0]), a1=torch.tensor([2.0]), a2=torch.tensor([4.0]))
    patient.run(r"compute: to: 'a\1', let: { x: 'a(\d)' }, expr: 'x * 10', where: { rank: 1 }")
    assert [patient.list(f"a{i}") for i in range(3)] == [[10], [20], [40]]


def test_matches_of_the_same_shapes_do_not_share_their_operands(patient: Patient) -> None:
    """They share a program; in one of them two operands are one tensor, in another a constant is written before."""
    patient.open(
        **{f"w{i}": torch.tensor([1.0 + i, 2.0]) for i in range(3)}, v=torch.ones(1), m0=torch.tensor([True])
    )
    patient.run(
        "fill_: target: w1, value: 7",
        r"compute: to: 'a\1', let: { x: 'w(\d)', y: w1 }, expr: 'x - 2 * y + x * x'",
        r"compute: to: 'b\1', let: { x: 'w(\d)' }, expr: 'minimum(x, 2) / sum(x)'",
        r"compute: to: 'c\1', let: { x: '[wm](\d)' }, expr: 'x * 3', dtype: float32, except: 'w0'",
    )
    rows = [[1.0, 2.0], [7.0, 7.0], [3.0, 2.0]]
    assert [patient.list(f"a{i}") for i in range(3)] == [[x - 14 + x * x for x in row] for row in rows]
    for i, row in enumerate(rows):
        x = torch.tensor(row)
        assert torch.equal(patient[f"b{i}"], x.clamp(max=2) / x.sum())
    assert [patient.list(f"c{i}") for i in (1, 2)] == [[21, 21], [9, 6]]
    assert patient.list("c0") == [True]


def test_structured_references(patient: Patient) -> None:
    patient.open(**{f"h__{i}__w": torch.tensor([float(i)]) for i in range(4)})
    patient.run("compute: to: [d, $i], let: { x: [h, $i, w], y: [h, '${3-i}', w] }, expr: '10 * x + y'")
    assert [patient.list(f"d.{i}") for i in range(4)] == [[3], [12], [21], [30]]


def test_selection_and_expect(box: Patient) -> None:
    line = "compute: to: 'new.\\1', let: { x: '(.*)' }, expr: 'x * 2', where: { dtype: float32, rank: 2 }, except: f"
    box.fails(f"{line}, expect: 2", "expected 2")
    box.run(f"{line}, expect: 1")
    assert torch.equal(box["new.b"], B * 2)


def test_conditions(box: Patient) -> None:
    box.run(
        "compute: to: x, let: { b: b, m: m }, expr: 'where(m, b, 0)'",
        "compute: to: y, let: { b: b }, expr: 'where(b < 0, 1, 0)'",
        "compute: to: k, let: { m: m, b: b }, expr: 'm * 2 + where(m, b, 1)', dtype: float32",
        "compute: to: m, let: { b: b }, expr: 'where(b == 0, 0, 1)'",
    )
    assert torch.equal(box["x"], torch.where(B > 0, B, 0))
    assert torch.equal(box["y"], (B < 0).float())
    assert box["k"].dtype == torch.bool
    assert box["m"].dtype == torch.bool
    assert bool(box["m"].all())


def test_an_operand_alone_is_a_copy(box: Patient) -> None:
    box.run(
        "compute: to: x, let: { b: b }, expr: b", "compute: to: y, let: { b: b }, expr: '(b)', dtype: float16"
    )
    assert torch.equal(box["x"], B)
    assert torch.equal(box["y"], B.half().float())


def test_overflow_is_warned_of(tmp_path: Path, cli: Cli) -> None:
    save_file({"h": torch.tensor([60000.0, 1.0]).half()}, tmp_path / "m.safetensors")
    line = "compute: to: h, let: { h: h }, expr: 'h * 3 - h', dtype: float32"
    outcome = cli("m.safetensors", "-c", line, "-c", "save: o.safetensors")
    outcome.ok()
    assert "h (1 value)" in outcome.err
    assert load_file(tmp_path / "o.safetensors")["h"].tolist() == [float("inf"), 2]


def test_an_operand_that_overflows_is_counted_once(tmp_path: Path, cli: Cli) -> None:
    save_file({"w": torch.tensor([1e30, 1.0])}, tmp_path / "m.safetensors")
    line = "compute: to: w, let: { w: w }, expr: 'w - w', dtype: float16"
    outcome = cli("m.safetensors", "-c", line, "-c", "save: o.safetensors")
    outcome.ok()
    assert outcome.err.count("w (1 value)") == 1


def test_whole_numbers(box: Patient) -> None:
    box.run("compute: to: x, let: { i: i }, expr: 'maximum(i * 3 - i ** 2, -5) + abs(-i) + sum(i)'")
    i = torch.arange(24).view(6, 4).int()
    assert torch.equal(box["x"], torch.maximum(i * 3 - i**2, torch.tensor(-5).int()) + i + 276)


def test_undo_summary_and_resolve(box: Patient) -> None:
    line = "compute: to: 'out.\\1', let: { x: '([bf])', y: '\\1' }, expr: 'x + y', expect: 2"
    box.run(line)
    assert torch.equal(box["out.b"], B + B)
    plain = "\n".join(box.run("summarize: format: oly").lines)
    assert line.replace("'([bf])'", "([bf])").replace("'\\1'", "\\1").replace("'out.\\1'", "out.\\1") in plain
    resolved = "\n".join(box.run("summarize: resolve: true, format: oly").lines)
    assert "compute: to: model::out.b, let: { x: model::b, y: model::b }, expr: x + y" in resolved.replace(
        "'", ""
    )
    box.run("undo")
    assert "out.b" not in box.names()


def test_yaml_plan_with_a_folded_expression(folder: Path, cli: Cli) -> None:
    save_file({"w": B}, folder / "m.safetensors")
    plan = (
        "inputs: [m.safetensors]\ntransforms:\n  - compute:\n      to: w\n      let: { w: w }\n      expr: |\n"
        "        w * 2\n          + 1\noutput: o.safetensors\n"
    )
    (folder / "p.yaml").write_text(plan)
    cli("p.yaml").ok()
    assert torch.equal(load_file(folder / "o.safetensors")["w"], B * 2 + 1)
    (folder / "p.yaml").write_text(plan.replace("+ 1", "+ ^"))
    cli("p.yaml").fails("character", "unexpected '^'", "p.yaml, line", status=2)


def expr(text: str, let: str = "b: b", more: str = "") -> str:
    return f"compute: to: out, let: {{ {let} }}, expr: '{text}'{more}"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (expr("b * r", "b: b, r: row"), ("shapes differ", "[6, 4]", "[4]", "broadcast: true")),
        (expr("b * s", "b: b, s: s"), ("shapes differ", "broadcast: true")),
        (expr("b + sum(b, dim=0)"), ("shapes differ", "broadcast: true")),
        (expr("b + sum(b, dim=7)"), ("dim 7",)),
        (expr("b + sum(b, dim=(0, -2))"), ("twice",)),
        (expr("b + bb"), ("unknown operand 'bb'",)),
        (expr("2 * 3", "b: b, row: row"), ("does not use b, row",)),
        (expr("b + row", "b: '(b)', row: row"), ("b model::b, row model::row", "[6, 4]", "[4]")),
        (expr("b + h", "b: b, h: h"), ("b is float32", "h is float16", "dtype: float32")),
        (expr("i / 2", "i: i"), ("int32", "dtype: float32")),
        (expr("sqrt(i)", "i: i"), ("int32", "dtype: float32")),
        (expr("mean(i)", "i: i"), ("int32", "dtype: float32")),
        (expr("i * 0.5", "i: i"), ("0.5", "int32", "dtype: float32")),
        (expr("i ** -1", "i: i"), ("negative", "dtype: float32")),
        (expr("q * 2", "q: q"), ("float8_e4m3fn", "dtype: float32", "cast_")),
        (expr("u * 2", "u: u"), ("uint16", "cast_")),
        (expr("m * 2", "m: m"), ("bool",)),
        (expr("b * m", "b: b, m: m"), ("condition",)),
        (expr("b * 2", "b: b", ", dtype: float8_e5m2"), ("float8_e5m2", "float32")),
        (expr("b < 2"), ("condition", "where")),
        (expr("(b < 2) + 1"), ("condition", "where")),
        (expr("where(b, b, b)"), ("condition",)),
        (expr("abs(z)", "z: z"), ("complex",)),
        (expr("z < 1", "z: z"), ("complex",)),
        (expr("b @ b"), ("matrix product", "transpose")),
        (expr("b @ 2"), ("two tensors",)),
        (expr("transpose(row)", "row: row"), ("[4]",)),
        (expr("transpose(b, 0.5)"), ("whole number", "0.5")),
        (expr("clamp(b)"), ("min", "max")),
        (expr("clamp(b, b)"), ("numbers",)),
        (expr("sum(2) * b"), ("sum", "tensors")),
        (expr("b + 1 / 0"), ("no value",)),
        (expr("b + sqrt(-1)"), ("no value",)),
        (expr("b * 9 ** 9 ** 9"), ("no value",)),
        (expr("b * (1 + "), ("expected",)),
        (expr("foo(b)"), ("unknown function 'foo'",)),
        (expr("b, 2"), ("expected",)),
        (expr("b", "sum: b"), ("sum", "function")),
        (expr("b", "b-1: b"), ("b-1", "name")),
        (expr("b", "b: nope"), ("nope",)),
        (expr("b + x", r"b: b, x: '\1'"), ("1",)),
        (expr("b + x", "b: b, x: gone"), ("gone",)),
        ("compute: to: out, let: b, expr: b", ("map",)),
        ("compute: to: out, let: {}, expr: b", ("map",)),
        ("compute: to: out, let: { b: b }, expr: 2", ("expression",)),
        ("compute: to: out, let: { b: b }", ("expr",)),
        ("compute: to: 'f::[0]', let: { b: b }, expr: b", ("shapes differ",)),
        ("compute: to: out, let: { b: '[bf]' }, expr: b", ("two sources",)),
    ],
)
def test_errors(box: Patient, line: str, words: tuple[str, ...]) -> None:
    box.fails(line, *words)


def test_carets_point_into_the_expression(cli: Cli, folder: Path) -> None:
    save_file({"b": B}, folder / "m.safetensors")
    for text, found in (("b + sqr(b)", "sqr"), ("b + (b @ b)", "@"), ("b + x", "x"), ("b + (b", "'")):
        line = expr(text)
        said = cli("m.safetensors", "-c", line).fails()
        column = line.index("expr") + line[line.index("expr") :].index(found, 7 + 2 * (found == "'")) + 1
        assert f"^ column {column}" in said
