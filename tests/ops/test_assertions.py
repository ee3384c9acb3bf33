"""``assert``: every expression, both ways; what is said when one fails."""

from __future__ import annotations

import pytest
import torch

from brainsurgery_shell.errors import CheckFailed, StepError, SurgeryError
from conftest import Patient

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def world(patient: Patient) -> Patient:
    patient.open(
        h__0__w=torch.ones(2, 3), h__1__w=torch.full((2, 3), 2.0), bias=torch.zeros(3), ids=torch.arange(3),
        bad=torch.tensor([1.0, NAN, INF]), bad2=torch.tensor([1.0, NAN, INF]), close=torch.tensor([0.25, 0.0, -0.25]),
    )  # fmt: skip
    return patient.open(
        "other",
        h__0__w=torch.zeros(2, 3),
        h__1__w=torch.zeros(2, 3),
        g__0__w=torch.zeros(2, 3),
        g__1__w=torch.zeros(2, 3),
    )


HOLDS = [
    "exists: bias", "exists: 'h.*'", "exists: { of: bias }", "not: { exists: nope }",
    "count: { of: 'h.*', is: 2 }", "count: { of: nope, is: 0 }", "count: { of: '.*', is: 2, where: { rank: 2 } }",
    "shape: { of: 'h.*', is: [2, 3] }", "shape: { of: 'bias::[:2]', is: [2] }",
    "dimensions: { of: 'h.*', is: 2 }", "dimensions: { of: '.*', ge: 1, le: 2 }", "dimensions: { of: 'h.*', gt: 1, lt: 3 }",
    "dtype: { of: 'h.*', is: float32 }", "dtype: { of: ids, is: int64 }",
    "equal: { left: bad, right: bad2 }", "equal: { left: close, right: bias, eps: 0.25 }", "equal: { left: '(h)(.*)', right: '\\1\\2' }",
    "same: { left: 'h.*', right: 'other::h.*' }", "same: { left: [h, $i, w], right: ['other::g', $i, w] }",
    "iszero: bias", "iszero: { of: close, eps: 0.25 }", "iszero: 'other::.*'", "finite: 'h.*'", "finite: { of: ids }",
    "range: { of: 'h.*', ge: 1, le: 2 }", "range: { of: ids, ge: 0 }", "range: { of: close, le: 0.25 }",
    "all: [{ exists: bias }, { finite: bias }]", "any: [{ exists: nope }, { exists: bias }]",
    "not: { all: [{ exists: bias }, { iszero: 'h.*' }] }", "not: { any: [{ exists: nope }, { finite: bad }] }",
    "not: { not: { exists: bias } }",
]  # fmt: skip

FAILS = [
    ("exists: nope", ("nope",)),
    ("not: { exists: bias }", ("exists",)),
    ("count: { of: 'h.*', is: 3 }", ("3", "2", "h.0.w")),
    ("shape: { of: 'h.*', is: [3, 2] }", ("[3, 2]", "[2, 3]", "h.0.w")),
    ("shape: { of: 'h.*', is: [6] }", ("[6]", "[2, 3]")),
    ("dimensions: { of: '.*', is: 2 }", ("2", "bias")),
    ("dimensions: { of: bias, gt: 1 }", ("1", "bias")),
    ("dimensions: { of: bias, lt: 1 }", ("1", "bias")),
    ("dtype: { of: '.*', is: float32 }", ("float32", "int64", "ids")),
    ("equal: { left: bad, right: bias }", ("bad", "bias", "differ")),
    ("equal: { left: close, right: bias, eps: 0.2 }", ("2 of 3",)),
    ("equal: { left: bias, right: ids }", ("float32", "int64")),
    ("equal: { left: bias, right: h.0.w }", ("[3]", "[2, 3]")),
    ("same: { left: '.*', right: 'other::.*' }", ("missing on left", "missing on right", "g.0.w", "bias")),
    ("iszero: 'h.*'", ("h.0.w", "1.0")),
    ("iszero: { of: close, eps: 0.2 }", ("close",)),
    ("finite: '.*'", ("bad", "nan", "[1]")),
    ("range: { of: bad, ge: 0, le: 5 }", ("bad", "nan")),
    ("range: { of: 'h.*', le: 1.5 }", ("h.1.w", "2.0")),
    ("all: [{ exists: bias }, { iszero: h.0.w }]", ("h.0.w",)),
    ("any: [{ exists: nope }, { iszero: h.0.w }]", ("nope", "h.0.w")),
    ("not: { all: [{ exists: bias }] }", ("all",)),
]  # fmt: skip

WRONG = [
    ("shape: { of: nope, is: [1] }", ("nope",)), ("not: { finite: nope }", ("nope",)), ("not: { shape: { of: nope, is: [1] } }", ("nope",)),
    ("any: [{ exists: bias }, { finite: nope }]", ("nope",)),
    ("not: { equal: { left: bias, right: nope } }", ("nope",)), ("same: { left: nope, right: 'other::.*' }", ("nope",)),
    ("iszero: nope", ("nope",)), ("exsts: bias", ("exsts", "exists")), ("bias", ("expression",)), ("{}", ("expression",)),
    ("{ exists: bias, finite: bias }", ("all",)), ("shape: { of: bias }", ("is",)), ("shape: { of: bias, is: 3 }", ("shape",)),
    ("shape: { of: bias, is: [3], was: [2] }", ("was",)), ("dimensions: { of: bias }", ("is",)), ("range: { of: bias }", ("ge",)),
    ("count: { of: bias, is: one }", ("whole number",)), ("count: { of: bias, is: -1 }", ("whole number",)),
    ("all: []", ()), ("all: { exists: bias }", ("exists",)), ("dtype: { of: bias, is: flt }", ("flt",)),
    ("equal: { left: bias, right: '.*' }", ()), ("range: { of: bias, ge: true }", ("number",)), ("iszero: { of: bias, eps: x }", ("number",)),
    ("iszero: { of: bias, eps: -1 }", ("from 0 up",)), ("equal: { left: bias, right: bias, eps: -0.5 }", ("from 0 up",)),
]  # fmt: skip


@pytest.mark.parametrize("expression", HOLDS)
def test_holds(world: Patient, expression: str) -> None:
    before = world.state()
    world.run(f"assert: {expression}")
    assert world.state() == before


@pytest.mark.parametrize(("expression", "words"), FAILS)
def test_fails(world: Patient, expression: str, words: tuple[str, ...]) -> None:
    error = world.fails(f"assert: {expression}", *words)
    assert isinstance(error, CheckFailed)
    world.run(f"assert: not: {{ {expression} }}")


@pytest.mark.parametrize(("expression", "words"), WRONG)
def test_wrong(world: Patient, expression: str, words: tuple[str, ...]) -> None:
    error = world.fails(f"assert: {expression}", *words)
    assert isinstance(error, SurgeryError)
    assert not isinstance(error, CheckFailed)


def test_what_may_not_be_negated_by_a_bare_pair(world: Patient) -> None:
    from brainsurgery_shell.errors import OlySyntaxError
    from brainsurgery_shell.lang.parser import parse_line

    with pytest.raises(OlySyntaxError) as caught:
        parse_line("assert: not: exists: x")
    assert "not: { exists: x }" in str(caught.value.hint)


def test_stored_dtypes_are_compared_too(patient: Patient) -> None:
    for name in ("float8_e4m3fn", "float8_e5m2", "uint16", "uint64", "bool", "complex64"):
        values = torch.ones(3).to(getattr(torch, name))
        alias = name.replace("_", "")
        patient.open(alias, a=values, b=values.clone(), z=torch.zeros(3).to(values.dtype))
        patient.run(f"assert: equal: {{ left: '{alias}::a', right: '{alias}::b' }}")
        patient.fails(f"assert: equal: {{ left: '{alias}::a', right: '{alias}::z' }}", "3 of 3")
        patient.run(f"assert: iszero: '{alias}::z'", f"assert: finite: '{alias}::.*'")
        patient.fails(f"assert: iszero: '{alias}::a'")


def test_a_failed_assertion_lists_five(patient: Patient) -> None:
    patient.open(**{f"t{i}": torch.ones(1) for i in range(12)})
    error = patient.fails("assert: iszero: '.*'", "and 7 more")
    assert error.message.count("has 1.0") == 5


def test_step_errors_are_not_failed_checks() -> None:
    assert not issubclass(StepError, CheckFailed)


def test_the_right_side_rewrites_the_left(patient: Patient) -> None:
    """Groups, the whole match, and a pattern that leaves names out, as published plans have them."""
    layers = {
        f"h__{i}__{part}": torch.full((2,), float(i)) for i in range(3) for part in ("mlp__w", "attn__w")
    }
    patient.open("a", **layers).open("b", **layers)
    patient.run("scale_: target: 'b::.*mlp.*', by: 2")
    patient.fails(r"assert: equal: { left: 'a::(.+)', right: 'b::\1' }", "h.1.mlp.w")
    patient.run(r"assert: equal: { left: 'a::(?!h\.\d+\.mlp\.).+', right: 'b::\g<0>' }")
    patient.run("delete: 'b::h.0.attn.w'")
    patient.fails(r"assert: equal: { left: 'a::(?!h\.\d+\.mlp\.).+', right: 'b::\g<0>' }", "h.0.attn.w")


@pytest.mark.parametrize("counter", ["reads", "writes"])
def test_access_counters_are_unknown(world: Patient, counter: str) -> None:
    world.fails(f"assert: {counter}: {{ of: bias, ge: 1 }}", f"unknown expression '{counter}'", "exists")
