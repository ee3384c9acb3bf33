"""``zeroes``, and what the operations that create a tensor share."""

from __future__ import annotations

from collections.abc import Callable

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import DTypeKind, Integers
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Names
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import full
from brainsurgery_shell.graph.dtypes import BY_NAME, DType
from brainsurgery_shell.graph.tensor import LazyTensor, Shape
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.writes import Destination, Must, Writes, literal_name

NEW = (
    Parameter("target", Names("a new name"), "the name of the new tensor"),
    Parameter("shape", Integers("a shape", least=0), "its shape"),
    Parameter("dtype", DTypeKind(), "its dtype", required=False, default=BY_NAME["float32"]),
)


def create(context: Context, target: Template, make: Callable[[str], LazyTensor]) -> Edit:
    """One new tensor, made from its name."""
    if target.slice is not None:
        fail(
            "a new tensor has no slices yet", hint="fill_ fills a slice of an existing one", span=target.span
        )
    alias = context.workspace.alias(target.alias, target.span)
    name = literal_name(target)
    writes = Writes(context.workspace, 1)
    writes.put(Destination(alias, name, None, target.span), make(name), Must.BE_NEW, name)
    return writes.edit()


def require_fillable(dtype: DType) -> None:
    """Fail for dtypes that torch has no values of."""
    if dtype.packed:
        fail(f"torch cannot make {dtype} values")


@operation("zeroes", *NEW, examples=("zeroes: target: bias, shape: [768], dtype: bfloat16",))
def zeroes(context: Context, target: Template, shape: Shape, dtype: DType) -> Edit:
    """Create a tensor of zeroes."""
    require_fillable(dtype)
    return create(context, target, lambda name: full(shape, dtype, 0))
