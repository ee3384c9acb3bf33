"""What a file with operations of your own imports: see docs/extending.md.

Only these names are kept stable; the modules that they come from may change.
"""

from __future__ import annotations

from brainsurgery_shell.assertions.declare import OF, Expression, Undecided, expression
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import BROADCAST, FROM, TARGET, TO_NEW, pairwise, tensorwise
from brainsurgery_shell.declaration.kinds import (
    Boolean,
    Choice,
    DTypeKind,
    Integer,
    Integers,
    Kind,
    Label,
    Number,
    Size,
    Text,
    Value,
    Values,
)
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import ListOf, Names, Tensors
from brainsurgery_shell.errors import fail
from brainsurgery_shell.extensions.functions import elementwise, whole
from brainsurgery_shell.graph.build import (
    bound,
    concat,
    expand,
    full,
    permute,
    require_arithmetic,
    require_number,
    require_same,
    reshape,
    resolve_dim,
    take,
)
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.dtypes import parse_dtype as dtype
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit, Report
from brainsurgery_shell.workspace.matching import Match, Selection, fill, find
from brainsurgery_shell.workspace.writes import Destination, Must, Writes

__all__ = [
    "BROADCAST",
    "FROM",
    "OF",
    "TARGET",
    "TO_NEW",
    "Boolean",
    "Choice",
    "Context",
    "DType",
    "DTypeKind",
    "Destination",
    "Edit",
    "Expression",
    "Integer",
    "Integers",
    "Kind",
    "Label",
    "LazyTensor",
    "ListOf",
    "Match",
    "Must",
    "Names",
    "Number",
    "Parameter",
    "Reference",
    "Report",
    "Selection",
    "Size",
    "Template",
    "Tensors",
    "Text",
    "Undecided",
    "Value",
    "Values",
    "Writes",
    "bound",
    "concat",
    "dtype",
    "elementwise",
    "expand",
    "expression",
    "fail",
    "fill",
    "find",
    "full",
    "operation",
    "pairwise",
    "permute",
    "require_arithmetic",
    "require_number",
    "require_same",
    "reshape",
    "resolve_dim",
    "take",
    "tensorwise",
    "whole",
]
