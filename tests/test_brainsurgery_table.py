"""docs/brainsurgery.md leaves nothing out, and what it claims and links to is there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.options import _parser
from brainsurgery_shell.session.plan_fields import KEYS, OUTPUT_KEYS

ROOT = Path(__file__).parent.parent
PATH = ROOT / "docs/brainsurgery.md"
PAGE = PATH.read_text(encoding="utf-8")

# What BrainSurgery's README, its interface reference and its paper name.
ITS_OPERATIONS = """
help prefixes set exit dump diff assert load save execute copy move delete assign add subtract multiply matmul add_
subtract_ scale scale_ cast cast_ clamp clamp_ reshape reshape_ permute fill fill_ zeroes ones rand split concat phlora
phlora_
"""
ITS_EXPRESSIONS = "exists count shape dimensions dtype equal iszero reads writes all any not"
ITS_OPTIONS = """
--shard-size --num-workers --provider --arena-root --arena-segment-size -i --interactive -s --summarize --no-summarize
--summarize-path --summary-mode --log-level --install-completion --show-completion
"""
ITS_PLAN_KEYS = "inputs input transforms output output.path output.format output.shard"
NOT_OURS = {"reads", "writes"}

LINK = re.compile(r"\[[^\]]*\]\(([^)]+)\)")
TESTS = re.compile(r"\[(tests/[\w/]+\.py)\]\(\.\./(tests/[\w/]+\.py)\)((?:(?:, )?::[\w:]+)+)")


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    topic: str
    theirs: str
    here: str
    test: str

    @property
    def absent(self) -> bool:
        """Whether it says that it is not there."""
        return self.here.startswith(("not here: ", "later"))


def rows(page: str = PAGE) -> list[Row]:
    found, topic = [], ""
    for line in page.splitlines():
        if line.startswith("## "):
            topic = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith("| BrainSurgery |"):
            cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
            assert len(cells) == 3, line
            found.append(Row(topic, *cells))
    return found


def of(topic: str) -> list[Row]:
    found = [row for row in rows() if row.topic == topic]
    assert found, topic
    return found


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def named_tests(text: str) -> list[tuple[str, str]]:
    """File and test, of every one that the text names."""
    named = []
    for shown, linked, names in TESTS.findall(text):
        assert shown == linked
        named += [(shown, name.removeprefix("::")) for name in names.split(", ")]
    return named


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests in a file: ``test_x``, ``TestClass::test_x``."""
    found = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            inner = (each.name for each in node.body if isinstance(each, ast.FunctionDef))
            found |= {f"{node.name}::{name}" for name in inner}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return frozenset(name for name in found if name.split("::")[-1].startswith("test_"))


def our_options() -> set[str]:
    return {option for action in _parser()._actions for option in action.option_strings}


@pytest.fixture(autouse=True, scope="module")
def _declared() -> None:
    load_declarations()


def test_the_page_is_read_whole() -> None:
    assert len(rows()) > 100
    assert PAGE.count("](../tests/") == len(TESTS.findall(PAGE))
    assert len(re.findall(r"::(?:Test\w+::)?test_", PAGE)) == len(named_tests(PAGE))


@pytest.mark.parametrize("path", sorted({path for path, _ in named_tests(PAGE)}))
def test_every_named_test_exists(path: str) -> None:
    assert (ROOT / path).is_file()
    named = {name for each, name in named_tests(PAGE) if each == path}
    assert not named - names_in(path)


def test_every_link_leads_somewhere() -> None:
    for link in LINK.findall(PAGE):
        assert (PATH.parent / link).exists(), link


def test_every_row_has_a_test_or_says_why_there_is_none() -> None:
    for row in rows():
        assert row.here, row
        assert row.absent or named_tests(row.test), row
        assert row.test == "" or named_tests(row.test), row


def test_nothing_that_is_documented_is_missing() -> None:
    operations = [quoted(row.theirs)[0] for row in of("Operations") if row.theirs.startswith("`")]
    assert set(operations) == set(ITS_OPERATIONS.split())
    expressions = {name for row in of("Assertions") for name in quoted(row.theirs.split(":")[0])}
    assert expressions == set(ITS_EXPRESSIONS.split())
    options = {name for row in of("Command line") for name in quoted(row.theirs)}
    assert set(ITS_OPTIONS.split()) <= options
    keys = {quoted(row.theirs)[0] for row in of("Plans") if row.theirs.startswith("`")}
    assert set(ITS_PLAN_KEYS.split()) <= keys


def test_a_counterpart_is_a_thing_of_ours() -> None:
    for row in of("Operations"):
        if not row.absent:
            ours = quoted(row.here)[0]
            assert OPERATIONS.get(ours) is not None, row
            assert not row.theirs.startswith("`") or ours == quoted(row.theirs)[0], row
    for row in of("Assertions"):
        for name in quoted(row.theirs.split(":")[0]):
            assert (EXPRESSIONS.get(name) is None) == (name in NOT_OURS) == row.absent, row
    for row in of("Plans"):
        key, *below = quoted(row.theirs)[0].split(".") if quoted(row.theirs) else [""]
        if key in ITS_PLAN_KEYS.split() and row.here.startswith("the same"):
            assert key in KEYS, row
            assert set(below) <= set(OUTPUT_KEYS), row


def test_an_option_that_is_the_same_is_known() -> None:
    known = our_options()
    for row in of("Command line"):
        for option in set(quoted(row.theirs)) & set(ITS_OPTIONS.split()):
            renamed = quoted(row.here)[:1] in (["--workers"], ["summarize"])
            assert (option in known) != (row.absent or renamed), row
            assert option in known or not row.here.startswith("the same"), row
        for option in quoted(row.here):
            assert not option.startswith("-") or option in known | {"--version"}, row


def test_everything_of_ours_is_named() -> None:
    words = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*|\w+", " ".join(quoted(PAGE))))
    assert our_options() > {"--workers", "-c"}
    assert not set(OPERATIONS.names()) - words
    assert not set(EXPRESSIONS.names()) - words
    assert not our_options() - words


def test_a_row_that_says_too_little_is_found() -> None:
    """The reading above is what all the rest stands on."""
    (row,) = rows("## X\n\n| BrainSurgery | here | test |\n|---|---|---|\n| `a` | the same | |\n")
    assert (row.theirs, row.absent, named_tests(row.test)) == ("`a`", False, [])
    assert named_tests("[tests/a.py](../tests/a.py)::test_a, ::B::test_b, [tests/c.py](../tests/c.py)::test_c") == [
        ("tests/a.py", "test_a"), ("tests/a.py", "B::test_b"), ("tests/c.py", "test_c")
    ]  # fmt: skip
    assert "test_a_row_that_says_too_little_is_found" in names_in("tests/test_brainsurgery_table.py")
