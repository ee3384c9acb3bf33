"""How expressions are declared, and the kind of parameter that takes one.

An expression is declared like an operation; its function returns ``None`` if it holds, else the problem in
words. While a plan is checked no data may be read: expressions that need data then only check their
references and raise ``Undecided``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.bind import bind_arguments
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Completes, Kind
from brainsurgery_shell.declaration.operation import EXPRESSIONS, Operation, Parameter, summary_of
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.tree import Mapping, Node


class Undecided(Exception):
    """While a plan is checked: only data can tell whether the expression holds."""


Holds = Callable[..., "str | None"]

OF = Parameter("of", Tensors(), "the tensors")


@dataclass(frozen=True, slots=True)
class Assertion:
    """A declared expression with its arguments."""

    expression: Operation
    arguments: dict[str, Any]

    def problem(self, context: Context) -> str | None:
        """What does not hold, or ``None``."""
        found: str | None = self.expression.run(context, **self.arguments)  # type: ignore[assignment]
        return found


def expression(
    name: str, *parameters: Parameter, examples: tuple[str, ...], primary: str | None = None
) -> Callable[[Holds], Holds]:
    """Declare the decorated function as an assertion expression."""

    def declare(holds: Holds) -> Holds:
        EXPRESSIONS.add(
            Operation(
                name,
                summary_of(holds),
                parameters,
                holds,  # type: ignore[arg-type]
                examples,
                primary or parameters[0].name,
                inspects=True,
            )
        )
        return holds

    return declare


class Expression(Kind):
    """An assertion expression: a map with one key."""

    words = "an expression, as in { exists: 'name' }"
    completes: Completes = "expressions"

    def accept(self, node: Node) -> Assertion:
        """Bind the expression to its declaration."""
        if not EXPRESSIONS.names():
            from brainsurgery_shell.assertions import load_all

            load_all()
        if not isinstance(node, Mapping):
            self.reject(node, hint=f"expressions: {', '.join(EXPRESSIONS.names())}")
        if len(node.pairs) != 1:
            self.reject(node, hint="several conditions go into all: [{ … }, { … }]")
        pair = node.pairs[0]
        declared = EXPRESSIONS.get(pair.key)
        if declared is None:
            raise StepError(
                f"unknown expression '{pair.key}'",
                hint=EXPRESSIONS.hint(pair.key, f"expressions: {', '.join(EXPRESSIONS.names())}"),
                span=pair.key_span,
            )
        return Assertion(declared, bind_arguments(declared, pair.value, pair.key_span))

    def schema(self) -> dict[str, Any]:
        """A map with one key; the schema of a plan says which."""
        return {"$ref": "#/$defs/expression"}
