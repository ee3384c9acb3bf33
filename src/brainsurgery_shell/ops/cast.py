"""``cast`` and ``cast_``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brainsurgery_shell.declaration.families import tensorwise
from brainsurgery_shell.declaration.kinds import Choice, DTypeKind
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.errors import StepError, listed
from brainsurgery_shell.graph.cast import Cast
from brainsurgery_shell.graph.cast import cast as cast_tensor
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.tensor import LazyTensor

OVERFLOW = Parameter(
    "overflow",
    Choice(("warn", "error", "allow")),
    "what to do when finite values become infinite or are clipped",
    required=False,
    default="warn",
)


def _strict(
    arguments: dict[str, Any], results: list[tuple[str, LazyTensor]]
) -> Callable[[Evaluator], None] | None:
    """With ``overflow: error``, evaluate the casts at their step."""
    if arguments["overflow"] != "error":
        return None

    def check(evaluator: Evaluator) -> None:
        bad = []
        for name, result in results:
            cast = result.kernel
            count = cast.count_overflow(evaluator.chunks) if isinstance(cast, Cast) else 0
            if count:
                bad.append(f"{name} ({count} values)")
        if bad:
            raise StepError(
                f"the cast overflows in {listed(bad)}",
                hint="clamp_ the values first, choose a wider dtype, or allow it: overflow: allow",
            )

    return check


@tensorwise(
    "cast",
    Parameter("dtype", DTypeKind(), "the dtype"),
    OVERFLOW,
    in_place_parameters=(Parameter("to", DTypeKind(), "the dtype", aka=("dtype",)), OVERFLOW),
    examples=("cast: from: w, to: w16, dtype: float16", "cast_: target: '.*', to: bfloat16"),
    check=_strict,
)
def cast(
    tensor: LazyTensor, *, name: str, overflow: str, dtype: DType | None = None, to: DType | None = None
) -> LazyTensor:
    """Convert tensors to another dtype, rounded as torch does."""
    target = dtype or to
    assert target is not None  # one of the two is required, by the declaration
    return cast_tensor(tensor, target, name=name, counted=overflow != "allow")
