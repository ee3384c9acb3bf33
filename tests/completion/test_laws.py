"""What holds for every line and every name."""

from __future__ import annotations

import string

from completion_views import GPT, checkpoint, may_become_right, view
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brainsurgery_shell.completion import LIMIT
from brainsurgery_shell.completion.names import children, end_of, twins
from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.pattern import compile_reference
from brainsurgery_shell.workspace.matching import find

_PIECES = [
    "copy",
    "scale_: ",
    "assert: all: [{ shape: ",
    "from: ",
    "to: ",
    "target: ",
    "where: ",
    "h.",
    "\\",
    "h",
    "(",
]
_PIECES += [
    *"[]{}(),:'\"#$*~|>.0! \t",
    "model::",
    "::[",
    "*x",
    "$i",
    r"\d+",
    "\x00",
    "é",
    "delete: ",
    "concat: ",
]
_LINES = st.lists(st.sampled_from(_PIECES), max_size=9).map("".join) | st.text(max_size=30)
_NAMES = st.lists(
    st.text(st.sampled_from("ab.01+$*~#,:'\"\\[](){} é-_|\t\nn"), min_size=1, max_size=8),
    min_size=1,
    max_size=12,
    unique=True,
)


@given(_LINES, st.integers(0, 40))
@settings(max_examples=400, deadline=None)
def test_there_is_an_answer_to_every_text(text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))
    session = view(model=GPT, other=["x"])
    found = session.at(text, cursor)
    assert len(found) <= LIMIT
    for candidate in found:
        assert 0 <= candidate.replaces <= cursor
        assert candidate.display


@given(_NAMES, st.sampled_from(["", "'", '"']))
@example(["a.1.x", "a.11x"], "")
@example(["a\\n.b"], '"')
@example(["x::y", "b::[1]"], "'")
@example(["_::."], "")
@settings(max_examples=150, deadline=None)
def test_a_name_that_was_chosen_segment_by_segment_is_the_one_that_matches(
    names: list[str], quote: str
) -> None:
    session = view(model=names)
    for name in names:
        line = f"delete: target: {quote}"
        *inner, last = name.split(".")
        for segment in [f"{each}." for each in inner] + [last]:
            offered = session.at(line)
            (candidate,) = (each for each in offered if each.display == segment and not each.variant)
            line = candidate.applied(line, len(line))
        command = parse_line(line)
        assert command is not None
        reference = bind(command).arguments["target"]
        assert [match.name for match in find(session.workspace, reference)] == [name]


@given(_NAMES)
@example(["$ .0"])
@example(["::[0]", "0::[]", "b.a::b", "a::[b]"])
@example(["~\\1.0"])
@settings(max_examples=100, deadline=None)
def test_segments_of_a_list_match_the_name(names: list[str]) -> None:
    session = view(model=names)
    for name in names:
        if "" in name.split("."):
            continue
        line = "delete: target: ["
        for segment in name.split("."):
            offered = session.at(line)
            candidate = next(each for each in offered if each.display == segment and not each.variant)
            line = candidate.applied(line, len(line)) + ", "
        command = parse_line(line.removesuffix(", ") + "]")
        assert command is not None
        assert compile_reference(bind(command).arguments["target"]).match(name) is not None


@given(_NAMES, st.text(string.ascii_lowercase[:2] + ".01", max_size=4))
@settings(max_examples=200, deadline=None)
def test_bisection_finds_what_a_scan_finds(names: list[str], partial: str) -> None:
    ordered = checkpoint(names).sorted_names()
    beginning = [name for name in ordered if name.startswith(partial)]
    low = ordered.index(beginning[0]) if beginning else 0
    assert not beginning or ordered[low : end_of(ordered, partial, low)] == beginning
    found = {
        (child.segment, child.leaf, child.count) for child in children(ordered, "", partial.split(".")[0])
    }
    wanted = set()
    for name in ordered:
        first, dot, _ = name.partition(".")
        if first.startswith(partial.split(".")[0]):
            below = sum(other.startswith(f"{first}.") for other in ordered)
            wanted.add((first, None if dot else name, below if dot else 1))
    assert found == wanted


@given(_NAMES, st.text("ab.01", max_size=5))
@settings(max_examples=200, deadline=None)
def test_twins_are_the_other_beginnings_that_a_regex_takes(names: list[str], text: str) -> None:
    ordered = checkpoint(names).sorted_names()

    def same(beginning: str) -> bool:
        return len(beginning) == len(text) and all(
            b in (".", a) for a, b in zip(beginning, text, strict=True)
        )

    wanted = {name[: len(text)] for name in names if same(name[: len(text)])} - {text}
    assert set(twins(ordered, text) or []) == wanted


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_whoever_takes_what_is_offered_writes_what_may_become_right(data: st.DataObject) -> None:
    session = view(model=[*GPT, "0", "a b.c", "w[1]", "x,y.z", "it's", "#1", "k: v"], other=["x"])
    line = ""
    for _ in range(data.draw(st.integers(1, 10))):
        offered = session.at(line)
        if offered:
            line = data.draw(st.sampled_from(offered)).applied(line, len(line))
            assert may_become_right(line), line
        between = [each for each in ("", ", ", " ", "[", "'", " }", "]") if may_become_right(line + each)]
        line += data.draw(st.sampled_from(between))
