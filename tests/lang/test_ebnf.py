"""``grammar/oly.ebnf`` and the parser say the same, rule by rule and line by line."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from ebnf import Recogniser, productions_in
from hypothesis import given, settings
from hypothesis import strategies as st
from oly_corpus import accepted, rejected
from oly_lines import alphabet_lines, mutated_lines

from brainsurgery_shell.errors import OlySyntaxError
from brainsurgery_shell.lang import parser, scalars, scan
from brainsurgery_shell.lang.parser import parse_line

GRAMMAR = Path(__file__).parents[2] / "grammar"
OLY = Recogniser.load(GRAMMAR / "oly.ebnf")
REFERENCE = Recogniser.load(GRAMMAR / "reference.ebnf")
BEYOND_GRAMMAR = ("expected each key once", "expected at most", "expected a number")


def parses(text: str) -> bool:
    """Whether the parser takes the line; what the grammar cannot say (README.md) does not count."""
    try:
        parse_line(text)
    except OlySyntaxError as error:
        return error.message.startswith(BEYOND_GRAMMAR)
    return True


def test_every_rule_has_its_function_and_every_function_its_rule() -> None:
    quoted: dict[str, str] = {}
    for module in (parser, scan, scalars):
        for function in [item for _, item in inspect.getmembers(module, inspect.isfunction)]:
            if function.__module__ == module.__name__:
                found = productions_in(inspect.getdoc(function) or "")
                assert not quoted.keys() & found.keys(), f"quoted twice, again by {function.__name__}"
                quoted |= found
    assert quoted == OLY.productions


@pytest.mark.parametrize("grammar", [OLY, REFERENCE])
def test_rules_are_defined(grammar: Recogniser) -> None:
    assert grammar.productions
    assert grammar.references <= grammar.productions.keys()


def test_rules_are_used() -> None:
    roots = {"line", "null", "boolean", "integer", "float"}
    assert OLY.references | roots == OLY.productions.keys()
    assert REFERENCE.references | {"reference", "destination"} == REFERENCE.productions.keys()


@pytest.mark.parametrize("line", [case.line for case in accepted()])
def test_grammar_accepts_corpus(line: str) -> None:
    assert OLY.matches("line", line)


@pytest.mark.parametrize("line", [case.line for case in rejected() if not case.beyond_grammar])
def test_grammar_rejects_corpus(line: str) -> None:
    assert not OLY.matches("line", line)


@settings(deadline=None, max_examples=300)
@given(alphabet_lines())
def test_agree_on_random_lines(line: str) -> None:
    assert OLY.matches("line", line) == parses(line)


@settings(deadline=None, max_examples=300)
@given(mutated_lines([case.line for case in accepted()]))
def test_agree_on_mutated_lines(line: str) -> None:
    assert OLY.matches("line", line) == parses(line)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="0123456789+-.eExXoOabfINFinfnNtrueTl~", min_size=1, max_size=8))
def test_agree_on_plain_scalars(text: str) -> None:
    kinds = {"null": type(None), "boolean": bool, "integer": int, "float": float}
    expected = next((kind for rule, kind in kinds.items() if OLY.matches(rule, text)), str)
    assert type(scalars.resolve(text)) is expected


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("reference", r"h\.(\d+)\.attn"),
        ("reference", "base::embed.weight::[:8, -1, ...]"),
        ("reference", "model::h,$i,~q|k,*rest,w::[0:4:2]"),
        ("reference", r"~x,y::(\d)_(\d)"),
        ("destination", r"out::\1.\g<name>\.weight"),
        ("destination", "h,${2*i+1},q_${ i - 4 }_x,*rest"),
        ("slice", "[ 1 , : , ::2 , -3: , ... ]"),
        ("arithmetic", "2*(i+1)-j"),
        ("segment", "$x"),
    ],
)
def test_reference_grammar_accepts(rule: str, text: str) -> None:
    assert REFERENCE.matches(rule, text)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("template_reference", ".*"),
        ("template_reference", r"h\d"),
        ("slice", "[]"),
        ("slice", "[1.5]"),
        ("slice", "[1:2:3:4]"),
        ("slice", "[01]"),
        ("segment", "$1"),
        ("segment", "a.b"),
        ("arithmetic", "i+"),
        ("arithmetic", "i/2"),
    ],
)
def test_reference_grammar_refuses(rule: str, text: str) -> None:
    assert not REFERENCE.matches(rule, text)
