"""``ones``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.operation import operation
from brainsurgery_shell.graph.build import full
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import Shape
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.ops.zeroes import NEW, create, require_fillable
from brainsurgery_shell.workspace.edit import Edit


@operation("ones", *NEW, examples=("ones: target: ln.weight, shape: [768]",))
def ones(context: Context, target: Template, shape: Shape, dtype: DType) -> Edit:
    """Create a tensor of ones."""
    require_fillable(dtype)
    return create(context, target, lambda name: full(shape, dtype, 1))
