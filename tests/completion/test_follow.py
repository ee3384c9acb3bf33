"""A candidate that stands alone brings along what must follow it, so that typing goes on naturally."""

from __future__ import annotations

import pytest
from completion_views import GPT, View, view


@pytest.fixture(scope="module")
def gpt() -> View:
    return view(model=[*GPT, "a b"])


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("scal", None),
        ("sub", None),
        ("und", "undo"),
        ("summ", "summarize"),
        ("dele", "delete: "),
        ("delete: tar", "delete: target: "),
        ("scale_: target: wte.w", "scale_: target: wte.weight, "),
        ("scale_: target: 'wte.w", "scale_: target: 'wte.weight', "),
        ("scale_: target: a", "scale_: target: 'a b', "),
        ("scale_: by: 2, target: wte.w", "scale_: by: 2, target: wte.weight"),
        ("delete: wte.w", "delete: wte.weight"),
        ("delete: target: wte.w", "delete: target: wte.weight"),
        ("assert: exists: wte.w", "assert: exists: wte.weight"),
        ("assert: not: { exists: wte.w", "assert: not: { exists: wte.weight }"),
        ("assert: all: [{ exists: wte.w", "assert: all: [{ exists: wte.weight }"),
        ("assert: not: { not: { exists: wte.w", "assert: not: { not: { exists: wte.weight } }"),
        ("assert: shape: { of: wte.w", "assert: shape: { of: wte.weight, "),
        ("assert: dtype: { of: x, is: bf", "assert: dtype: { of: x, is: bfloat16 }"),
        ("dump: where: { dtype: bf", "dump: where: { dtype: bfloat16"),
        ("copy: from: [wte, w", "copy: from: [wte, weight"),
        ("delete: wt", "delete: wte."),
    ],
)
def test_what_follows(gpt: View, typed: str, taken: str | None) -> None:
    lines = gpt.lines(typed)
    assert (lines[0] if len(lines) == 1 else None) == taken


def test_variants_of_it_bring_the_same(gpt: View) -> None:
    assert list(gpt.variants("scale_: target: h.1.mlp.w")) == [
        r"scale_: target: 'h\.1\.mlp\.weight', ",
        r"scale_: target: 'h\.(\d+)\.mlp\.weight', ",
    ]


def test_nothing_follows_where_something_does_already(gpt: View) -> None:
    line = "scale_: target: wte.w, by: 2"
    assert gpt.at(line, 21)[0].applied(line, 21) == "scale_: target: wte.weight, by: 2"


def test_one_of_several_brings_nothing(gpt: View) -> None:
    assert "scale_: target: h.1.attn.weight" in gpt.lines("scale_: target: h.1.attn.")


@pytest.mark.parametrize(
    ("line", "cursor", "taken"),
    [
        ("delete: 'wte.w.x'", 14, "delete: 'wte.weight.x'"),
        ("delete: h.1.a.weight", 13, "delete: h.1.attn.weight"),
        ("delete: 'h.1.a'", 14, "delete: 'h.1.attn.'"),
        ("copy: from: 'wte.w, to: 'x'", 18, "copy: from: 'wte.weight', to: 'x'"),
        ("sca: x", 3, "scale: x"),
        ("sca_: x", 3, "scale_: x"),
    ],
)
def test_what_stands_behind_the_cursor_is_not_doubled(gpt: View, line: str, cursor: int, taken: str) -> None:
    assert gpt.at(line, cursor)[0].applied(line, cursor) == taken


def test_a_quote_is_not_opened_within_a_word(gpt: View) -> None:
    assert [each.insert[0] for each in gpt.at("delete: h.weight", 10) if each.insert] == [
        *(each[0] for each in ["h"] * 12)
    ]
