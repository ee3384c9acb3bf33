"""Expressions: the corpus, the grammar and the parser agree; what is printed reads back."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest
from ebnf import Recogniser
from expression_corpus import accepted, beyond_grammar, rejected, tree
from expression_printer import print_expression
from expressions import expressions
from hypothesis import given, settings
from hypothesis import strategies as st
from oly_corpus import Accept, Reject
from oly_lines import mutated_lines

from brainsurgery_shell.errors import Source, Span, StepError, render
from brainsurgery_shell.lang.expression import DEEPEST, parse_expression
from brainsurgery_shell.lang.expression_tree import Expression, Operand
from brainsurgery_shell.lang.functions import FUNCTIONS
from brainsurgery_shell.lang.pieces import Piece

GRAMMAR = Recogniser.load(Path(__file__).parents[2] / "grammar" / "expression.ebnf")
LINES = [case.line for case in accepted()]


def parse(text: str) -> Expression:
    return parse_expression(Piece(text, Span(0, len(text)), exact=True))


def agree(text: str) -> bool:
    """Whether parser and grammar say the same; where the parser finds first what no grammar says, they do."""
    try:
        parse(text)
    except StepError as error:
        return beyond_grammar(error.message) or not GRAMMAR.matches("expression", text)
    return GRAMMAR.matches("expression", text)


def test_corpus_is_there() -> None:
    assert len(accepted()) >= 50
    assert len(rejected()) >= 50
    lines = [case.line for case in [*accepted(), *rejected()]]
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("case", accepted(), ids=lambda case: case.place)
def test_accept(case: Accept) -> None:
    expression = parse(case.line)
    assert tree(expression) == case.tree
    assert print_expression(expression) == case.canonical
    assert parse(case.canonical) == expression
    assert GRAMMAR.matches("expression", case.line)


@pytest.mark.parametrize("case", rejected(), ids=lambda case: case.place)
def test_reject(case: Reject) -> None:
    with pytest.raises(StepError) as caught:
        parse(case.line)
    assert render(caught.value.located(source=Source(case.line))) == case.error
    if not beyond_grammar(caught.value.message):
        assert not GRAMMAR.matches("expression", case.line)


def test_rules_are_defined_and_used() -> None:
    assert GRAMMAR.references <= GRAMMAR.productions.keys()
    assert GRAMMAR.references | {"expression"} == GRAMMAR.productions.keys()


def test_the_grammar_names_the_functions() -> None:
    names = {text.strip('"') for text in GRAMMAR.productions["operand"].split() if text.startswith('"')}
    assert names == set(FUNCTIONS)


@settings(deadline=None, max_examples=300)
@given(expressions())
def test_what_is_printed_reads_back(expression: Expression) -> None:
    text = print_expression(expression)
    assert parse(text) == expression
    assert GRAMMAR.matches("expression", text)


@settings(deadline=None, max_examples=300)
@given(mutated_lines(LINES))
def test_grammar_and_parser_agree_on_mutations(text: str) -> None:
    assert agree(text)


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="ab1.+-*/@<=>!()[], e", max_size=12))
def test_grammar_and_parser_agree_on_random_text(text: str) -> None:
    assert agree(text)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("(", ")"), ("-", ""), ("2**", ""), ("abs(", ")"), ("where(a < b * c ** -(", "), a, a)")],
)
def test_depth_has_a_limit_and_no_traceback(opening: str, closing: str) -> None:
    levels = DEEPEST // max(1, sum(opening.count(sign) for sign in ("(", "-", "**")))
    parse(opening * levels + "a" + closing * levels)
    with pytest.raises(StepError, match="levels"):
        parse(opening * 10_000 + "a" + closing * 10_000)


def test_depth_takes_little_of_the_stack() -> None:
    text = "abs(a < b + c * " * DEEPEST + "a" + ")" * DEEPEST
    limit = sys.getrecursionlimit()
    frames = len(inspect.stack())
    try:
        sys.setrecursionlimit(frames + 6 * DEEPEST)
        parse(text)
    finally:
        sys.setrecursionlimit(limit)


def test_length_has_no_limit() -> None:
    text = " + ".join(["a * 2", "-b"] * 10_000)
    assert print_expression(parse(text)) == text


def test_operands_are_checked() -> None:
    expression = parse("alpha * beta")
    expression.check(["beta", "alpha"])
    with pytest.raises(StepError, match="unknown operand 'beta'") as caught:
        expression.check(["alpha", "betta"])
    assert caught.value.hint == "did you mean 'betta'?"
    assert caught.value.details.span == Span(8, 12)
    expression.check(["alpha", "beta", "gamma"])
    with pytest.raises(StepError, match="does not use gamma"):
        parse("2 * 3").check(["gamma"])


def test_a_place_in_text_without_columns() -> None:
    """In a text with escapes characters are counted, columns are not."""
    with pytest.raises(StepError, match="at character 5 of the expression"):
        parse_expression(Piece("a + ^", Span(3, 20)))


def test_items_are_in_postfix_order() -> None:
    assert [type(item).__name__ for item in parse("a + 1").items] == ["Operand", "Number", "Apply"]
    assert parse("a").items == (Operand("a"),)
