"""Reads the conformance corpus; ``grammar/README.md`` describes its format."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from brainsurgery_shell.lang.tree import Command, Node, Scalar, to_value

CORPUS = Path(__file__).parents[2] / "grammar" / "corpus"


@dataclass(frozen=True)
class Accept:
    line: str
    canonical: str
    tree: object
    place: str


@dataclass(frozen=True)
class Reject:
    line: str
    error: str
    place: str

    @property
    def beyond_grammar(self) -> bool:
        """Refused for what the grammar cannot say."""
        return self.error.startswith(("error: expected each key once", "error: expected at most"))


def tagged(node: Node) -> object:
    """A tree as the corpus writes it."""
    if not isinstance(node, Scalar):
        value = to_value(node)
        if isinstance(value, dict):
            return {pair.key: tagged(pair.value) for pair in node.pairs}  # type: ignore[union-attr]
        return [tagged(item) for item in node.items]  # type: ignore[union-attr]
    value = node.value
    if value is None:
        return {"$null": ""}
    if isinstance(value, bool):
        return {"$bool": str(value).lower()}
    if isinstance(value, int):
        return {"$int": str(value)}
    if isinstance(value, float):
        return {"$float": "nan" if math.isnan(value) else repr(value)}
    return value


def tagged_command(command: Command | None) -> object:
    if command is None:
        return None
    return {command.name: None if command.payload is None else tagged(command.payload)}


@cache
def accepted() -> list[Accept]:
    cases = []
    for place, fields, _ in blocks("accept"):
        tree = json.loads(fields["tree"])
        cases.append(Accept(fields["line"], fields.get("canonical", fields["line"]), tree, place))
    return cases


@cache
def rejected() -> list[Reject]:
    return [Reject(fields["line"], error, place) for place, fields, error in blocks("reject")]


def blocks(folder: str) -> list[tuple[str, dict[str, str], str]]:
    """The cases of all files of a folder: where it stands, its fields, its error."""
    found: list[tuple[str, dict[str, str], str]] = []
    for path in sorted((CORPUS / folder).glob("*.txt")):
        fields: dict[str, str] = {}
        error: list[str] = []
        for number, line in enumerate([*path.read_text(encoding="utf-8").split("\n"), ""], 1):
            if line.startswith("| "):
                error.append(line[2:])
            elif line and not line.startswith("#"):
                name, _, value = line.partition(": ")
                assert name.removesuffix("-json") in ("line", "canonical", "tree", "error"), (
                    f"{path.name}:{number}"
                )
                fields[name.removesuffix("-json")] = json.loads(value) if name.endswith("-json") else value
            elif not line and fields:
                found.append((f"{path.name}:{number - 1}", fields, fields.get("error") or "\n".join(error)))
                fields, error = {}, []
    return found
