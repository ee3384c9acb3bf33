"""The fields of a plan: from the tree of its file to inputs, commands, output, requirements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.describe import load_declarations
from brainsurgery_shell.errors import (
    OlySyntaxError,
    PlanError,
    Source,
    Span,
    StepError,
    SurgeryError,
    did_you_mean,
)
from brainsurgery_shell.lang.names import split_alias
from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair, Scalar, Sequence, command_of
from brainsurgery_shell.session.plan import Plan, PlanInput, Requirement
from brainsurgery_shell.session.plan_oly import parse_step

KEYS = ("inputs", "input", "transforms", "output", "requires")
OUTPUT = "save"
"""A plan's output is this operation, with some of its parameters."""
OUTPUT_KEYS = ("path", "format", "shard", "alias", "overwrite", "resume")
_WHAT_IT_IS = "a plan is a map with inputs, transforms and output"
_AN_INPUT = "an input is a path, or alias::path"
_A_STEP = "a step is a map with one key, its operation, or a string that is OLY"

Given = ParamSpec("Given")
Read = TypeVar("Read")


class PlanReader:
    """Reads one plan file. What is wrong goes to ``problems``; the next field or step is read."""

    def __init__(
        self, source: Source, folder: Path, missing_commas: list[Span], problems: list[SurgeryError]
    ) -> None:
        self.source = source
        self.folder = folder
        self.missing_commas = missing_commas
        self.problems = problems

    def root(self, node: Node | None) -> Mapping:
        """The map that a plan is. A list alone is its transforms, operations at the top are steps of them."""
        load_declarations()
        if node is None or _is_null(node) or node == Mapping(()):
            self.fail(f"this plan is empty: {_WHAT_IT_IS}", Span(0, 1))
        if isinstance(node, Sequence):
            return Mapping((Pair("transforms", node, node.span),), node.span)
        if not isinstance(node, Mapping):
            self.fail(_WHAT_IT_IS, node.span)
        steps = [pair for pair in node.pairs if pair.key not in KEYS and OPERATIONS.get(pair.key) is not None]
        if not steps:
            return node
        if node.get("transforms") is not None:
            self.fail(
                f"'{steps[0].key}' is a step, and this plan has transforms",
                steps[0].key_span,
                f"make it an item of transforms: - {steps[0].key}: …",
            )
        items = Sequence(tuple(Mapping((pair,), pair.key_span) for pair in steps), steps[0].key_span)
        others = [pair for pair in node.pairs if pair not in steps]
        return Mapping((*others, Pair("transforms", items, steps[0].key_span)), node.span)

    def read(self, root: Mapping) -> Plan:
        """The plan in a map."""
        for pair in root.pairs:
            self.attempt(self.known, pair, KEYS, "a plan")
        inputs = self.attempt(self.inputs, root) or []
        commands = self.attempt(self.commands, root.get("transforms")) or []
        return Plan(
            self.source,
            self.folder,
            inputs,
            commands,
            self.attempt(self.output, root.get("output")),
            self.attempt(self.requires, root.get("requires")) or {},
            [self.notice(span) for span in self.missing_commas],
        )

    def attempt(self, read: Callable[Given, Read], *given: Given.args, **named: Given.kwargs) -> Read | None:
        """What ``read`` gives; ``None`` if that is wrong, which is noted."""
        try:
            return read(*given, **named)
        except SurgeryError as error:
            self.problems.append(error)
            return None

    def inputs(self, root: Mapping) -> list[PlanInput]:
        """``inputs``, or ``input``: a list, or one."""
        many, one = root.get("inputs"), root.get("input")
        if many is not None and one is not None:
            self.fail("a plan has inputs or input, not both", one.span)
        node = many if many is not None else one
        if node is None or _is_null(node):
            return []
        items = node.items if isinstance(node, Sequence) else (node,)
        found: dict[str, PlanInput] = {}
        for item in items:
            each = self.attempt(self.one_input, item, len(items) == 1)
            if each is None:
                continue
            if each.alias in found:
                error = PlanError(f"the alias '{each.alias}' is given twice", span=item.span)
                self.problems.append(error.located(source=self.source))
            found[each.alias] = each
        return list(found.values())

    def one_input(self, item: Node, alone: bool) -> PlanInput:
        """``alias::path``, or a path; the only input needs no alias."""
        if isinstance(item, Mapping) and len(item.pairs) == 1:
            pair = item.pairs[0]
            path = pair.value.value if isinstance(pair.value, Scalar) else "path"
            self.fail(_AN_INPUT, item.span, f"as in {pair.key}::{path}")
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            self.fail(_AN_INPUT, item.span, "quote it" if isinstance(item, Scalar) else None)
        alias, path = split_alias(item.value)
        if not path:
            self.fail(f"{_AN_INPUT}, and there is no path", item.span)
        if alias is None:
            if not alone:
                self.fail("with several inputs each needs an alias", item.span, f"as in base::{path}")
            alias = "model"
        return PlanInput(alias, path, item.span)

    def commands(self, node: Node | None) -> list[tuple[Command, Source]]:
        """``transforms``."""
        if node is None or _is_null(node):
            return []
        if not isinstance(node, Sequence):
            self.fail("transforms is a list of steps", node.span, "each step begins with '- '")
        found = [self.attempt(self.command, item) for item in node.items]
        return [each for each in found if each is not None]

    def command(self, item: Node) -> tuple[Command, Source] | None:
        """One step; ``None`` if it is a comment."""
        if isinstance(item, Scalar) and isinstance(item.value, str):
            return self.oly(item)
        if not isinstance(item, Mapping) or len(item.pairs) != 1:
            self.fail(_A_STEP, item.span, "each step begins with '- '; its parameters are indented below it")
        return command_of(item.pairs[0]), self.source

    def oly(self, item: Scalar) -> tuple[Command, Source] | None:
        """An OLY item. Where its text stands in the plan as it is, errors point there."""
        text, line = str(item.value), item.span.line
        at = (self.source.line(line) or "").find(text, item.span.start)
        source = self.source if at >= 0 else Source(text, self.source.file, line)
        try:
            command, missing = parse_step(text, max(at, 0), line if at >= 0 else 1)
        except OlySyntaxError as error:
            raise PlanError(error.message, hint=error.hint, span=error.details.span).located(
                source=source
            ) from None
        self.missing_commas += [Span(span.start, span.end, line) for span in missing]
        return None if command is None else (command, source)

    def output(self, node: Node | None) -> Command | None:
        """``output``, as the ``save`` that it is; nulls in it leave a default."""
        if node is None or _is_null(node):
            return None
        if isinstance(node, Scalar):
            if not isinstance(node.value, str):
                self.fail("output is a path, or a map with one", node.span, "quote it")
            node = Mapping((Pair("path", node, node.span),), node.span)
        if not isinstance(node, Mapping):
            self.fail("output is a path, or a map with one", node.span)
        for pair in node.pairs:
            self.attempt(self.known, pair, OUTPUT_KEYS, "output")
        given = [pair for pair in node.pairs if pair.key in OUTPUT_KEYS]
        pairs = tuple(pair for pair in given if pair.key == "shard" or not _is_null(pair.value))
        if not any(pair.key == "path" for pair in pairs):
            self.fail("output needs 'path'", node.span)
        command = Command(OUTPUT, Mapping(self.output_alias(pairs), node.span), node.span)
        try:
            bind(command)
        except StepError as error:
            said = error.message.removeprefix(f"{OUTPUT}: ")
            self.fail(f"output: {said}", error.details.span, error.hint)
        return command

    def output_alias(self, pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
        """A path that is ``alias::path``, as those of inputs are, as two parameters."""
        [node] = [pair.value for pair in pairs if pair.key == "path"]
        alias, path = split_alias(str(node.value)) if isinstance(node, Scalar) else (None, "")
        if alias is None:
            return pairs
        if not path or any(pair.key == "alias" for pair in pairs):
            self.fail("output: path is a path, or alias::path without another alias", node.span)
        rest = (
            Pair(pair.key, Scalar(path, node.span), pair.key_span) if pair.key == "path" else pair
            for pair in pairs
        )
        return (*rest, Pair("alias", Scalar(alias, node.span), node.span))

    def requires(self, node: Node | None) -> dict[str, Requirement]:
        """``requires``."""
        if node is None or _is_null(node):
            return {}
        if not isinstance(node, Mapping):
            self.fail("requires is a map from aliases to fingerprints", node.span)
        found = {}
        for pair in node.pairs:
            if not isinstance(pair.value, Scalar) or not isinstance(pair.value.value, str):
                self.fail("a fingerprint is a string", pair.value.span, "summarize: requires: … writes them")
            found[pair.key] = Requirement(pair.value.value, pair.key_span)
        return found

    def known(self, pair: Pair, known: tuple[str, ...], what: str) -> None:
        """Note it if ``pair`` has no key that is known."""
        if pair.key not in known:
            near = did_you_mean(pair.key, (*known, *OPERATIONS.names()) if known is KEYS else known)
            hint = near or f"known keys: {', '.join(known)}"
            self.fail(f"{what} has no key '{pair.key}'", pair.key_span, hint)

    def notice(self, span: Span) -> str:
        """What is said of a missing comma."""
        where = f"{self.source.file}, line {span.line}, column {span.start + 1}"
        return f"{where}: a comma is missing here; read as if it stood there"

    def fail(self, message: str, span: Span | None, hint: str | None = None) -> NoReturn:
        """Raise what is wrong, located in the plan."""
        raise PlanError(message, hint=hint, span=span).located(source=self.source)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None
