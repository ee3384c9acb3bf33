"""``fill`` and ``fill_``."""

from __future__ import annotations

from typing import Any

from brainsurgery_shell.declaration.families import BROADCAST, tensorwise
from brainsurgery_shell.declaration.kinds import Choice, Value, Values
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import expand, full, require_fits
from brainsurgery_shell.graph.sources import Values as ValuesKernel
from brainsurgery_shell.graph.tensor import LazyTensor, Shape, computed
from brainsurgery_shell.ops.rand import RANDOM, draw_seed, random_tensor
from brainsurgery_shell.ops.zeroes import require_fillable


def _prepare(arguments: dict[str, Any]) -> dict[str, int]:
    return draw_seed(arguments) if arguments["mode"] == "rand" else {}


@tensorwise(
    "fill",
    Parameter(
        "mode",
        Choice(("constant", "rand", "tensor")),
        "what to fill with",
        required=False,
        default="constant",
    ),
    Parameter("value", Value(), "the number, of constant", required=False),
    Parameter("values", Values(), "the numbers, of tensor, nested as the dims", required=False),
    *RANDOM,
    BROADCAST,
    examples=(
        "fill: from: 'h\\.(\\d+)\\.q::[:2, :]', to: 'h.\\1.gate', mode: constant, value: 0",
        "fill_: target: 'h\\.0\\..*', mode: rand, distribution: normal, std: 0.02, seed: 7",
    ),
    prepare=_prepare,
)
def fill(
    tensor: LazyTensor,
    *,
    name: str,
    mode: str,
    value: float | None,
    values: Any,
    broadcast: bool,
    **random: Any,
) -> LazyTensor:
    """Fill tensors of the source's shape and dtype with a constant, random numbers or given values."""
    require_fillable(tensor.dtype)
    _require_none_of_others(mode, {"value": value, "values": values, **random})
    if mode == "rand":
        return random_tensor(tensor.shape, tensor.dtype, name=name, **random)
    if mode == "constant":
        if value is None:
            fail("mode: constant needs 'value'")
        require_fits(value, tensor.dtype)
        return full(tensor.shape, tensor.dtype, value)
    if values is None:
        fail("mode: tensor needs 'values'")
    flat: list[float] = []
    shape = _flatten(values, flat)
    for each in flat:
        require_fits(each, tensor.dtype)
    if shape != tensor.shape and not broadcast:
        fail(
            f"the values have shape {list(shape)}, the tensor has {list(tensor.shape)}",
            hint="broadcast: true asks for broadcasting",
        )
    return expand(computed(shape, tensor.dtype, ValuesKernel(tuple(flat))), tensor.shape)


def _require_none_of_others(mode: str, given: dict[str, Any]) -> None:
    """Fail if a parameter is given that only another mode reads."""
    for name, value in given.items():
        if value is None or name == "distribution":  # whose default stands in every mode
            continue
        home = _MODE_OF.get(name, "rand")
        if home != mode:
            fail(f"'{name}' belongs to mode: {home}, and not to mode: {mode}")


_MODE_OF = {"value": "constant", "values": "tensor"}


def _flatten(values: Any, into: list[float]) -> Shape:
    """Append nested values in row-major order; their shape."""
    if not isinstance(values, list):
        into.append(values)
        return ()
    shapes = {_flatten(each, into) for each in values}
    if len(shapes) > 1:
        fail("the lists in 'values' differ in length")
    return (len(values), *(shapes.pop() if shapes else ()))
