"""The reference is what the declarations say."""

from __future__ import annotations

import re

import pytest
from docs_tools import reference

from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_it_is_fresh(name: str) -> None:
    there = (
        (reference.FOLDER / name).read_text(encoding="utf-8") if (reference.FOLDER / name).exists() else ""
    )
    assert there == reference.pages()[name], "run: scripts/docs reference"


def test_nothing_else_is_there() -> None:
    assert {path.name for path in reference.FOLDER.iterdir()} == set(reference.pages())


def test_everything_is_in_it() -> None:
    for name, registry in (("operations.md", OPERATIONS), ("assertions.md", EXPRESSIONS)):
        text = reference.pages()[name]
        assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == [
            each.name for each in registry.all() if each.origin is None
        ]
        for each in (each for each in registry.all() if each.origin is None):
            section = text.split(f"\n## {each.name}\n")[1].split("\n## ")[0]
            own = [p.name for p in each.parameters if p.name not in ("except", "where", "expect")]
            assert all(f"| `{p}`" in section for p in own if not each.parameter(p).whole_payload), each.name
            assert all(example in section for example in each.examples)


def test_markdown_in_a_sentence_is_text() -> None:
    assert reference._escaped("a * b | c ``d * e``") == r"a \* b \| c `d * e`"
