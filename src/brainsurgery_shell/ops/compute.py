"""``compute``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import BROADCAST
from brainsurgery_shell.declaration.kinds import Completes, DTypeKind, Kind, Rename
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Names, Tensors
from brainsurgery_shell.errors import StepError, fail, listed
from brainsurgery_shell.graph.algebra import Algebra, Value
from brainsurgery_shell.graph.cast import cast
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.expression import parse_expression
from brainsurgery_shell.lang.expression_tree import Expression, Number, Operand
from brainsurgery_shell.lang.functions import FUNCTIONS
from brainsurgery_shell.lang.pieces import Piece
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Mapping, Node, Pair, Scalar
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Match, Selection, fill, find
from brainsurgery_shell.workspace.writes import Destination, Must, Writes

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Operands:
    """Names for tensors: the first is matched, the others are filled for each match."""

    first: Reference
    others: list[Template]
    names: list[str]

    def tensors(self, context: Context, match: Match) -> dict[str, LazyTensor]:
        """The tensors of one match, by the names that the expression has for them."""
        return {name: each.selected() for name, each in self._matches(context, match)}

    def shown(self, context: Context, match: Match) -> str:
        """The operands of one match, for messages: ``b base::w, f tuned::w``."""
        return listed([f"{name} {each.alias}::{each.name}" for name, each in self._matches(context, match)])

    def _matches(self, context: Context, match: Match) -> Iterator[tuple[str, Match]]:
        filled = (fill(context.workspace, each, match) for each in self.others)
        return zip(self.names, (match, *filled), strict=True)


@dataclass(frozen=True)
class Named(Kind):
    """A map from names to references: the first is matched, the others are templates."""

    words: str = "a map from names to references, such as { b: 'base::(.*)', f: 'tuned::\\1' }"
    completes: Completes = "tensors"

    def accept(self, node: Node) -> Operands:
        """The operands in the order written."""
        if not isinstance(node, Mapping) or not node.pairs:
            self.reject(node)
        for pair in node.pairs:
            if not _NAME.fullmatch(pair.key):
                fail(
                    f"'{pair.key}' is no name for an operand",
                    hint="letters, digits and '_', a letter first",
                    span=pair.key_span,
                )
            if pair.key in FUNCTIONS:
                fail(f"'{pair.key}' is a function: another name, please", span=pair.key_span)
        first, *others = node.pairs
        templates = [Names().accept(pair.value) for pair in others]
        return Operands(Tensors().accept(first.value), templates, [pair.key for pair in node.pairs])

    def matched(self, value: Operands) -> Reference | None:
        """The first."""
        return value.first

    def named(self, value: Operands, name: Rename) -> Node | None:
        """Every operand by its tensor's name."""
        sources: list[Reference | Template] = [value.first, *value.others]
        pairs = zip(value.names, sources, strict=True)
        return Mapping(tuple(Pair(key, Scalar(name(source))) for key, source in pairs))

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object", "additionalProperties": Tensors().schema(), "minProperties": 1}


@dataclass(frozen=True)
class Formula(Kind):
    """An expression, as text."""

    words: str = 'an expression, such as "b + 0.4 * (f - b)"'

    def accept(self, node: Node) -> Expression:
        """The expression; a number alone is none that has operands."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            self.reject(node)
        return parse_expression(Piece.of(node, node.value))

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string"}


@operation(
    "compute",
    Parameter("to", Names("a name or template"), "the results; existing ones keep their dtype"),
    Parameter(
        "let", Named(), "names for the operands; the first is matched, the others filled for each match"
    ),
    Parameter(
        "expr",
        Formula(),
        f"what is computed: operands, numbers, + - * / @ **, parentheses, {', '.join(FUNCTIONS)}",
    ),
    Parameter("dtype", DTypeKind(), "computed in; else operands must have one dtype", required=False),
    BROADCAST,
    examples=(
        "compute: to: 'out::\\1', let: { b: 'base::(.*)', f: 'tuned::\\1' }, "
        "expr: 'b + 0.4 * (f - b)', dtype: float32",
        "compute: to: '\\1', let: { w: '(.*_proj\\.weight)' }, expr: 'w / norm(w, dim=1, keepdim=true)'",
    ),
    selects=True,
)
def compute(
    context: Context,
    to: Template,
    let: Operands,
    expr: Expression,
    dtype: DType | None,
    broadcast: bool,
    selection: Selection,
) -> Edit:
    """Compute tensors by an expression over others."""
    expr.check(let.names)
    found = find(context.workspace, let.first, selection)
    found.check(*let.others, to)
    writes = Writes(context.workspace, len(found))
    for match in found:
        tensors = let.tensors(context, match)
        destination = writes.destination(to, match)
        try:
            result = _evaluated(expr, tensors, dtype, broadcast, destination.name)
            target = _dtype_of(context, destination, next(iter(tensors.values())))
            result = cast(result, target, name=destination.name, counted=True)
        except StepError as error:
            error.message = f"{destination.shown}, of {let.shown(context, match)}: {error.message}"
            raise
        writes.put(destination, result, Must.BE_ANY, match.name)
    return writes.edit()


def _dtype_of(context: Context, destination: Destination, first: LazyTensor) -> DType:
    """That of the tensor which is there, else that of the first operand."""
    before = context.workspace.checkpoints[destination.alias].tensors.get(destination.name)
    return first.dtype if before is None else before.dtype


def _evaluated(
    expr: Expression, tensors: dict[str, LazyTensor], dtype: DType | None, broadcast: bool, name: str
) -> LazyTensor:
    algebra = Algebra(dtype or _common(tensors), casts=dtype is not None, broadcast=broadcast)
    operands = {key: algebra.operand(tensor, name) for key, tensor in tensors.items()}
    stack: list[Value] = []
    for item in expr.items:
        if isinstance(item, Number):
            stack.append(item.value)
        elif isinstance(item, Operand):
            stack.append(operands[item.name])
        else:
            values = stack[-item.count :]
            del stack[-item.count :]
            try:
                stack.append(algebra.apply(item.function, values, dict(item.options)))
            except StepError as error:
                raise error.located(span=item.span) from None
    return algebra.result(stack[0])


def _common(tensors: dict[str, LazyTensor]) -> DType:
    """The one dtype of the operands; booleans, which may be conditions, aside."""
    numeric = {name: tensor.dtype for name, tensor in tensors.items() if tensor.dtype.cls != "bool"}
    (first, dtype), *others = (numeric or {name: each.dtype for name, each in tensors.items()}).items()
    for name, other in others:
        if other is not dtype:
            fail(
                f"dtypes differ: {first} is {dtype}, {name} is {other}",
                hint="say what to compute in, as in dtype: float32",
            )
    return dtype
