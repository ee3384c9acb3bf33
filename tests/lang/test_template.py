"""Templates: one expansion of the full match."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.pattern import compile_reference
from brainsurgery_shell.lang.reference import parse_reference, parse_template
from brainsurgery_shell.lang.tree import Value, from_value

PATTERN = r"(a)?(?P<x>[^.]*)\.?(.*)"


def fill(source: Value, to: Value, name: str) -> str:
    matcher = compile_reference(parse_reference(from_value(source)))
    template = parse_template(from_value(to))
    template.check(matcher)
    captures = matcher.match(name)
    assert captures is not None
    return template.fill(captures, name)


parts = st.lists(
    st.sampled_from(["h", "%s", "%", ".", r"\1", r"\2", r"\3", r"\g<1>", r"\g<x>", r"\g<0>", "-", "é"]),
    min_size=1,
    max_size=6,
)


@given(parts, st.text("ab.0", min_size=1, max_size=6))
def test_a_template_is_pythons_expansion(pieces: list[str], name: str) -> None:
    text = "".join(pieces)
    hit = re.fullmatch(PATTERN, name)
    assert hit is not None
    expected = hit.expand(text)
    if not expected or ("" in expected.split(".") and "" not in name.split(".")):
        with pytest.raises(StepError, match="empty"):
            fill(PATTERN, text, name)
    else:
        assert fill(PATTERN, text, name) == expected


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_an_escaped_text_is_itself(text: str) -> None:
    assume(".." not in f".{text}.")
    assert parse_template(from_value(re.escape(text))).literal
    assert fill("(.*)", re.escape(text), "w") == text


@given(
    st.sampled_from(
        [
            (PATTERN, r"\2.\g<3>x\1"),
            (PATTERN, r"100%.\2"),
            (PATTERN, "%s"),
            (["*p", "$i", "*r"], ["*r", "x${i}y", "*p", "z%"]),
            (["*p", "$i"], ["*p", "${i+1}"]),
            (["*p", "$i"], ["*p"]),
            (["*p", "$i", "$j"], ["${i*j-3}", "$i", "*p"]),
        ]
    ),
    st.lists(st.text("a0.1", min_size=1, max_size=6), max_size=6),
)
def test_filling_all_is_filling_one_by_one(case: tuple[Value, Value], names: list[str]) -> None:
    """Also its error: that of the first name for which there is one."""
    matcher = compile_reference(parse_reference(from_value(case[0])))
    template = parse_template(from_value(case[1]))
    found = matcher.scan(names)
    try:
        expected = [fill(*case, name) for name in found.names]
    except StepError as error:
        with pytest.raises(StepError, match=re.escape(error.message)):
            template.fill_all(found.groups, matcher.index, found.names)
    else:
        assert template.fill_all(found.groups, matcher.index, found.names) == expected


@pytest.mark.parametrize(
    ("source", "to", "name", "expected"),
    [
        (r"h\.(\d+)\.(.*)", r"layers.\1.\2", "h.3.w", "layers.3.w"),
        ("(.*)", r"\1\.delta", "w", "w.delta"),
        ("(.*)", r"\g<1>0", "w", "w0"),
        ("(a)(b)?", r"\1x\2", "a", "ax"),
        (".*", r"a\-b\\c\*", "w", r"a-b\c*"),
        (["*p", "$i", "attn", "*r"], ["*p", "$i", "attention", "*r"], "m.0.attn.w", "m.0.attention.w"),
        (["*p", "$i", "attn", "*r"], ["*p", "${i+1}", "*r"], "m.09.attn.w", "m.10.w"),
        (["$i", "*r"], ["*r", "${i}"], "3", "3"),
        (["h", "$i"], ["l${i-4}"], "h.4", "l0"),
        (["h", "$i"], ["x${ 2*i + 1 }y", "${(i+1)*-(2-4)}"], "h.4", "x9y.10"),
        (["h", "$i"], ["h", "a${i}b"], "h.x", "h.axb"),
        (["h", "$i"], ["${i*1}", 5], "h.007", "7.5"),
        (["~x,y::(.)(.)"], ["${y}${x}"], "ab", "ba"),
        (["$x"], ["out.layers", "$x", r"a\.b\$"], "0", "out.layers.0.a.b$"),
        (["$i", "$j"], ["$j", "$i"], "a.b", "b.a"),
        (["*all"], ["copy", "*all"], "a..b", "copy.a..b"),
        (["*all"], ["base::copy", "*all::[:8]"], "a", "copy.a"),
    ],
)
def test_filled(source: Value, to: Value, name: str, expected: str) -> None:
    assert fill(source, to, name) == expected


def test_alias_slice_and_literal() -> None:
    template = parse_template(from_value(r"out::\1.w::[:8]"))
    assert (template.alias, str(template.slice), template.literal) == ("out", "[:8]", False)
    template = parse_template(from_value(["out::h", 0, "w::[0]"]))
    assert (template.alias, str(template.slice), template.literal) == ("out", "[0]", True)
    assert parse_template(template.to_node()).text == template.text == "[out::h, 0, w::[0]]"


@pytest.mark.parametrize(
    ("source", "to", "says", "hint"),
    [
        (".*", "x.*", r"'\.\*' is a regex sign, but 'x\.\*' is a template", "literal"),
        (".*", "(x)", "regex sign", "literal"),
        (".*", "x+", "regex sign", "literal"),
        (".*", "^x", "regex sign", "literal"),
        (".*", "x$", "regex sign", "literal"),
        (".*", "a|b", "regex sign", "literal"),
        (".*", "h.${i}", "regex sign", r"\$i belongs to lists"),
        (".*", r"\d", "means something in a regex", r"\\1"),
        (".*", r"h\w+", "means something in a regex", r"\\1"),
        (".*", r"\g1", "means something in a regex", r"\\g<name>"),
        (".*", r"\g<a b>", "names no group", r"\\g<1>"),
        (".*", "x\\", "single backslash", r"\\\\"),
        (".*", r"\0", "no group", r"\\g<0>"),
        ("(.*)", r"\100", "not clear", r"\\g<1>00"),
        (".*", "w::[1:2:3:4]", "does not read as a slice", "start:stop"),
        (".*", r"\1", r"unknown capture '\\1' .* captures nothing", "parentheses"),
        ("(.*)", r"\2", r"unknown capture '\\2' .* captures \\1", "name one"),
        ("(.*)", r"\10", r"unknown capture '\\10'", r"\\g<1>0"),
        ("(?P<layer>.*)", r"\g<layr>", r"'\\g<layr>' .* captures \\g<layer>", "did you mean 'layer'"),
        ("a", ["a"], "both strings or both lists", "string"),
        (["a"], "a", "both strings or both lists", "list"),
        (["$layer"], ["$layr"], "unknown capture 'layr' .* captures \\$layer", "did you mean 'layer'"),
        (["$i"], ["${j+1}"], "unknown capture 'j'", ""),
        (["*xs"], ["$xs"], "list of segments", r"\*xs"),
        (["*xs"], ["${xs+1}"], "list of segments", r"\*xs"),
        (["$x"], ["*x"], "one segment", r"\$x"),
        (["$x"], ["a*x"], "regex sign", "segment of its own"),
        (["$x"], ["~x"], "regex", r"\$x"),
        (["$x"], [r"\1"], "means something in a regex", r"\$x"),
        (["$x"], ["(a)"], "regex sign", "literal"),
        (["$x"], ["l$x"], "stands in braces", r"write \$\{x\}"),
        (["$x"], ["$x+1"], "stands in braces", r"write \$\{x\+1\}"),
        (["$x"], ["$"], "begins no capture", r"\\\$"),
        (["$x"], ["${x"], "begins no capture", r"\$\{x\}"),
        (["$x"], ["${}"], "breaks off", "arith|braces"),
        (["$x"], ["${x/2}"], "unexpected '/'", "parentheses"),
        (["$x"], ["${2x}"], "unexpected '2'", "parentheses"),
        (["$x"], ["${(x+1}"], "breaks off", "parentheses"),
        (["$x"], ["${x+1)}"], r"unexpected '\)'", "parentheses"),
        (["$x"], ["${+x}"], r"unexpected '\+'", "parentheses"),
        (["$x"], ["${" + "(" * 99 + "}"], "arithmetic", "parentheses"),
        (["$x"], ["${" + "x+" * 500 + "x}"], "too long", "at most"),
        (["$x"], ["w::[:2]", "a"], "slice in", "last"),
        (["$x"], ["a", "b::w"], "alias in", "first"),
        (["$x"], [""], "empty", "name"),
    ],
)  # fmt: skip
def test_errors_before_any_match(source: Value, to: Value, says: str, hint: str) -> None:
    with pytest.raises(StepError, match=says) as caught:
        parse_template(from_value(to)).check(compile_reference(parse_reference(from_value(source))))
    assert re.search(hint, caught.value.hint or "")


@pytest.mark.parametrize(
    ("source", "to", "name", "says"),
    [
        (
            ["h", "$i"],
            ["h", "${i-4}"],
            "h.3",
            r"'\$\{i-4\}' is -1, and no name gets a negative number .*'h\.3'",
        ),
        (["h", "$i"], ["h", "${i+1}"], "h.x", r"needs a whole number, but i is 'x' .*'h\.x'"),
        (["h", "$i"], ["h", "${i*i*i}"], f"h.{'9' * 150}", "too large"),
        (["h", "$i"], ["h", "${i+1}"], "h.1.5e", None),
        (["h", "$i"], ["h", "${i+1}"], "h.٣", "needs a whole number"),
        ("(a)?b", r"\1", "b", "empty name of tensor 'b'"),
        ("(a)?b", r"h.\1", "b", "empty segment"),
        (["*r", "w"], ["*r"], "w", "empty name"),
        (["~x::(a)?b", "w"], ["h", "$x", "w"], "b.w", "empty segment"),
    ],
)
def test_errors_of_one_match(source: Value, to: Value, name: str, says: str | None) -> None:
    if says is None:
        assert compile_reference(parse_reference(from_value(source))).match(name) is None
        return
    with pytest.raises(StepError, match=says) as caught:
        fill(source, to, name)
    assert caught.value.hint


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=4), st.integers(0, 9), st.integers(0, 9))
def test_arithmetic_is_pythons(numbers: list[int], a: int, b: int) -> None:
    for number in numbers:
        assert (
            fill(["h", "$i"], ["h", f"${{{a}*(i+{b})+i*i}}"], f"h.{number}")
            == f"h.{a * (number + b) + number * number}"
        )
