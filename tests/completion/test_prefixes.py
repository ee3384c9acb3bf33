"""Whatever is offered behind a beginning of a right line can be taken: the line may still become right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from completion_views import GPT, View, finished, may_become_right, parses, view
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.tree import Command

sys.path.append(str(Path(__file__).parents[1] / "lang"))
from oly_corpus import accepted, rejected

load_declarations()
EXAMPLES = sorted(
    {
        example
        for registry in (OPERATIONS, EXPRESSIONS)
        for each in registry.all()
        for example in each.examples
    }
)
CORPUS = sorted({case.line for case in accepted() if len(case.line) < 200 and case.line.isprintable()})
ODD = ["0", "true", "a b.c", "w[1]", "x,y.z", "it's", "#1", "k: v", "x::y", "$x", "~z", "q\\.w"]


@pytest.fixture(scope="module")
def session() -> View:
    found = view(model=[*GPT, *ODD], base=GPT, tuned=["x.1.y", "x.2.y"])
    found.names = {"marks": ["before-merge"], "moments": ["before-merge"], "sessions": ["amber-fox"]}
    return found


def prefixes() -> st.SearchStrategy[tuple[str, int]]:
    """A right line, and a place in it."""

    def cut(line: str) -> st.SearchStrategy[tuple[str, int]]:
        return st.tuples(st.just(line), st.integers(0, len(line)))

    return (st.sampled_from(EXAMPLES) | st.sampled_from(CORPUS)).flatmap(cut)


@given(prefixes())
@settings(max_examples=400, deadline=None)
def test_a_beginning_of_a_right_line_may_become_right(case: tuple[str, int]) -> None:
    """What the laws below are measured with."""
    line, at = case
    assert may_become_right(line[:at]), finished(line[:at])


def test_what_is_wrong_already_is_known_to_be() -> None:
    wrong = [case.line for case in rejected() if len(case.line) < 200]
    hopeless = [line for line in wrong if not may_become_right(line)]
    assert len(hopeless) > len(wrong) / 2


@given(case=prefixes())
@settings(max_examples=300, deadline=None)
def test_every_candidate_keeps_the_line_on_its_way(session: View, case: tuple[str, int]) -> None:
    line, at = case
    before = line[:at]
    for candidate in session.at(before):
        taken = candidate.applied(before, at)
        assert may_become_right(taken), (before, candidate, finished(taken))
        if candidate.is_note:
            assert taken == before


@given(case=prefixes())
@settings(max_examples=200, deadline=None)
def test_in_the_middle_of_a_line_what_stands_behind_stays(session: View, case: tuple[str, int]) -> None:
    line, at = case
    for candidate in session.at(line, at):
        taken = candidate.applied(line, at)
        assert taken.endswith(line[at:])
        assert may_become_right(taken[: len(taken) - len(line) + at]), candidate


def problem_of(command: Command) -> str | None:
    """Why the command cannot be bound to what is declared."""
    try:
        bind(command)
    except StepError as error:
        return error.message
    return None


def _steps() -> list[tuple[str, str]]:
    """Lines that lack one value: what stands before it, and what it is the value of."""
    found = []
    for operation in OPERATIONS.all():
        for parameter in operation.parameters:
            if not parameter.whole_payload:
                found.append((f"{operation.name}: {parameter.name}: ", f"{operation.name} {parameter.name}"))
    for expression in EXPRESSIONS.all():
        for parameter in expression.parameters:
            path = f"assert: {expression.name}: {{ {parameter.name}: "
            found.append((path, f"{expression.name} {parameter.name}"))
    return found


@pytest.mark.parametrize("line", [pytest.param(line, id=what) for line, what in _steps()])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_what_completes_a_value_is_accepted(session: View, line: str, quote: str) -> None:
    """Of each parameter of each operation and expression; what else may be missing is not complained about."""
    offered = session.at(line + quote)
    assert offered or quote or "{" in line, "not even a note"
    for candidate in offered:
        taken = candidate.applied(line + quote, len(line + quote)).rstrip(", ")
        assert may_become_right(taken), candidate
        if not candidate.final or candidate.display.endswith(":") or "{ " in candidate.insert:
            continue
        text = finished(taken)
        assert parses(text), text
        command = parse_line(text)
        assert command is not None
        problem = problem_of(command)
        assert problem is None or " needs '" in problem, (text, problem)
