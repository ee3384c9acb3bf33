"""Patterns: the fast matchers against slow, plain ones."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.lang.captures import Captures
from brainsurgery_shell.lang.nearest import nearest_names, no_match, plain_text
from brainsurgery_shell.lang.pattern import Matcher, compile_reference, needed_text
from brainsurgery_shell.lang.pieces import Piece
from brainsurgery_shell.lang.reference import parse_reference
from brainsurgery_shell.lang.segments import Literal, Many, One, Segment, names_of, parse_segment
from brainsurgery_shell.lang.structured import StructuredSearch
from brainsurgery_shell.lang.tree import Value, from_value
from brainsurgery_shell.lang.walk import Walk

names = st.lists(st.sampled_from(["a", "b", "h", "0", "1", "10", "a1", "w", ""]), min_size=1, max_size=7).map(
    ".".join
)
regexes = st.recursive(
    st.sampled_from(["a", "b", r"\.", ".", r"\d", r"\w", r"\D", "[ab]", "[^a]", "h", "0", "", "w"]),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("(?:{})*".format, inner),
        st.builds("(?:{})?".format, inner),
        st.builds("(?:{}|{})".format, inner, inner),
    ),
    max_leaves=8,
)


def matcher(value: Value) -> Matcher:
    return compile_reference(parse_reference(from_value(value)))


@given(regexes.filter(bool), st.lists(names, max_size=8))
@example("(a)?b|a", ["b", "a", "ab"])
@example("(?:ab)+a", ["aba", "ababa"])
def test_a_regex_is_fullmatch(pattern: str, given_names: list[str]) -> None:
    found = matcher(pattern)
    expected = [(name, hit) for name in given_names if (hit := re.fullmatch(pattern, name))]
    result = found.scan(given_names)
    assert result.names == [name for name, _ in expected]
    assert result.groups == [(name, *hit.groups("")) for name, hit in expected]


@given(regexes, names)
def test_every_match_holds_the_needed_text(pattern: str, name: str) -> None:
    if re.fullmatch(pattern, name):
        assert needed_text(re.compile(pattern)) in name


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r".*self_attn\..*_proj\.weight", "_proj.weight"),
        ("h.0.attn.weight", "weight"),
        (r"(h\.\d+)\.attn", ".attn"),
        ("(?i)abc", ""),
        ("(?i:abc)d", "d"),
        ("(abc)+de", "abc"),
        ("(?:abc|abd)", "ab"),
        ("(?:abc|xbd)", ""),
        ("(abc)?", ""),
        ("a(?=bcd).*", "a"),
    ],
)
def test_needed_text(pattern: str, needed: str) -> None:
    assert needed_text(re.compile(pattern)) == needed


@pytest.mark.parametrize(
    "pattern", ["(?i)H.W", "(?x) h . w  # any", "(?s)h.w", r"^h\.w$", r"\bh\.w\b", "[[h].w"]
)
def test_flags_and_anchors_stay(pattern: str) -> None:
    assert matcher(pattern).match("h.w")


# structured patterns

pieces = st.lists(
    st.sampled_from(
        [
            "a", "b", "0", "$x", "$y", "${x}", "*xs", "*ys", "*zs", "*us", "*vs", r"~\d+", r"~x::\d+",
            "~y::a(.*)", "~x,y::(.)(.)", "~p::[^a]*", "~p::(a)?.*", "~q::.+", r"~q::(?!a)\w+", "~.{1,2}",
            "~x,x::(.)(.)", r"~p::\D", "~h|0",
        ]
    ),
    min_size=1,
    max_size=7,
)  # fmt: skip


def bound_by(segment: Segment, part: str) -> list[tuple[str, object]] | None:
    if isinstance(segment, Literal):
        return [] if segment.text == part else None
    if isinstance(segment, One | Many):
        return [(segment.name, part)]
    hit = segment.regex.fullmatch(part)
    if hit is None:
        return None
    return [*zip(segment.names, hit.groups("") or (part,), strict=True)] if segment.names else []


def naive(segments: list[Segment], parts: list[str], bound: dict[str, object]) -> Iterator[dict[str, object]]:
    """The rules of the language, word for word."""
    if not segments:
        yield from [] if parts else [bound]
        return
    first, rest = segments[0], segments[1:]
    if isinstance(first, Many):
        for count in range(len(parts), -1, -1):
            value = tuple(parts[:count])
            if bound.get(first.name, value) == value:
                yield from naive(rest, parts[count:], bound | {first.name: value})
    elif parts and (found := bound_by(first, parts[0])) is not None:
        pairs = [*bound.items(), *found]
        if all(value == other for name, value in pairs for again, other in pairs if name == again):
            yield from naive(rest, parts[1:], dict(pairs))


@given(pieces, names)
@settings(max_examples=400)
@example(["*xs", r"~x::\d+", "*ys"], "a.0.b.1.c")
@example(["*xs", r"~q::(?!a)\w+", "*ys", "$x", "*zs"], "a.b.a.b")
@example(["*xs", "$x", "*ys", "$x"], "a.b.a.b.a")
@example(["*xs", "*ys", "*xs"], "a.b.a.b")
def test_structured_patterns_match_as_the_rules_say(texts: list[str], name: str) -> None:
    many = {text[1:] for text in texts if text.startswith("*")}
    segments = [parse_segment(Piece(text)) for text in texts]
    if any(set(names_of(part)) & many for part in segments if not isinstance(part, Many)):
        return
    expected = next(naive(segments, name.split("."), {}), None)
    compiled = matcher(list(texts))
    found = compiled.match(name)
    assert (found.as_dict() if found else None) == expected
    scanned = compiled.scan(["z", name])
    assert [Captures(groups, compiled.index).as_dict() for groups in scanned.groups if groups[0] == name] == (
        [expected] if expected is not None else []
    )
    assert scanned.names == [groups[0] for groups in scanned.groups]
    captured = tuple(dict.fromkeys(capture for part in segments for capture in names_of(part)))
    walked = Walk(tuple(segments), captured).match(name)
    assert walked == (None if expected is None else tuple(expected[capture] for capture in captured))


@pytest.mark.parametrize(
    "pattern",
    [
        ["~[^]a[b]"],
        ["~[^.-z]"],
        ["~[^]a]+"],
        ["~[a^]"],
        ["~[-a]"],
        [r"~[\]a]"],
        [r"~[^\d]+"],
        ["~a{2}"],
        ["~a{"],
    ],
)
@pytest.mark.parametrize(
    "segment", ["a", "b", "]", "-", "^", "1", "z", "^b", "ab", "aa", "a{", "x[b]", "]]", "", "é"]
)
def test_regexes_of_one_segment(pattern: list[str], segment: str) -> None:
    regex = re.compile(pattern[0][1:])
    assert (matcher(list(pattern)).match(segment) is not None) == (regex.fullmatch(segment) is not None)
    assert matcher([*pattern, "w"]).match(f"{segment}.x.w") is None


def test_captures() -> None:
    found = matcher(["*prefix", "$i", "attn", "*rest"])
    assert found.capture_names == ("prefix", "i", "rest")
    captures = found.match("model.layers.3.attn.q.weight")
    assert captures is not None
    assert captures["prefix"] == ("model", "layers")
    assert captures["i"] == "3"
    assert captures[2] == "3"
    assert captures.key() == (("i", "3"), ("prefix", ("model", "layers")), ("rest", ("q", "weight")))
    assert matcher(r"(.*)\.(?P<leaf>\w+)").capture_names == ("1", "leaf")
    assert found.match("attn") is None
    assert matcher(["*all"]).match("") is not None


def test_the_order_of_names_is_kept() -> None:
    assert matcher(["$x", "w"]).scan(iter(["b.w", "c.v", "a.w"])).names == ["b.w", "a.w"]


@pytest.mark.parametrize(
    "pattern",
    [
        ["*a", "*b", "*c", "*d", "*e", "x"],
        ["*a", "$p", "*b", "$p", "*c", "$p", "*d", "x"],
        ["*a", "h", "*b", "h", "*c", "h", "*d", "h", "*e", "x"],
        ["*a", "h", "*b", "h", "*c", "x"],
        ["*a", "*a", "*b", "*b", "x"],
    ],
)
def test_many_stars_take_no_time(pattern: list[str]) -> None:
    name = ".".join("h" * 40) + ".xx"
    started = time.perf_counter()
    assert matcher(list(pattern)).match(name) is None
    assert time.perf_counter() - started < 1


def test_a_long_name_goes_segment_by_segment() -> None:
    search = StructuredSearch((Many("a"), Literal("w"), Many("b")), ("a", "b"))
    name = "h." * 500 + "w"
    assert search.scan([name])[0][2] == ()


# the error for no match

some = [
    f"model.layers.{i}.{part}.weight" for i in range(20) for part in ("attn.q_proj", "attn.k_proj", "mlp.up")
] + ["lm_head.weight"]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("lm_haed.weight", "nearest names: lm_head.weight"),
        ("lm_head.wieght", "lm_head.weight"),
        (r"model\.layers\.7\.atn\.q_proj\.weight", "nearest names: model.layers.7.attn.q_proj.weight"),
        (
            ["model", "layers", 7, "attn", "q_prj", "weight"],
            "nearest names: model.layers.7.attn.q_proj.weight",
        ),
        ("q_proj", r"a pattern matches whole names: write .*q_proj.*"),
        ("lm_head|q_proj", r"lm_head.weight"),
        ("xyz", "its names are like model.layers.0"),
        (["model", "layers", "[0-9]+", "mlp", "up", "weight"], "write ~[0-9]+ for a regex"),
        ("base::[:8]", "'base' is an alias: write base::.*::[:8]"),
        (r"base\.lm_head\.weight", r"'base' is an alias: write base::lm_head\.weight"),
    ],
)
def test_no_match(value: Value, hint: str) -> None:
    error = no_match(parse_reference(from_value(value)), some, ["base"])
    assert "matches no tensor" in error.message
    assert hint in (error.hint or "")


def test_no_match_in_an_empty_or_odd_checkpoint() -> None:
    assert "no tensors" in str(no_match(parse_reference(from_value("m::w")), []).hint)
    assert "matches no tensor in 'm'" in no_match(parse_reference(from_value("m::w")), []).message
    assert r"to match 'w+b' itself, write w\+b" in str(
        no_match(parse_reference(from_value("w+b")), ["w+b"]).hint
    )


def test_nearest_names_lists_five_and_is_quick() -> None:
    many = [f"model.layers.{i}.self_attn.q_proj.weight" for i in range(100_000)]
    started = time.perf_counter()
    assert len(nearest_names("model.layers.5.self_atn.q_proj.weight", many)) == 5
    assert time.perf_counter() - started < 3


def test_plain_text() -> None:
    assert plain_text(parse_reference(from_value(r"(.*)h\.(?P<i>\d+)\.(?:w|b)[ab]"))) == "h.0.wb"


@given(st.text(max_size=20), st.lists(names, max_size=5))
def test_no_match_never_fails(text: str, given_names: list[str]) -> None:
    try:
        reference = parse_reference(from_value(text))
    except Exception:
        return
    assert no_match(reference, given_names, ["a"]).hint
