r"""What is offered where, line by line."""

from __future__ import annotations

import pytest
from completion_views import GPT, View, view

from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.tensor import LazyTensor


@pytest.fixture(scope="module")
def gpt() -> View:
    return view(model=GPT)


@pytest.fixture(scope="module")
def two() -> View:
    return view(base=GPT, tuned=GPT)


class TestWords:
    def test_commands_show_their_summary(self, gpt: View) -> None:
        found = {candidate.display: candidate for candidate in gpt.at("sc")}
        assert list(found) == ["scale", "scale_"]
        assert found["scale"].meta.startswith("Multiply tensors")
        assert found["scale_"].insert == "scale_: "

    def test_a_command_that_needs_nothing_gets_no_colon(self, gpt: View) -> None:
        assert gpt.lines("und") == ["undo"]

    def test_words_inside_are_a_second_try(self, gpt: View) -> None:
        assert gpt.shown("pose") == ["transpose", "transpose_"]

    def test_required_parameters_come_first_and_used_ones_are_gone(self, gpt: View) -> None:
        assert gpt.shown("scale_: ")[:2] == ["target", "by"]
        assert gpt.shown("scale_: target: x, ")[0] == "by"
        assert "target" not in gpt.shown("scale_: target: x, ")
        assert gpt.lines("scale_: target: x,")[0] == "scale_: target: x, by: "

    def test_other_spellings_count_as_used(self, gpt: View) -> None:
        assert "to" not in gpt.shown("cast_: target: x, dtype: int8, ")

    def test_a_colon_behind_the_cursor_is_not_doubled(self, gpt: View) -> None:
        assert gpt.at("scale_: tar: x", 11)[0].applied("scale_: tar: x", 11) == "scale_: target: x"

    @pytest.mark.parametrize("colon", ["scale_:", "scale_: target: x, by:"])
    def test_a_blank_is_written_behind_a_colon(self, gpt: View, colon: str) -> None:
        assert all(line.startswith(colon + " ") for line in gpt.lines(colon))

    def test_values(self, gpt: View) -> None:
        assert gpt.shown("cast_: target: x, to: bf") == ["bfloat16"]
        assert gpt.shown("dump: format: ") == ["tree", "compact", "json"]
        assert gpt.lines("dump: format: 'tr") == ["dump: format: 'tree'"]
        assert gpt.lines("concat: from: [a], to: b, delete_sources: t") == [
            "concat: from: [a], to: b, delete_sources: true"
        ]
        assert gpt.shown("dump: where: { ra") == ["rank"]
        assert gpt.lines("dump: where: ")[0] == "dump: where: { dtype: "

    def test_topics_and_expressions_of_help(self, gpt: View) -> None:
        assert "copy" in gpt.shown("help: co")
        assert gpt.shown("help: assert: sh") == ["shape"]

    def test_aliases(self, two: View) -> None:
        assert two.shown("prefixes: mode: use, alias: ") == ["base", "tuned"]

    @pytest.mark.parametrize(
        "line", ["!ls ", "# scale_: ", "scale_: target: x # ", "nosuch: ", "dump | le", "]"]
    )
    def test_nothing_where_nothing_is_known(self, gpt: View, line: str) -> None:
        assert gpt.at(line) == []


class TestAssertions:
    def test_expressions_nest(self, gpt: View) -> None:
        assert "shape" in gpt.shown("assert: ")
        assert gpt.lines("assert: not: ex") == ["assert: not: { exists: "]
        assert gpt.lines("assert: all: [{ ex") == ["assert: all: [{ exists: "]
        assert gpt.shown("assert: not: { exists: wte, ") == []

    def test_parameters_of_an_expression(self, gpt: View) -> None:
        assert gpt.lines("assert: shape: ") == ["assert: shape: { of: ", "assert: shape: { is: "]
        assert gpt.shown("assert: shape: { of: x, ") == ["is"]
        assert gpt.shown("assert: all: [{ shape: { of: h.1.a") == ["attn."]

    def test_a_bare_reference_where_one_may_stand(self, gpt: View) -> None:
        assert "h." in gpt.shown("assert: exists: ")
        assert "h." not in gpt.shown("assert: shape: ")

    def test_captures_of_the_other_side(self, gpt: View) -> None:
        assert gpt.shown(r"assert: equal: { left: 'h\.(.*)', right: ")[0] == r"\1"


class TestNames:
    def test_one_segment_at_a_time_numbers_by_value(self, gpt: View) -> None:
        assert gpt.shown("delete: target: h.") == [f"{i}." for i in range(12)]
        assert gpt.lines("delete: target: h.1")[:3] == [
            "delete: target: h.1.",
            "delete: target: h.10.",
            "delete: target: h.11.",
        ]

    def test_leaves_show_dtype_and_shape_the_others_counts(self, gpt: View) -> None:
        leaf = gpt.at("delete: h.1.mlp.")[0]
        assert (leaf.display, leaf.meta) == ("weight", "bfloat16 [8, 4], 64 B")
        assert gpt.at("delete: h.1.a")[0].meta == "bfloat16 [8, 4] × 2, 128 B"

    def test_what_lies_below_is_told_by_what_it_has_in_common(self) -> None:
        mixed = view(model=["a.w", "a.b", "n.w"])
        tensors = mixed.workspace.checkpoints["model"].tensors
        tensors["a.b"] = LazyTensor((8,), BY_NAME["float32"])
        assert [each.meta for each in mixed.at("delete: target: ")[:2]] == [
            "2 tensors, float32, bfloat16, 96 B",
            "1 tensor, bfloat16, 64 B",
        ]

    def test_the_user_s_dots_and_quotes_are_kept(self, gpt: View) -> None:
        assert gpt.lines(r"delete: h\.1\.m") == [r"delete: h\.1\.mlp\."]
        assert gpt.lines(r"delete: 'h.1.mlp.w") == [r"delete: 'h.1.mlp.weight'"]
        assert gpt.lines(r'delete: "h\.1\.mlp\.w') == [r'delete: "h\.1\.mlp\.weight"']
        assert gpt.at("delete: 'h.1.mlp.w'", 18)[0].insert == "'h.1.mlp.weight"

    def test_a_pattern_leads_on(self, gpt: View) -> None:
        (attn,) = gpt.at(r"delete: h\.(\d+)\.at")
        assert (attn.insert, attn.meta) == (r"h\.(\d+)\.attn\.", "bfloat16 [8, 4] × 24, 1.5 KiB")
        assert gpt.at(r"delete: .*\.we")[0].meta == "bfloat16 [8, 4] × 25, 1.6 KiB"

    @pytest.mark.parametrize("pattern", [r"(.+)+x\.", r"h\.(a|b)*\.", r"(?=h)h\.", r"\d\w", "h.(", "[", "*"])
    def test_a_pattern_that_could_run_away_is_left_alone(self, gpt: View, pattern: str) -> None:
        assert gpt.at(f"delete: '{pattern}") == []

    def test_a_dot_is_escaped_where_it_would_take_another_name_along(self) -> None:
        names = view(model=["a.1.x", "a.11x", "a.2.x"])
        assert names.lines("delete: a.1.") == [r"delete: a\.1\.x"]
        assert names.lines("delete: a.2.") == ["delete: a.2.x"]

    def test_a_name_that_looks_like_something_else_is_quoted(self) -> None:
        odd = view(model=["0", "true", "a b.c", "k: v", "w+b", "x::y", "it's"])
        assert set(odd.lines("delete: target: ")) == {
            "delete: target: '0'",
            "delete: target: 'true'",
            "delete: target: 'a b.",
            "delete: target: 'k: v'",
            r"delete: target: w\+b",
            "delete: target: model::x::y",
            "delete: target: it's",
        }

    def test_aliases_where_there_is_a_choice(self, gpt: View, two: View) -> None:
        assert two.shown("delete: target: ") == ["base::", "tuned::"]
        assert two.shown("delete: target: tuned::ln") == ["ln_f."]
        assert "model::" not in gpt.shown("delete: target: ")
        assert gpt.lines("delete: target: mod") == ["delete: target: model::"]

    def test_names_inside_are_a_second_try(self, gpt: View) -> None:
        assert gpt.shown("delete: mlp")[:3] == ["h.0.mlp.weight", "h.1.mlp.weight", "h.2.mlp.weight"]
        assert gpt.lines("delete: h.3.eigh") == ["delete: h.3.attn.weight", "delete: h.3.mlp.weight"]

    def test_the_primary_takes_a_bare_value_only_alone(self, gpt: View) -> None:
        assert "h." in gpt.shown("delete: ")
        assert "h." not in gpt.shown("copy: ")


class TestTemplates:
    def test_captures_of_a_regex(self, gpt: View) -> None:
        line = r"copy: from: 'h\.(\d+)\.(?P<part>.*)', to: "
        assert gpt.shown(line)[:2] == [r"\1", r"\g<part>"]
        assert gpt.lines(line + r"h.12.\g<p") == [line + r"h.12.\g<part>"]
        assert gpt.shown(line + "h.")[:5] == [r"\1", r"\g<part>", r"\g<0>", r"h.\1.\g<part>", "0."]

    def test_captures_of_a_list(self, gpt: View) -> None:
        line = "copy: from: [h, $i, *rest], to: [h, "
        assert gpt.shown(line)[:3] == ["$i", "${i+1}", "*rest"]
        assert gpt.lines(line + "$")[0] == line + "$i"

    def test_the_others_of_a_list_of_references(self, gpt: View) -> None:
        assert gpt.shown(r"concat: from: ['h\.(\d+)\.q', 'h.1.a")[0] == "attn."
        assert r"\1" in gpt.shown(r"concat: from: ['h\.(\d+)\.q', 'h.")

    def test_the_source_s_alias_is_the_default(self, two: View) -> None:
        assert two.shown("copy: from: 'tuned::wte.weight', to: ln") == ["ln_f."]


class TestLists:
    def test_where_only_a_list_may_stand_its_bracket_comes_first(self, gpt: View) -> None:
        assert gpt.shown("split: from: x, to: ") == ["["]
        assert gpt.shown("concat: from: ") == ["["]

    def test_segments_at_their_place(self, gpt: View) -> None:
        assert gpt.lines("delete: target: [h, $i, at") == ["delete: target: [h, $i, attn"]
        assert gpt.shown("delete: [h, 3, attn, ") == ["bias", "weight"]
        assert gpt.shown(r"delete: [h, '~\d', ml") == ["mlp"]
        assert gpt.shown("delete: [*front, we") == ["weight"]
        assert gpt.shown("delete: ['model::h', 1, ") == ["attn", "mlp"]

    def test_what_would_mean_something_else_is_written_so_that_it_does_not(self) -> None:
        odd = view(model=["$x", "*y", "~z", "007", "7", "true"])
        assert odd.lines("delete: [") == [
            "delete: ['007'",
            "delete: [7",
            r"delete: [~\$x",
            r"delete: [~\*y",
            "delete: ['true'",
            r"delete: [~\~z",
        ]
