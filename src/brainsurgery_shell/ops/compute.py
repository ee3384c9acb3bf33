"""``compute``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import BROADCAST
from brainsurgery_shell.declaration.kinds import Completes, DTypeKind, Kind, Rename
from brainsurgery_shell.declaration.offers import Asked, Offer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Names, Tensors
from brainsurgery_shell.errors import StepError, fail, listed
from brainsurgery_shell.graph.algebra import Algebra, Value
from brainsurgery_shell.graph.cast import cast
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.fuse import Part, rebindable
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.expression import parse_expression
from brainsurgery_shell.lang.expression_prefix import unfinished
from brainsurgery_shell.lang.expression_tree import Expression, Number, Operand
from brainsurgery_shell.lang.functions import FUNCTIONS, usage
from brainsurgery_shell.lang.pieces import Piece
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Mapping, Node, Pair, Scalar
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Columns, Selection, fill_all, find
from brainsurgery_shell.workspace.writes import Must, Writes

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Operands:
    """Names for tensors: the first is matched, the others are filled for each match."""

    first: Reference
    others: list[Template]
    names: list[str]

    def shown(self, sources: Sequence[Columns], at: int) -> str:
        """The operands of one match, for messages: ``b base::w, f tuned::w``."""
        pairs = zip(self.names, sources, strict=True)
        return listed([f"{name} {each.alias}::{each.names[at]}" for name, each in pairs])


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

    def keys(self, asked: Asked) -> Iterable[Offer]:
        """Names are free; those of the open checkpoints are likely."""
        return [Offer(alias, f"an operand of {alias}::") for alias in asked.session.workspace.checkpoints]

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

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """Operands of ``let``, functions, options and signs: what may come next."""
        found = unfinished(asked.typed)
        if found is None:
            return []
        let = asked.given.get("let")
        operands = [pair.key for pair in let.pairs] if isinstance(let, Mapping) and found.operand else []
        words = [(name, "an operand") for name in operands]
        words += [(f"{name}(", usage(name)) for name in FUNCTIONS if found.operand]
        words += [(f"{name}=", "an option") for name in found.options]
        words += [(name, "") for name in ("true", "false") if found.booleans]
        front, typed = asked.typed[: found.start], asked.typed[found.start :]
        if found.signs:
            signs = [(f"{sign} " if sign != ")" else sign, sign) for sign in found.signs]
            return [Offer(front + each, shown=sign, final=False) for each, sign in signs]
        return [
            Offer(front + word, about, word, final=False) for word, about in words if word.startswith(typed)
        ]

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
    sources: list[Columns] = [found, *(fill_all(context.workspace, each, found) for each in let.others)]
    destinations = writes.destinations(to, found)
    there = context.workspace.checkpoints[destinations.alias].tensors
    evaluation = _Evaluation(expr, let.names, dtype, broadcast)
    results = []
    operands = zip(*(each.selected() for each in sources), strict=True)
    for name, tensors in zip(destinations.names, operands, strict=True):
        try:
            result = evaluation.result(tensors, name)
            results.append(cast(result, there.get(name, tensors[0]).dtype, name=name, counted=True))
        except StepError as error:
            shown = f"{destinations.alias}::{name}"
            error.message = f"{shown}, of {let.shown(sources, len(results))}: {error.message}"
            raise
    writes.put_all(destinations, results, Must.BE_ANY, found.names)
    return writes.edit()


class _Evaluation:
    """Evaluates an expression for match after match."""

    def __init__(self, expr: Expression, names: Sequence[str], dtype: DType | None, broadcast: bool) -> None:
        self.expr = expr
        self.names = names
        self.dtype = dtype
        self.broadcast = broadcast
        self._known: dict[object, Callable[[Sequence[LazyTensor]], LazyTensor] | None] = {}

    def result(self, tensors: Sequence[LazyTensor], name: str) -> LazyTensor:
        """The result, of operands in the order of their names; ``name`` is for the warning about overflow.

        Operands of the same shapes and dtypes share a program, and its checks, where it is one fused kernel.
        """
        dtype = self.dtype or _common(dict(zip(self.names, tensors, strict=True)))
        algebra = Algebra(dtype, casts=self.dtype is not None, broadcast=self.broadcast)
        inputs = [algebra.converted(each, name) for each in tensors]
        key = (dtype, *((each.shape, each.dtype) for each in inputs))
        if key not in self._known:
            stand_ins = [LazyTensor(each.shape, each.dtype) for each in inputs]
            self._known[key] = rebindable(self._value(algebra, stand_ins), stand_ins)
        again = self._known[key]
        return again(inputs) if again is not None else self._value(algebra, inputs).seal()

    def _value(self, algebra: Algebra, inputs: Sequence[LazyTensor]) -> Part:
        operands = dict(zip(self.names, map(algebra.operand, inputs), strict=True))
        stack: list[Value] = []
        for item in self.expr.items:
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
