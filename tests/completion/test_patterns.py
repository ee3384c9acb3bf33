r"""From names to patterns: escaped, with numbers open, and templates that say the same."""

from __future__ import annotations

import pytest
from completion_views import GPT, View, checkpoint, view
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.completion.captures import compiled, same_name
from brainsurgery_shell.completion.matches import matches_of
from brainsurgery_shell.completion.names import following
from brainsurgery_shell.completion.search import holding
from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.pattern import compile_reference
from brainsurgery_shell.lang.reference import parse_reference, parse_template
from brainsurgery_shell.lang.tree import Scalar
from brainsurgery_shell.workspace.matching import find

MOE = [f"layers.{i}.experts.{j}.w" for i in range(3) for j in range(4)]
NAMES = st.lists(
    st.lists(st.sampled_from(["h", "0", "1", "12", "a", "b", "x.y", "w"]), min_size=1, max_size=4).map(
        ".".join
    ),
    min_size=1,
    max_size=12,
    unique=True,
)
PIECES = ["h", "0", "1", "a", r"(\d+)", r"\d", "(.*)", ".*", "(a|b)", "[^x]", ".", r"\.", r"\w+", "w", "x"]


@pytest.fixture(scope="module")
def gpt() -> View:
    return view(model=GPT)


class TestVariants:
    def test_a_full_name_is_offered_escaped_and_with_its_number_open(self, gpt: View) -> None:
        assert gpt.variants("delete: target: h.3.mlp.w") == {
            r"delete: target: 'h\.3\.mlp\.weight'": "the same, escaped",
            r"delete: target: 'h\.(\d+)\.mlp\.weight'": "any number: bfloat16 [8, 4] × 12, 768 B",
        }

    def test_inside_quotes_they_stay_inside(self, gpt: View) -> None:
        assert list(gpt.variants('delete: "h.3.mlp.w'))[1] == r'delete: "h\.(\d+)\.mlp\.weight"'

    def test_of_several_names_only_what_takes_more(self, gpt: View) -> None:
        assert list(gpt.variants("delete: h.3.attn.")) == [
            r"delete: 'h\.(\d+)\.attn\.bias'",
            r"delete: 'h\.(\d+)\.attn\.weight'",
        ]

    def test_all_layers_are_one_step(self, gpt: View) -> None:
        first = gpt.at("delete: h.")[0]
        assert (first.display, first.meta, first.insert) == (
            r"(\d+).",
            "any number: 36 tensors",
            r"'h\.(\d+)\.",
        )
        assert gpt.variants("delete: h.1") == {}

    def test_each_of_several_numbers(self) -> None:
        assert list(view(model=MOE).variants("delete: layers.1.experts.2.w"))[1:] == [
            r"delete: 'layers\.(\d+)\.experts\.(\d+)\.w'",
            r"delete: 'layers\.(\d+)\.experts\.2\.w'",
            r"delete: 'layers\.1\.experts\.(\d+)\.w'",
        ]

    def test_a_template_gets_none(self, gpt: View) -> None:
        assert gpt.variants("copy: from: x, to: h.3.mlp.w") == {}

    def test_names_that_were_searched_for_are_folded(self, gpt: View) -> None:
        first = gpt.at("delete: mlp")[0]
        assert first.insert == r"'h\.(\d+)\.mlp\.weight'"
        assert first.meta == "any number: bfloat16 [8, 4] × 12, 768 B"

    def test_in_lists_a_number_is_a_capture(self, gpt: View) -> None:
        assert gpt.variants("delete: target: [h, ") == {
            "delete: target: [h, $i": "any number: 36 tensors",
            "delete: target: [h, *rest": "any number of segments",
        }
        assert list(gpt.variants("delete: target: [$i, $")) == ["delete: target: [$i, $j"]


@given(NAMES)
@settings(max_examples=100, deadline=None)
def test_variants_match_the_name_and_as_many_as_they_say(names: list[str]) -> None:
    session = view(model=names)
    for name in names:
        for line, meta in session.variants(f"delete: target: {name}").items():
            if line.endswith(("[", r"\.")):
                continue
            command = parse_line(line)
            assert command is not None
            found = [match.name for match in find(session.workspace, bind(command).arguments["target"])]
            assert any(each.startswith(name) for each in found)
            if "×" in meta:
                assert f"× {len(found)}," in meta


@given(NAMES, st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
@example(["h.0.w", "hx0.w"], r"h.0.w")
@example(["h.a", "h.0.a"], r"h\.[^x]a")
@settings(max_examples=300, deadline=None)
def test_what_is_counted_by_walking_is_what_matches(names: list[str], pattern: str) -> None:
    try:
        reference = parse_reference(Scalar(pattern))
    except StepError:
        return
    found = matches_of(checkpoint(names), reference)
    if found is not None:
        assert found.count == len(compile_reference(reference).scan(names).names)


@given(NAMES, st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
@example(["h.0.w"], r"h\.(\d+)\.(?P<part>w)")
@example(["h.00"], r"h\.(\d)0")
@example(["h.ab"], r"h\.((a)b)")
@settings(max_examples=300, deadline=None)
def test_the_same_name_is_the_same_name(names: list[str], pattern: str) -> None:
    source = compiled(Scalar(pattern))
    template = same_name(source)
    if source is None or template is None:
        return
    for name in names:
        captures = source.matcher.match(name)
        if captures is not None and "." not in pattern.replace(r"\.", "").replace("(.*)", ""):
            filled = parse_template(Scalar(template))
            filled.check(source.matcher)
            assert filled.fill(captures, name) == name


class TestSecondTry:
    LAYERS = sorted(["a.Block.w", "a.block.v", "b.x", *(f"h.{i}.w" for i in range(400))])

    def test_small_letters_stand_for_capital_ones(self) -> None:
        assert holding(self.LAYERS, "", "block").names == ["a.Block.w", "a.block.v"]
        assert holding(self.LAYERS, "", "Block").names == ["a.Block.w"]
        assert holding(self.LAYERS, "", "BLOCK").names == ["a.Block.w", "a.block.v"]

    def test_what_is_left_out_is_said_in_a_note_that_changes_nothing(self) -> None:
        session = view(model=self.LAYERS)
        last = session.at("delete: .w")[-1]
        assert session.at("delete: 9.w")[-1].display == "+10 more"
        assert last.is_note

    def test_a_search_ends_however_often_the_prefix_holds_it(self) -> None:
        names = sorted(f"layers.layers.{i:05}" for i in range(50_000))
        found = holding(names, "layers.layers.", "layers")
        assert (found.names, found.at_least) == ([], True)

    @given(NAMES, st.text("hab01.", min_size=1, max_size=3), st.sampled_from(["", "h.", "a."]))
    @settings(max_examples=100, deadline=None)
    def test_it_finds_what_a_scan_finds(self, names: list[str], needle: str, prefix: str) -> None:
        ordered = sorted(names)
        wanted = [each for each in ordered if each.startswith(prefix) and needle in each[len(prefix) :]]
        assert holding(ordered, prefix, needle).names == wanted


def test_more_names_than_a_menu_holds_are_counted() -> None:
    session = view(model=[f"t{i}" for i in range(1000)] + [f"u.{i}.w" for i in range(500)])
    offered = session.at("delete: target: t")
    assert offered[-1].display == f"+{1000 - len(session.shown('delete: target: t')):,} more"
    found = following(session.workspace.checkpoints["model"].sorted_names(), ["u."], "")
    assert [child.count for child in found.children] == [1] * len(found.children)
    assert found.rest == 500 - len(found.children)
