r"""Every position of a line: before and behind what is complete, lists, maps, lines within lines, expressions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from completion_views import GPT, View, view

from brainsurgery_shell.declaration.kinds import Known
from brainsurgery_shell.declaration.offers import Asked, Offer
from brainsurgery_shell.declaration.operation import OPERATIONS, Operation, Parameter


@pytest.fixture(scope="module")
def gpt() -> View:
    return view(model=GPT)


@pytest.fixture(scope="module")
def two() -> View:
    return view(base=GPT, tuned=GPT)


class TestWords:
    def test_a_parameter_says_whether_it_is_needed_what_it_takes_and_its_default(self, gpt: View) -> None:
        metas = {each.display: each.meta for each in gpt.at("cast: ")}
        assert metas["from"] == "required, a reference: the tensors to read"
        assert metas["expect"].startswith("optional, a whole number from 0 up: ")
        assert metas["overflow"].startswith("default warn, warn | error | allow: ")
        assert next(each.meta for each in gpt.at("rand: dty")) == "default float32, a dtype: its dtype"

    def test_what_people_from_elsewhere_type_finds_the_command(self, gpt: View) -> None:
        assert gpt.lines("rm") == ["delete: "]

    def test_keys_behind_the_cursor_are_used_too(self, gpt: View) -> None:
        line = "scale_: , by: 2, except: 'a, b', expect: 1"
        assert [each.display for each in gpt.at(line, 8)] == ["target", "where"]
        line = "scale_: target: 'h', by: 2"
        assert next(each.display for each in gpt.at("scale_: : x, by: 2", 8)) == "target"
        assert "by" not in [each.display for each in gpt.at(line, 8)]

    def test_a_colon_is_offered_where_it_is_missing(self, gpt: View) -> None:
        assert gpt.lines("scale_ ")[:2] == ["scale_: target: ", "scale_: by: "]
        assert gpt.lines("scale_: target ") == ["scale_: target: "]

    def test_behind_a_value_comes_the_next_key(self, gpt: View) -> None:
        assert gpt.lines("scale_: target: 'x'")[0] == "scale_: target: 'x', by: "
        assert gpt.lines("scale_: target: x  ")[0] == "scale_: target: x, by: "
        assert gpt.shown("assert: shape: { of: x ") == [", is", "}"]
        assert gpt.lines("copy: from: [a ") == ["copy: from: [a, ", "copy: from: [a]"]
        assert gpt.shown("delete: x ") == []

    def test_what_a_command_prints_may_go_elsewhere(self, gpt: View) -> None:
        assert gpt.lines("dump: x ") == ["dump: x > ", "dump: x >> ", "dump: x | "]
        assert ">" in gpt.shown("summarize ")
        assert ">" not in gpt.shown("scale_: target: x, by: 2 ")
        assert ">" not in gpt.shown("assert: exists: x, ")


class TestValues:
    def test_a_note_says_what_is_expected(self, gpt: View) -> None:
        (note,) = gpt.at("scale_: target: x, by: ")
        assert (note.display, note.meta) == ("a number", "the factor")
        assert note.is_note
        assert note.applied("scale_: target: x, by: ", 23) == "scale_: target: x, by: "
        assert gpt.at("scale_: target: x, by: 2") == []

    def test_defaults(self, gpt: View) -> None:
        assert gpt.lines("add: alpha: ") == ["add: alpha: 1, "]
        metas = {each.display: each.meta for each in gpt.at("cast: overflow: ")}
        assert metas == {"warn": "default", "error": "", "allow": ""}
        assert {each.display: each.meta for each in gpt.at("rand: broadcast: ")} == {}
        assert next(each.meta for each in gpt.at("dump: format: ") if each.display == "tree") == "default"

    def test_sizes(self, gpt: View) -> None:
        assert gpt.shown("save: path: x, shard: ") == ["500MB", "1GB", "5GB", "10GB", "none"]
        assert gpt.shown("save: path: x, shard: 20") == ["20MB", "20GB", "20KB", "20TB"]

    def test_dtypes_begin_with_what_the_tensors_have(self, gpt: View) -> None:
        assert gpt.shown("cast_: target: wte.weight, to: ")[0] == "bfloat16"
        assert gpt.shown(r"cast_: target: 'h\.(\d+)\.mlp\.weight', to: ")[0] == "bfloat16"
        assert gpt.shown("cast_: target: nosuch, to: ")[0] == "float64"
        assert gpt.shown("cast_: target: x, to: f32") == ["float32"]

    def test_shapes_and_counts_begin_with_what_there_is(self, gpt: View) -> None:
        assert gpt.lines("assert: shape: { of: wte.weight, is: ") == [
            "assert: shape: { of: wte.weight, is: [8, 4] }"
        ]
        assert gpt.shown("reshape_: target: wte.weight, shape: ") == ["[8, 4]"]
        assert gpt.shown(r"delete: target: 'h\.(\d+)\.(attn|mlp)\.weight', expect: ") == ["24"]
        assert gpt.shown(r"delete: target: 'h\..*', expect: ") == ["36"]
        assert gpt.shown(r"delete: target: [h, $i, mlp, weight], expect: ") == ["12"]

    @pytest.mark.parametrize(
        "reference", [r"'h.*'", r"'h\.[^x]+\.weight'", r"'h\.0|wte'", r"[*x, weight]", "'wte.weight::[0]'"]
    )
    def test_what_cannot_be_counted_at_once_is_not(self, gpt: View, reference: str) -> None:
        assert gpt.shown(f"delete: target: {reference}, expect: ") == []

    def test_topics(self, gpt: View) -> None:
        assert gpt.shown("help: sha") == ["shape"]
        assert gpt.shown("help: key") == ["keys"]

    def test_what_a_kind_takes_from_the_session(self, gpt: View) -> None:
        parameter = Parameter("to", Known("a mark", what="marks"), "where to")
        session = View(names={"marks": ["before-merge", "after"]})
        travel = Operation(
            "travel", "Go.", (parameter,), lambda context: None, primary="to", origin="here.py"
        )
        try:
            OPERATIONS.add(travel)
            assert session.shown("travel: ") == ["to", "before-merge", "after"]
            assert session.lines("travel: to: b") == ["travel: to: before-merge"]
            assert gpt.shown("travel: to: ") == []
            assert gpt.notes("travel: to: ") == ["a mark: where to"]
        finally:
            OPERATIONS.forget_users()

    def test_a_kind_of_a_user_that_fails_offers_nothing(self, gpt: View) -> None:
        class Broken(Known):
            def offers(self, asked: Asked) -> Iterable[Offer]:
                raise ZeroDivisionError

        parameter = Parameter("to", Broken("a mark"), "where to")
        try:
            OPERATIONS.add(Operation("mine", "Go.", (parameter,), lambda context: None, origin="mine.py"))
            assert gpt.shown("mine: ") == ["to"]
            assert gpt.at("mine: to: ") == []
        finally:
            OPERATIONS.forget_users()


class TestInside:
    def test_operands_are_named_as_checkpoints_are(self, two: View) -> None:
        assert two.shown("compute: to: x, let: ") == ["base", "tuned"]
        assert two.shown("compute: to: x, let: { base: a, ") == ["tuned"]

    def test_expressions_of_operands_and_functions(self, two: View) -> None:
        line = "compute: to: x, let: { base: a, diff: b }, expr: "
        assert two.shown(line)[:3] == ["base", "diff", "abs("]
        assert two.lines(line + "'base + m") == [
            line + "'base + minimum(",
            line + "'base + maximum(",
            line + "'base + mean(",
        ]
        assert two.shown(line + "'mean(base, ") == ["dim=", "keepdim="]
        assert two.lines(line + "me") == [line + "'mean("]

    def test_steps_in_a_list(self, gpt: View) -> None:
        line = "execute: transforms: "
        assert gpt.lines(line) == [line + "["]
        assert gpt.lines(line + "[sca") == [line + "[{ scale: ", line + "[{ scale_: "]
        assert "undo" not in gpt.shown(line + "[")
        assert gpt.shown(line + "[{ copy: { ")[:2] == ["from", "to"]
        assert gpt.shown(line + r"[{ copy: { from: 'h\.(.*)', to: ")[0] == r"\1"

    def test_lines_in_strings(self, gpt: View) -> None:
        line = "execute: transforms: ['"
        assert gpt.lines(line + "delete: wt") == [line + "delete: wte."]
        assert gpt.lines(line + "scale_: target: x, b") == [line + "scale_: target: x, by: "]
        assert gpt.notes(line + "scale_: target: x, by: ") == ["a number: the factor"]

    def test_a_step_as_payload(self, gpt: View) -> None:
        assert gpt.lines("preview: sca") == ["preview: scale: ", "preview: scale_: "]
        assert gpt.lines("preview: { del") == ["preview: { delete: "]
        assert gpt.shown("preview: delete: wt") == ["wte."]
        assert gpt.shown("preview: { scale_: { target: x, ")[0] == "by"
        assert gpt.shown("preview: scale_: { target: x }, ") == []
        assert gpt.lines("preview: 'delete: wt") == ["preview: 'delete: wte."]
        assert gpt.lines("preview: step: { del") == ["preview: step: { delete: "]
        assert gpt.shown("preview: step: x, ")[0] == "limit"

    def test_slices(self, gpt: View) -> None:
        assert gpt.lines("delete: wte.weight:") == ["delete: 'wte.weight::["]
        assert gpt.notes("delete: wte.weight::[")[0].startswith("[8, 4]: its dims")


class TestPaths:
    def test_folders_with_a_checkpoint_are_told_from_others(self, tmp_path: Path) -> None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "model.safetensors").touch()
        (tmp_path / "a folder").mkdir()
        (tmp_path / "notes.txt").touch()
        (tmp_path / "steps.oly").touch()
        found = view(tmp_path).at("load: path: ")
        assert [(each.display, each.meta) for each in found] == [
            ("model/", "checkpoint"),
            ("steps.oly", "script"),
            ("a folder/", "folder"),
            ("notes.txt", "file"),
        ]
