"""Dtypes by their torch names, without torch.

The table is the one place that knows every dtype: its torch name, its safetensors code, its width and
what kind of numbers it holds. ``arithmetic`` says whether torch computes on it on the CPU; tensors of the
other dtypes can be renamed, sliced, compared and saved, but must be cast before they are computed with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from brainsurgery_shell.errors import StepError, did_you_mean

DTypeClass = Literal["float", "int", "bool", "complex", "opaque"]


@dataclass(frozen=True, slots=True, eq=False)
class DType:
    """One dtype. Instances are unique: compare with ``is``."""

    name: str
    """As torch spells it, without ``torch.``."""
    code: str
    """As a safetensors header spells it; empty if safetensors has no code for it."""
    bits: int
    """Width of one element; 4 and 6 are packed."""
    cls: DTypeClass
    arithmetic: bool = True
    lowest: float = 0
    highest: float = 0
    """The range of finite values (of whole numbers: the exact bounds)."""

    @property
    def itemsize(self) -> int:
        """Bytes of one element; for packed dtypes 1, which is what alignment needs."""
        return max(1, self.bits // 8)

    @property
    def packed(self) -> bool:
        """Whether several elements share a byte: then a tensor moves only as a whole."""
        return self.bits % 8 != 0

    def __repr__(self) -> str:
        return self.name


def _float(name: str, code: str, bits: int, highest: float, arithmetic: bool = True) -> DType:
    return DType(name, code, bits, "float", arithmetic, -highest, highest)


def _int(name: str, code: str, bits: int, signed: bool, arithmetic: bool = True) -> DType:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return DType(name, code, bits, "int", arithmetic, low, high)


ALL: tuple[DType, ...] = (
    _float("float64", "F64", 64, 1.7976931348623157e308),
    _float("float32", "F32", 32, 3.4028234663852886e38),
    _float("float16", "F16", 16, 65504.0),
    _float("bfloat16", "BF16", 16, 3.3895313892515355e38),
    _float("float8_e4m3fn", "F8_E4M3", 8, 448.0, arithmetic=False),
    _float("float8_e4m3fnuz", "F8_E4M3FNUZ", 8, 240.0, arithmetic=False),
    _float("float8_e5m2", "F8_E5M2", 8, 57344.0, arithmetic=False),
    _float("float8_e5m2fnuz", "F8_E5M2FNUZ", 8, 57344.0, arithmetic=False),
    _float("float8_e8m0fnu", "F8_E8M0", 8, 1.7014118346046923e38, arithmetic=False),
    _int("int64", "I64", 64, signed=True),
    _int("int32", "I32", 32, signed=True),
    _int("int16", "I16", 16, signed=True),
    _int("int8", "I8", 8, signed=True),
    _int("uint8", "U8", 8, signed=False),
    _int("uint16", "U16", 16, signed=False, arithmetic=False),
    _int("uint32", "U32", 32, signed=False, arithmetic=False),
    _int("uint64", "U64", 64, signed=False, arithmetic=False),
    DType("bool", "BOOL", 8, "bool", False, 0, 1),
    DType("complex64", "C64", 64, "complex"),
    DType("complex128", "", 128, "complex"),
    DType("float4_e2m1fn", "F4", 4, "opaque", False),
    DType("float6_e2m3fn", "F6_E2M3", 6, "opaque", False),
    DType("float6_e3m2fn", "F6_E3M2", 6, "opaque", False),
)

BY_NAME: dict[str, DType] = {dtype.name: dtype for dtype in ALL}
BY_CODE: dict[str, DType] = {dtype.code: dtype for dtype in ALL if dtype.code}

_SHORT = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "f16": "float16",
    "half": "float16",
    "fp32": "float32",
    "f32": "float32",
    "float": "float32",
    "fp64": "float64",
    "f64": "float64",
    "double": "float64",
    "fp8": "float8_e4m3fn",
    "i64": "int64",
    "long": "int64",
    "i32": "int32",
    "int": "int32",
    "i16": "int16",
    "short": "int16",
    "i8": "int8",
    "u8": "uint8",
    "u16": "uint16",
    "u32": "uint32",
    "u64": "uint64",
    "cfloat": "complex64",
    "cdouble": "complex128",
}


def parse_dtype(text: str) -> DType:
    """The dtype that ``text`` names: ``float32``, ``torch.float32``, ``f32``, ``bf16`` …

    Raises:
        StepError: there is no such dtype.
    """
    name = text.strip().removeprefix("torch.").lower()
    name = _SHORT.get(name, name)
    found = BY_NAME.get(name)
    if found is None:
        raise StepError(
            f"unknown dtype '{text}'",
            hint=did_you_mean(name, [*BY_NAME, *_SHORT])
            or "dtypes have their torch names: float32, bfloat16, int64 …",
        )
    return found
