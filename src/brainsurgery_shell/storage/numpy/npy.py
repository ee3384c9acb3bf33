"""The header of an array as numpy stores it: magic, version, and a dictionary literal, then the elements.

The dictionary is text of the writer's choosing, so it is parsed as a literal of bounded length and never
evaluated. Elements may lie in column-major order, or with their most significant byte first.
"""

from __future__ import annotations

import ast
import math
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import BY_NAME, DType
from brainsurgery_shell.graph.tensor import Shape
from brainsurgery_shell.storage.invalid import CUT_OFF, invalid

Read = Callable[[int, int], bytes]
"""From offset and count to the bytes there; fewer where the array's file ends."""

MAGIC = b"\x93NUMPY"

MAX_HEADER = 1 << 16
"""Bytes of the dictionary. One without field names takes some hundred, and numpy itself stops at 10,000."""

_MAX_RANK = 64
_LARGEST = 2**63 - 1
_ALIGN = 64
"""The data begins at a multiple of this many bytes, so that it can be mapped."""

DESCRIPTIONS: dict[str, str] = {
    "float64": "f8",
    "float32": "f4",
    "float16": "f2",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint8": "u1",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
    "bool": "b1",
    "complex64": "c8",
    "complex128": "c16",
}
"""Dtype → kind and bytes of an element, as a header spells them behind the byte order."""

_BY_DESCRIPTION = {spelt: BY_NAME[name] for name, spelt in DESCRIPTIONS.items()} | {"?": BY_NAME["bool"]}

_NO_NUMBERS = {
    "O": "Python objects, which only unpickling could bring back, and that runs whatever the file says",
    "V": "raw bytes without a dtype",
    "U": "text",
    "S": "text",
    "a": "text",
    "M": "dates",
    "m": "time spans",
}


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What the header of an array says."""

    dtype: DType
    swapped: bool
    """Whether the most significant byte of a number comes first."""
    column_major: bool
    """Whether the first dim varies fastest."""
    shape: Shape
    start: int
    """Bytes in front of the elements."""
    raw: bytes
    """All of it, magic included."""

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize


def parse_npy(read: Read, size: int, what: str) -> NpyHeader:
    """Parse the header of an array of ``size`` bytes in all, which messages call ``what``.

    Raises:
        StorageError: it is no array, one of something else than numbers, or its sizes do not agree.
    """
    start = read(0, 12)
    if not start.startswith(MAGIC):
        raise bad_array(what, f"it begins with {start[:6]!r} and not with {MAGIC!r}")
    if len(start) < 12:
        raise bad_array(what, f"it has {len(start)} bytes, too few for a header")
    version = start[6]
    if version not in (1, 2, 3):
        raise bad_array(what, f"its version is {version}.{start[7]}, and 1, 2 and 3 are known")
    begin = 10 if version == 1 else 12
    (length,) = struct.unpack("<H" if version == 1 else "<I", start[8:begin])
    if length > MAX_HEADER:
        raise bad_array(what, f"its header would have {length} bytes, and {MAX_HEADER} is the most allowed")
    text = read(begin, length)
    if len(text) < length:
        raise bad_array(
            what, f"its header should have {length} bytes, and the file ends after {len(text)}", CUT_OFF
        )
    fields = _fields(text, "utf-8" if version == 3 else "latin-1", what)
    dtype, swapped = _dtype(fields["descr"], what)
    column_major = fields["fortran_order"]
    if not isinstance(column_major, bool):
        raise bad_array(what, f"its fortran_order is {_short(column_major)}, and not True or False")
    shape = _shape(fields["shape"], dtype, what)
    raw = start[:begin] + text
    header = NpyHeader(dtype, swapped, column_major, shape, len(raw), raw)
    if header.start + header.nbytes != size:
        raise bad_array(
            what,
            f"{dtype} {list(shape)} takes {header.nbytes} bytes, and there are {size - header.start}",
            CUT_OFF if header.start + header.nbytes > size else None,
        )
    return header


def npy_header(shape: Shape, dtype: DType) -> bytes:
    """The header of a row-major, little-endian array, padded for mapping; the bytes that numpy writes.

    Raises:
        KeyError: numpy has no such dtype.
    """
    spelt = DESCRIPTIONS[dtype.name]
    order = "|" if dtype.itemsize == 1 else "<"
    text = f"{{'descr': '{order}{spelt}', 'fortran_order': False, 'shape': {shape!r}, }}"
    # numpy leaves room for the first dim to grow to 21 digits while an array is appended to.
    text += " " * (21 - len(str(shape[0]))) if shape else ""
    length = len(text) + 1
    length += _ALIGN - (len(MAGIC) + 4 + length) % _ALIGN  # never nothing: so does numpy
    return MAGIC + b"\x01\x00" + struct.pack("<H", length) + text.ljust(length - 1).encode() + b"\n"


def bad_array(what: str, problem: str, hint: str | None = None) -> StorageError:
    """The error of a file that is no array, or not one that can be opened."""
    return invalid(what, "numpy array", problem, hint)


def _fields(text: bytes, encoding: str, what: str) -> dict[str, object]:
    try:
        found = _literal(text, encoding)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise bad_array(what, "its header is not a dictionary literal") from error
    names = {"descr", "fortran_order", "shape"}
    if not isinstance(found, dict) or set(found) != names:
        raise bad_array(what, "its header does not say descr, fortran_order and shape, and nothing else")
    return found


@lru_cache(maxsize=1024)
def _literal(text: bytes, encoding: str) -> object:
    """The value of a literal: many arrays of an archive have the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes that Python does not know: the file's, not ours
        return ast.literal_eval(text.decode(encoding).strip())


def _dtype(spelt: object, what: str) -> tuple[DType, bool]:
    """The dtype, and whether its bytes are the other way round."""
    if not isinstance(spelt, str):
        raise StorageError(
            f"cannot open {what}: its elements have fields ({_short(spelt)}), and a tensor's are numbers",
            hint="save each field as an array of its own",
        )
    order, rest = (spelt[:1], spelt[1:]) if spelt[:1] in ("<", ">", "|", "=") else ("=", spelt)
    dtype = _BY_DESCRIPTION.get(rest)
    if dtype is None:
        kind = _NO_NUMBERS.get(rest[:1])
        raise StorageError(
            f"cannot open {what}: its dtype is {_short(spelt)}"
            + (f": {kind}" if kind is not None else ", which no tensor has"),
            hint="bfloat16 and float8, which numpy has not, are written so: save them as float32"
            if kind == _NO_NUMBERS["V"]
            else "save it with numbers for elements, for example with array.astype('float32')",
        )
    return dtype, order == ">" and dtype.itemsize > 1


def _shape(found: object, dtype: DType, what: str) -> Shape:
    if (
        not isinstance(found, tuple)
        or len(found) > _MAX_RANK
        or not all(type(size) is int and 0 <= size <= _LARGEST for size in found)
    ):
        raise bad_array(
            what,
            f"its shape is {_short(found)}: sizes are whole numbers from 0 to {_LARGEST}, "
            f"at most {_MAX_RANK} of them",
        )
    if math.prod(size for size in found if size) * dtype.itemsize > _LARGEST:
        raise bad_array(what, f"its shape is {_short(found)}, more bytes than any file can hold")
    return found


def _short(found: object) -> str:
    try:
        text = repr(found)
    except ValueError:  # Python prints no number of more than 4,300 digits
        text = "a number of many digits"
    return text if len(text) <= 60 else text[:57] + "…"
