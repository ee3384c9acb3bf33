"""``rand``, and the parameters of random numbers that ``fill`` shares."""

from __future__ import annotations

import math
import os
from typing import Any, Literal

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice, DTypeKind, Integer, Integers, Number
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Names
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import require_number
from brainsurgery_shell.graph.dtypes import BY_NAME, DType
from brainsurgery_shell.graph.sources import Distribution, Random
from brainsurgery_shell.graph.tensor import LazyTensor, Shape, computed
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.ops.zeroes import create
from brainsurgery_shell.workspace.edit import Edit

RANDOM = (
    Parameter(
        "distribution", Choice(("uniform", "normal")), "what is drawn from", required=False, default="uniform"
    ),
    Parameter("low", Number(), "least value, of uniform", required=False),
    Parameter("high", Number(), "upper bound, of uniform", required=False),
    Parameter("mean", Number(), "mean, of normal", required=False),
    Parameter("std", Number(), "standard deviation, of normal", required=False),
    Parameter("seed", Integer(), "seed; one is drawn and recorded if left out", required=False),
)


def draw_seed(arguments: dict[str, Any]) -> dict[str, int]:
    """Complete the arguments with a seed where none was given; what was drawn is returned for the journal."""
    if arguments["seed"] is not None:
        return {}
    seed = arguments["seed"] = int.from_bytes(os.urandom(4), "little") >> 1
    return {"seed": seed}


def random_tensor(
    shape: Shape,
    dtype: DType,
    *,
    name: str,
    distribution: Literal["uniform", "normal"],
    low: float | None,
    high: float | None,
    mean: float | None,
    std: float | None,
    seed: int,
) -> LazyTensor:
    """Random numbers of the tensor's own stream: uniform in [low, high) (0, 1), or normal (mean 0, std 1)."""
    if dtype.cls != "float" or dtype.packed:
        fail(f"random numbers are floats, not {dtype}")
    if distribution == "uniform":
        if mean is not None or std is not None:
            fail("mean and std belong to distribution: normal")
        a, b = 0.0 if low is None else low, 1.0 if high is None else high
        if not a <= b:
            fail(f"low ({a}) must not be above high ({b})")
    else:
        if low is not None or high is not None:
            fail("low and high belong to distribution: uniform")
        a, b = 0.0 if mean is None else mean, 1.0 if std is None else std
        if not b >= 0:
            fail(f"std must not be negative, and is {b}")
    for bound in (a, b, b - a):
        require_number(
            bound, dtype if dtype.arithmetic else BY_NAME["float32"], f"the bounds of {distribution}"
        )
        if not math.isfinite(bound):
            fail(f"the bounds of {distribution} are finite, not {bound}")
    return computed(shape, dtype, Random(seed, name, Distribution(distribution, float(a), float(b))))


@operation(
    "rand",
    Parameter("target", Names("a new name"), "the name of the new tensor"),
    Parameter("shape", Integers("a shape", least=0), "its shape"),
    Parameter("dtype", DTypeKind(), "its dtype", required=False, default=BY_NAME["float32"]),
    *RANDOM,
    examples=("rand: target: lora_a, shape: [8, 768], distribution: normal, std: 0.02, seed: 1",),
)
def rand(context: Context, target: Template, shape: Shape, dtype: DType, **arguments: Any) -> Edit:
    """Create a tensor of random numbers. The seed and the name alone decide which."""
    drawn = draw_seed(arguments)
    edit = create(context, target, lambda name: random_tensor(shape, dtype, name=name, **arguments))
    edit.drawn.update(drawn)
    return edit
