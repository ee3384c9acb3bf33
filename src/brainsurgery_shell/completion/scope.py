"""What the declarations say may stand at a place: whose parameters, or which kind of value."""

from __future__ import annotations

from dataclasses import dataclass, field

from brainsurgery_shell.declaration.kinds import Kind, Text
from brainsurgery_shell.declaration.operation import EXPRESSIONS, OPERATIONS, Operation, Parameter
from brainsurgery_shell.declaration.references import Conditions, ListOf, Names, Tensors
from brainsurgery_shell.errors import OlySyntaxError
from brainsurgery_shell.lang.parser import parse_value
from brainsurgery_shell.lang.position import Position
from brainsurgery_shell.lang.tokens import Kind as TokenKind
from brainsurgery_shell.lang.tokens import Walker
from brainsurgery_shell.lang.tree import Node, Sequence

_REFERENCES = ("tensors", "names", "captures")


@dataclass(frozen=True, slots=True)
class Scope:
    """A place in the declarations. Empty where they say nothing."""

    owner: Operation | None = None
    """The operation or expression whose payload is here."""
    kind: Kind | None = None
    """The kind of the value that is here."""
    segment: bool = False
    """Whether it is a segment of a structured reference of that kind."""
    parameter: Parameter | None = None
    """The parameter whose value it is."""
    of_plan: bool = False
    """Whether a step of a plan stands here."""

    def child(self, step: str | int) -> Scope:
        """The scope under a key, or at an index of a list."""
        if self.owner is not None:
            return _in_payload(self.owner, step)
        if self.is_step:
            return Scope(_operation(step, in_plans=self.of_plan))
        if self.kind is None or self.segment:
            return Scope()
        return _in_list(self.kind, step) if isinstance(step, int) else _in_map(self.kind, step)

    @property
    def takes_expression(self) -> bool:
        """Whether an assertion's expression stands here, as a map."""
        if self.owner is not None:
            primary = primary_of(self.owner)
            return primary is not None and primary.whole_payload and _is_expression(primary.kind)
        return self.kind is not None and not self.segment and _is_expression(self.kind)

    @property
    def is_step(self) -> bool:
        """Whether a map with one operation stands here, or a string with its line."""
        return self.of_plan or (self.kind is not None and self.kind.completes == "step")

    @property
    def takes_step(self) -> bool:
        """Whether the payload here may be a step as it stands."""
        primary = primary_of(self.owner) if self.owner is not None else None
        return primary is not None and primary.whole_payload and primary.kind.completes == "step"

    @property
    def is_map(self) -> bool:
        """Whether keys may stand here, within braces."""
        return self.owner is not None or self.is_step or self.takes_expression or self._has_keys

    @property
    def _has_keys(self) -> bool:
        return self.kind is not None and not self.segment and self.kind.schema().get("type") == "object"

    @property
    def takes_list(self) -> bool:
        """Whether a bracket may open here."""
        if self.kind is None or self.segment or self.owner is not None:
            return False
        if self.kind.completes == "steps":
            return True
        schema = self.kind.schema()
        return any("array" in each.get("type", ()) for each in (schema, *schema.get("anyOf", ())))

    @property
    def lists_references(self) -> bool:
        """Whether the value is a list of references, of which the first is matched."""
        if self.kind is None or self.segment or isinstance(self.kind, ListOf | Tensors | Names):
            return False
        return self.kind.completes in _REFERENCES


def scope_at(position: Position) -> Scope:
    """The scope that the path of a position leads to."""
    scope = Scope(OPERATIONS.get(position.command or ""))
    for step in position.path:
        scope = scope.child(step)
    return scope


def primary_of(operation: Operation) -> Parameter | None:
    """The parameter that a bare value goes to."""
    return operation.parameter(operation.primary) if operation.primary else None


def _is_expression(kind: Kind) -> bool:
    return kind.completes == "expressions" and not isinstance(kind, Text | ListOf)


def _in_payload(owner: Operation, step: str | int) -> Scope:
    parameter = owner.parameter(step) if isinstance(step, str) else None
    if parameter is not None:
        return Scope(kind=parameter.kind, parameter=parameter)
    primary = primary_of(owner)
    if primary is None or (isinstance(step, str) and not primary.whole_payload):
        return Scope()
    return Scope(kind=primary.kind).child(step)


def _operation(step: str | int, *, in_plans: bool) -> Operation | None:
    """An operation; ``in_plans``: that a plan may hold."""
    found = OPERATIONS.get(step) if isinstance(step, str) else None
    return found if found is not None and (found.in_plans or not in_plans) else None


def _in_list(kind: Kind, index: int) -> Scope:
    if isinstance(kind, ListOf):
        return Scope(kind=kind.item)
    if kind.completes == "steps":
        return Scope(of_plan=True)
    if isinstance(kind, Tensors | Names):
        return Scope(kind=kind, segment=True)
    if Scope(kind=kind).lists_references:
        return Scope(kind=Tensors() if index == 0 else Names())
    return Scope(kind=kind) if _is_expression(kind) else Scope()


def _in_map(kind: Kind, key: str) -> Scope:
    if isinstance(kind, Conditions):
        return Scope(kind=kind.fields.get(key))
    if _is_expression(kind):
        return Scope(EXPRESSIONS.get(key))
    return Scope(kind=Tensors()) if kind.completes in _REFERENCES else Scope()


@dataclass(frozen=True, slots=True)
class Around:
    """What is complete around the cursor."""

    pairs: dict[str, Node] = field(default_factory=dict)
    """The pairs before it in the map, or payload, around it."""
    items: tuple[Node, ...] = ()
    """The items before it in the list around it."""


def around(text: str, start: int) -> Around:
    """What stands around a value that begins at ``start``."""
    walker = Walker(text[:start])
    openings: list[int] = []
    for token in walker.tokens():
        if token.kind is TokenKind.OPEN:
            openings.append(token.start)
        elif token.kind is TokenKind.CLOSE:
            openings.pop()
    innermost = next((frame for frame in reversed(walker.frames) if not frame.is_list), None)
    pairs: dict[str, Node] = {}
    for key, (first, end) in (innermost.values if innermost else {}).items():
        node = _parsed(text[first:end])
        if node is not None:
            pairs[key] = node
    if not openings or not walker.frames or not walker.frames[-1].is_list:
        return Around(pairs)
    before = text[openings[-1] : start].rstrip(" \t").removesuffix(",")
    listed = _parsed(before + "]")
    return Around(pairs, listed.items if isinstance(listed, Sequence) else ())


def _parsed(text: str) -> Node | None:
    """The value that is complete, unless it is wrong: then the parser will say so."""
    try:
        return parse_value(text)[0]
    except OlySyntaxError:
        return None
