"""References: alias, expression and slice are told apart as the language says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsurgery_shell.errors import Span, StepError
from brainsurgery_shell.lang.reference import RegexExpr, SegmentsExpr, parse_reference, parse_template
from brainsurgery_shell.lang.segments import Literal, Many, One, Regex
from brainsurgery_shell.lang.slices import parse_slice
from brainsurgery_shell.lang.tree import Scalar, Value, from_value


@pytest.mark.parametrize(
    ("text", "alias", "expr", "region"),
    [
        (".*", None, ".*", None),
        ("base::.*", "base", ".*", None),
        ("h.w::[:8, :4]", None, "h.w", "[:8, :4]"),
        ("base::h.w::[0]", "base", "h.w", "[0]"),
        ("m-1::a::b", "m-1", "a::b", None),
        ("base::[a-c]", "base", "[a-c]", None),
        ("base::[0-9]", "base", "[0-9]", None),
        ("a::[0]", None, "a", "[0]"),
        (r"(h|g)\.0", None, r"(h|g)\.0", None),
        ("a:b", None, "a:b", None),
        ("x::[-1, ...]", None, "x", "[-1, ...]"),
    ],
)
def test_strings(text: str, alias: str | None, expr: str, region: str | None) -> None:
    found = parse_reference(Scalar(text))
    assert isinstance(found.expr, RegexExpr)
    assert (found.alias, found.expr.text) == (alias, expr)
    assert found.slice == (parse_slice(region) if region else None)
    assert str(found) == text
    assert parse_reference(found.to_node()) == found


def test_lists() -> None:
    found = parse_reference(
        from_value(["base::h", "$i", 0, "*rest", r"~\d+", r"~x,y::(\d)(\d)", "${j}", "w::[:8]"])
    )
    assert isinstance(found.expr, SegmentsExpr)
    kinds = [type(part) for part in found.expr.segments]
    assert kinds == [Literal, One, Literal, Many, Regex, Regex, One, Literal]
    assert found.alias == "base"
    assert str(found.slice) == "[:8]"
    assert found.expr.segments[2] == Literal("0")
    assert found.expr.segments[-1] == Literal("w")
    assert parse_reference(found.to_node()) == found


def test_a_regex_segment_is_no_alias_and_may_end_in_a_class() -> None:
    found = parse_reference(from_value(["~i::[0-9]"]))
    assert found.alias is None
    assert found.slice is None
    found = parse_reference(from_value(["~bit::[01]"]))
    assert found.slice is None


def test_parts_of_a_scalar_have_their_own_place() -> None:
    node = Scalar("base::h.(0", Span(6, 18), quoted=True)
    with pytest.raises(StepError) as caught:
        parse_reference(node)
    assert caught.value.details.span == Span(15, 16)
    # an escape takes two columns, so the parts have no place of their own
    with pytest.raises(StepError) as caught:
        parse_reference(Scalar("base::h.(0", Span(6, 19), quoted=True))
    assert caught.value.details.span == Span(6, 19)


@pytest.mark.parametrize(
    ("value", "says", "hint"),
    [
        (5, "expected a reference, found the number 5", "'5'"),
        (None, "found null", "'null'"),
        (True, "found true", "'true'"),
        (1.5, "found the number 1.5", "quote"),
        ({"a": 1}, "found a map", "string"),
        ("", "may not be empty", "name"),
        ("base::", "expression is empty", r"\.\*"),
        ("::[:8]", "expression is empty", "alias::name"),
        ([], "may not be empty", "segments"),
        (["base::"], "expression is empty", "alias"),
        ([["a"]], "found a list", "flat"),
        (["a", {"b": 1}], "found a map", "flat"),
        (["a", None], "found null", "quote it: 'null'"),
        (["a", False], "found false", "quote it: 'false'"),
        (["a", 0.5], "found the number 0.5", "quote it: '0.5'"),
        (["a", ""], "segment of a pattern is empty", "remove"),
        (["a", "*"], "no segment", r"\*rest"),
        (["a", "*x.y"], "no segment", "~"),
        (["a", "e$i"], "whole segment", r"~i::e\(\.\+\)"),
        (["a", "${i+1}"], "whole segment", "~i::"),
        (["a", "$i", "*i"], "binds one segment and", "another name"),
        (["a", "~i::.", "*i"], "binds one segment and", "another name"),
        (["h.0", "w"], "holds a dot", "write h, 0"),
        (["h", ".*"], "holds a dot", r"~\.\*"),
        (["w::[:8]", "x"], "slice in", "last"),
        (["x", "base::w"], "alias in", "first"),
        (["x", "w::[:8:2:1]"], "does not read as a slice", "start:stop"),
        (["~"], "lacks its regex", "~RE"),
        (["~x::"], "lacks its regex", "~RE"),
        (["~x::(a)(b)"], "has 2 groups", "one group, or none"),
        (["~x,y::(a)"], "has 1 group", "2 groups"),
        (["~x::(a"], "bad regex", ""),
        ("h.(0", r"bad regex 'h\.\(0'.*character 3", r"\\\("),
        ("*.w", "bad regex .*nothing to repeat", r"\\\*"),
        ("a{99999999999999999999}", "bad regex", ""),
        ("h.0.w::[1:2:3:4]", "does not read as a slice", "start:stop"),
        ("w::[1:2:3:4]", "does not read as a slice", "start:stop"),
        ("h.w::[x]", "does not read as a slice", "start:stop"),
    ],
)
def test_errors(value: Value, says: str, hint: str) -> None:
    with pytest.raises(StepError, match=says) as caught:
        parse_reference(from_value(value))
    assert re.search(hint, caught.value.hint or "")


@pytest.mark.parametrize("value", [5, None, "", [], [["a"]], ["a", ""], [0.5], "base::", ["base::"]])
def test_errors_of_templates(value: Value) -> None:
    with pytest.raises(StepError):
        parse_template(from_value(value))


@given(st.text(max_size=12) | st.lists(st.text("$*~{}x1:[].\\+", max_size=6) | st.integers(), max_size=3))
def test_anything_is_read_or_refused_with_words(value: Value) -> None:
    for parse in (parse_reference, parse_template):
        try:
            found = parse(from_value(value))
        except StepError:
            continue  # and nothing but a StepError
        assert parse(found.to_node()).text == found.text
