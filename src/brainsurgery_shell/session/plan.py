"""Plans: a YAML file as inputs, commands and an output; checked as a whole, then run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from brainsurgery_shell.errors import (
    PlanError,
    Source,
    Span,
    SurgeryError,
    did_you_mean,
)
from brainsurgery_shell.lang.names import split_alias
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair, Scalar, Sequence, shifted
from brainsurgery_shell.session.plan_yaml import read_yaml

KEYS = ("inputs", "input", "transforms", "output", "requires")
OUTPUT_KEYS = ("path", "format", "shard", "alias", "overwrite")


@dataclass(frozen=True, slots=True)
class PlanInput:
    """One checkpoint that a plan opens."""

    alias: str
    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan file says."""

    source: Source
    folder: Path
    """Relative paths start here."""
    inputs: list[PlanInput] = field(default_factory=list)
    commands: list[tuple[Command, Source]] = field(default_factory=list)
    output: Command | None = None
    """As the ``save`` that it is."""
    requires: dict[str, str] = field(default_factory=dict)


def read_plan(path: Path, overrides: list[tuple[str, str]]) -> Plan:
    """Read a plan file and apply ``key=value`` overrides.

    Raises:
        PlanError: it cannot be read, is not YAML or not a plan.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PlanError(f"cannot read the plan '{path}': {reason}") from error
    root = read_yaml(text, str(path))
    reader = _PlanReader(Source(text, str(path)), path.parent.absolute())
    if overrides:
        from brainsurgery_shell.session.overrides import override

        root = override(root, overrides)
    return reader.read(root)


class _PlanReader:
    def __init__(self, source: Source, folder: Path) -> None:
        self.source = source
        self.folder = folder

    def read(self, root: Node | None) -> Plan:
        if not isinstance(root, Mapping):
            span = root.span if root is not None else None
            self.fail("a plan is a map with inputs, transforms and output", span)
        self.only_known(root, KEYS, "a plan")
        inputs = self.inputs(root)
        transforms = root.get("transforms")
        commands = self.commands(transforms)
        output = root.get("output")
        return Plan(
            self.source,
            self.folder,
            inputs,
            commands,
            self.output(output) if output is not None else None,
            self.requires(root.get("requires")),
        )

    def inputs(self, root: Mapping) -> list[PlanInput]:
        both = root.get("inputs"), root.get("input")
        if both[0] is not None and both[1] is not None:
            self.fail("a plan has inputs or input, not both", both[1].span)
        node = both[0] if both[0] is not None else both[1]
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return []
        items = node.items if isinstance(node, Sequence) else (node,)
        found: dict[str, PlanInput] = {}
        for item in items:
            if not isinstance(item, Scalar) or not isinstance(item.value, str):
                self.fail("an input is a path, or alias::path", item.span)
            alias, path = split_alias(item.value)
            if alias is None:
                if len(items) > 1:
                    self.fail(
                        "with several inputs each needs an alias", item.span, f"as in base::{item.value}"
                    )
                alias = "model"
            if alias in found:
                self.fail(f"the alias '{alias}' is given twice", item.span)
            found[alias] = PlanInput(alias, path, item.span)
        return list(found.values())

    def commands(self, node: Node | None) -> list[tuple[Command, Source]]:
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return []
        if not isinstance(node, Sequence):
            self.fail("transforms is a list of steps", node.span)
        found = (self.command(item) for item in node.items)
        return [each for each in found if each is not None]

    def command(self, item: Node) -> tuple[Command, Source] | None:
        if isinstance(item, Scalar) and isinstance(item.value, str):
            return self.oly(item)
        if not isinstance(item, Mapping) or len(item.pairs) != 1:
            self.fail(
                "a step is a map with one key, its operation, or a string that is OLY",
                item.span,
                "each step begins with '- '; its parameters are indented below it",
            )
        pair = item.pairs[0]
        payload: Node | None = pair.value
        if isinstance(payload, Scalar) and payload.value is None:
            payload = None
        return Command(pair.key, payload, pair.key_span), self.source

    def oly(self, item: Scalar) -> tuple[Command, Source] | None:
        """An OLY item. Where its text stands in the plan as it is, errors point there."""
        text = str(item.value)
        at = (self.source.line(item.span.line) or "").find(text)
        try:
            command = parse_line(text)
        except SurgeryError as error:
            span = error.details.span or Span(0, 1)
            if at < 0:
                source = Source(text, self.source.file, item.span.line)
                raise PlanError(error.message, hint=error.hint, span=span).located(source=source) from None
            self.fail(error.message, Span(span.start + at, span.end + at, item.span.line), error.hint)
        if command is None:
            return None
        if at < 0:
            return command, Source(text, self.source.file, item.span.line)
        return shifted(command, at, item.span.line), self.source

    def output(self, node: Node) -> Command | None:
        if isinstance(node, Scalar):
            if node.value is None:
                return None
            if not isinstance(node.value, str):
                self.fail("output is a path, or a map with one", node.span)
            return Command("save", Mapping((Pair("path", node, node.span),), node.span), node.span)
        if not isinstance(node, Mapping):
            self.fail("output is a path, or a map with one", node.span)
        self.only_known(node, OUTPUT_KEYS, "output")
        if node.get("path") is None:
            self.fail("output needs 'path'", node.span)
        return Command("save", node, node.span)

    def requires(self, node: Node | None) -> dict[str, str]:
        if node is None:
            return {}
        if not isinstance(node, Mapping):
            self.fail("requires is a map from aliases to fingerprints", node.span)
        found = {}
        for pair in node.pairs:
            if not isinstance(pair.value, Scalar) or not isinstance(pair.value.value, str):
                self.fail("a fingerprint is a string", pair.value.span)
            found[pair.key] = pair.value.value
        return found

    def only_known(self, node: Mapping, known: tuple[str, ...], what: str) -> None:
        for pair in node.pairs:
            if pair.key not in known:
                near = did_you_mean(pair.key, known)
                self.fail(
                    f"{what} has no key '{pair.key}'",
                    pair.key_span,
                    near or f"known keys: {', '.join(known)}",
                )

    def fail(self, message: str, span: Span | None, hint: str | None = None) -> NoReturn:
        raise PlanError(message, hint=hint, span=span).located(source=self.source)


def as_plan_error(error: SurgeryError, source: Source, span: Span | None = None) -> SurgeryError:
    """An error of the check, located in the plan; what does not check ends with the status of a bad plan."""
    from brainsurgery_shell.errors import CheckFailed

    error.located(source=source, span=span)
    if isinstance(error, (CheckFailed, PlanError)):
        return error
    wrong = PlanError(error.message)
    wrong.details = replace(error.details)
    return wrong
